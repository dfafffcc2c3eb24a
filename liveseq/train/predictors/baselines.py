"""What needs no network, and what a network must beat: mean, persistence, linear models, analogues, a Markov chain.

Each hears the last MAX_LAGS steps (the first one repeated where a recording has just begun) and tells a distribution of
the step so far ahead. Whatever has a knob is tuned on the validation files. z-scored throughout; pure numpy.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import faiss
import numpy as np

from liveseq.train.predictors.scores import N_DRAWS, Outlook, draw_from, joint_nll

HORIZONS = (1, 4, 16, 40)
"""Steps ahead: 0.2, 0.7, 2.7 and 6.8 s at 48 kHz."""
MAX_LAGS = 16
ORDERS = (1, 4, 16)
RIDGES = (1.0, 10.0, 100.0, 1000.0, 10_000.0)
SHRINKAGES = (0.0, 0.1, 0.3, 1.0)
"""Of a covariance towards its diagonal."""
N_ERRORS = 20_000
"""About so many at most are enough for a covariance."""
N_NEIGHBOURS, N_CONTEXT = 8, 4
WIDTHS = (0.2, 0.35, 0.5, 0.7, 1.0)
"""Of the kernel around a neighbour's continuation, in deviations of the analogue's own error."""
N_STATES = (64, 128, 256)
LEAST_SCALE = 0.05
"""Silence must not be learned to any likelihood; the networks' own bound."""

Forecast = Callable[[np.ndarray, int], np.ndarray]
"""(n, MAX_LAGS, D) most recent last, and steps ahead -> (n, D)."""


class Baseline(Protocol):
    @property
    def horizons(self) -> Collection[int]:
        """Those of HORIZONS that the training files are long enough for."""
        ...

    def outlook(self, contexts: np.ndarray, *, ahead: int, rng: np.random.Generator) -> Outlook:
        """contexts: (n, MAX_LAGS, D), most recent last; ahead: one of `horizons`."""
        ...


