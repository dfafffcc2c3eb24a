"""The grid of beats in samples, notes on it, and the ring of audio that they are laid on.

A piece is a loop: what rings past its end sounds at its start, so that no reverb begins from nothing or is cut.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

UNIT = 8192
"""Samples that the sequencer moves at once at 44.1 and 48 kHz (8 hops of 1024): a beat is a whole number of them."""
LEAST_SECONDS = 20.5


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Bars, beats and sixteenth steps in samples."""

    sample_rate: int
    """Hz."""
    units_per_beat: int
    """2 is 175.8 bpm at 48 kHz, 3 is 117.2, 4 is 87.9, 6 is 58.6."""
    swing: float = 0.0
    """How late every second sixteenth is, as a part of a sixteenth (1/3 is a triplet feel)."""

    @property
    def beat(self) -> int:
        """Samples of a beat."""
        octave = round(math.log2(self.sample_rate / 48_000))  # other rates keep the tempo within half an octave
        return int(self.units_per_beat * UNIT * 2.0**octave)

    @property
    def bar(self) -> int:
        """Samples of a bar: four beats."""
        return 4 * self.beat

    @property
    def step(self) -> int:
        """Samples of a sixteenth."""
        return self.beat // 4

    @property
    def n_bars(self) -> int:
        """Bars in a piece: a multiple of four, long enough for LEAST_SECONDS."""
        return 4 * math.ceil(LEAST_SECONDS * self.sample_rate / (4 * self.bar))

    @property
    def n_samples(self) -> int:
        """Samples of a piece."""
        return self.n_bars * self.bar

    def at(self, bar: int, step: float = 0.0) -> int:
        """Sample of a sixteenth step in a bar; odd steps swing."""
        late = self.swing if int(step) == step and int(step) % 2 == 1 else 0.0
        return bar * self.bar + round((step + late) * self.step)

    def beats(self) -> Iterator[int]:
        """Samples at which beats begin."""
        return iter(range(0, self.n_samples, self.beat))


@dataclass(frozen=True)
class Note:
    """One note of a line. start and length in samples, pitch in MIDI numbers (fractions allowed)."""

    start: int
    length: int
    pitch: float
    velocity: float = 1.0


class Loop:
    """A stereo ring of audio, float32 (n_samples, 2), that sounds are added to."""

    def __init__(self, n_samples: int) -> None:
        self.audio = np.zeros((n_samples, 2), dtype=np.float32)

    def add(self, y: np.ndarray, start: int, *, gain: float = 1.0, pan: float = 0.0) -> None:
        """Mix y, (n,) or (n, 2), in at `start`; past the end it goes on at the beginning.

        pan: -1 (left) to 1 (right), equal power.
        """
        angle = (pan + 1.0) * np.pi / 4.0
        left_right = np.asarray([np.cos(angle), np.sin(angle)], dtype=np.float32) * np.float32(gain * np.sqrt(2.0))
        n_samples = self.audio.shape[0]
        y = y[:n_samples] if y.ndim == 2 else y[:n_samples, None]
        start %= n_samples
        n_first = min(y.shape[0], n_samples - start)
        self.audio[start : start + n_first] += y[:n_first] * left_right
        self.audio[: y.shape[0] - n_first] += y[n_first:] * left_right


def chance(rng: np.random.Generator, probability: float) -> bool:
    """True so often."""
    return bool(rng.random() < probability)


def human(rng: np.random.Generator, velocity: float, amount: float = 0.12) -> float:
    """A velocity as a hand plays it: a little off, never zero."""
    return float(max(0.05, velocity * (1.0 + amount * rng.standard_normal())))
