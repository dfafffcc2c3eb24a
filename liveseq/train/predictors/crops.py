"""Crops of training recordings, and their batches.

Outliers stay where they are, so that no time is spliced; they are only not learned from.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from liveseq.train.predictors.conditions import TagVectors
from liveseq.train.predictors.material import HOPS_PER_STEP, N_FEATURES, DescribedRecording, condition_of, steps

OUTLIER = 5.0
"""Standard deviations of a recording's own steps; a step so far out is not learned from (Demiurge cuts such frames)."""


class StepBatch(NamedTuple):
    """Crops of one length, a row each."""

    values: np.ndarray
    """float32 (batch, window + 1, 34): raw features; zeros where there is nothing."""
    learned: np.ndarray
    """bool (batch, window + 1): steps that are there and no outliers, so that their likelihood counts."""
    condition: np.ndarray
    """float32 (batch, window + 1, E + 3): tag and beat of each step."""


class StepCrops:
    """Random stretches of training recordings, long ones more often.

    The same (epoch, number) is always the same batch, so a resumed run neither repeats nor shifts what is drawn.
    """

    def __init__(
        self, recordings: Sequence[DescribedRecording], *, window: int, batch_size: int, seed: int, tags: TagVectors
    ) -> None:
        self._recordings = recordings
        self._tags = tags
        self._normal = [_normal(r) for r in recordings]
        n_steps = np.array([r.n_steps for r in recordings], dtype=np.float64)
        self._chances = n_steps / n_steps.sum()
        self._window = window
        self._batch_size = batch_size
        self._seed = seed
        # An epoch has every step about four times, each time at another hop.
        self.n_batches = max(1, round(4 * n_steps.sum() / (window * batch_size)))

    def batch(self, *, epoch: int, number: int) -> StepBatch:
        """The batch of an epoch and a number. A recording shorter than the window has zeros behind it."""
        rng = np.random.default_rng((self._seed, epoch, number))
        n_steps = self._window + 1
        length = n_steps * HOPS_PER_STEP
        values = np.zeros((self._batch_size, n_steps, N_FEATURES), dtype=np.float32)
        learned = np.zeros((self._batch_size, n_steps), dtype=bool)
        conditions = []
        for row, chosen in enumerate(rng.choice(len(self._recordings), size=self._batch_size, p=self._chances)):
            recording, (mean, deviation) = self._recordings[chosen], self._normal[chosen]
            n_frames = len(recording.frames)
            slack = n_frames - length if n_frames >= length else n_frames % HOPS_PER_STEP
            start = int(rng.integers(slack + 1))
            crop = steps(recording.frames[start : start + length])
            values[row, : len(crop)] = crop
            learned[row, : len(crop)] = (np.abs(crop - mean) <= OUTLIER * deviation).all(axis=1)
            conditions.append(condition_of(recording, tags=self._tags, start=start, n_steps=n_steps))
        return StepBatch(values, learned, np.stack(conditions))


def _normal(recording: DescribedRecording) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of a recording's own steps, begun at any hop: from one of them an even beat is still."""
    frames = recording.frames
    values = np.concatenate([steps(frames[offset:]) for offset in range(HOPS_PER_STEP)])
    return values.mean(axis=0), values.std(axis=0)


def pad(sequences: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Sequences (n_steps, D) of different lengths as one array (n, longest, D), and its mask, bool (n, longest)."""
    longest = max(len(s) for s in sequences)
    values = np.zeros((len(sequences), longest, sequences[0].shape[1]), dtype=np.float32)
    mask = np.zeros((len(sequences), longest), dtype=bool)
    for row, sequence in enumerate(sequences):
        values[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = True
    return values, mask
