"""Loudness of a signal, as broadcasters measure it (ITU-R BS.1770-4).

Signals are float32, shape (n_samples,) or (n_samples, n_channels). The answer is finite.
"""

import numpy as np

SILENCE_LUFS = -70.0
"""The absolute gate of BS.1770: quieter than this is not measured."""

_BLOCK = 0.4  # seconds
_STEP = 0.1


def integrated_loudness(y: np.ndarray, *, sample_rate: int) -> float:
    """Gated loudness of a mono or stereo signal in LUFS; at least SILENCE_LUFS.

    y: float32, shape (n_samples,) or (n_samples, n_channels); sample_rate in Hz. A signal shorter than one block of 0.4
    s is measured as one block of its own length.

    >>> sine = np.sin(2 * np.pi * 997.0 * np.arange(48_000) / 48_000)  # the standard's own example, in one channel
    >>> round(integrated_loudness(sine.astype(np.float32), sample_rate=48_000), 2)
    -3.01
    """
    if y.size == 0:
        return SILENCE_LUFS
    channels = y[:, None] if y.ndim == 1 else y
    weighted = _k_weighted(channels, sample_rate=sample_rate)
    power = _block_powers(np.sum(weighted**2, axis=1), sample_rate=sample_rate)
    loud = power[power > _power(SILENCE_LUFS)]
    if loud.size == 0:
        return SILENCE_LUFS
    gated = loud[loud > loud.mean() / 10.0]  # the relative gate: 10 LU below
    return _lufs(float(gated.mean()))


_LUFS_OFFSET = -0.691


def _power(lufs: float) -> float:
    return float(10.0 ** ((lufs - _LUFS_OFFSET) / 10.0))


def _lufs(power: float) -> float:
    return max(SILENCE_LUFS, _LUFS_OFFSET + 10.0 * float(np.log10(power)))


def _block_powers(power: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """Mean power of overlapping blocks: (n_samples,) -> (n_blocks,)."""
    total = np.concatenate(([0.0], np.cumsum(power)))
    n_blocks = max(1, round((len(power) / sample_rate - _BLOCK) / _STEP) + 1)
    starts = (np.arange(n_blocks) * _STEP * sample_rate).astype(np.int64)
    ends = np.minimum(starts + round(_BLOCK * sample_rate), len(power))
    return np.asarray((total[ends] - total[starts]) / np.maximum(ends - starts, 1))


def _k_weighted(y: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """The signal through K-weighting, the ear's filter of BS.1770: float64 (n_samples, n_channels)."""
    from scipy.signal import sosfilt  # here, because it takes a third of a second and live processes do not need it

    sections = np.stack((_high_shelf(sample_rate), _high_pass(sample_rate)))
    return np.asarray(sosfilt(sections, y.astype(np.float64), axis=0))


def k_weighting(hz: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """Gain in power of K-weighting, the ear's filter of BS.1770, at frequencies in Hz: float64 (...), as hz.

    sample_rate in Hz; the filter is that of a signal at this rate, from prototypes that give its numbers at 48 kHz.
    """
    delay = np.exp(-2j * np.pi * np.asarray(hz) / sample_rate)
    powers = np.stack((np.ones_like(delay), delay, delay**2), axis=-1)
    response = np.ones_like(delay)
    for section in (_high_shelf(sample_rate), _high_pass(sample_rate)):
        response *= (powers @ section[:3]) / (powers @ section[3:])
    return np.asarray(np.abs(response) ** 2)


def _high_shelf(sample_rate: int) -> np.ndarray:
    k, q = np.tan(np.pi * 1681.974450955533 / sample_rate), 0.7071752369554196
    top = 10.0 ** (3.999843853973347 / 20.0)
    middle = top**0.4996667741545416
    b = np.array([top + middle * k / q + k * k, 2.0 * (k * k - top), top - middle * k / q + k * k])
    return np.concatenate((b / (1.0 + k / q + k * k), _poles(k, q)))


def _high_pass(sample_rate: int) -> np.ndarray:
    k, q = np.tan(np.pi * 38.13547087602444 / sample_rate), 0.5003270373238773
    return np.concatenate(([1.0, -2.0, 1.0], _poles(k, q)))


def _poles(k: float, q: float) -> np.ndarray:
    scale = 1.0 + k / q + k * k
    return np.array([1.0, 2.0 * (k * k - 1.0) / scale, (1.0 - k / q + k * k) / scale])