def examples(sequences: Sequence[np.ndarray], *, ahead: int, every: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Contexts (n, MAX_LAGS, D) and what came `ahead` steps after each (n, D), from every so many steps of each."""
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
    """For each step but the last, it and the order - 1 before it, oldest first: (n_steps - 1, order, D)."""
    before = np.repeat(sequence[:1], order - 1, axis=0)
    padded = np.concatenate((before, sequence[:-1]))  # (order - 1 + n_steps - 1, D)
    return np.lib.stride_tricks.sliding_window_view(padded, order, axis=0).transpose(0, 2, 1)


def fit_all(fit_on: Sequence[np.ndarray], tune_on: Sequence[np.ndarray], *, seed: int) -> dict[str, Baseline]:
    """Every baseline by name. fit_on: training sequences (n_steps, D) begun at every hop; tune_on: validation ones."""

    def spread(forecast: Forecast) -> Baseline:
        return WithErrors.fit(forecast, fit_on, tune_on)

    found: dict[str, Baseline] = {
        "mean": spread(lambda contexts, ahead: np.zeros((len(contexts), contexts.shape[2]))),
        "persistence": spread(lambda contexts, ahead: contexts[:, -1]),
    }
    for order in ORDERS:
        candidates = Var.fit(fit_on, order=order, ridges=RIDGES)
        found[f"VAR({order})"] = spread(min(candidates, key=lambda var: point_error(var, tune_on)))
    found["analogue"] = Analogue.fit(fit_on, tune_on)
    chains = [Chain.fit(fit_on, n_states=k, seed=seed) for k in N_STATES]
    found["Markov chain"] = min(chains, key=lambda chain: _nll(chain, tune_on, seed=seed))
    return found


def point_error(forecast: Forecast, sequences: Sequence[np.ndarray]) -> float:
    """Mean squared error one and four steps ahead together."""
    found = []
    for ahead in HORIZONS[:2]:
        contexts, targets = examples(sequences, ahead=ahead)
        if len(targets):
            found.append(float(((forecast(contexts, ahead) - targets) ** 2).mean()))
    return sum(found)


@dataclass(frozen=True, kw_only=True)
class Var:
    """Vector autoregression: the next step is linear in the last `order` steps. Ridge regression."""

    order: int
    weights: np.ndarray
    """float64 (order * D + 1, D): oldest lag first, the constant last."""

    @staticmethod
    def fit(sequences: Sequence[np.ndarray], *, order: int, ridges: Sequence[float]) -> "list[Var]":
        """One per ridge. sequences: (n_steps, D) each. The constant is not penalised."""
        d = sequences[0].shape[1]
        n = order * d + 1
        gram, moment = np.zeros((n, n)), np.zeros((n, d))
        for sequence in sequences:
            rows = _with_constant(lags(sequence, order).reshape(len(sequence) - 1, -1))
            gram += rows.T @ rows
            moment += rows.T @ sequence[1:]
        free = np.append(np.ones(n - 1), 1e-9)
        return [Var(order=order, weights=np.linalg.solve(gram + np.diag(r * free), moment)) for r in ridges]

    def __call__(self, contexts: np.ndarray, ahead: int) -> np.ndarray:
        """(n, >= order, D) -> (n, D), each forecast fed back for the next."""
        history = contexts[:, -self.order :]
        for _ in range(ahead):
            following = _with_constant(history.reshape(len(contexts), -1)) @ self.weights
            history = np.concatenate((history[:, 1:], following[:, None]), axis=1)
        return np.asarray(history[:, -1])


@dataclass(frozen=True, kw_only=True)
class Errors:
    """Of a point forecast, on the training files."""

    pool: np.ndarray
    """(n, D)"""
    basis: np.ndarray
    """(D, D): their principal axes, a row each."""
    scales: np.ndarray
    """(D,): deviations along them."""


@dataclass(frozen=True, kw_only=True)
class WithErrors:
    """A point forecast and its training errors: as a Gaussian for the likelihood, as they were for the draws."""

    forecast: Forecast
    errors: dict[int, Errors]

    @staticmethod
    def fit(forecast: Forecast, fit_on: Sequence[np.ndarray], tune_on: Sequence[np.ndarray]) -> "WithErrors":
        """The covariance is full, drawn towards its diagonal as far as the validation files like it."""
        found = {}
        every = max(7, sum(map(len, fit_on)) // N_ERRORS)
        for ahead in HORIZONS:
            contexts, targets = examples(fit_on, ahead=ahead, every=every)
            if len(targets) < 2:
                continue
            pool = targets - forecast(contexts, ahead)
            contexts, targets = examples(tune_on, ahead=ahead)
            judged = targets - forecast(contexts, ahead) if len(targets) else pool
            candidates = [_errors(pool, shrinkage) for shrinkage in SHRINKAGES]
            found[ahead] = min(candidates, key=lambda errors: _surprise(errors, judged))
        return WithErrors(forecast=forecast, errors=found)

    @property
    def horizons(self) -> Collection[int]:
        return self.errors.keys()

    def outlook(self, contexts: np.ndarray, *, ahead: int, rng: np.random.Generator) -> Outlook:
        expected, errors = self.forecast(contexts, ahead), self.errors[ahead]
        drawn = errors.pool[rng.integers(len(errors.pool), size=(len(contexts), N_DRAWS))]
        return Outlook(
            logits=np.zeros((len(contexts), 1)),
            means=expected[:, None],
            scales=errors.scales[None, None],
            draws=expected[:, None] + drawn,
            basis=errors.basis,
        )


def _errors(pool: np.ndarray, shrinkage: float) -> Errors:
    covariance = pool.T @ pool / len(pool)
    covariance = (1.0 - shrinkage) * covariance + shrinkage * np.diag(np.diag(covariance))
    values, vectors = np.linalg.eigh(covariance)
    return Errors(pool=pool, basis=vectors.T, scales=np.sqrt(np.maximum(values, LEAST_SCALE**2)))


def _surprise(errors: Errors, found: np.ndarray) -> float:
    """Mean negative log likelihood, but for constants."""
    return float((0.5 * (found @ errors.basis.T / errors.scales) ** 2 + np.log(errors.scales)).mean())


@dataclass(frozen=True, kw_only=True)
class Analogue:
    """What followed the N_NEIGHBOURS moments that were most alike over N_CONTEXT steps."""

    contexts: np.ndarray
    """float32 (n, N_CONTEXT * D) of the training files."""
    following: dict[int, tuple[np.ndarray, np.ndarray]]
    """Per horizon: indices (m,) of the contexts that have such a step, and the steps (m, D)."""
    widths: dict[int, np.ndarray]
    """Per horizon: deviation of the kernel of each feature, (D,)."""

    @staticmethod
    def fit(fit_on: Sequence[np.ndarray], tune_on: Sequence[np.ndarray]) -> "Analogue":
        spread_out = fit_on[::4]  # two of the eight hops: more are the same moment again
        contexts = np.concatenate([_recent(lags(s, N_CONTEXT)) for s in spread_out])
        first = np.cumsum([0, *(len(s) - 1 for s in spread_out)])
        following = {}
        for ahead in HORIZONS:
            pairs = [(i, s) for i, s in zip(first, spread_out, strict=False) if len(s) > ahead]
            if sum(len(s) - ahead for _, s in pairs) >= N_NEIGHBOURS:
                rows = np.concatenate([np.arange(i, i + len(s) - ahead) for i, s in pairs])
                following[ahead] = (rows, np.concatenate([s[ahead:] for _, s in pairs]))
        found = Analogue(contexts=contexts, following=following, widths={})
        for ahead in following:
            found.widths[ahead] = found._kernel(tune_on, ahead)
        return found

    @property
    def horizons(self) -> Collection[int]:
        return self.following.keys()

    def outlook(self, contexts: np.ndarray, *, ahead: int, rng: np.random.Generator) -> Outlook:
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
    """Draws are the continuations themselves."""
    scales = np.broadcast_to(width, (1, *continuations.shape[1:]))
    return Outlook(logits=np.zeros(continuations.shape[:2]), means=continuations, scales=scales, draws=continuations)


@dataclass(frozen=True, kw_only=True)
class Chain:
    """A Markov chain over clusters of steps, a Gaussian in each."""

    centres: np.ndarray
    """float32 (K, D)"""
    chances: np.ndarray
    """(K, K), rows add up to 1: from one state to the next."""
    means: np.ndarray
    scales: np.ndarray
    """(K, D) each"""

    @staticmethod
    def fit(fit_on: Sequence[np.ndarray], *, n_states: int, seed: int) -> "Chain":
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
        later = np.linalg.matrix_power(self.chances, ahead)
        logits = np.log(np.maximum(later[_nearest(self.centres, contexts[:, -1])], 1e-300))  # (n, K)
        means = np.broadcast_to(self.means, (len(contexts), *self.means.shape))
        draws = draw_from(logits, means, self.scales[None], n_draws=N_DRAWS, rng=rng)
        return Outlook(logits=logits, means=means, scales=self.scales[None], draws=draws)


def _nearest(centres: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """(n, D) -> (n,)"""
    _, found = faiss.knn(np.ascontiguousarray(steps, dtype=np.float32), centres, 1)
    return np.asarray(found[:, 0])


def _nll(baseline: Baseline, sequences: Sequence[np.ndarray], *, seed: int) -> float:
    contexts, targets = examples(sequences, ahead=1)
    found = baseline.outlook(contexts, ahead=1, rng=np.random.default_rng(seed))
    return float(joint_nll(found, targets).mean())


def _with_constant(rows: np.ndarray) -> np.ndarray:
    return np.concatenate((rows, np.ones((len(rows), 1))), axis=1)
