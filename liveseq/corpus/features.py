"""Rows of descriptors.f32: numbers of a unit for search, join and loudness matching. Pure."""

import numpy as np

from liveseq.corpus.units import FEATURE_NAMES
from liveseq.dsp.descriptors import BASE_NAMES, base_descriptors

N_FEATURES = len(FEATURE_NAMES)
N_BASE = len(BASE_NAMES)
N_COLUMNS = N_FEATURES + 2 * N_BASE + 1
"""Columns of a row: features (34), base descriptors of the first frame (17), of the last frame (17), loudness_db."""
_SILENCE = 1e-12  # mean power; -120 dB


def unit_rows(audio: np.ndarray, frames: np.ndarray, bounds: np.ndarray, *, hop_length: int) -> np.ndarray:
    """Rows of the units of a source.

    audio: float32 (n_samples, 2); frames: float32 (n_frames, 43); bounds: int64 (n_units + 1,) in samples; hop_length
    in samples. A frame belongs to the unit that holds its centre; a unit that holds no centre (shorter than a hop) has
    the one before it. Returns float32 (n_units, N_COLUMNS).
    """
    first = np.minimum(-(-bounds[:-1] // hop_length), len(frames) - 1)  # (n_units,) first centre at or after the start
    last = -(-bounds[1:] // hop_length) - 1  # last centre before the end
    first = np.minimum(first, last)
    described = base_descriptors(frames)  # (n_frames, 17)
    rows = np.empty((len(bounds) - 1, N_COLUMNS), dtype=np.float32)
    mean, std = _mean_and_std(described, first, last)
    rows[:, :N_BASE] = mean
    rows[:, N_BASE:N_FEATURES] = std
    rows[:, N_FEATURES : N_FEATURES + N_BASE] = described[first]
    rows[:, N_FEATURES + N_BASE : -1] = described[last]
    rows[:, -1] = _loudness_db(audio, bounds)
    return rows


def _mean_and_std(values: np.ndarray, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation over rows first..last (both included) of values (n, d): two arrays (n_units, d)."""
    # Sums from the start, so that ranges may touch or overlap; centred first, so that float64 loses nothing.
    centre = values.mean(axis=0, dtype=np.float64)
    centred = values - centre
    zero = np.zeros((1, values.shape[1]))
    sums = np.concatenate([zero, np.cumsum(centred, axis=0)])
    squares = np.concatenate([zero, np.cumsum(centred**2, axis=0)])
    n = (last + 1 - first)[:, None]
    mean = (sums[last + 1] - sums[first]) / n
    variance = (squares[last + 1] - squares[first]) / n - mean**2
    return mean + centre, np.sqrt(np.maximum(variance, 0.0))


def _loudness_db(audio: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    powers = np.empty(len(bounds) - 1)
    for i, (start, end) in enumerate(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)):
        unit = audio[start:end].reshape(-1)  # view; one unit at a time keeps memory flat for long sources
        powers[i] = np.dot(unit, unit) / unit.size
    return 10.0 * np.log10(np.maximum(powers, _SILENCE))
