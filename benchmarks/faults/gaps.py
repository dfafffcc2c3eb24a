"""Silence on a tape, to the sample: the longest while it should sound, and whether the end is a fade or a cut."""

import numpy as np

LEVEL = 10 ** (-70 / 20)
"""Linear amplitude below which a sample is silence."""
FADED = 0.25
"""Share of the loudness before, below which the last millisecond is that of a fade."""


def longest_gap_ms(blocks: np.ndarray, times: np.ndarray, *, since: int, until: int, sample_rate: int) -> float:
    """Longest silence between two moments, in ms.

    blocks: float32 (n_blocks, block_size, 2); times: monotonic ns of each, int64. Cycles that the tape itself missed
    are silence only where it was silent beside them.
    """
    heard = (times >= since) & (times < until)
    blocks, times = blocks[heard], times[heard]
    if not len(blocks):
        return (until - since) / 1e6
    size = blocks.shape[1]
    ms = 1e3 / sample_rate
    at = _punctual(times, period=1e6 * size * ms)
    loud = np.flatnonzero((np.abs(blocks).max(axis=2) > LEVEL).ravel())
    edges = np.concatenate([[-1], loud, [len(blocks) * size]])
    runs = (np.diff(edges) - 1) * ms  # (n_runs,)
    missed = np.diff(at) - 1e6 * size * ms  # (n_blocks - 1,)
    for block in np.flatnonzero(missed > 1e6 * size * ms / 2) + 1:
        run = int(np.searchsorted(edges, block * size)) - 1  # that which ends at or behind the block's first sample
        beside = [one for one in (run, run + 1) if one < len(runs) and runs[one] > 0.0]
        if beside:
            runs[beside[0]] += missed[block - 1] / 1e6
    runs[0] += max(0.0, (at[0] - since) / 1e6 - size * ms)
    runs[-1] += max(0.0, (until - at[-1]) / 1e6 - 2 * size * ms)
    return float(runs.max())


def _punctual(times: np.ndarray, *, period: float) -> np.ndarray:
    """When each block was due: a cycle that only came late is made up for by later ones. ns, float64 (n_blocks,)."""
    even = np.arange(len(times)) * period
    return np.minimum.accumulate((times - even)[::-1])[::-1] + even


def first_sound_ns(blocks: np.ndarray, times: np.ndarray) -> int | None:
    """Monotonic ns of the first block with sound; None where there is none."""
    sounding = np.flatnonzero(np.abs(blocks).max(axis=(1, 2)) > LEVEL)
    return int(times[sounding[0]]) if len(sounding) else None


def is_cut(blocks: np.ndarray, *, sample_rate: int) -> bool:
    """Whether the sound ends without a fade: its last millisecond is as loud as what was before."""
    levels = np.abs(blocks).max(axis=2).ravel()
    loud = np.flatnonzero(levels > LEVEL)
    if not len(loud):
        return False
    end = int(loud[-1]) + 1
    last = levels[max(0, end - sample_rate // 1000) : end].max()
    before = np.quantile(levels[max(0, end - sample_rate) : end], 0.9)
    return bool(last > FADED * before)
