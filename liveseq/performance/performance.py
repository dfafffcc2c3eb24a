"""What has been asked for, and what it means for sequencer and engine.

Pure: no socket, no clock, no thread. A command and the sample at which it acts come in; records for the engine and
values that have changed come out. The conductor plays it live; `replay` plays a log through it offline.
"""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from liveseq.corpus.units import ANY
from liveseq.engine.events import Panic, Play, Record, ShardAdded, Stop
from liveseq.errors import ModelError, OscError
from liveseq.generation.meaning import Vocabulary
from liveseq.osc.packets import PREFIX, Arguments
from liveseq.osc.parameter import Kind, Scope
from liveseq.osc.table import Row, addresses
from liveseq.performance.filters import FILTER_PARTS, Filters
from liveseq.performance.instrument import Growth, Instrument
from liveseq.performance.knobs import KNOBS, check_model_name, merged_weights, set_knob
from liveseq.performance.levels import LEVELS, all_levels, fade_record, level_record
from liveseq.performance.outcome import Outcome
from liveseq.performance.priming import Calibration, find_unit, step_features
from liveseq.performance.streamed import Streamed, StreamStep
from liveseq.performance.words import Speech
from liveseq.runtime.folders import model_folder
from liveseq.runtime.limits import TEMPO
from liveseq.runtime.predictor import Predictor
from liveseq.sequencer.settings import WEIGHT_NAMES, Mode
from liveseq.sequencer.timeline import Choice

PLAY_SECONDS = 0.005
STOP_SECONDS = 0.05


