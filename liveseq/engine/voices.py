"""One read head over corpus audio, and the ramps that move gains.

Pure numpy. Everything is a function of the absolute sample clock, never of the block, so that a rendering is the same
for every block size, bit for bit.
"""

from collections.abc import Callable

import numpy as np

from liveseq.dsp.crossfade import fade_angle
from liveseq.sequencer.timeline import PlayUnit

LOOP_SECONDS = 2.0
"""What a voice repeats at the end of its source, at most."""
LOOP_FADE_SECONDS = 0.02
END_FADE_SECONDS = 0.005
"""At the end of a source that is not looped."""

Gain = float | np.ndarray


class Scratch:
    """Arrays that are made once and used in every block."""

    def __init__(self, *, max_block: int, n_channels: int = 2) -> None:
        self.max_block = max_block
        self.steps = np.arange(max_block, dtype=np.float64)[:, np.newaxis]  # (max_block, 1)
        self.voice = np.zeros((max_block, n_channels), dtype=np.float32)
        self.layer = np.zeros((max_block, n_channels), dtype=np.float32)


class Ramp:
    """A gain that moves linearly to its target. It is a number, or one number per channel."""

    __slots__ = ("_length", "_origin", "_start", "target")

    def __init__(self, value: Gain) -> None:
        self.target = value
        self._origin = value
        self._start = 0
        self._length = 0

    @property
    def end(self) -> int:
        """Clock at which the target is reached."""
        return self._start + self._length

    def move(self, target: Gain, *, clock: int, length: int) -> None:
        """Be at `target` from `clock + length` on, from wherever the ramp is at `clock`."""
        self._origin = self.at(clock)
        self.target = target
        self._start = clock
        self._length = length

    def at(self, clock: int) -> Gain:
        """Value at one sample."""
        if clock >= self.end:
            return self.target
        return self.target - (self.target - self._origin) * ((self.end - clock) / self._length)

    def block(self, clock: int, n_samples: int, *, scratch: Scratch) -> Gain:
        """Values from `clock` on: the target where it is reached, else float64 (n_samples, 1 or n_channels)."""
        left = self.end - clock
        if left <= 0:
            return self.target
        remaining = np.maximum(left - scratch.steps[:n_samples], 0.0) / self._length
        moved: np.ndarray = self.target - (self.target - self._origin) * remaining
        return moved


class Voice:
    """Plays a unit and then on in its source; at the source's end it loops the last seconds.

    Where the next event comes by then, that end is an end, and nothing is looped.

    It fades in once, and out once or again: a fade-out starts from the level of the moment.
    """

    __slots__ = (
        "_audio", "_end_fade", "_fade_in", "_fade_out", "_loop_fade", "_loops", "_out_level", "_out_start", "_period",
        "_start", "gain", "n_loops", "next_start", "position", "shard", "source_end",
    )  # fmt: skip

    def __init__(self, audio: np.ndarray, unit: PlayUnit, *, clock: int, sample_rate: int) -> None:
        self._audio = audio  # float32 (n_samples, 2): the whole shard
        self.shard = unit.shard
        self.position = unit.position
        """Next sample to read, in the shard."""
        self.source_end = unit.source_end
        self.gain = Ramp(unit.gain)
        self.n_loops = 0
        """How often the end of the source was passed."""
        self.next_start: float = np.inf
        """Clock at which the next event of the layer begins, as far as it is known."""
        self._loops = True  # decided where the loop's crossfade would begin
        self._start = clock
        self._fade_in = unit.fade
        self._out_start: int | None = None
        self._fade_out = 0
        self._out_level = 1.0
        n_source = unit.source_end - unit.source_start
        self._loop_fade = min(int(LOOP_FADE_SECONDS * sample_rate), n_source // 4)
        self._end_fade = min(int(END_FADE_SECONDS * sample_rate), self._loop_fade)
        self._period = min(int(LOOP_SECONDS * sample_rate), n_source - self._loop_fade)

    @property
    def fading_out(self) -> bool:
        return self._out_start is not None

    @property
    def end(self) -> int | None:
        """Clock at which the voice has faded out, where it fades."""
        return None if self._out_start is None else self._out_start + self._fade_out

    def fade_out(self, clock: int, *, length: int) -> None:
        """Be silent from `clock + length` on; never later than an earlier fade would have been."""
        if self._out_start is not None:
            length = min(length, max(0, self._out_start + self._fade_out - clock))
            self._out_level = self._out(clock)
        self._out_start, self._fade_out = clock, length

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

    def _read(self, clock: int, n: int, *, scratch: Scratch) -> np.ndarray:
        """At most n samples from the read head on; at least one."""
        begin = self.position
        fade_start = self.source_end - self._loop_fade
        if begin < fade_start:
            n = min(n, fade_start - begin)
            piece = self._audio[begin : begin + n]
        elif begin >= self.source_end:
            if not self.fading_out and self.next_start > clock:
                return self._enter_loop(clock, n)
            piece = np.zeros((n, self._audio.shape[1]), dtype=np.float32)
        else:
            if begin == fade_start:
                followed = self.next_start <= clock + self._loop_fade
                self._loops = not (followed or self.fading_out)
            n = min(n, self.source_end - begin)
            length = self._loop_fade if self._loops else self._end_fade
            over = scratch.steps[:n] + (begin + 0.5 - (self.source_end - length))
            angle = fade_angle(np.maximum(over, 0.0) / length)
            piece = self._audio[begin : begin + n] * np.cos(angle).astype(np.float32)
            if self._loops:
                back = begin - self._period
                piece += self._audio[back : back + n] * np.sin(angle).astype(np.float32)
        self.position += n
        if self._loops and self.position >= self.source_end:
            self.position -= self._period
            self.n_loops += 1
        return piece

    def _enter_loop(self, clock: int, n: int) -> np.ndarray:
        """What was to follow has been taken back: fade into the loop."""
        self._start, self._fade_in = clock, self._loop_fade
        self._loops = True
        self.position = self.source_end - self._period
        self.n_loops += 1
        n = min(n, self._period - self._loop_fade)
        piece = self._audio[self.position : self.position + n]
        self.position += n
        return piece

    def _level(self, clock: int, n: int, *, scratch: Scratch) -> Gain:
        """Gain times fades, for n samples from `clock` on."""
        level = self.gain.block(clock, n, scratch=scratch)
        into = clock - self._start
        if into < self._fade_in:
            level = level * _fade(np.sin, into, self._fade_in, n, scratch=scratch)
        if self._out_start is not None:
            away = _fade(np.cos, clock - self._out_start, self._fade_out, n, scratch=scratch)
            level = level * (away * self._out_level)
        return level

    def _out(self, clock: int) -> float:
        """Level of the fade-out at one sample."""
        if self._out_start is None or not self._fade_out:
            return self._out_level
        done = min(1.0, (clock - self._out_start) / self._fade_out)
        return self._out_level * float(np.cos(fade_angle(np.array(done))))


def _fade(curve: Callable[[np.ndarray], np.ndarray], into: int, length: int, n: int, *, scratch: Scratch) -> np.ndarray:
    """Equal-power fade, float64 (n, 1), over `length` samples, of which `into` are over."""
    done = np.minimum((scratch.steps[:n] + (into + 0.5)) / length, 1.0)
    return curve(fade_angle(done))
