"""Attacks of a signal, and the steady beat that they keep.

Pure numpy. Eight octave bands come from a Haar wavelet transform (a few additions per sample), their energies every 128
samples from its coefficients: attacks in any register count, for a tenth of the price of a spectrogram. The beat is one
constant tempo for the whole signal: its period from the autocorrelation of the attacks, as in a tempogram (Grosche and
Mueller 2011, "Extracting predominant local pulse information"), sharpened at ever longer lags, its phase from the
attacks folded at that period. What was made to a click fits to within a few samples; what drifts has no beat.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view

STEP = 128
"""Samples from one look at the signal to the next: 2.7 ms at 48 kHz."""
CONFIDENT = 0.15
"""Least confidence of a beat. Drones, pads and textures have 0.00 to 0.11, drum loops 0.18 to 0.87."""
ATTACK = 0.5
"""An attack is where half of the amplitude is new."""
LEAST_BEATS = 4
"""Beats that a signal must hold: fewer repeat nothing."""
FASTEST_BPM, SLOWEST_BPM = 200.0, 55.0
_USUAL_BPM = 120.0
_SPREAD_OCTAVES = 0.9  # so far from the usual tempo, a tempo needs 1.6 times the evidence
_MULTIPLES = {0.25: 0.5, 0.5: 0.5, 1.0: 1.0, 2.0: 1.0, 3.0: 0.5, 4.0: 1.0}
"""Lags in beats at which attacks should come again, and what each counts."""
_BANDS = 8
_WIDTH = 8  # steps over which a level is taken: 21 ms, a period of the lowest note with a pulse
_FLOOR = 1e-3  # amplitude; what changes below -60 dBFS is not an attack
_HIGH_RATE = 72_000  # Hz; above it every second sample will do, and a step lasts as long as below
_NEAR = 3  # steps: a rise over 21 ms and the sharpest one in it may lie apart by so much
_BEGINS = 0.3  # of the sharpest rise: an attack that begins late in a step shows less there than in the next
_BINS = 64  # per beat, when attacks are folded


@dataclass(frozen=True, kw_only=True)
class Beats:
    """A grid of beats, in samples."""

    period: float
    """Samples from one beat to the next."""
    origin: float
    """Position of a beat, from 0 to period."""
    confidence: float
    """0 to 1: the share of what changes in the signal that comes again with every beat."""


def find_beats(y: np.ndarray, *, sample_rate: int) -> Beats | None:
    """The steady beat of a signal, or None where there is none.

    y: float32 mono, shape (n_samples,), finite; sample_rate in Hz. The tempo is from 55 to 200 bpm; where half or
    double would do, it is the one nearer to 120.
    """
    if sample_rate > _HIGH_RATE:
        found = find_beats(_halved(y), sample_rate=sample_rate // 2)
        return found and Beats(period=2 * found.period, origin=2 * found.origin, confidence=found.confidence)
    rate = sample_rate / STEP
    if len(y) < LEAST_BEATS * sample_rate * 60.0 / FASTEST_BPM:
        return None
    before, after = _levels(_octaves(y))
    changes = np.maximum(np.log10((after + _FLOOR) / (before + _FLOOR)), 0.0).sum(axis=1)  # every register alike
    changes = _without_trend(changes, width=int(rate))
    autocorrelation = _autocorrelation(changes)
    if autocorrelation is None:
        return None
    period = _sharpened(autocorrelation, _likely_period(autocorrelation, rate=rate))
    confidence = _repeated(changes, period)
    if confidence < CONFIDENT or len(changes) < (LEAST_BEATS - 0.1) * period:
        return None
    rises = _without_trend(np.maximum(after - before, 0.0).sum(axis=1), width=int(rate))  # on the beat is what is loud
    return Beats(period=float(period * STEP), origin=_strongest(rises, period) * STEP, confidence=confidence)


def find_attacks(y: np.ndarray, *, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Places at which sounds begin, and their strengths.

    y: float32 mono, shape (n_samples,), finite; sample_rate in Hz. Returns positions, int64 (n,), in samples,
    ascending: multiples of STEP, at the attack or up to STEP before (twice that above 72 kHz); and how much amplitude
    is new, float32 (n,), linear and summed over the bands.
    """
    if sample_rate > _HIGH_RATE:
        places, strengths = find_attacks(_halved(y), sample_rate=sample_rate // 2)
        return 2 * places, strengths
    power = _octaves(y)
    if not len(power):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    before, after = _levels(power)
    rises = np.maximum(after - before, 0.0).sum(axis=1)  # (n,)
    found = np.flatnonzero(rises > ATTACK * (after.sum(axis=1) + _FLOOR))
    around = sliding_window_view(np.pad(rises, _WIDTH), 2 * _WIDTH + 1)[found]
    found = found[rises[found] >= around.max(axis=1)]
    amplitude = np.sqrt(np.pad(power, ((_NEAR + 1, _NEAR), (0, 0))))
    sharp = np.maximum(np.diff(amplitude, axis=0), 0.0).sum(axis=1)  # (n + 2 * _NEAR,): from step to step
    nearby = sliding_window_view(sharp, 2 * _NEAR + 1)[found]
    exact = found - _NEAR + np.argmax(nearby > _BEGINS * nearby.max(axis=1, keepdims=True), axis=1)  # the first such
    exact, first = np.unique(np.clip(exact, 0, None), return_index=True)
    return exact.astype(np.int64) * STEP, rises[found][first].astype(np.float32)


def _halved(y: np.ndarray) -> np.ndarray:
    """The signal at half its rate; what folds back from above is far above where attacks are told apart."""
    n = len(y) // 2
    return np.asarray(0.5 * (y[0 : 2 * n : 2] + y[1 : 2 * n : 2]), dtype=np.float32)


def _levels(power: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Amplitude of each band in the 21 ms before each step and in the 21 ms that begin with it: two arrays (n, 8)."""
    n = len(power)
    sums = np.zeros((n + 2 * _WIDTH + 1, power.shape[1]))  # silence before and after
    np.cumsum(power, axis=0, out=sums[_WIDTH + 1 : _WIDTH + 1 + n])
    sums[_WIDTH + 1 + n :] = sums[_WIDTH + n]
    level = np.sqrt(np.maximum(sums[_WIDTH:] - sums[:-_WIDTH], 0.0) / _WIDTH)  # of the 8 steps before each
    return level[:n], level[_WIDTH : _WIDTH + n]


def _octaves(y: np.ndarray) -> np.ndarray:
    """Mean power in each octave band: float32 (n_samples // STEP, 8), the highest first."""
    n = len(y) // STEP
    low = np.ascontiguousarray(y[: n * STEP], dtype=np.float32)
    out = np.empty((n, _BANDS), dtype=np.float32)
    for band in range(_BANDS - 1):
        even, odd = low[0::2], low[1::2]
        high = (even - odd).reshape(n, (STEP // 2) >> band)
        out[:, band] = np.einsum("ij,ij->i", high, high) / (2 * STEP)
        low = (even + odd) * np.float32(0.5**0.5)
    out[:, -1] = low**2 / STEP
    return out


def _without_trend(x: np.ndarray, *, width: int) -> np.ndarray:
    width = min(width, len(x))
    return np.asarray(x - np.convolve(x, np.ones(width) / width, mode="same"))


def _autocorrelation(x: np.ndarray) -> np.ndarray | None:
    """Autocorrelation at lags up to three quarters of the signal; 1 at lag 0. None for one that never changes."""
    n = scipy.fft.next_fast_len(2 * len(x), real=True)
    products = scipy.fft.irfft(np.abs(scipy.fft.rfft(x, n)) ** 2, n)[: 3 * len(x) // 4]
    if products[0] <= 1e-6 * len(x):
        return None
    return np.asarray(products / products[0] * (len(x) / (len(x) - np.arange(len(products)))))


def _likely_period(autocorrelation: np.ndarray, *, rate: float) -> float:
    """The period, in steps, at whose multiples the attacks come again best. rate: steps per second."""
    periods = np.geomspace(60.0 / FASTEST_BPM, 60.0 / SLOWEST_BPM, 300) * rate
    score = np.zeros(len(periods))
    for multiple, weight in _MULTIPLES.items():
        score += weight * np.interp(multiple * periods, np.arange(len(autocorrelation)), autocorrelation, right=0.0)
    octaves = np.log2(periods * _USUAL_BPM / (60.0 * rate))
    return float(periods[np.argmax(score * np.exp(-0.5 * (octaves / _SPREAD_OCTAVES) ** 2))])


def _sharpened(autocorrelation: np.ndarray, period: float) -> float:
    """The period (in steps) from the peak near ever longer multiples of it, as long as the beat is still there."""
    multiple = 1
    while True:
        around = int(np.ceil(0.04 * period)) if multiple == 1 else int(np.ceil(0.15 * period))
        centre = round(multiple * period)
        first, last = centre - around, centre + around
        if last + 1 >= len(autocorrelation):
            return period
        peak = first + int(np.argmax(autocorrelation[first : last + 1]))
        if peak in (first, last) or autocorrelation[peak] < 0.25 * autocorrelation[round(period)]:
            return period
        period = (peak + _summit(*autocorrelation[peak - 1 : peak + 2])) / multiple
        multiple *= 2


def _folded(x: np.ndarray, period: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean of x (n,) in each of _BINS parts of a period (in steps), and how many values each has."""
    bins = (np.arange(len(x)) / period % 1.0 * _BINS).astype(np.int64)
    counts = np.bincount(bins, minlength=_BINS)
    return np.bincount(bins, weights=x, minlength=_BINS) / np.maximum(counts, 1), counts


def _repeated(x: np.ndarray, period: float) -> float:
    """Share of the variance of x that comes again in every period (in steps), beyond what chance repeats."""
    mean, counts = _folded(x, period)
    share = float((counts * mean**2).sum() / (x**2).sum())
    by_chance = period / len(x)
    return float(max((share - by_chance) / (1.0 - by_chance), 0.0))


def _strongest(x: np.ndarray, period: float) -> float:
    """Position in the period (both in steps) at which x is greatest."""
    mean, _ = _folded(x, period)
    smooth = np.convolve(np.concatenate([mean[-2:], mean, mean[:2]]), [0.1, 0.25, 0.3, 0.25, 0.1], mode="valid")
    best = int(np.argmax(smooth))
    where = best + 0.5 + _summit(smooth[best - 1], smooth[best], smooth[(best + 1) % _BINS])
    return float(where / _BINS % 1.0 * period)


def _summit(before: float, top: float, after: float) -> float:
    """Top of the parabola through three values in a row: -0.5 to 0.5 from the middle one, which is the greatest."""
    curve = before - 2.0 * top + after
    return 0.5 * (before - after) / curve if curve else 0.0
