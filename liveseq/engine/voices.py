"""One read head over corpus audio: forwards or backwards, at any pitch.

Pure numpy. Everything is a function of the absolute sample clock, never of the block, so that a rendering is the same
for every block size, bit for bit.
"""

import numpy as np

from liveseq.dsp.crossfade import fade_angle
from liveseq.dsp.interpolation import Excerpt, interpolate, kernel
from liveseq.engine.ramps import FadeIn, FadeOut, Gain, Ramp, Scratch
from liveseq.sequencer.timeline import STREAM_SHARD, Grain, PlayUnit

LOOP_SECONDS = 2.0
"""Most seconds that a voice repeats at the end of its source."""
LOOP_FADE_SECONDS = 0.02
END_FADE_SECONDS = 0.005
"""Seconds of the fade at the end of a source that is not looped."""


NEAR = 32.0
"""Samples by which a planner's count of places between samples may be off after many units."""


class Head:
    """Read head of a voice: a place in the audio of a shard as a function of the clock.

    A sound that is played backwards is the mirrored shard played forwards: places here are places in the mirror. At
    ratio 1 a head stands on whole samples; otherwise between them, at an exact whole origin and a fraction from there.
    """

    __slots__ = ("_anchor", "_audio", "_excerpt", "_fraction", "_mirror", "_origin", "end", "ratio", "start")

    def __init__(self, audio: np.ndarray, event: PlayUnit | Grain, *, clock: int) -> None:
        """audio: float32 (n_samples, 2), the whole shard; its part of the event is read, never copied."""
        self._mirror = len(audio) if event.reverse else 0
        self._audio: np.ndarray = audio[::-1] if event.reverse else audio
        self.start, self.end = event.source_start, event.source_end
        """First sample of the source, and one past its last."""
        self._origin = event.position
        if event.reverse:
            self.start, self.end = self._mirror - self.end, self._mirror - self.start
            self._origin = self._mirror - 1 - self._origin
        self._anchor = clock
        self._fraction = 0.0
        self.ratio = event.ratio
        self.turn(event.ratio, clock=clock)

    def turn(self, ratio: float, *, clock: int) -> None:
        """Go on from the same place at another pace."""
        place = self.offset(clock)
        whole = int(place // 1)
        self._origin += whole
        self._fraction = place - whole
        self._anchor = clock
        self.ratio = ratio
        exact = ratio == 1.0 and not self._fraction
        self._excerpt = None if exact else Excerpt(self._audio, self.start, self.end, kernel(ratio))

    def offset(self, clock: int) -> float:
        """Samples from the origin to the place at one sample of the clock."""
        return self._fraction + (clock - self._anchor) * self.ratio

    def offsets(self, clock: int, n: int, *, scratch: Scratch) -> np.ndarray:
        """Offsets for n samples of the clock, float64 (n, 1)."""
        offsets: np.ndarray = self._fraction + (scratch.steps[:n] + (clock - self._anchor)) * self.ratio
        return offsets

    def left(self, clock: int, *, to: int) -> float:
        """Samples of the source until the head is at `to`."""
        return (to - self._origin) - self.offset(clock)

    def samples_left(self, clock: int, *, to: int) -> int:
        """Samples of the clock until the head is at `to` or beyond it."""
        way = to - self._origin
        arrival = self._anchor + int(-(-(way - self._fraction) // self.ratio))
        while self.offset(arrival) < way:  # the division has been rounded
            arrival += 1
        while self.offset(arrival - 1) >= way:
            arrival -= 1
        return arrival - clock

    def jump(self, way: int) -> None:
        """Be that many samples further on."""
        self._origin += way

    def place(self, clock: int, place: int) -> None:
        """Be at this place."""
        self._origin, self._anchor, self._fraction = place, clock, 0.0
        self.turn(self.ratio, clock=clock)

    def read(self, clock: int, n: int, *, back: int = 0, scratch: Scratch) -> np.ndarray:
        """n samples from the head on, or from `back` samples before it: float32 (n, 2)."""
        if self._excerpt is None:
            begin = self._origin - back + clock - self._anchor
            return self._audio[begin : begin + n]
        offsets = self.offsets(clock, n, scratch=scratch)
        read: np.ndarray = interpolate([self._excerpt], origins=[self._origin - back], offsets=offsets.T)[0]
        return read

    def over(self, place: int, clock: int, n: int, *, scratch: Scratch) -> np.ndarray:
        """Samples of the source beyond a place, for n samples of the clock, float64 (n, 1)."""
        over: np.ndarray = self.offsets(clock, n, scratch=scratch) - (place - self._origin)
        return over

    def beyond(self, clock: int, position: int) -> float:
        """Samples by which the head is beyond a position of the shard, in the direction of reading."""
        mirrored = self._mirror - 1 - position if self._mirror else position
        return -self.left(clock, to=mirrored)

    def position(self, clock: int) -> int:
        """Sample of the shard at which it is."""
        place = self._origin + int(self.offset(clock))
        return self._mirror - 1 - place if self._mirror else place


class Voice:
    """Plays a unit and then on in its source; at the source's end it loops the last seconds.

    Where the next event comes by then, that end is an end, and nothing is looped.

    It fades in once, and out once or again: a fade-out starts from the level of the moment.
    """

    __slots__ = (
        "_clock", "_decided", "_end_fade", "_fade_in", "_fade_out", "_head", "_loop_fade", "_loops", "_period", "_rate",
        "_unit", "gain", "n_loops", "next_start",
    )  # fmt: skip

    def __init__(self, audio: np.ndarray, unit: PlayUnit, *, clock: int, sample_rate: int) -> None:
        """clock: at which it begins to sound. A unit that should have begun earlier is read from where it would be by
        then, so that what is planned to go on from it finds it there."""
        began = unit.start or clock
        self._head = Head(audio, unit, clock=began)
        self._unit = unit
        self._clock = clock
        self._rate = sample_rate
        self.gain = Ramp(unit.gain)
        self.n_loops = 0
        """Number of times that the end of the source was passed."""
        self.next_start: float = np.inf
        """Clock at which the next event of the layer begins, as far as it is known."""
        self._loops = True  # decided where the loop's crossfade would begin
        self._fade_in = FadeIn(clock, length=unit.fade, correlation=unit.correlation)
        self._fade_out: FadeOut | None = None
        self._plan_loop()
        self._decided = self._head.left(began, to=self._head.end - self._loop_fade) < 0

    def _plan_loop(self) -> None:
        """Decide how the end of the source is looped."""
        n_source = self._head.end - self._head.start
        pace = self._rate * self._unit.ratio  # samples of the source per second
        self._loop_fade = min(int(LOOP_FADE_SECONDS * pace), n_source // 4)
        self._end_fade = min(int(END_FADE_SECONDS * pace), self._loop_fade)
        self._period = min(int(LOOP_SECONDS * pace), n_source - self._loop_fade)

    @property
    def fading_out(self) -> bool:
        """Whether it is to be silent."""
        return self._fade_out is not None

    @property
    def end(self) -> int | None:
        """Clock at which the voice has faded out, where it fades."""
        return None if self._fade_out is None else self._fade_out.end

    @property
    def reading(self) -> tuple[int, int, bool]:
        """Shard, position in it, and whether it goes backwards."""
        return self._unit.shard, self._head.position(self._clock), self._unit.reverse

    def continues(self, event: PlayUnit, clock: int) -> bool:
        """Whether it is just about to read what the event begins with: to the sample, or NEAR it at another ratio.

        An event that comes late finds the voice as far beyond: that is the same sound, on time.
        """
        unit, late = self._unit, clock - (event.start or clock)
        if self.fading_out or (unit.shard, unit.reverse) != (event.shard, event.reverse):
            return False
        end, other = (unit.source_start, event.source_start) if unit.reverse else (unit.source_end, event.source_end)
        off = self._head.beyond(clock, event.position) - late * event.ratio
        near = 1.0 if self._head.ratio == event.ratio == 1.0 else NEAR
        return (end == other or event.shard >= STREAM_SHARD) and abs(off) < near

    def go_on(self, event: PlayUnit, clock: int, *, ramp: int) -> None:
        """Become an event that it continues. ramp: samples in which the gain moves."""
        self.gain.move(event.gain, clock=clock, length=ramp)
        if event.shard >= STREAM_SHARD:  # there is more of it by now
            self._head.start, self._head.end = event.source_start, event.source_end
            self._plan_loop()
        if event.ratio != self._head.ratio:
            self._head.turn(event.ratio, clock=clock)

    def fade_out(self, clock: int, *, length: int, correlation: float = 0.0) -> None:
        """Be silent from `clock + length` on; never later than an earlier fade would have been."""
        self._fade_out = FadeOut(clock, length=length, correlation=correlation, after=self._fade_out)

    def add_to(self, out: np.ndarray, clock: int, *, scratch: Scratch) -> None:
        """Add the samples from `clock` on. out: float32 (n_samples, 2)."""
        n = len(out)
        if (end := self.end) is not None:
            n = min(n, end - clock)
        done = 0
        while done < n:
            piece = self._read(clock + done, n - done, scratch=scratch)
            level = self._level(clock + done, len(piece), scratch=scratch)
            if isinstance(level, np.ndarray):
                level = level.astype(np.float32)
            target = scratch.voice[: len(piece)]
            np.multiply(piece, level, out=target)
            out[done : done + len(piece)] += target
            done += len(piece)
        self._clock = clock + n

    def _read(self, clock: int, n: int, *, scratch: Scratch) -> np.ndarray:
        """Read samples from the head on, n at most, one at least: float32 (n, 2)."""
        head = self._head
        fade_start = head.end - self._loop_fade
        way = head.left(clock, to=fade_start)
        if way > 0:
            self._decided = False
            if way <= n * head.ratio + 1.0:
                n = min(n, head.samples_left(clock, to=fade_start))
            return head.read(clock, n, scratch=scratch)
        left = head.samples_left(clock, to=head.end)
        if left <= 0:
            if not self.fading_out and self.next_start > clock:
                return self._enter_loop(clock, n, scratch=scratch)
            return np.zeros((n, 2), dtype=np.float32)
        if not self._decided:
            self._decided = True
            self._loops = not (self.next_start <= clock + left or self.fading_out)
        n = min(n, left)
        piece = self._read_end(clock, n, scratch=scratch)
        if self._loops and n == left:
            head.jump(-self._period)
            self.n_loops += 1
        return piece

    def _read_end(self, clock: int, n: int, *, scratch: Scratch) -> np.ndarray:
        """n samples before the end: they fade away, or into the loop."""
        head = self._head
        length = self._loop_fade if self._loops else self._end_fade
        over = head.over(head.end - length, clock, n, scratch=scratch) + 0.5
        angle = fade_angle(np.clip(over / length, 0.0, 1.0))
        piece: np.ndarray = head.read(clock, n, scratch=scratch) * np.cos(angle).astype(np.float32)
        if self._loops:
            piece += head.read(clock, n, back=self._period, scratch=scratch) * np.sin(angle).astype(np.float32)
        return piece

    def _enter_loop(self, clock: int, n: int, *, scratch: Scratch) -> np.ndarray:
        """Fade into the loop, since what was to follow has been taken back."""
        head = self._head
        self._fade_in = FadeIn(clock, length=self._loop_fade)
        self._loops, self._decided = True, False
        self.n_loops += 1
        head.place(clock, head.end - self._period)
        return head.read(clock, min(n, head.samples_left(clock, to=head.end - self._loop_fade)), scratch=scratch)

    def _level(self, clock: int, n: int, *, scratch: Scratch) -> Gain:
        """Gain times fades, for n samples from `clock` on."""
        level = self.gain.block(clock, n, scratch=scratch)
        if clock < self._fade_in.end:
            level = level * self._fade_in.block(clock, n, scratch=scratch)
        if self._fade_out is not None:
            level = level * self._fade_out.block(clock, n, scratch=scratch)
        return level
