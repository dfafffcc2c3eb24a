"""A Markov chain over clusters of steps."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import faiss
import numpy as np

from liveseq.train.predictors.baselines.baseline import HORIZONS, LEAST_SCALE
from liveseq.train.predictors.scores import N_DRAWS, Outlook, draw_from


@dataclass(frozen=True, kw_only=True)
class Chain:
    """A Markov chain over clusters of steps, a Gaussian in each."""

    centres: np.ndarray
    """float32 (K, D): centres of the clusters."""
    chances: np.ndarray
    """(K, K): probabilities of the next state, rows with a sum of 1."""
    means: np.ndarray
    scales: np.ndarray
    """(K, D): means and deviations of the steps of each state."""

    @staticmethod
    def fit(fit_on: Sequence[np.ndarray], *, n_states: int, seed: int) -> "Chain":
        """Fit to sequences (n_steps, D)."""
        values = np.ascontiguousarray(np.concatenate(fit_on), dtype=np.float32)
        n_states = min(n_states, len(values) // 4)
        clusters = faiss.Kmeans(values.shape[1], n_states, niter=20, seed=seed, min_points_per_centroid=1)
        clusters.train(values)
        counts = np.zeros((n_states, n_states))
        paths = [_nearest(clusters.centroids, sequence) for sequence in fit_on]
        for path in paths:
            np.add.at(counts, (path[:-1], path[1:]), 1.0)
        states = np.concatenate(paths)
        share = np.bincount(states, minlength=n_states) + 1.0
        counts += share / share.sum()  # one step that may go anywhere
        means, scales = np.zeros_like(clusters.centroids), np.ones_like(clusters.centroids)
        for state in np.unique(states):
            members = values[states == state]
            means[state], scales[state] = members.mean(axis=0), np.maximum(members.std(axis=0), LEAST_SCALE)
        chances = counts / counts.sum(axis=1, keepdims=True)
        return Chain(centres=clusters.centroids, chances=chances, means=means, scales=scales)

    @property
    def horizons(self) -> Collection[int]:
        return HORIZONS

    def outlook(self, contexts: np.ndarray, *, ahead: int, rng: np.random.Generator) -> Outlook:
        """See `Baseline`: contexts (n, MAX_LAGS, D)."""
        later = np.linalg.matrix_power(self.chances, ahead)
        logits = np.log(np.maximum(later[_nearest(self.centres, contexts[:, -1])], 1e-300))  # (n, K)
        means = np.broadcast_to(self.means, (len(contexts), *self.means.shape))
        draws = draw_from(logits, means, self.scales[None], n_draws=N_DRAWS, rng=rng)
        return Outlook(logits=logits, means=means, scales=self.scales[None], draws=draws)


def _nearest(centres: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """State of each step: (n, D) -> (n,)."""
    _, states = faiss.knn(np.ascontiguousarray(steps, dtype=np.float32), centres, 1)
    return np.asarray(states[:, 0])