class Performance:
    """State of a performance. Everything that is set can be read, saved, and given to a new engine."""

    def __init__(self, instrument: Instrument, *, seed: int) -> None:
        self.instrument = instrument
        self.sequencer = instrument.sequencer
        self.n_layers = len(self.sequencer.layers)
        self.table: dict[str, Row] = addresses(self.n_layers)
        self.values: dict[str, Arguments] = {
            address: entry.parameter.default
            for address, entry in self.table.items()
            if entry.parameter.kind is Kind.SET
        }
        self.playing = False
        """Whether the transport runs."""
        self.armed = [True] * self.n_layers
        """Layers that play while the transport runs, where they have a tag."""
        self.planned_until = 0
        """Sample clock up to which every layer was planned last; a replay plans exactly as far."""
        self.unit_samples = int(np.median(self.sequencer.units.length))
        """Samples of a typical unit."""
        self._spoken: list[dict[str, float]] = [{} for _ in range(self.n_layers)]
        self._filters = Filters(self.sequencer, self.values)
        self._calibration: Calibration | None = None
        self._learned = b""  # what it was made of, for a snapshot
        self.streamed = Streamed(
            self.sequencer, self._spoken, lambda name: Vocabulary(model_folder(name), instrument.matcher.encoder)
        )
        """Layers that play a generator."""
        self._speech = Speech(instrument, self.streamed, self._filters, spoken=self._spoken, values=self.values)
        self._handlers = self._make_handlers()
        for address, entry in self.table.items():
            if entry.parameter.path == "seed":
                self.values[address] = (seed,)
            elif entry.parameter.path == "predict/model":
                self.values[address] = (self.sequencer.predictors[0],)

    def spoken(self, layer: int) -> dict[str, float]:
        """The performer's words on a layer, with their weights."""
        return self._spoken[layer - 1]

    def handles(self, entry: Row) -> bool:
        return entry.parameter.path in self._handlers

    def apply(self, entry: Row, arguments: Arguments, *, at: int) -> Outcome:
        """Obey a checked command from sample `at` on. Raises OscError; then nothing has changed."""
        outcome = Outcome()
        self._handlers[entry.parameter.path](entry, arguments, at, outcome)
        self.planned_until = min(self.planned_until, at)  # a plan may have been cut there
        return outcome

    def plan(self, *, now: int, until: int) -> tuple[list[Record], list[Choice]]:
        """Plan every layer that plays up to `until`."""
        if not self.playing:
            return [], []
        self.planned_until = until
        events, choices = self.sequencer.plan(now=now, until=until)
        return list(events), choices

    def grow(self, growth: Growth) -> None:
        """Play a changed corpus from the next plan on; `mend` comes before that."""
        self.instrument.take(growth)
        for layer in range(1, self.n_layers + 1):
            self._filters.renew(layer)

    def mend(self, *, at: int) -> Outcome:
        """From sample `at` on, layers that have lost a tag play without it."""
        shards = self.instrument.corpus.shards()
        outcome = Outcome(records=[ShardAdded(number=n, n_samples=size) for n, size in shards])
        for layer in self.sequencer.layers:
            if not layer.weights.keys() <= self.sequencer.units.tag_units.keys():
                self._speech.repeat(layer.number, self._spoken[layer.number - 1], at, outcome)
                self.planned_until = min(self.planned_until, at)
        return outcome

    def next_start(self, *, now: int) -> int | None:
        """Sample clock at which what is to be planned next begins; None where there is nothing to plan."""
        return self.sequencer.next_start(now=now) if self.playing else None

    def stream(self, layer: int, what: StreamStep, *, at: int, generator: str = "") -> Outcome:
        """What becomes of a layer's stream, from sample `at` on. Raises ModelError."""
        outcome = Outcome(records=list(self.streamed.step(layer, what, at=at, generator=generator)))
        if outcome.records:
            self.planned_until = min(self.planned_until, at)
        return outcome

    def resume(self, *, at: int) -> list[Record]:
        """Bring an engine that knows nothing to this state: each layer begins anew, a stream goes on."""
        records: list[Record] = [ShardAdded(number=n, n_samples=size) for n, size in self.instrument.corpus.shards()]
        records += all_levels(self.values, n_layers=self.n_layers)
        if self.playing:
            records.append(Play(seconds=PLAY_SECONDS))
            for layer in range(1, self.n_layers + 1):
                going_on = self.sequencer.rejoin(layer, at=at)
                if going_on is not None:
                    records += going_on
                    continue
                self.sequencer.set_playing(layer, False, at=at)
                records += self._start(layer, at)
            self.planned_until = min(self.planned_until, at)
        return records

    def snapshot(self) -> dict[str, Any]:
        """All that a new conductor needs, as JSON can hold it."""
        return {
            "playing": self.playing,
            "armed": list(self.armed),
            "values": {address: list(value) for address, value in self.values.items()},
            "tags": self._spoken,
            "filters": self._filters.snapshot(),
            "calibration": self._learned.hex(),
        }

    def restore(self, snapshot: Mapping[str, Any], *, at: int) -> None:
        """The state that `snapshot` has described; `resume` then says it to the engine."""
        values = snapshot["values"]
        for address, value in values.items():
            entry = self.table.get(address)
            if entry is not None and "/query/filter/" in address:
                self.values[address] = tuple(value)
            elif entry is not None and self.handles(entry) and not address.endswith(("/tag", "/tags")):
                with contextlib.suppress(OscError):  # a model that is gone
                    self.apply(entry, tuple(value), at=at)
        self._halt(at)  # what listens has begun to play
        self._calibrate(bytes.fromhex(snapshot["calibration"]))
        for layer, spoken in enumerate(snapshot["tags"][: self.n_layers], start=1):
            if spoken:
                newest = str(values[f"{PREFIX}/layer/{layer}/tag"][0])
                self._speech.repeat(layer, spoken, at, Outcome(), newest=newest)
        for layer, parts in enumerate(snapshot["filters"][: self.n_layers], start=1):
            self._filters.restore(layer, parts)
        self.armed = [bool(armed) for armed in snapshot["armed"]][: self.n_layers]
        self.playing = bool(snapshot["playing"])

    # What each command does. Called with the entry, its checked arguments, the sample, and the outcome to fill.

    def _make_handlers(self) -> dict[str, Callable[[Row, Arguments, int, Outcome], None]]:
        handlers: dict[str, Callable[[Row, Arguments, int, Outcome], None]] = {
            "play": self._play,
            "stop": self._stop,
            "panic": self._panic,
            "fade": self._fade,
            "tag": self._set_tag,
            "tags": self._set_tags,
            "seed": self._set_seed,
        }
        levels = dict.fromkeys(LEVELS, self._set_level)
        return handlers | levels | dict.fromkeys(KNOBS, self._set_knob) | self._plan_handlers()

    def _plan_handlers(self) -> dict[str, Callable[[Row, Arguments, int, Outcome], None]]:
        return {
            "mode": self._set_mode,
            "prime": self._prime,
            "seed/corpus": self._seed_corpus,
            "generator/tempo": self._set_tempo,
            "listen": self._set_listen,
            "predict/model": self._set_model,
            "query/weights": self._set_weights,
            "query/filter/tags": self._set_filter,
            "query/filter/sources": self._set_filter,
            "query/filter/range": self._set_filter,
            "query/filter/clear": self._clear_filter,
            "query/calibration": self._set_calibration,
        }

    def _play(self, entry: Row, _: Arguments, at: int, outcome: Outcome) -> None:
        if entry.layer is not None:
            self._arm(entry.layer, at, outcome)
            return
        if not any(self._spoken):
            self._speech.say(1, {self.sequencer.tags[0]: 1.0}, at, outcome)
        self.armed = [True] * self.n_layers
        self._start_transport(at, outcome)

    def _arm(self, layer: int, at: int, outcome: Outcome) -> None:
        """Let a layer play, and the transport run; on a stopped server the others stay silent."""
        if not self._spoken[layer - 1]:
            raise OscError("not_ready", f"layer {layer} has no tag yet; send {PREFIX}/layer/{layer}/tag s:tag")
        if not self.playing:
            self.armed = [False] * self.n_layers
        self.armed[layer - 1] = True
        if self.playing:
            outcome.records += self._start(layer, at)
        else:
            self._start_transport(at, outcome)

    def _start_transport(self, at: int, outcome: Outcome) -> None:
        if not self.playing:
            self.playing = True
            outcome.records.append(Play(seconds=PLAY_SECONDS))
        for layer in range(1, self.n_layers + 1):
            outcome.records += self._start(layer, at)

    def _start(self, layer: int, at: int) -> list[Record]:
        if not (self.armed[layer - 1] and self._spoken[layer - 1]):
            return []
        return list(self.sequencer.set_playing(layer, True, at=at))

    def _stop(self, entry: Row, _: Arguments, at: int, outcome: Outcome) -> None:
        if entry.layer is not None:
            self.armed[entry.layer - 1] = False
            outcome.records += self.sequencer.set_playing(entry.layer, False, at=at)
            return
        self._halt(at)
        outcome.records.append(Stop(seconds=STOP_SECONDS))

    def _panic(self, _: Row, __: Arguments, at: int, outcome: Outcome) -> None:
        self._halt(at)
        outcome.records.append(Panic())

    def _halt(self, at: int) -> None:
        self.playing = False
        for layer in range(1, self.n_layers + 1):
            self.sequencer.set_playing(layer, False, at=at)  # the engine forgets everything by itself

    def _set_level(self, entry: Row, arguments: Arguments, _: int, outcome: Outcome) -> None:
        self._keep(entry.address, arguments, outcome)
        outcome.records.append(level_record(entry.parameter.path, arguments, layer=entry.layer))

    def _fade(self, _: Row, arguments: Arguments, __: int, outcome: Outcome) -> None:
        self._keep(f"{PREFIX}/gain", arguments[:1], outcome)
        gain_db, seconds = (float(value) for value in arguments)  # type: ignore[arg-type]
        outcome.records.append(fade_record(gain_db, seconds=seconds))

    def _set_tag(self, entry: Row, arguments: Arguments, at: int, outcome: Outcome) -> None:
        layer = entry.layer or self._asked_layer(arguments, 2)
        tag = str(arguments[0])
        spoken = {tag: 1.0}
        if len(arguments) > 1:
            spoken = {**self._spoken[layer - 1], tag: float(arguments[1])}  # type: ignore[arg-type]
        self._speech.say(layer, spoken, at, outcome, newest=tag)
        self._arm(layer, at, outcome)

    def _set_tags(self, entry: Row, arguments: Arguments, at: int, outcome: Outcome) -> None:
        layer = entry.layer or 1
        spoken: dict[str, float] = dict(zip(arguments[::2], arguments[1::2], strict=True))  # type: ignore[arg-type]
        self._speech.say(layer, spoken, at, outcome)
        self._arm(layer, at, outcome)

    def _set_seed(self, entry: Row, arguments: Arguments, at: int, outcome: Outcome) -> None:
        for layer in self._spread(entry, arguments, outcome):
            outcome.records += self.sequencer.set_seed(layer, int(arguments[0]), at=at)  # type: ignore[arg-type]
            self.streamed.reseed(layer)

    def _set_knob(self, entry: Row, arguments: Arguments, _: int, outcome: Outcome) -> None:
        for layer in self._spread(entry, arguments, outcome):
            set_knob(self.sequencer.layer(layer).settings, entry.parameter.path, arguments[0])

    def _set_mode(self, entry: Row, arguments: Arguments, at: int, outcome: Outcome) -> None:
        for layer in self._spread(entry, arguments, outcome):
            outcome.records += self.sequencer.set_mode(layer, Mode(str(arguments[0])), at=at)
            self.streamed.lost[layer - 1] = False

    def _prime(self, entry: Row, arguments: Arguments, at: int, outcome: Outcome) -> None:
        layer = entry.layer or 1
        features = step_features(arguments, self.sequencer.units)
        if self._calibration is not None:
            features = self._calibration.apply(features)
        if self.sequencer.layer(layer).listening and self.sequencer.layer(layer).playing:
            self.sequencer.hear_input(layer, features)
            return
        self._begin_seeded(layer, at, outcome)
        outcome.records += self.sequencer.prime(layer, features, at=at)

    def _seed_corpus(self, _: Row, arguments: Arguments, at: int, outcome: Outcome) -> None:
        layer = self._asked_layer(arguments, 2)
        seconds = float(arguments[1]) if len(arguments) > 1 else 0.0  # type: ignore[arg-type]
        unit = find_unit(self.sequencer.units, str(arguments[0]), seconds=seconds)
        self._begin_seeded(layer, at, outcome)
        outcome.records += self.sequencer.seed_corpus(layer, unit, at=at)

    def _begin_seeded(self, layer: int, at: int, outcome: Outcome) -> None:
        """A layer that is given something to continue plays; without a tag, whatever comes nearest. First: it begins
        with nothing to continue."""
        if not self._spoken[layer - 1]:
            outcome.records += self.sequencer.set_tags(layer, {ANY: 1.0}, at=at)
            self._speech.keep(layer, {ANY: 1.0}, outcome, newest=ANY)
        self._arm(layer, at, outcome)

    def _set_listen(self, entry: Row, arguments: Arguments, at: int, outcome: Outcome) -> None:
        layer = entry.layer or self._asked_layer(arguments, 1)
        self.sequencer.listen(layer, bool(arguments[0]))
        self._keep(f"{PREFIX}/layer/{layer}/listen", arguments[:1], outcome)
        if layer == 1:
            self._keep(f"{PREFIX}/listen", arguments[:1], outcome)
        if arguments[0]:
            self._begin_seeded(layer, at, outcome)

    def _set_tempo(self, entry: Row, arguments: Arguments, at: int, outcome: Outcome) -> None:
        tempo = float(arguments[0])  # type: ignore[arg-type]
        if 0.0 < tempo < TEMPO[0]:
            raise OscError("out_of_range", f"tempo: expected 0 or {TEMPO[0]:g} to {TEMPO[1]:g}, found {tempo:g}")
        self.streamed.lead(tempo, at=at)
        self._keep(entry.address, arguments, outcome)

    def _set_model(self, entry: Row, arguments: Arguments, at: int, outcome: Outcome) -> None:
        """A model that nobody has loaded before is loaded here: a replay may wait, the conductor sees to it first."""
        name = str(arguments[0])
        self.use_predictor(name, None)
        for layer in self._spread(entry, arguments, outcome):
            outcome.records += self.sequencer.set_predictor(layer, name, at=at)

    def use_predictor(self, name: str, predictor: Predictor | None) -> None:
        """Make a model known to the sequencer; None: load it now. Raises OscError where it is none of ours."""
        if name in self.sequencer.predictors:
            return
        if predictor is None:
            try:
                predictor = self.instrument.load_predictor(check_model_name(name))
            except ModelError as error:
                raise OscError("model_error", str(error)) from None
        self.sequencer.add_predictor(name, predictor)

    def _set_weights(self, entry: Row, arguments: Arguments, _: int, outcome: Outcome) -> None:
        layers = self._layers_of(entry)
        found = {layer: merged_weights(self.sequencer.layer(layer).settings.weights, arguments) for layer in layers}
        for layer, weights in found.items():
            self.sequencer.layer(layer).settings.weights = weights
        told = tuple(item for pair in zip(WEIGHT_NAMES, next(iter(found.values())), strict=True) for item in pair)
        self._spread(entry, told, outcome)

    def _set_filter(self, entry: Row, arguments: Arguments, _: int, outcome: Outcome) -> None:
        self._filters.change(self._layers_of(entry), entry.parameter.path.rpartition("/")[2], arguments)
        self._spread(entry, arguments, outcome)

    def _clear_filter(self, entry: Row, _: Arguments, __: int, outcome: Outcome) -> None:
        self._filters.clear(self._layers_of(entry))
        for layer in self._layers_of(entry):
            bases = [f"{PREFIX}/layer/{layer}"] + ([PREFIX] if entry.layer is None else [])
            for base in bases:
                for part in FILTER_PARTS:
                    self._keep(f"{base}/query/filter/{part}", (), outcome)

    def _set_calibration(self, _: Row, arguments: Arguments, __: int, ___: Outcome) -> None:
        blob = arguments[0] if arguments else b""
        assert isinstance(blob, bytes)
        self._calibrate(blob)

    def _calibrate(self, blob: bytes) -> None:
        self._calibration = Calibration.of(blob, self.instrument.scaling)
        self._learned = blob

    def _asked_layer(self, arguments: Arguments, place: int) -> int:
        """A layer that may come as the argument of this number; 1 where it does not."""
        layer = int(arguments[place]) if len(arguments) > place else 1  # type: ignore[arg-type]
        if layer > self.n_layers:
            raise OscError("out_of_range", f"layer: expected 1 to {self.n_layers}, found {layer}")
        return layer

    def _layers_of(self, entry: Row) -> list[int]:
        """Which layers an address is for."""
        return list(range(1, self.n_layers + 1)) if entry.layer is None else [entry.layer]

    def _spread(self, entry: Row, arguments: Arguments, outcome: Outcome) -> list[int]:
        """Keep a value; a global one of the scope BOTH goes to every layer. Which layers it is for."""
        self._keep(entry.address, arguments, outcome)
        if entry.layer is not None:
            return [entry.layer]
        assert entry.parameter.scope is Scope.BOTH
        for layer in self._layers_of(entry):
            self._keep(f"{PREFIX}/layer/{layer}/{entry.parameter.path}", arguments, outcome)
        return self._layers_of(entry)

    def _keep(self, address: str, value: Arguments, outcome: Outcome) -> None:
        outcome.change(self.values, address, value)
