"""A performance: everything that has been asked for, and the plans that follow from it.

Pure: no socket, no clock, no thread. A command and the sample at which it acts come in; records for the engine and
values that have changed come out. The conductor plays it live; `replay` plays a log through it offline. What each
message does: `transport`, `planning` and `travelling`.
"""

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from liveseq.corpus.names import as_tag
from liveseq.engine.events import Play, Record, ShardAdded
from liveseq.errors import OscError, TagError
from liveseq.generation.meaning import Vocabulary
from liveseq.osc.packets import PREFIX, Arguments
from liveseq.osc.table import Row, addresses
from liveseq.performance.filters import Filters
from liveseq.performance.instrument import Growth, Instrument
from liveseq.performance.levels import all_levels
from liveseq.performance.outcome import Handlers, Outcome, Request
from liveseq.performance.planning import Planning
from liveseq.performance.streamed import Streamed, StreamStep
from liveseq.performance.transport import PLAY_SECONDS, Transport
from liveseq.performance.travelling import Travelling
from liveseq.performance.values import Values
from liveseq.performance.words import Speech
from liveseq.runtime.folders import model_folder
from liveseq.runtime.predictor import Predictor
from liveseq.sequencer.timeline import Choice


class Performance:
    """State of a performance. Everything that is set can be read, saved, and given to a new engine."""

    def __init__(self, instrument: Instrument, *, seed: int) -> None:
        self.instrument = instrument
        self.sequencer = instrument.sequencer
        self.n_layers = len(self.sequencer.layers)
        self.table: dict[str, Row] = addresses(self.n_layers)
        self.values = Values(self.table.values(), n_layers=self.n_layers)
        """Address -> value."""
        self.planned_until = 0
        """Sample clock up to which every layer was planned last; a replay plans exactly as far."""
        self.unit_samples = int(np.median(self.sequencer.units.length))
        """Samples of a typical unit."""
        spoken: list[dict[str, float]] = [{} for _ in range(self.n_layers)]
        self.streamed = Streamed(
            self.sequencer,
            spoken,
            lambda name: Vocabulary(model_folder(name), instrument.matcher.encoder),
            common=instrument.common,
        )
        """Layers that play a generator."""
        self._filters = Filters(self.sequencer, self.values)
        self._speech = Speech(instrument, self.streamed, self._filters, spoken=spoken, values=self.values)
        self._transport = Transport(self.sequencer, self._speech, self.values)
        self._planning = Planning(
            instrument,
            self._transport,
            speech=self._speech,
            streamed=self.streamed,
            filters=self._filters,
            values=self.values,
        )
        travelling = Travelling(self.streamed, self.values)
        self._handlers: Handlers = {
            **self._transport.handlers,
            **self._planning.handlers,
            **travelling.handlers,
            "tag/synonym": self._say_synonym,
        }
        for address, row in self.table.items():
            if row.parameter.path == "seed":
                self.values[address] = (seed,)
            elif row.parameter.path == "predict/model":
                self.values[address] = (self.sequencer.predictors[0],)

    @property
    def playing(self) -> bool:
        """Whether the transport runs."""
        return self._transport.playing

    def is_tag(self, text: str) -> bool:
        """Whether this is the very name of a tag of the corpus."""
        return as_tag(text) in self.sequencer.units.tag_units

    def spoken(self, layer: int) -> Mapping[str, float]:
        """The performer's words on a layer, with their weights."""
        return self._speech.spoken(layer)

    def handles(self, row: Row) -> bool:
        """Whether `apply` obeys messages to this address."""
        return row.parameter.path in self._handlers

    def understand(self, row: Row, arguments: Arguments) -> None:
        """Look up the words of a command that has any, so that `apply` finds them: new ones take a millisecond or two,
        which would be on top of what a command may take to reach the engine."""
        if row.parameter.path in ("tag", "tags"):
            for text in (one for one in arguments if isinstance(one, str)):
                with contextlib.suppress(TagError):
                    self.instrument.match(text)

    def apply(self, row: Row, arguments: Arguments, *, at: int) -> Outcome:
        """Obey a checked command from sample `at` on. Raises OscError; then nothing has changed."""
        outcome = Outcome()
        self._handlers[row.parameter.path](Request(row, arguments, at, outcome))
        self._cut(at)
        return outcome

    def _say_synonym(self, request: Request) -> None:
        """From the next text on; what sounds stays."""
        try:
            request.outcome.reply = self.instrument.say_synonym(*map(str, request.arguments))
        except TagError as error:
            raise OscError("not_found", str(error)) from None

    # Plans

    def next_start(self, *, now: int) -> int | None:
        """Sample clock at which what is to be planned next begins; None where there is nothing to plan."""
        return self.sequencer.next_start(now=now) if self.playing else None

    def plan(self, *, now: int, until: int) -> tuple[list[Record], list[Choice]]:
        """Plan every layer that plays up to `until`."""
        if not self.playing:
            return [], []
        self.planned_until = until
        events, choices = self.sequencer.plan(now=now, until=until)
        return list(events), choices

    def _cut(self, at: int) -> None:
        """A plan may have been cut there."""
        self.planned_until = min(self.planned_until, at)

    # Corpus, models, streams and engine

    def use_predictor(self, name: str, predictor: Predictor | None) -> None:
        """Make a model known to the sequencer; None: load it now. Raises OscError where it is none of ours."""
        self._planning.use_predictor(name, predictor)

    def grow(self, growth: Growth) -> None:
        """Play a changed corpus from the next plan on; `mend` comes before that."""
        self.instrument.take(growth)
        for layer in range(1, self.n_layers + 1):
            self._filters.renew(layer)

    def mend(self, *, at: int) -> Outcome:
        """Let layers that have lost a tag play without it, from sample `at` on."""
        outcome = Outcome(records=self._shards())
        for layer in self.sequencer.layers:
            if not layer.weights.keys() <= self.sequencer.units.tag_units.keys():
                self._speech.repeat(layer.number, self.spoken(layer.number), at=at, outcome=outcome)
                self._cut(at)
        return outcome

    def stream(self, layer: int, step: StreamStep, *, at: int, generator: str = "") -> Outcome:
        """Take a step with a layer's stream, from sample `at` on. Raises ModelError and TagError."""
        outcome = Outcome(records=list(self.streamed.take(layer, step, at=at, generator=generator)))
        if outcome.records:
            self._cut(at)
        return outcome

    def resume(self, *, at: int) -> list[Record]:
        """Bring an engine that knows nothing to this state: each layer begins anew, a stream goes on."""
        records = [*self._shards(), *all_levels(self.values, n_layers=self.n_layers), *self._transport.resume(at=at)]
        if self.playing:
            self._cut(at)
        return records

    def tell_again(self, events: Iterable[Record]) -> list[Record]:
        """Bring an engine that knows nothing to this state: it takes up these events, which the one before it held."""
        play = [Play(seconds=PLAY_SECONDS)] if self.playing else []
        return [*self._shards(), *all_levels(self.values, n_layers=self.n_layers), *play, *events]

    def _shards(self) -> list[Record]:
        return [ShardAdded(number=n, n_samples=size) for n, size in self.instrument.corpus.shards()]

    # Snapshots

    def snapshot(self) -> dict[str, Any]:
        """State that a new conductor needs, as JSON can hold it."""
        return {
            "playing": self.playing,
            "armed": list(self._transport.armed),
            "values": {address: list(value) for address, value in self.values.items()},
            "tags": [self.spoken(layer) for layer in range(1, self.n_layers + 1)],
            "filters": self._filters.snapshot(),
            "calibration": self._planning.learned.hex(),
            "synonyms": self.instrument.said,
        }

    def restore(self, snapshot: Mapping[str, Any], *, at: int) -> None:
        """Take over the state that `snapshot` has described; `resume` then says it to the engine."""
        self.instrument.use_synonyms(snapshot.get("synonyms", {}))
        values = snapshot["values"]
        for address, value in values.items():
            row = self.table.get(address)
            if row is not None and "/query/filter/" in address:
                self.values[address] = tuple(value)
            elif row is not None and self.handles(row) and not address.endswith(("/tag", "/tags")):
                with contextlib.suppress(OscError):  # a model that is gone
                    self.apply(row, tuple(value), at=at)
        self._transport.halt(at=at)  # what listens has begun to play
        self._planning.calibrate(bytes.fromhex(snapshot["calibration"]))
        for layer, spoken in enumerate(snapshot["tags"][: self.n_layers], start=1):
            if spoken:
                newest = str(values[f"{PREFIX}/layer/{layer}/tag"][0])
                self._speech.repeat(layer, spoken, at=at, outcome=Outcome(), newest=newest)
        for layer, parts in enumerate(snapshot["filters"][: self.n_layers], start=1):
            self._filters.restore(layer, parts)
        armed = [bool(armed) for armed in snapshot["armed"]]
        self._transport.restore(playing=bool(snapshot["playing"]), armed=armed)
