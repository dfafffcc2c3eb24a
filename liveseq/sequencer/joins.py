"""Joins of two recordings: one gives way to another a few milliseconds earlier or later, so that the waveforms agree.

Pure numpy. A fade between sounds whose phases disagree has a hole in the middle; where they agree it has none, and how
far they agree says by how much the fade's gains are to be evened (see dsp.crossfade). An attack that a fade swallows is
neither heard nor gone: the join lies before it. The search is known from time stretching: Verhelst & Roelands, "An
overlap-add technique based on waveform similarity (WSOLA)", ICASSP 1993.
"""

from dataclasses import dataclass

import numpy as np

from liveseq.corpus.units import UnitTable

NEAR_TIE = 0.05
"""Correlation that the farthest shift must be worth more than none."""
SILENCE = 1e-5
"""Linear rms (-100 dBFS) under which nothing is there to be aligned."""


@dataclass(frozen=True, slots=True)
class Join:
    """Place at which the incoming recording is to be entered, and how well it fits there."""

    shift: int
    """Samples later than planned; below 0 earlier."""
    correlation: float
    """Correlation of the outgoing and the incoming sound during the fade, 0 to 1."""


def align(outgoing: np.ndarray, incoming: np.ndarray, *, search: int, attack: int | None = None) -> Join:
    """The shift, at most `search` either way, at which the incoming sound is most like the outgoing one.

    outgoing: float32 (n,), mono, what would sound during the fade; both sounds as loud as they are played.
    incoming: float32 (n + 2 * search,), from `search` before the fade's place in the destination to `search` after it.
    attack: samples from the fade's place to an attack of the incoming sound. Where the search reaches so far, no shift
      is taken that would bury it in the fade: it comes in whole, right behind.
    Near ties go to the smaller shift. Silence, and what has no waveform but a constant, is not shifted, or no further
    than for the attack's sake.
    """
    n = len(outgoing)
    assert len(incoming) == n + 2 * search
    last = search if attack is None or attack - n < -search else min(search, attack - n)
    shifts = np.arange(-search, last + 1)
    correlations = _correlations(outgoing, incoming)[: len(shifts)]
    best = int(np.argmax(correlations - NEAR_TIE * np.abs(shifts) / max(search, 1)))
    if correlations[best] <= 0.0:
        return Join(min(0, last), 0.0)
    return Join(int(shifts[best]), _likeness(outgoing, incoming[best : best + n]))


def nearest_attack(units: UnitTable, unit: int, *, fade: int) -> int | None:
    """Samples from the place `fade` before a unit to the attack that is nearest to the unit's start, for `align`.

    That is its own, or that of the unit before it in its source; None where neither has one.
    """
    attacks = [fade + int(units.onset[unit])] if units.onset[unit] >= 0 else []
    before = unit - 1
    if before >= 0 and units.successor[before] == unit and units.onset[before] >= 0:
        attacks.append(fade - int(units.length[before]) + int(units.onset[before]))
    return min(attacks, key=lambda attack: abs(attack - fade), default=None)


def _likeness(outgoing: np.ndarray, incoming: np.ndarray) -> float:
    """Likeness of two sounds in the middle of a fade: their common power against the mean of their powers, 0 to 1.

    That is their correlation where they are equally loud. Where they are not, one of them changes the level of the sum
    by less, and its fade is to be evened less.
    """
    weights = np.square(np.sin(np.pi * (np.arange(len(outgoing)) + 0.5) / len(outgoing)))
    common = float(np.dot(weights * outgoing, incoming))
    powers = float(np.dot(weights, np.square(outgoing) + np.square(incoming)))
    return min(1.0, max(0.0, 2.0 * common / powers)) if powers > 0.0 else 0.0


def _correlations(outgoing: np.ndarray, incoming: np.ndarray) -> np.ndarray:
    """Correlations of the outgoing sound, less its mean, with every stretch of the incoming one that is as long, less
    its mean: float64 (n_incoming - n_outgoing + 1,), -1 to 1."""
    n = len(outgoing)
    size = 1 << (len(incoming) - 1).bit_length()  # a circular correlation is exact where they overlap in full
    outgoing = outgoing - outgoing.mean(dtype=np.float64)
    spectrum = np.fft.rfft(incoming, size) * np.fft.rfft(outgoing, size).conj()
    products = np.fft.irfft(spectrum, size)[: len(incoming) - n + 1]
    sums = np.cumsum(np.concatenate([np.zeros((1, 2)), np.stack([incoming, np.square(incoming)], axis=1)]), axis=0)
    means, powers = (sums[n:] - sums[:-n]).T / n
    variances = np.maximum(powers - np.square(means), 0.0)
    variance = float(np.mean(np.square(outgoing)))
    # What is as good as constant has no shape: rounding would be compared.
    least = np.maximum(SILENCE**2, 1e-6 * powers)
    heard = (variances > least) & (variance > SILENCE**2)
    scale = np.sqrt(np.maximum(variances * variance, SILENCE**4))
    found: np.ndarray = np.where(heard, products / n / scale, 0.0)
    return found
