"""Whether a generator plays its training set by heart."""

import numpy as np
from scipy.spatial.distance import cdist

CANDIDATES = 5
MAX_LAG = 0.5
"""Seconds' share of a window by which a copy may be shifted."""


def copies(train: np.ndarray, held_out: np.ndarray, generated: np.ndarray) -> dict[str, float]:
    """Distances of generated and of held-out seconds to the nearest training second, and the share that is copied.

    All three are `windows.statistics`, standardised, (n_seconds, n_statistics). `copied` is the share of generated
    seconds nearer to a training second than all but 1 of 10 held-out ones are: 0.1 where it copies no more than music
    resembles music.
    """
    natural = cdist(held_out, train).min(axis=1)
    found = cdist(generated, train).min(axis=1)
    near = float(np.quantile(natural, 0.1))
    return {
        "nearest_made": float(np.median(found)),
        "nearest_held_out": float(np.median(natural)),
        "copied": float((found < near).mean()),
    }


def likeness(train: np.ndarray, generated: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Likeness of each generated second to its most similar neighbour in training, at the best shift: -1 to 1, (n,).

    train, generated: log-mels, float32 (n, n_mels, n_frames); near: distances (n_generated, n_train).
    """
    order = np.argsort(near, axis=1)[:, :CANDIDATES]
    return np.array(
        [max(_correlation(generated[i], train[j]) for j in candidates) for i, candidates in enumerate(order)],
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
