"""Analogue forecasts: the continuations of the moments that were most alike."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import faiss
import numpy as np

from liveseq.train.predictors.baselines.baseline import HORIZONS, LEAST_SCALE, examples, lags
from liveseq.train.predictors.scores import Outlook, joint_nll

N_NEIGHBOURS, N_CONTEXT = 8, 4
WIDTHS = (0.2, 0.35, 0.5, 0.7, 1.0)
"""Candidates for the kernel around a neighbour's continuation, in deviations of the analogue's own error."""


@dataclass(frozen=True, kw_only=True)
class Analogue:
    """Continuations of the N_NEIGHBOURS moments that were most alike over N_CONTEXT steps."""

    contexts: np.ndarray
    """float32 (n, N_CONTEXT * D), those of the training files."""
    following: dict[int, tuple[np.ndarray, np.ndarray]]
    """By horizon: indices (m,) of the contexts that have such a step, and the steps (m, D)."""
    widths: dict[int, np.ndarray]
    """By horizon: deviation of the kernel of each feature, (D,)."""

    @staticmethod
    def fit(fit_on: Sequence[np.ndarray], tune_on: Sequence[np.ndarray]) -> "Analogue":
        """Fit to sequences (n_steps, D), and tune the kernels on others."""
        spread_out = fit_on[::4]  # two of the eight hops: more are the same moment again
        contexts = np.concatenate([_recent(lags(s, N_CONTEXT)) for s in spread_out])
        first = np.cumsum([0, *(len(s) - 1 for s in spread_out)])
        following = {}
        for ahead in HORIZONS:
            pairs = [(i, s) for i, s in zip(first, spread_out, strict=False) if len(s) > ahead]
            if sum(len(s) - ahead for _, s in pairs) >= N_NEIGHBOURS:
                rows = np.concatenate([np.arange(i, i + len(s) - ahead) for i, s in pairs])
                following[ahead] = (rows, np.concatenate([s[ahead:] for _, s in pairs]))
        fitted = Analogue(contexts=contexts, following=following, widths={})
        for ahead in following:
            fitted.widths[ahead] = fitted._kernel(tune_on, ahead)
        return fitted

    @property
    def horizons(self) -> Collection[int]:
        return self.following.keys()

    def outlook(self, contexts: np.ndarray, *, ahead: int, rng: np.random.Generator) -> Outlook:
        """See `Baseline`: contexts (n, MAX_LAGS, D)."""
        continuations = self._continuations(contexts, ahead)
        return _kernels(continuations, self.widths[ahead])

    def _continuations(self, contexts: np.ndarray, ahead: int) -> np.ndarray:
        """(n, N_NEIGHBOURS, D)"""
        rows, steps = self.following[ahead]
        _, nearest = faiss.knn(_recent(contexts), self.contexts[rows], N_NEIGHBOURS)
        return np.asarray(steps[nearest])

    def _kernel(self, tune_on: Sequence[np.ndarray], ahead: int) -> np.ndarray:
        contexts, targets = examples(tune_on, ahead=ahead)
        if not len(targets):
            return np.ones(self.following[ahead][1].shape[1])
        continuations = self._continuations(contexts, ahead)
        error = (continuations.mean(axis=1) - targets).std(axis=0)
        candidates = [np.maximum(width * error, LEAST_SCALE) for width in WIDTHS]
        return min(candidates, key=lambda width: float(joint_nll(_kernels(continuations, width), targets).mean()))


def _recent(contexts: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(contexts[:, -N_CONTEXT:].reshape(len(contexts), -1), dtype=np.float32)


def _kernels(continuations: np.ndarray, width: np.ndarray) -> Outlook:
    """Outlook of continuations (n, N_NEIGHBOURS, D), which are the draws themselves."""
    scales = np.broadcast_to(width, (1, *continuations.shape[1:]))
    return Outlook(logits=np.zeros(continuations.shape[:2]), means=continuations, scales=scales, draws=continuations)
