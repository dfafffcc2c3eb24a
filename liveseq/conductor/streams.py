"""Layers that play a generator: their streams are ordered, they change over when one is there, and say what fails.

Everything runs in the event loop; the streamer process is reached through shared memory, and nothing here waits for it.
A stream is ordered when its model is open there: until then what sounds goes on, another stream too. When that is
depends on the streamer: each step goes into the log.
"""

from collections.abc import Callable

from liveseq.conductor.commands import Command, Handler
from liveseq.conductor.desk import Desk
from liveseq.conductor.generators.chosen import no_generator
from liveseq.conductor.stream_log import StreamLog
from liveseq.errors import ModelError, OscError, TagError
from liveseq.generation.meaning import Vocabulary
from liveseq.performance.streamed import StreamStep, fitting
from liveseq.performance.travelling import check_latent
from liveseq.runtime.latent import latent_size
from liveseq.sequencer.settings import Mode
from liveseq.streaming.source import RingSource

DRY_SECONDS = 10.0
"""A layer waits for its stream so long, in a loop of what it had, or for one to begin: a streamer that has died is back
long before that."""

OPEN_SECONDS = 30.0
"""A layer waits for its model so long: it is open in a second or two, later on a machine that is busy."""


class LayerStreams:
    """One per conductor."""

    def __init__(self, desk: Desk, source: RingSource, generator: Callable[[], tuple[str, Vocabulary] | None]) -> None:
        """generator: name and words of the one that is chosen now; None where there is none."""
        self.handlers: dict[str, Handler] = {"mode": self._set_mode, "latent": self._set_latent}
        self.log = StreamLog(desk, source)
        self._desk = desk
        self._source = source
        self._generator = generator
        self._opening: dict[int, tuple[str, float]] = {}  # layers that wait for their models: for which, since when
        self._waits: dict[int, float] = {}  # layers that wait for their streams: since when
        self._lost_of: dict[int, str] = {}  # layers whose stream was lost: of which generator
        self._sequencer = desk.performance.sequencer
        self._sequencer.use_streams(source)

    def tick(self, now: float) -> None:
        """Follow every layer. What sounds is changed at once: before anything is planned."""
        for number in range(1, self._desk.performance.n_layers + 1):
            self.log.look(number, now=now)
            self._follow(number, now=now)
        self.log.count_late()

    def _set_mode(self, command: Command, now: float) -> None:
        """Refuse what could not sound; the rest is the performance's. Raises OscError."""
        if str(command.arguments[0]) == Mode.GENERATE:
            numbers = [command.row.layer] if command.row.layer else range(1, self._desk.performance.n_layers + 1)
            for number in numbers:
                self._check(number)
        self._desk.perform(command, command.row, command.arguments, now=now)

    def _set_latent(self, command: Command, now: float) -> None:
        """Refuse what the generator that is chosen has no place for: the layer's own, or one for its next stream."""
        if command.arguments and self._desk.performance.streamed.vocabulary(command.row.layer or 1) is None:
            chosen = self._generator()
            if chosen is None:
                raise no_generator()
            check_latent(chosen[1], command.arguments)
        self._desk.perform(command, command.row, command.arguments, now=now)

    def _check(self, number: int) -> None:
        chosen = self._generator()
        if chosen is None:
            raise no_generator()
        name, _ = chosen
        if (full := self._source.room(number, name)) is not None:
            raise OscError("busy", f"layer {number}: {full}; let another layer leave mode generate")

    def _follow(self, number: int, *, now: float) -> None:
        performance, layer = self._desk.performance, self._sequencer.layer(number)
        streamed, chosen = performance.streamed, self._generator()
        if chosen is None:
            return
        name, vocabulary = chosen
        if streamed.is_lost(number) and self._lost_of.setdefault(number, name) != name:
            streamed.hope(number)
        if not streamed.wanted(number):
            self._stop_waiting(number)
            return
        self._lost_of.pop(number, None)
        is_new = streamed.generator(number) != name
        try:
            if is_new and self._is_open(number, name, now=now):
                streamed.learn(name, vocabulary)
                self._warn(number, name, vocabulary, now=now)
                self._step(number, StreamStep.OPEN, generator=name, now=now)
                return
        except ModelError as error:
            self._lose(number, str(error), now=now)
            return
        if not is_new and (trouble := streamed.trouble(number)):
            self._lose(number, trouble, now=now)
        elif self._waits_too_long(number, now=now):
            self._lose(number, f"nothing has come of {name} for {DRY_SECONDS:g} s", now=now)
        elif performance.playing and layer.playing and streamed.is_ready(number):
            self._step(number, StreamStep.BEGIN, now=now)

    def _is_open(self, number: int, name: str, *, now: float) -> bool:
        """Whether the model of a layer is open. Raises ModelError where it cannot be, or is not after a long time."""
        if self._opening.get(number, (name,))[0] != name:
            self._stop_waiting(number)
        _, since = self._opening.setdefault(number, (name, now))
        if self._source.is_open(number, name):
            self._stop_waiting(number)
            return True
        if now - since > OPEN_SECONDS:
            raise ModelError(f"{name} is not open after {OPEN_SECONDS:g} s; see the server's terminal")
        return False

    def _stop_waiting(self, number: int) -> None:
        """Wait no more for a layer's model."""
        if self._opening.pop(number, None) is not None:
            self._source.withdraw(number)

    def _lose(self, number: int, why: str, *, now: float) -> None:
        self._stop_waiting(number)
        self._desk.outbox.log("error", f"layer {number}: {why}; it plays the corpus", now=now)
        self._step(number, StreamStep.LOSE, now=now)

    def _waits_too_long(self, number: int, *, now: float) -> bool:
        """Whether it waits for its stream in vain: a model may end every process that opens it."""
        performance, layer = self._desk.performance, self._sequencer.layer(number)
        streamed, at = performance.streamed, self._desk.link.act_at(0.0)
        is_to_begin = performance.playing and layer.playing and layer.stream is None
        never_came = is_to_begin and layer.streams.coming is not None and not streamed.is_ready(number)
        if not (never_came or (self.log.sounds(number) and streamed.is_late(number, now=at))):
            self._waits.pop(number, None)
            return False
        return now - self._waits.setdefault(number, now) > DRY_SECONDS

    def _warn(self, number: int, name: str, vocabulary: Vocabulary, *, now: float) -> None:
        """Say which words of a layer mean nothing to its generator; where all do, it plays whatever it knows."""
        unknown = self._desk.performance.streamed.unknown(number, vocabulary)
        if unknown:
            here = ", ".join(vocabulary.tags[:8]) + (", ..." if len(vocabulary.tags) > 8 else "")
            text = f"layer {number}: generator {name} does not know {', '.join(unknown)}; it knows: {here}"
            self._desk.outbox.log("warning", text, now=now)
        travel = self._desk.performance.streamed.travel(number)
        if fitting(travel, vocabulary) is not travel:
            n, expected = len(travel.latent), latent_size(vocabulary.manifest)
            text = (
                f"layer {number}: generator {name} has latents of {expected} numbers, and goes its own way instead of"
            )
            self._desk.outbox.log("warning", f"{text} to the {n} that it was told", now=now)

    def _step(self, number: int, step: StreamStep, *, now: float, generator: str = "") -> None:
        """Take a step with a layer's stream, and note it."""
        desk, performance = self._desk, self._desk.performance
        at, planned = desk.link.act_at(0.0), performance.planned_until
        try:
            outcome = performance.stream(number, step, at=at, generator=generator)
        except (ModelError, TagError) as error:
            performance.streamed.give_up(number)
            desk.outbox.log("error", f"layer {number}: {error}; it plays the corpus", now=now)
            return
        desk.records += outcome.records
        desk.replanned = desk.replanned or bool(outcome.records)
        desk.note(at, planned, {"stream": number, "step": str(step), "generator": generator})
