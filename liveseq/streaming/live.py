"""One stream that is played while it is made: steps ahead of the reader, and taken back where the tag changes.

What comes out is a function of the seed and of the samples at which the tag changes, as long as this is on time. Where
the tag changes within a step that is made already, that step is made again under the new tag, from the memory that it
was made from, and the old one fades into the new one: ahead of the reader, and of a whole piece of sound. Where it
did so is in the status, so that it can be repeated where it was late (`repeated`).
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from liveseq.dsp.crossfade import fade_in, fade_out
from liveseq.errors import ModelError
from liveseq.runtime.generator import Stream
from liveseq.runtime.latent import FREE, Travel
from liveseq.sequencer.streaming import MORPH_SECONDS, REACTION_SECONDS
from liveseq.sequencer.streams import KEPT_TURNS, Change, Made, RingShape, StreamOrder, Turn
from liveseq.streaming.layouts import StreamStatus
from liveseq.streaming.ring import StreamRing

LEAD_STEPS = 3
"""Steps made beyond what is planned. A step is planned when the next one is there, so that one or two are to spare."""
_SLOWLY = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """The engine, which hears the streams."""

    sample_rate: int
    """Hz."""
    clock: Callable[[], int] | None = None
    """Its sample clock now; None: nobody hears this yet, and nothing is ever late."""
    guard: Callable[[], int] = int
    """Samples: so near before it nothing is written any more."""


class Controls(NamedTuple):
    """Tag, tempo and travel that a step is made under."""

    vector: np.ndarray | None = None
    """float32 (tag_size,): the tag as the generator takes it; None where it takes none."""
    tempo: float = 0.0
    """Beats per minute; 0: its own."""
    travel: Travel = FREE
    """Where its latent is to be."""


_NO_CONTROLS = Controls()


@dataclass
class LiveStream:
    """The stream of one layer."""

    order: StreamOrder
    stream: Stream
    ring: StreamRing
    reader: Reader
    shape: RingShape
    base: int
    first: int = 0
    written: int = 0
    """One past the last step in the ring: the reader may know of steps from the stream's next one on, which are to be
    made again."""
    controls: Controls = _NO_CONTROLS
    """Those of the step that is next."""
    pending: deque[Change] = field(default_factory=deque)
    """Changes that are known and not obeyed yet, by their samples."""
    n_known: int = 0
    last: tuple[int, Controls] | None = None
    """Sample of the change that was obeyed last, and the controls before it; None before the first."""
    obeyed: int = 0
    """Number of that change."""
    turns: deque[Turn] = field(default_factory=lambda: deque(maxlen=KEPT_TURNS))
    """The last ones."""
    n_late: int = 0
    """Changes that were heard late: see `StreamStatus`."""
    step_seconds: float = 0.0
    """Time that a step takes, about."""

    def __post_init__(self) -> None:
        self._fade = min(int(MORPH_SECONDS * self.reader.sample_rate), self.shape.samples_per_step)
        self._reaction = int(REACTION_SECONDS * self.reader.sample_rate)

    @property
    def load(self) -> float:
        """Time that a step takes to be made over its duration."""
        return self.step_seconds * self.stream.generator.sample_rate / self.shape.samples_per_step

    def begin_with(self, change: Change, *, n_changes: int) -> None:
        """The step that is next is made under this change, the last of so many."""
        self.controls, self.n_known, self.obeyed = self._controls_of(change), n_changes, n_changes

    def obey(self, order: StreamOrder) -> None:
        """Note what is wanted now: `work` does it."""
        self.order = order
        for change in order.changes:
            if change.number > self.n_known:
                while self.pending and self.pending[-1].sample >= change.sample:
                    self.pending.pop()
                self.pending.append(change)
        self.n_known = order.n_changes

    def status(self) -> StreamStatus:
        """The state of the stream, for the conductor."""
        n_obeyed = self.n_known - len(self.pending)
        end = self.stream.number
        return StreamStatus(
            ident=self.order.ident,
            made=Made(shape=self.shape, base=self.base, first=self.first, end=end, n_changes=n_obeyed),
            load=self.load,
            turns=tuple(self.turns),
            n_late=self.n_late,
            generator=self.order.generator,
        )

    def urgency(self) -> float:
        """Seconds, about, until something of it must be there; infinite where nothing is to be done."""
        rate, order, size = self.reader.sample_rate, self.order, self.shape.samples_per_step
        now = self.reader.clock() if self.reader.clock is not None else 0
        if self._is_due():
            return -1.0 if order.origin is None else (order.origin + self.pending[0].sample - now) / rate
        if self.stream.number >= max(order.scheduled, self.first) + LEAD_STEPS:
            return np.inf
        return 0.0 if order.origin is None else (order.origin + self.stream.number * size - now) / rate

    def work(self) -> None:
        """Make the next step, or obey a change of tag. Raises what the generator raises."""
        if self._is_due():
            change = self.pending.popleft()
            self._change(change)
            self.obeyed = change.number
        else:
            self._step()

    def _step(self) -> None:
        """Make the next step, in the place of an old one where the last change has left one."""
        number, size = self.stream.number, self.shape.samples_per_step
        audio = self._next(self.controls)
        if number < self.written and self._reach() > number * size:  # the old one sounds already
            self._turn(number, number * size, [audio], change=self.obeyed, made=number)
        else:
            self.ring.write_step(self.shape, self.base, number, audio)
            self._note_written()

    def _controls_of(self, change: Change) -> Controls:
        told = change.told
        return Controls(told.vector if self.stream.generator.tag_size else None, told.tempo, told.travel)

    def _is_due(self) -> bool:
        """Whether a change of tag is to be obeyed now: it is for what is made, and nothing takes its place any more."""
        if not self.pending or self.pending[0].sample >= self.stream.number * self.shape.samples_per_step:
            return False
        if self.reader.clock is None or self.order.origin is None:
            return True
        return self.order.origin + self.pending[0].sample - self.reader.clock() <= self._reaction

    def _change(self, change: Change) -> None:
        """Change the sound to another tag or tempo, from a sample on."""
        size, old, n_made = self.shape.samples_per_step, self.controls, self.stream.number
        self.controls = self._controls_of(change)
        if max(change.sample, self._reach()) <= self.first * size:  # nothing of it sounds yet
            begin = self.stream.back_to(self.first)
            self._note_turn(change.number, n_made, begin, begin, None)
            self.note_heard(begin * size, meant=change.sample)
            return
        step = min(max(change.sample, self._reach()) // size, n_made)
        replaces = self.last is not None and change.sample == self.last[0] and self._reach() <= step * size
        self._take_back(change, old, step, replaces=replaces)
        self._turn(step, change.sample, [], change=change.number, made=n_made, replaces=replaces)

    def _take_back(self, change: Change, old: Controls, step: int, *, replaces: bool) -> None:
        """Be as before a step that is to be made under a change. replaces: the change before it has never been."""
        if replaces:
            assert self.last is not None
            old = self.last[1]
            self._back_to(step)
            self.ring.write_step(self.shape, self.base, step, self._next(old))
        self.last = change.sample, old
        self._back_to(step)

    def _turn(
        self, step: int, sample: int, steps: list[np.ndarray], *, change: int, made: int, replaces: bool = False
    ) -> None:
        """Make steps from `step` on, to which the sound changes over at a stream sample, or as soon as it can. steps:
        what is made of them already. The others: see `Turn`."""
        while (found := self._place(sample, step + len(steps))) is None:
            steps.append(self._next(self.controls))
        number, place = found
        self._lay(steps[number - step :], number, place)
        self._note_turn(change, made, step, number, place, replaces=replaces)
        self.note_heard(number * self.shape.samples_per_step + place, meant=sample)

    def _note_turn(
        self, change: int, made: int, begin: int, step: int, place: int | None, *, replaces: bool = False
    ) -> None:
        """Keep how a change was obeyed: see `Turn`."""
        fields = {"ident": self.order.ident, "change": change, "after": self.obeyed, "made": made, "begin": begin}
        self.turns.append(Turn(**fields, step=step, place=place, replaces=replaces))

    def note_heard(self, sample: int, *, meant: int) -> None:
        """A change is heard from this stream sample on. While nothing sounds, nothing is late."""
        self.n_late += self.order.origin is not None and sample > meant

    def _lay(self, steps: list[np.ndarray], number: int, place: int) -> None:
        """Put new steps into the ring, from step `number` on; the old sound, where there is any, gives way at `place`
        of it."""
        if number < self._old_end():
            steps[0] = _blend(self.ring.read_step(self.shape, self.base, number), steps[0], place, n_fade=self._fade)
        else:  # the old sound has an end before the new one could begin
            self.first = number
        for later, audio in enumerate(steps, start=number):
            self.ring.write_step(self.shape, self.base, later, audio)
        self._note_written()

    def _old_end(self) -> int:
        """One past the last step of what sounded before."""
        return max(self.written, self.first)

    def _note_written(self) -> None:
        self.written = max(self.written, self.stream.number)

    def _place(self, sample: int, n_made: int) -> tuple[int, int] | None:
        """Step and place in it where the sound may change over now; None where what comes then is not made yet.
        n_made: one past the last step of the new sound.

        A reader that has come to the end of the old sound waits there.
        """
        size, n_old = self.shape.samples_per_step, self._old_end()
        number, place = divmod(max(sample, self._reach()), size)
        if place + self._fade > size:
            number, place = number + 1, 0
        if number >= n_old:
            number, place = n_old, 0
        soon = (size - place) / self.reader.sample_rate < 1.5 * self.step_seconds  # what lies behind would be too late
        needed = number + 1 + (soon and number + 1 < n_old)
        return (number, place) if needed <= n_made else None

    def _back_to(self, step: int) -> None:
        if self.stream.back_to(step) != step:
            raise ModelError(f"{self.order.generator}: step {step} is forgotten already; choose the mode again")

    def _reach(self) -> int:
        """First stream sample that can still be written before it is read."""
        if self.reader.clock is None or self.order.origin is None:
            return 0
        return self.reader.clock() - self.order.origin + self.reader.guard()

    def _next(self, controls: Controls) -> np.ndarray:
        """The next step, float32 (samples_per_step, 2); how long it has taken is noted."""
        if self.reader.clock is None:
            return self.stream.next(*controls)
        began = self.reader.clock()
        audio = self.stream.next(*controls)
        self.step_seconds += _SLOWLY * ((self.reader.clock() - began) / self.reader.sample_rate - self.step_seconds)
        return audio


def _blend(old: np.ndarray, new: np.ndarray, place: int, *, n_fade: int) -> np.ndarray:
    """A step that changes over at a sample of it: as loud throughout, however alike the two are. All float32 (n, 2)."""
    out = new.copy()
    out[:place] = old[:place]
    a, b = old[place : place + n_fade], new[place : place + n_fade]
    powers = float(np.vdot(a, a)) + float(np.vdot(b, b))
    likeness = float(np.clip(2.0 * np.vdot(a, b) / powers, 0.0, 1.0)) if powers > 0.0 else 0.0
    done = ((np.arange(n_fade) + 0.5) / n_fade)[:, np.newaxis]
    faded = a * fade_out(done, correlation=likeness) + b * fade_in(done, correlation=likeness)
    out[place : place + n_fade] = faded
    return out
