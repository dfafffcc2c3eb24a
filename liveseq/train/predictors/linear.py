"""Linear start of a network: a map of the last steps, and the axes along which that map errs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LinearStart:
    """Ridge regression of the next F steps on the last `memory` ones.

    Before a recording begins there are zeros, after its end its last step is held.
    """

    weight: np.ndarray
    """float32 (F * D, D, memory), as that of a convolution: most recent last."""
    bias: np.ndarray
    """float32 (F * D,)."""
    axes: np.ndarray
    """float32 (D, D): principal axes of its errors one step ahead, one a row, orthonormal."""


def fit(sequences: Sequence[np.ndarray], *, memory: int, forecast: int, noise: float) -> LinearStart:
    """Fit to sequences of z-scored steps (n_steps, D).

    noise: deviation of noise on the input that the map is to bear, which is a ridge of its variance at every step.
    """
    d = sequences[0].shape[1]
    gram, moment, n = np.zeros((memory * d + 1,) * 2), np.zeros((memory * d + 1, forecast * d)), 0
    parts = [(_rows(s, memory), _futures(s, forecast)) for s in sequences if len(s) > 1]
    for rows, futures in parts:
        gram += rows.T @ rows
        moment += rows.T @ futures
        n += len(rows)
    penalty = np.full(len(gram), max(noise**2 * n, 1.0))
    penalty[-1] = 1e-6  # the constant is not penalised
    solved = np.linalg.solve(gram + np.diag(penalty), moment)  # (memory * D + 1, F * D)
    scatter = np.zeros((d, d))
    for rows, futures in parts:
        residual = futures[:, :d] - rows @ solved[:, :d]
        scatter += residual.T @ residual
    weight = solved[:-1].reshape(memory, d, forecast * d).transpose(2, 1, 0)
    axes = np.linalg.eigh(scatter)[1].T
    return LinearStart(*(np.ascontiguousarray(a, dtype=np.float32) for a in (weight, solved[-1], axes)))


def _rows(sequence: np.ndarray, memory: int) -> np.ndarray:
    """Last steps after each step but the last, oldest first, then a constant: (n_steps - 1, memory * D + 1)."""
    d = sequence.shape[1]
    padded = np.concatenate((np.zeros((memory - 1, d)), sequence[:-1]))
    windows = np.lib.stride_tricks.sliding_window_view(padded, memory, axis=0)  # (n_steps - 1, D, memory)
    rows = windows.transpose(0, 2, 1).reshape(len(sequence) - 1, -1)
    return np.concatenate((rows, np.ones((len(rows), 1))), axis=1)


def _futures(sequence: np.ndarray, forecast: int) -> np.ndarray:
    """The steps after each step but the last: (n_steps - 1, F * D); the last one repeated beyond the end."""
    d = sequence.shape[1]
    padded = np.concatenate((sequence[1:], np.repeat(sequence[-1:], forecast - 1, axis=0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, forecast, axis=0)  # (n_steps - 1, D, F)
    return windows.transpose(0, 2, 1).reshape(len(sequence) - 1, forecast * d)
