"""The streams of all layers: what is ordered is begun, and what is most urgent is made first.

Runs in the streamer process, one step per `tick`, or synchronously where a take is rendered offline. From one thread.
"""

import logging
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from liveseq.engine.state import EngineState
from liveseq.errors import LiveseqError, ModelError
from liveseq.generation.resampled import at_rate
from liveseq.runtime.generator import KEPT_STEPS, Generator, Stream
from liveseq.sequencer.streams import RingShape, StreamOrder, Turn
from liveseq.streaming.live import LiveStream, Reader
from liveseq.streaming.records import Answer
from liveseq.streaming.repeated import RepeatedStream
from liveseq.streaming.ring import StreamRing, StreamRings

KEPT_SECONDS = 4.0
"""That a stream can be taken back by: more than is ever planned ahead."""
GUARD_SECONDS = 0.01
"""And two blocks: so near to the reader nothing is written any more."""
MOST_LOAD = 0.9
"""Of one processor, by all streams together: beyond it another one is refused."""

log = logging.getLogger(__name__)
OpenGenerator = Callable[[str], Generator | None]
"""A generator by its name; None while it is being opened: then it is asked for again. Raises what opening it raises."""


class LiveStreams:
    """Serves every layer that wants a stream."""

    def __init__(
        self,
        rings: StreamRings,
        open_generator: OpenGenerator,
        *,
        clock: Callable[[], int] | None = None,
        block_size: int = 0,
        turns_of: Callable[[int, int], Sequence[Turn]] = lambda number, ident: (),
    ) -> None:
        """clock: the engine's sample clock now; None: nobody hears this yet, and nothing is ever late. turns_of: a
        layer's number and the ident of its stream to those that it took when it was played live.
        """
        self._rings = rings
        self._open = open_generator
        self._clock = clock
        self._turns_of = turns_of
        guard = 2 * block_size + int(GUARD_SECONDS * rings.sample_rate)
        self._reader = Reader(sample_rate=rings.sample_rate, clock=clock, guard=guard)
        self._lines: dict[int, LiveStream] = {}
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

    def tick(self) -> bool:
        """Make what is needed first: one step, or one change of tag. Whether anything was."""
        for number, ring in enumerate(self._rings.rings, start=1):
            self._grant(number, ring)
            self._look(number, ring)
        urgency = {number: line.urgency() for number, line in self._lines.items()}
        number = min(urgency, key=lambda one: urgency[one], default=0)
        if not number or math.isinf(urgency[number]):
            return False
        line = self._lines[number]
        try:
            line.work()
        except Exception as error:
            self._give_up(number, _trouble(error, number, line.order.generator))
            return True
        self._tell(line, self._rings.ring(number))
        return True

    def _grant(self, number: int, ring: StreamRing) -> None:
        """Is a model to be opened, for a stream that will be ordered then?"""
        wish = ring.read_wish()
        if wish.number == ring.read_answer().number:
            return
        try:
            if not wish.generator or self._open(wish.generator) is not None:
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
        if number in self._lines:
            self._lines[number].obey(order)

    def _begin(self, generator: Generator, number: int, ring: StreamRing, order: StreamOrder) -> LiveStream:
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
        status = ring.read_status()
        make: Callable[..., LiveStream] = LiveStream
        if self._clock is None:
            make = partial(RepeatedStream, to_come=deque(self._turns_of(number, order.ident)))
        others = sum(line.load for other, line in self._lines.items() if other != number)
        line = make(
            order=order,
            stream=Stream(generator, seed=order.seed, n_kept=n_kept),
            ring=ring,
            reader=self._reader,
            shape=shape,
            base=-(-order.begin // shape.samples_per_step) % shape.n_lap,
            step_seconds=self._time(generator, order.generator),
        )
        line.turns.extend(status.turns)
        line.n_late = status.n_late
        if others and others + line.load > MOST_LOAD:
            raise ModelError(
                f"{order.generator}: a step takes {line.load:.0%} of its duration to make, and other layers take "
                f"{others:.0%}; expected at most {MOST_LOAD:.0%} in all: stop one of them"
            )
        if status.ident == order.ident and status.made is not None:
            line.first = line.stream.number = status.made.end
            if order.n_changes > status.made.n_changes:  # the last one was not obeyed: it is from here on
                line.note_heard(line.first * shape.samples_per_step, meant=order.changes[-1].sample)
        if order.changes:
            line.begin_with(order.changes[-1], n_changes=order.n_changes)
        return line

    def _check(self, generator: Generator, order: StreamOrder) -> None:
        size = generator.tag_size
        if size and order.changes and len(order.changes[-1].vector) != size:
            raise ModelError(
                f"{order.generator}: takes tags of {size} numbers, the text encoder gives "
                f"{len(order.changes[-1].vector)}; train it with this text encoder"
            )

    def _time(self, generator: Generator, name: str) -> float:
        """Seconds that a step takes; 0 offline, where nobody waits. Tried out where no layer has this generator yet."""
        if self._clock is None:
            return 0.0
        for line in self._lines.values():
            if line.order.generator == name:
                return line.step_seconds
        began = self._clock()
        generator.step(0, seed=0, tag=None, states=generator.start(0))
        return (self._clock() - began) / self._rings.sample_rate

    def _tell(self, line: LiveStream, ring: StreamRing) -> None:
        ring.write_status(line.status())

    def _give_up(self, number: int, trouble: str) -> None:
        """There will be no more of this stream; what is in the ring stays."""
        self._lines.pop(number, None)
        ring = self._rings.ring(number)
        ident, status = self._idents[number], ring.read_status()
        made = status.made if status.ident == ident else None
        ring.write_status(replace(status, ident=ident, made=made, load=0.0, trouble=trouble))


def _trouble(error: Exception, number: int, generator: str) -> str:
    """Why a layer's stream ends. Whatever a foreign model does, the other layers play on."""
    if isinstance(error, LiveseqError):
        return str(error)
    log.error("layer %d", number, exc_info=error)
    return f"{generator}: a fault of the model; the server's terminal has the details"
