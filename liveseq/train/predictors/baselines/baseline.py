"""Interface of a baseline, and the examples that it is fitted to and judged on.

A baseline gives a distribution of the step so far ahead from the last MAX_LAGS steps (the first one repeated where a
recording has just begun). Settings are tuned on the validation files. z-scored throughout; pure numpy.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

import numpy as np

from liveseq.train.predictors.scores import Outlook

HORIZONS = (1, 4, 16, 40)
"""Steps ahead: 0.2, 0.7, 2.7 and 6.8 s at 48 kHz."""
MAX_LAGS = 16
LEAST_SCALE = 0.05
"""Least deviation: silence must not be learned to any likelihood; the networks' own bound."""


class Baseline(Protocol):
    """A fitted baseline."""

    @property
    def horizons(self) -> Collection[int]:
        """Those of HORIZONS that the training files are long enough for."""
        ...

    def outlook(self, contexts: np.ndarray, *, ahead: int, rng: np.random.Generator) -> Outlook:
        """Distribution of the step `ahead`, one of `horizons`. contexts: (n, MAX_LAGS, D), most recent last."""
        ...


def examples(sequences: Sequence[np.ndarray], *, ahead: int, every: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Contexts (n, MAX_LAGS, D) and the steps `ahead` after each (n, D), from every so many steps of each sequence."""
    contexts, targets = [], []
    for sequence in sequences:
        n = len(sequence) - ahead
        if n > 0:
            contexts.append(lags(sequence, MAX_LAGS)[:n:every])
            targets.append(sequence[ahead::every])
    if not contexts:
        d = sequences[0].shape[1]
        return np.empty((0, MAX_LAGS, d)), np.empty((0, d))
    return np.concatenate(contexts), np.concatenate(targets)


def lags(sequence: np.ndarray, order: int) -> np.ndarray:
    """Each step but the last with the order - 1 before it, oldest first: (n_steps, D) -> (n_steps - 1, order, D)."""
    before = np.repeat(sequence[:1], order - 1, axis=0)
    padded = np.concatenate((before, sequence[:-1]))  # (order - 1 + n_steps - 1, D)
    return np.lib.stride_tricks.sliding_window_view(padded, order, axis=0).transpose(0, 2, 1)
