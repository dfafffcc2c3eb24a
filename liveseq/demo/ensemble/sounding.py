"""A piece as sound: rendered, trimmed to what is heard, and brought to the loudness of the demo pieces."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.ndimage
import scipy.signal

from liveseq.demo.ensemble.compose import Commission, compose
from liveseq.demo.ensemble.fluidsynth import Room, render
from liveseq.demo.ensemble.performing import perform
from liveseq.dsp.loudness import integrated_loudness

ROOMS: dict[str, Room] = {
    "booth": Room(size=0.1, damp=0.6, width=20.0, level=0.25),
    "club": Room(size=0.3, damp=0.6, width=60.0, level=0.4),
    "room": Room(size=0.35, damp=0.45, width=50.0, level=0.5),
    "hall": Room(size=0.65, damp=0.3, width=80.0, level=0.7),
    "church": Room(size=0.85, damp=0.2, width=100.0, level=0.85),
}
LUFS = -20.0
PEAK = 10.0 ** (-1.6 / 20.0)
"""Linear amplitude of samples; between them it may be a little more, below -1 dBFS by what was measured."""
LONGEST = 60.0
"""Seconds."""
_SOFTEST_DB = -54.0  # below the loudest: the tail is over
_FADE = 0.5  # seconds
_LOOK = 0.004  # seconds that the limiter looks around a peak
_LIMITED_DB = 5.0  # the limiter takes away no more than this: a drum kit stays softer rather than flat


def sound_of(commission: Commission, *, soundfont: Path, sample_rate: int) -> np.ndarray:
    """float32 (n_samples, 2)."""
    score, rng = compose(commission)
    midi, seconds = perform(score, rng)
    y = render(midi, soundfont=soundfont, sample_rate=sample_rate, room=ROOMS[score.room], seconds=seconds)
    return mastered(y, sample_rate=sample_rate)


def mastered(y: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """y (n_samples, 2) without DC and silent ends, at LUFS (softer where peaks forbid it), no peak above PEAK."""
    corner = scipy.signal.butter(2, 24.0, "highpass", fs=sample_rate, output="sos")
    y = scipy.signal.sosfilt(corner, y, axis=0).astype(np.float32)
    y = _trimmed(y, sample_rate=sample_rate)
    gain = 10.0 ** ((LUFS - integrated_loudness(y, sample_rate=sample_rate)) / 20.0)
    most = PEAK * 10.0 ** (_LIMITED_DB / 20.0) / max(1e-9, float(np.abs(y).max()))
    y = _limited(y * np.float32(min(gain, most)), sample_rate=sample_rate)
    return np.ascontiguousarray(y, dtype=np.float32)


def _trimmed(y: np.ndarray, *, sample_rate: int) -> np.ndarray:
    level = np.abs(y).max(axis=1)
    heard = np.flatnonzero(level > level.max() * 10.0 ** (_SOFTEST_DB / 20.0))
    n_fade = round(_FADE * sample_rate)
    begin = max(0, int(heard[0]) - round(0.01 * sample_rate))
    end = min(len(y), int(heard[-1]) + n_fade // 2, begin + round(LONGEST * sample_rate))
    y = y[begin:end].copy()
    n_fade = min(n_fade, len(y) // 2)
    y[-n_fade:] *= (np.cos(np.linspace(0.0, np.pi, n_fade)) / 2 + 0.5)[:, None].astype(np.float32)
    n_rise = round(0.003 * sample_rate)
    y[:n_rise] *= np.linspace(0.0, 1.0, n_rise, dtype=np.float32)[:, None]
    return y


def _limited(y: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """Where a peak is above PEAK, the sound around it is turned down smoothly; both sides alike."""
    level = np.abs(y).max(axis=1)
    if level.max() <= PEAK:
        return y
    n = 2 * round(_LOOK * sample_rate) + 1
    gain = scipy.ndimage.minimum_filter1d(np.minimum(1.0, PEAK / np.maximum(level, 1e-9)), n)
    release = scipy.ndimage.minimum_filter1d(gain, 4 * n)
    smooth = scipy.ndimage.uniform_filter1d(np.minimum(gain, 0.5 * (gain + release)), n)
    return np.asarray(y * smooth[:, None].astype(np.float32))


@dataclass(frozen=True)
class Rendering:
    """A piece that becomes sound in whichever process asks for it."""

    commission: Commission
    soundfont: Path

    def load(self, *, sample_rate: int, notes: list[str]) -> np.ndarray:
        return sound_of(self.commission, soundfont=self.soundfont, sample_rate=sample_rate)
