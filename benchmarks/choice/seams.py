"""Seams: how sharp a place is, how far the spectrum steps there, and how much of either natural sound has.

A signal is mono float32 (n_samples,), a place the number of a sample in it.
"""

from dataclasses import dataclass

import numpy as np

from liveseq.dsp.spectral import mel_power, power_spectrum


@dataclass(frozen=True)
class Join:
    """A crossfade: where it begins in the answer and, at that moment, where in which recordings."""

    place: int
    fade: int
    before: tuple[np.ndarray, int]
    after: tuple[np.ndarray, int]


def sharpness(y: np.ndarray, place: int, *, near: int = 32) -> float:
    """Largest second difference within `near` samples of a place."""
    return float(np.abs(np.diff(y[max(place - near, 0) : place + near], n=2)).max(initial=0.0))


def around(y: np.ndarray, place: int, *, reach: int = 2048) -> float:
    """99.9th percentile of the second differences within `reach` samples of a place."""
    local = np.abs(np.diff(y[max(place - reach, 0) : max(place, 0) + reach], n=2))
    return float(np.quantile(local, 0.999)) if len(local) else 0.0


def click(y: np.ndarray, join: Join) -> float:
    """Sharpness at the worse end of a crossfade, against the recordings around the same place.

    An attack that a recording has at that very place, and that the join lets in, is no click.
    """
    ends = (0, join.fade)
    worst = max(sharpness(y, join.place + end) for end in ends)
    own = max(sharpness(recording, place + end) for recording, place in (join.before, join.after) for end in ends)
    return worst / (max(around(*join.before), around(*join.after), own) + 1e-5)


def spectral_step(y: np.ndarray, join: Join, *, rate: int, n: int = 1024) -> float:
    """Mean squared difference in dB between the 40-band spectra just before and just after a crossfade."""
    before, after = y[: join.place][-n:], y[join.place + join.fade :][:n]
    if len(before) < n or len(after) < n:
        return 0.0
    powers = mel_power(power_spectrum(np.stack([before, after])), sample_rate=rate, n_mels=40)
    bands = 10.0 * np.log10(powers + 1e-8)  # (2, n_mels)
    return float(np.mean((bands[1] - bands[0]) ** 2))


def natural_seam(signals: list[np.ndarray], *, n: int = 4000) -> float:
    """The sharpness that 99 % of random places of untouched recordings stay below, measured as `click` does."""
    rng = np.random.default_rng(0)
    long = [y for y in signals if len(y) > 8192]
    values = []
    for _ in range(n):
        y = long[int(rng.integers(len(long)))]
        place = int(rng.integers(4096, len(y) - 4096))
        values.append(sharpness(y, place) / (around(y, place) + 1e-5))
    return float(np.quantile(values, 0.99))
