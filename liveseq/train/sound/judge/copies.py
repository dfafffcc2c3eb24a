"""Does a generator play its training set by heart?"""

import numpy as np
from scipy.spatial.distance import cdist

CANDIDATES = 5
MAX_LAG = 0.5
"""Seconds' share of a window by which a copy may be shifted."""


def copies(train: np.ndarray, held_out: np.ndarray, made: np.ndarray) -> dict[str, float]:
    """Distances to the nearest training second, of what was made and of recordings that are not in the training set.

    Points of `windows.statistics`, standardised. `copied` is the share of made seconds nearer to a training second
    than all but 1 of 10 held-out ones are: 0.1 where it copies no more than music resembles music.
    """
    natural = cdist(held_out, train).min(axis=1)
    found = cdist(made, train).min(axis=1)
    near = float(np.quantile(natural, 0.1))
    return {
        "nearest_made": float(np.median(found)),
        "nearest_held_out": float(np.median(natural)),
        "copied": float((found < near).mean()),
    }


def likeness(train: np.ndarray, made: np.ndarray, near: np.ndarray) -> np.ndarray:
    """How like the most similar of its nearest training seconds each made second is, at the best shift: -1 to 1, (n,).

    train, made: log-mels, float32 (n, n_mels, n_frames); near: distances (n_made, n_train).
    """
    order = np.argsort(near, axis=1)[:, :CANDIDATES]
    return np.array(
        [max(_correlation(made[i], train[j]) for j in candidates) for i, candidates in enumerate(order)],
    )


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Largest normalised product of two log-mels over shifts of up to half a window."""
    n = a.shape[1]
    best = -1.0
    for lag in range(-int(MAX_LAG * n), int(MAX_LAG * n) + 1):
        x = a[:, max(0, lag) : n + min(0, lag)]
        y = b[:, max(0, -lag) : n + min(0, -lag)]
        x, y = x - x.mean(), y - y.mean()
        best = max(best, float((x * y).sum() / max(np.sqrt((x**2).sum() * (y**2).sum()), 1e-9)))
    return best
