"""Ramps and fades, which move gains, and the arrays that are made once for them.

Pure numpy. Everything is a function of the absolute sample clock, never of the block, so that a rendering is the same
for every block size, bit for bit.
"""

import numpy as np

from liveseq.dsp.crossfade import fade_in, fade_out

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


class FadeIn:
    """A fade from silence at `start` to full level, `length` samples later."""

    __slots__ = ("_correlation", "_length", "_start", "end")

    def __init__(self, start: int, *, length: int, correlation: float = 0.0) -> None:
        self._start = start
        self._length = length
        self._correlation = correlation
        self.end = start + length

    def block(self, clock: int, n_samples: int, *, scratch: Scratch) -> np.ndarray:
        """Gains from `clock` on, which lies before the end: float64 (n_samples, 1)."""
        done = np.minimum((scratch.steps[:n_samples] + (clock - self._start + 0.5)) / self._length, 1.0)
        return fade_in(done, correlation=self._correlation)


class FadeOut:
    """A fade from the level of the moment to silence, `length` samples later."""

    __slots__ = ("_after", "_correlation", "_length", "_level", "_start", "end")

    def __init__(self, start: int, *, length: int, correlation: float = 0.0, after: "FadeOut | None" = None) -> None:
        """after: the fade that this one takes over from; it never ends later than that would have."""
        if after is not None:
            length = min(length, max(0, after.end - start))
        self._level = after.at(start) if after is not None else 1.0
        self._after = after
        self._start = start
        self._length = length
        self._correlation = correlation
        self.end: int = start + length
        """Clock of silence."""

    def at(self, clock: int) -> float:
        """Gain at one sample."""
        if not self._length:
            return self._level
        done = min(1.0, (clock - self._start) / self._length)
        return self._level * float(fade_out(np.array(done), correlation=self._correlation))

    def block(self, clock: int, n_samples: int, *, scratch: Scratch) -> np.ndarray:
        """Gains from `clock` on: float64 (n_samples, 1)."""
        early = min(self._start - clock, n_samples)
        if early > 0:
            after = self._after
            before = np.ones((early, 1)) if after is None else after.block(clock, early, scratch=scratch)
            rest = self.block(self._start, n_samples - early, scratch=scratch)
            return np.concatenate([before, rest])
        self._after = None
        done = np.minimum((scratch.steps[:n_samples] + (clock - self._start + 0.5)) / self._length, 1.0)
        return fade_out(done, correlation=self._correlation) * self._level
