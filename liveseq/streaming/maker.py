"""Streams of all layers: what is ordered is begun, and what is most urgent is made first.

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
from liveseq.streaming.layouts import Answer
from liveseq.streaming.live import LiveStream, Reader
from liveseq.streaming.repeated import RepeatedStream
from liveseq.streaming.ring import StreamRing, StreamRings

KEPT_SECONDS = 4.0
"""Most that a stream can be taken back by: more than is ever planned ahead."""
GUARD_SECONDS = 0.01
"""So near to the reader, and two blocks, nothing is written any more."""
MOST_LOAD = 0.9
"""Most of one processor that all streams may take together: beyond it another one is refused."""

log = logging.getLogger(__name__)
OpenGenerator = Callable[[str], Generator | None]
"""A generator by its name; None while it is being opened: then it is asked for again. Raises what opening it raises."""


class LiveStreams:
    """Makes the streams of every layer that wants one."""

    def __init__(
        self,
        rings: StreamRings,
        open_generator: OpenGenerator,
        *,
        clock: Callable[[], int] | None = None,
        block_size: Callable[[], int] = int,
        turns_of: Callable[[int, int], Sequence[Turn]] = lambda number, ident: (),
    ) -> None:
        """clock: the engine's sample clock now; None: nobody hears this yet, and nothing is ever late. block_size:
        samples that it asks for now. turns_of: a layer's number and the ident of its stream to those that it took when
        it was played live.
        """
        self._rings = rings
        self._open = open_generator
        self._clock = clock
        self._turns_of = turns_of
        least = int(GUARD_SECONDS * rings.sample_rate)
        self._reader = Reader(sample_rate=rings.sample_rate, clock=clock, guard=lambda: least + 2 * block_size())
        self._live: dict[int, LiveStream] = {}
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
    ) -> "LiveStreams":
        """The streams of a server. rings, state: names of the shared memories (StreamRings, EngineState)."""
        engine = EngineState.attach(state)
        return cls(
            StreamRings.attach(rings, n_layers=n_layers, sample_rate=sample_rate),
            open_generator,
            clock=lambda: engine.clock_now(sample_rate=sample_rate),
            block_size=lambda: engine.read_status().block_size,
        )

    def tick(self) -> bool:
        """Make what is needed first: one step, or one change of tag. Whether anything was."""
        for number, ring in enumerate(self._rings.rings, start=1):
            self._grant(number, ring)
            self._look(number, ring)
        urgency = {number: live.urgency() for number, live in self._live.items()}
        number = min(urgency, key=lambda one: urgency[one], default=0)
        if not number or math.isinf(urgency[number]):
            return False
        live = self._live[number]
        try:
            live.work()
        except Exception as error:
            self._give_up(number, _trouble(error, number, live.order.generator))
            return True
        self._write_status(live, self._rings.ring(number))
        return True

    def _grant(self, number: int, ring: StreamRing) -> None:
        """Open the model that is wished for, before a stream of it is ordered."""
        wish = ring.read_wish()
        if wish.number == ring.read_answer().number:
            return
        try:
            if not wish.generator or self._open(wish.generator) is not None:
                ring.write_answer(Answer(wish.number))
        except Exception as error:
            ring.write_answer(Answer(wish.number, _trouble(error, number, wish.generator)))

    def _look(self, number: int, ring: StreamRing) -> None:
        """Begin or end a stream where that is ordered, and let it hear of its order."""
        order = ring.read_order()
        if not order.generator:
            self._live.pop(number, None)
            self._idents[number] = order.ident
            return
        if order.ident != self._idents.get(number):
            self._live.pop(number, None)
            try:
                generator = self._open(order.generator)
                if generator is None:
                    return
                self._idents[number] = order.ident
                self._live[number] = self._begin(generator, number, ring, order)
            except Exception as error:
                self._idents[number] = order.ident
                self._give_up(number, _trouble(error, number, order.generator))
                return
            self._write_status(self._live[number], ring)
        if number in self._live:
            self._live[number].obey(order)

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
        others = sum(live.load for other, live in self._live.items() if other != number)
        live = make(
            order=order,
            stream=Stream(generator, seed=order.seed, n_kept=n_kept),
            ring=ring,
            reader=self._reader,
            shape=shape,
            base=-(-order.begin // shape.samples_per_step) % shape.n_lap,
            step_seconds=self._time(generator, order.generator),
        )
        live.turns.extend(status.turns)
        live.n_late = status.n_late
        if others and others + live.load > MOST_LOAD:
            raise ModelError(
                f"{order.generator}: a step takes {live.load:.0%} of its duration to make, and other layers take "
                f"{others:.0%}; expected at most {MOST_LOAD:.0%} in all: stop one of them"
            )
        if status.ident == order.ident and status.made is not None:
            live.first = live.stream.number = status.made.end
            if order.n_changes > status.made.n_changes:  # the last one was not obeyed: it is from here on
                live.note_heard(live.first * shape.samples_per_step, meant=order.changes[-1].sample)
        if order.changes:
            live.begin_with(order.changes[-1], n_changes=order.n_changes)
        return live

    def _check(self, generator: Generator, order: StreamOrder) -> None:
        size = generator.tag_size
        if size and order.changes and len(order.changes[-1].told.vector) != size:
            raise ModelError(
                f"{order.generator}: takes tags of {size} numbers, was told one of "
                f"{len(order.changes[-1].told.vector)}; it was exported anew meanwhile: choose it again"
            )

    def _time(self, generator: Generator, name: str) -> float:
        """Seconds that a step takes; 0 offline, where nobody waits. Tried out where no layer has this generator yet."""
        if self._clock is None:
            return 0.0
        for live in self._live.values():
            if live.order.generator == name:
                return live.step_seconds
        began = self._clock()
        generator.step(0, seed=0, tag=None, states=generator.start(0))
        return (self._clock() - began) / self._rings.sample_rate

    def _write_status(self, live: LiveStream, ring: StreamRing) -> None:
        ring.write_status(live.status())

    def _give_up(self, number: int, trouble: str) -> None:
        """There will be no more of this stream; what is in the ring stays."""
        self._live.pop(number, None)
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
