"""Streams that are played while they are made: steps ahead of the reader, and taken back where the tag changes.

Runs in the streamer process, one step per `tick`, or synchronously where a take is rendered offline; what comes out is
a function of the seed and of the samples at which the tag changes, as long as this is on time. From one thread.

Where the tag changes within a step that is made already, that step is made again under the new tag, from the memory
that it was made from, and the old one fades into the new one: ahead of the reader, and of a whole piece of sound.
"""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from liveseq.dsp.crossfade import fade_in, fade_out
from liveseq.engine.state import EngineState
from liveseq.errors import LiveseqError, ModelError
from liveseq.generation.resampled import at_rate
from liveseq.runtime.generator import KEPT_STEPS, Generator, Stream
from liveseq.sequencer.streaming import MORPH_SECONDS, REACTION_SECONDS
from liveseq.sequencer.streams import Change, Made, RingShape, StreamOrder
from liveseq.server.stream_records import Answer, StreamStatus
from liveseq.server.stream_ring import StreamRing, StreamRings

LEAD_STEPS = 3
"""Made beyond what is planned. A step is planned when the next one is there, so that one or two are to spare."""
KEPT_SECONDS = 4.0
"""That a stream can be taken back by: more than is ever planned ahead."""
GUARD_SECONDS = 0.01
"""And two blocks: so near to the reader nothing is written any more."""
MOST_LOAD = 0.9
"""Of one processor, by all streams together: beyond it another one is refused."""
CATCH_UP_STEPS = 12
"""That are made, at most, to change over ahead of a reader that goes on meanwhile."""
_SLOWLY = 0.2

log = logging.getLogger(__name__)
OpenGenerator = Callable[[str], Generator | None]
"""A generator by its name; None while it is being opened: then it is asked for again. Raises what opening it raises."""


@dataclass
class _Line:
    """The stream of one layer."""

    order: StreamOrder
    stream: Stream
    shape: RingShape
    base: int
    first: int = 0
    end: int = 0
    vector: np.ndarray | None = None
    """Of the step that is next."""
    pending: deque[Change] = field(default_factory=deque)
    """Changes that are known and not obeyed yet, by their samples."""
    n_known: int = 0
    last: tuple[int, np.ndarray | None] = (-1, None)
    """Sample of the change that was obeyed last, and the vector before it."""
    n_late: int = 0
    step_seconds: float = 0.0
    """That a step takes, about."""

    @property
    def load(self) -> float:
        return self.step_seconds * self.stream.generator.sample_rate / self.shape.samples_per_step

    @property
    def n_obeyed(self) -> int:
        return self.n_known - len(self.pending)

    def tag(self, vector: np.ndarray) -> np.ndarray | None:
        """A vector as the generator takes it."""
        size = getattr(self.stream.generator, "tag_size", len(vector))
        return vector if size else None


