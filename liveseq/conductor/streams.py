"""The conductor's side of layers that play a generator: orders them, changes over when they are there, says what fails.

Everything runs in the event loop; the streamer process is reached through shared memory, and nothing here waits for it.
A stream is ordered when its model is open there: until then what sounds goes on, another stream too. When that is
depends on the streamer: each step goes into the log.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from liveseq.conductor.chosen_generator import no_generator
from liveseq.conductor.commands import Answer, Command
from liveseq.conductor.desk import Desk
from liveseq.errors import ModelError, OscError, TagError
from liveseq.generation.meaning import Vocabulary
from liveseq.performance.streamed import StreamStep, knows
from liveseq.sequencer.settings import Mode
from liveseq.streaming.source import RingSource

DRY_SECONDS = 10.0
"""That a layer waits for its stream, in a loop of what it had: a streamer that has died is back long before that."""

OPEN_SECONDS = 30.0
"""That a layer waits for its model to be open: it takes a second or two, more on a machine that is busy."""


class LayerStreams:
    """One per conductor."""

    def __init__(self, desk: Desk, source: RingSource, generator: Callable[[], tuple[str, Vocabulary] | None]) -> None:
        """generator: name and words of the one that is chosen now; None where there is none."""
        self.answers: dict[str, Answer] = {"mode": self._set_mode}
        self._desk = desk
        self._source = source
        self._n_late_before = source.n_late()  # what a conductor that has died has told
        self._generator = generator
        self._opening: dict[int, tuple[str, float]] = {}  # layers that wait for their models: for which, since when
        self._waits: dict[int, float] = {}  # layers that wait for their streams: since when
        self._dry: dict[int, tuple[int, int]] = {}  # layers whose streams have run dry: ident, and how far it was told
        self._lost_of: dict[int, str] = {}  # layers whose stream was lost: of which generator
        self._sequencer = desk.performance.sequencer
        self._sequencer.use_streams(source)

    def tick(self, now: float) -> None:
        """Follow every layer. What sounds is changed at once: before anything is planned."""
        for number in range(1, self._desk.performance.n_layers + 1):
            self._note_turns(number)
            self._note_dry(number, now=now)
            self._follow(number, now=now)
        self._desk.n_late_changes = self._source.n_late() - self._n_late_before

    def note_gaps(self, now: float) -> None:
        """After every plan: what came too late goes into the log, since a replay never does."""
        gaps = self._sequencer.streaming.gaps
        while gaps:
            gap = gaps.popleft()
            if gap.told:  # an engine that knew nothing of the stream, being new, is no fault of the streamer
                self._count_dry(gap.layer, gap.ident, gap.told, now=now)
            self._dry.pop(gap.layer, None)
            self._record_gap(gap.start, gap.layer, gap.ident, gap.told, step=gap.step)

    def end(self) -> None:
        """What is dry now never goes on."""
        for number in list(self._dry):
            self._leave_dry(number)

    def _note_dry(self, number: int, *, now: float) -> None:
        """A stream that has run dry is counted once; where it never goes on, that goes into the log too."""
        layer, line = self._sequencer.layer(number), self._sequencer.layer(number).stream
        if (dry := self._dry.get(number)) is not None:
            if line is None or line.order.ident != dry[0]:
                self._leave_dry(number)
            elif line.told != dry[1]:  # a new engine knows nothing of it
                del self._dry[number]
        if line is not None and self._sounds(number) and self._sequencer.streaming.is_dry(layer, now=self._clock()):
            self._count_dry(number, line.order.ident, line.told, now=now)

    def _count_dry(self, number: int, ident: int, told: int, *, now: float) -> None:
        if self._dry.get(number) == (ident, told):
            return
        self._dry[number] = ident, told
        self._desk.n_dried_up += 1
        words = f"layer {number}: its stream has run dry; nothing more was made in time"
        self._desk.log("warning", words, now=now)

    def _leave_dry(self, number: int) -> None:
        self._record_gap(self._clock(), number, *self._dry.pop(number))

    def _record_gap(self, at: int, number: int, ident: int, told: int, *, step: int | None = None) -> None:
        """step: with which the stream went on; None where it never did."""
        self._record(at, {"dry": number, "count": self._source.count(number, ident), "told": told, "from": step})

    def _clock(self) -> int:
        """Sample clock now, as plans are made by it: what acts now acts a little later."""
        return int(self._desk.around.engine_seconds() * self._source.rings.sample_rate)

    def _note_turns(self, number: int) -> None:
        """How changes of a layer's stream were obeyed goes into the log: a replay obeys them like that."""
        for turn in self._source.turns(number):
            told = asdict(turn)
            count = self._source.count(number, told.pop("ident"))
            self._record(self._desk.around.act_at(0.0), {"turn": number, "count": count, **told})

    def _record(self, at: int, line: dict[str, Any]) -> None:
        self._desk.around.record({"at": at, "planned": self._desk.performance.planned_until, **line})

    def _set_mode(self, command: Command, now: float) -> None:
        """Refuse what could not sound; the rest is the performance's. Raises OscError."""
        if str(command.arguments[0]) == Mode.GENERATE:
            numbers = [command.row.layer] if command.row.layer else range(1, self._desk.performance.n_layers + 1)
            for number in numbers:
                self._check(number)
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
        if streamed.lost[number - 1] and self._lost_of.setdefault(number, name) != name:
            streamed.lost[number - 1] = False  # another generator may do better
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
        if not is_new and (trouble := self._sequencer.streaming.trouble(layer)):
            self._lose(number, trouble, now=now)
        elif self._waits_too_long(number, now=now):
            self._lose(number, f"nothing has come of {name} for {DRY_SECONDS:g} s", now=now)
        elif performance.playing and layer.playing and self._sequencer.streaming.is_ready(layer):
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
        """For a layer's model."""
        if self._opening.pop(number, None) is not None:
            self._source.withdraw(number)

    def _lose(self, number: int, why: str, *, now: float) -> None:
        self._stop_waiting(number)
        self._desk.log("error", f"layer {number}: {why}; it plays the corpus", now=now)
        self._step(number, StreamStep.LOSE, now=now)

    def _waits_too_long(self, number: int, *, now: float) -> bool:
        """For its stream: a model may end every process that opens it."""
        layer, at = self._sequencer.layer(number), self._desk.around.act_at(0.0)
        if not self._sounds(number) or layer.cursor >= at or self._sequencer.streaming.can_plan(layer, now=at):
            self._waits.pop(number, None)
            return False
        return now - self._waits.setdefault(number, now) > DRY_SECONDS

    def _sounds(self, number: int) -> bool:
        """Whether a stream of the layer does."""
        layer = self._sequencer.layer(number)
        return self._desk.performance.playing and layer.playing and layer.stream is not None

    def _warn(self, number: int, name: str, vocabulary: Vocabulary, *, now: float) -> None:
        """Say which words of a layer mean nothing to its generator; where all do, it plays whatever it knows."""
        unknown = [text for text in self._desk.performance.spoken(number) if not knows(vocabulary, text)]
        if unknown:
            here = ", ".join(vocabulary.tags[:8]) + (", ..." if len(vocabulary.tags) > 8 else "")
            told = f"layer {number}: generator {name} does not know {', '.join(unknown)}; it knows: {here}"
            self._desk.log("warning", told, now=now)

    def _step(self, number: int, what: StreamStep, *, now: float, generator: str = "") -> None:
        desk, performance = self._desk, self._desk.performance
        at, planned = desk.around.act_at(0.0), performance.planned_until
        try:
            outcome = performance.stream(number, what, at=at, generator=generator)
        except (ModelError, TagError) as error:
            performance.streamed.lost[number - 1] = True
            desk.log("error", f"layer {number}: {error}; it plays the corpus", now=now)
            return
        desk.records += outcome.records
        desk.replanned = desk.replanned or bool(outcome.records)
        desk.around.record({"at": at, "planned": planned, "stream": number, "step": str(what), "generator": generator})
