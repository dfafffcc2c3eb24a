"""Directions in which the next step errs together: the basis along which a network's deviations lie."""

from collections.abc import Sequence

import numpy as np

LAGS = 4
RIDGE = 10.0


def residual_axes(sequences: Sequence[np.ndarray]) -> np.ndarray:
    """Principal axes of what a linear model of four steps gets wrong, one a row, orthonormal: float32 (D, D).

    sequences: z-scored steps (n_steps, D) each; those too short for a residual are left out.
    """
    long = [s.astype(np.float64) for s in sequences if len(s) > LAGS]
    d = sequences[0].shape[1]
    if not long:
        return np.eye(d, dtype=np.float32)
    rows = np.concatenate([_lags(s) for s in long])
    target = np.concatenate([s[LAGS:] for s in long])
    gram = rows.T @ rows + RIDGE * np.eye(rows.shape[1])
    residual = target - rows @ np.linalg.solve(gram, rows.T @ target)
    _, vectors = np.linalg.eigh(residual.T @ residual)
    return np.ascontiguousarray(vectors.T, dtype=np.float32)


def _lags(sequence: np.ndarray) -> np.ndarray:
    """(n_steps - LAGS, LAGS * D + 1): what each step can be told from, and a constant."""
    n = len(sequence) - LAGS
    parts = [sequence[i : i + n] for i in range(LAGS)]
    return np.concatenate([*parts, np.ones((n, 1))], axis=1)