class LiveStreams:
    """Serves every layer that wants a stream."""

    def __init__(
        self,
        rings: StreamRings,
        open_generator: OpenGenerator,
        *,
        clock: Callable[[], int] | None = None,
        block_size: int = 0,
    ) -> None:
        """clock: the engine's sample clock now; None: nobody hears this yet, and nothing is ever late."""
        self._rings = rings
        self._open = open_generator
        self._clock = clock
        self._guard = 2 * block_size + int(GUARD_SECONDS * rings.sample_rate)
        self._reaction = int(REACTION_SECONDS * rings.sample_rate)
        self._fade = int(MORPH_SECONDS * rings.sample_rate)
        self._lines: dict[int, _Line] = {}
        self._idents: dict[int, int] = {}  # orders that were looked at, by layer

    @classmethod
    def attach(
        cls,
        rings: str,
        state: str,
        open_generator: OpenGenerator,
        *,
        sample_rate: int,
        n_layers: int,
        block_size: int,
    ) -> "LiveStreams":
        """In a process of its own. rings, state: names of the shared memories (StreamRings, EngineState)."""
        engine = EngineState.attach(state)
        return cls(
            StreamRings.attach(rings, n_layers=n_layers, sample_rate=sample_rate),
            open_generator,
            clock=lambda: engine.clock_now(sample_rate=sample_rate),
            block_size=block_size,
        )

    @property
    def playing(self) -> bool:
        """Whether any layer has a stream."""
        return bool(self._lines)

    def tick(self) -> bool:
        """Make what is needed first: one step, or one change of tag. Whether anything was."""
        for number, ring in enumerate(self._rings.rings, start=1):
            self._grant(number, ring)
            self._look(number, ring)
        urgent = min(self._lines, key=self._urgency, default=None)
        if urgent is None or self._urgency(urgent) == np.inf:
            return False
        line, ring = self._lines[urgent], self._rings.ring(urgent)
        try:
            self._work(line, ring)
        except Exception as error:
            self._give_up(urgent, _trouble(error, urgent, line.order.generator))
            return True
        self._tell(line, ring)
        return True

    def _grant(self, number: int, ring: StreamRing) -> None:
        """Is a model to be opened, for a stream that will be ordered then?"""
        wish = ring.read_wish()
        if wish.number == ring.read_answer().number:
            return
        try:
            if self._open(wish.generator) is not None:
                ring.write_answer(Answer(wish.number))
        except Exception as error:
            ring.write_answer(Answer(wish.number, _trouble(error, number, wish.generator)))

    def _look(self, number: int, ring: StreamRing) -> None:
        """Is anything else wanted?"""
        order = ring.read_order()
        if not order.generator:
            self._lines.pop(number, None)
            self._idents[number] = order.ident
            return
        if order.ident != self._idents.get(number):
            self._lines.pop(number, None)
            try:
                generator = self._open(order.generator)
                if generator is None:
                    return
                self._idents[number] = order.ident
                self._lines[number] = self._begin(generator, number, ring, order)
            except Exception as error:
                self._idents[number] = order.ident
                self._give_up(number, _trouble(error, number, order.generator))
                return
            self._tell(self._lines[number], ring)
        line = self._lines.get(number)
        if line is None:
            return
        line.order = order
        for change in order.changes:
            if change.number > line.n_known:
                while line.pending and line.pending[-1].sample >= change.sample:
                    line.pending.pop()
                line.pending.append(change)
        line.n_known = order.n_changes

    def _begin(self, generator: Generator, number: int, ring: StreamRing, order: StreamOrder) -> _Line:
        """A stream from its start; or, where another process has begun it, from the step that comes next.

        What that one remembered is gone: the steps go on, with their random numbers, from an empty memory.
        """
        self._check(generator, order)
        generator = at_rate(generator, self._rings.sample_rate)
        shape = RingShape.of(
            self._rings.n_samples, samples_per_step=generator.samples_per_step, sample_rate=self._rings.sample_rate
        )
        if shape is None:
            raise ModelError(
                f"{order.generator}: steps of {generator.samples_per_step} samples are too long to be played live; "
                f"let it grow the corpus instead"
            )
        n_kept = max(KEPT_STEPS, int(KEPT_SECONDS * self._rings.sample_rate) // shape.samples_per_step)
        others = sum(line.load for other, line in self._lines.items() if other != number)
        line = _Line(
            order=order,
            stream=Stream(generator, seed=order.seed, n_kept=n_kept),
            shape=shape,
            base=-(-order.begin // shape.samples_per_step) % shape.n_lap,
            step_seconds=self._time(generator),
        )
        if others and others + line.load > MOST_LOAD:
            raise ModelError(
                f"{order.generator}: a step takes {line.load:.0%} of its duration to make, and other layers take "
                f"{others:.0%}; expected at most {MOST_LOAD:.0%} in all: stop one of them"
            )
        status = ring.read_status()
        if status.ident == order.ident and status.made is not None:
            line.first = line.end = line.stream.number = status.made.end
        if order.changes:
            line.vector = line.tag(order.changes[-1].vector)
            line.n_known = order.n_changes
        return line

    def _check(self, generator: Generator, order: StreamOrder) -> None:
        size = getattr(generator, "tag_size", 0)
        if size and order.changes and len(order.changes[-1].vector) != size:
            raise ModelError(
                f"{order.generator}: takes tags of {size} numbers, the text encoder gives "
                f"{len(order.changes[-1].vector)}; train it with this text encoder"
            )

    def _time(self, generator: Generator) -> float:
        """Seconds that a step takes; 0 offline, where nobody waits."""
        if self._clock is None:
            return 0.0
        for line in self._lines.values():
            if line.stream.generator is generator:
                return line.step_seconds
        began = self._clock()
        generator.step(0, seed=0, tag=None, states=generator.start(0))
        return (self._clock() - began) / self._rings.sample_rate

    def _urgency(self, number: int) -> float:
        """Seconds, about, until something of this layer must be there; infinite where nothing is to be done."""
        line = self._lines[number]
        rate, order, size = self._rings.sample_rate, line.order, line.shape.samples_per_step
        now = self._clock() if self._clock is not None else 0
        if self._is_due(line):
            return -1.0 if order.origin is None else (order.origin + line.pending[0].sample - now) / rate
        if line.stream.number >= max(order.scheduled, line.first) + LEAD_STEPS:
            return np.inf
        return 0.0 if order.origin is None else (order.origin + line.stream.number * size - now) / rate

    def _is_due(self, line: _Line) -> bool:
        """Whether a change of tag is to be obeyed now: it is for what is made, and nothing takes its place any more."""
        if not line.pending or line.pending[0].sample >= line.stream.number * line.shape.samples_per_step:
            return False
        if self._clock is None or line.order.origin is None:
            return True
        return line.order.origin + line.pending[0].sample - self._clock() <= self._reaction

    def _work(self, line: _Line, ring: StreamRing) -> None:
        number = line.stream.number
        if self._is_due(line):
            self._change(line, ring, line.pending.popleft())
            return
        ring.write_step(line.shape, line.base, number, self._next(line, line.vector))
        line.end = line.stream.number

    def _change(self, line: _Line, ring: StreamRing, change: Change) -> None:
        """From a sample on, sound of another tag."""
        size, old, new = line.shape.samples_per_step, line.vector, line.tag(change.vector)
        line.vector = new
        if change.sample <= line.first * size:  # nothing of it sounds yet
            line.end = line.stream.back_to(line.first)
            return
        n_old = line.end  # steps under the old tag that lie in the ring
        step = min(max(change.sample, self._reach(line)) // size, line.stream.number)
        if change.sample == line.last[0] and self._reach(line) <= step * size:  # it takes the place of the last one
            old = line.last[1]
            self._back_to(line, step)
            ring.write_step(line.shape, line.base, step, self._next(line, old))
        line.last = change.sample, old
        self._back_to(line, step)
        made: list[np.ndarray] = []
        found = None
        while found is None:
            found = self._place(line, change.sample, step + len(made), n_old)
            if found is None and len(made) >= CATCH_UP_STEPS and step + len(made) > n_old:
                found = step + len(made) - 1, 0, True  # slower than the reader: it goes on where it is
            elif found is None:
                made.append(self._next(line, new))
        number, place, late = found
        made = made[number - step :]
        if number < n_old:
            made[0] = _blend(
                ring.read_step(line.shape, line.base, number), made[0], place, n_fade=min(self._fade, size)
            )
        else:  # the old sound has an end before the new one could begin
            line.first = number
        for later, audio in enumerate(made, start=number):
            ring.write_step(line.shape, line.base, later, audio)
        line.end = line.stream.number
        line.n_late += late

    def _place(self, line: _Line, sample: int, n_made: int, n_old: int) -> tuple[int, int, bool] | None:
        """Step and place in it where the sound may change over now, and whether that is late; None where what comes
        then is not made yet. n_made, n_old: one past the last step under the new tag, and under the old one."""
        size, reach = line.shape.samples_per_step, self._reach(line)
        number, place = divmod(max(sample, reach), size)
        if place + min(self._fade, size) > size:
            number, place = number + 1, 0
        soon = (size - place) / self._rings.sample_rate < 1.5 * line.step_seconds  # what lies behind would be too late
        needed = number + 1 + (soon and number + 1 < n_old)
        return (number, place, reach > sample) if needed <= n_made else None

    def _back_to(self, line: _Line, step: int) -> None:
        if line.stream.back_to(step) != step:
            raise ModelError(f"{line.order.generator}: step {step} is forgotten already; choose the mode again")

    def _reach(self, line: _Line) -> int:
        """First stream sample that can still be written before it is read."""
        if self._clock is None or line.order.origin is None:
            return 0
        return self._clock() - line.order.origin + self._guard

    def _next(self, line: _Line, vector: np.ndarray | None) -> np.ndarray:
        """The next step under a tag, and how long that has taken."""
        if self._clock is None:
            return line.stream.next(vector)
        began = self._clock()
        audio = line.stream.next(vector)
        line.step_seconds += _SLOWLY * ((self._clock() - began) / self._rings.sample_rate - line.step_seconds)
        return audio

    def _tell(self, line: _Line, ring: StreamRing) -> None:
        made = Made(shape=line.shape, base=line.base, first=line.first, end=line.end, n_changes=line.n_obeyed)
        ring.write_status(
            StreamStatus(
                ident=line.order.ident,
                made=made,
                load=line.load,
                n_late=line.n_late,
                generator=line.order.generator,
            )
        )

    def _give_up(self, number: int, trouble: str) -> None:
        """There will be no more of this stream; what is in the ring stays."""
        self._lines.pop(number, None)
        ring = self._rings.ring(number)
        ident, status = self._idents[number], ring.read_status()
        made = status.made if status.ident == ident else None
        ring.write_status(StreamStatus(ident=ident, made=made, generator=status.generator, trouble=trouble))


def _trouble(error: Exception, number: int, generator: str) -> str:
    """Why a layer's stream ends. Whatever a foreign model does, the other layers play on."""
    if isinstance(error, LiveseqError):
        return str(error)
    log.error("layer %d", number, exc_info=error)
    return f"{generator}: a fault of the model; the server's terminal has the details"


def _blend(old: np.ndarray, new: np.ndarray, place: int, *, n_fade: int) -> np.ndarray:
    """A step that changes over at a place of it, float32 (n, 2): as loud throughout, however alike the two are."""
    out = new.copy()
    out[:place] = old[:place]
    a, b = old[place : place + n_fade], new[place : place + n_fade]
    powers = float(np.vdot(a, a)) + float(np.vdot(b, b))
    likeness = float(np.clip(2.0 * np.vdot(a, b) / powers, 0.0, 1.0)) if powers > 0.0 else 0.0
    done = ((np.arange(n_fade) + 0.5) / n_fade)[:, np.newaxis]
    faded = a * fade_out(done, correlation=likeness) + b * fade_in(done, correlation=likeness)
    out[place : place + n_fade] = faded
    return out
