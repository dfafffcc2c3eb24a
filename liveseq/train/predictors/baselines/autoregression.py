"""Point forecasts, linear ones among them, with their training errors as a distribution."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from liveseq.train.predictors.baselines.baseline import HORIZONS, LEAST_SCALE, examples, lags
from liveseq.train.predictors.scores import N_DRAWS, Outlook

SHRINKAGES = (0.0, 0.1, 0.3, 1.0)
"""Candidates for the shrinkage of a covariance towards its diagonal."""
N_ERRORS = 20_000
"""About so many errors at most are enough for a covariance."""

Forecast = Callable[[np.ndarray, int], np.ndarray]
"""Contexts (n, MAX_LAGS, D), most recent last, and steps ahead -> expected steps (n, D)."""


@dataclass(frozen=True, kw_only=True)
class Var:
    """Vector autoregression: the next step is linear in the last `order` steps. Ridge regression."""

    order: int
    weights: np.ndarray
    """float64 (order * D + 1, D): oldest lag first, the constant last."""

    @staticmethod
    def fit(sequences: Sequence[np.ndarray], *, order: int, ridges: Sequence[float]) -> "list[Var]":
        """A model per ridge. sequences: (n_steps, D) each. The constant is not penalised."""
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
        """Contexts (n, >= order, D) -> expected steps (n, D), each forecast fed back for the next."""
        history = contexts[:, -self.order :]
        for _ in range(ahead):
            following = _with_constant(history.reshape(len(contexts), -1)) @ self.weights
            history = np.concatenate((history[:, 1:], following[:, None]), axis=1)
        return np.asarray(history[:, -1])


@dataclass(frozen=True, kw_only=True)
class Errors:
    """Errors of a point forecast, on the training files."""

    pool: np.ndarray
    """(n, D): the errors."""
    basis: np.ndarray
    """(D, D): their principal axes, a row each."""
    scales: np.ndarray
    """(D,): deviations along the axes."""


@dataclass(frozen=True, kw_only=True)
class WithErrors:
    """A point forecast and its training errors: a Gaussian for the likelihood, the errors themselves for the draws."""

    forecast: Forecast
    errors: dict[int, Errors]

    @staticmethod
    def fit(forecast: Forecast, fit_on: Sequence[np.ndarray], tune_on: Sequence[np.ndarray]) -> "WithErrors":
        """Fit to sequences (n_steps, D). The covariance is full, drawn towards its diagonal by the validation files."""
        fitted = {}
        every = max(7, sum(map(len, fit_on)) // N_ERRORS)
        for ahead in HORIZONS:
            contexts, targets = examples(fit_on, ahead=ahead, every=every)
            if len(targets) < 2:
                continue
            pool = targets - forecast(contexts, ahead)
            contexts, targets = examples(tune_on, ahead=ahead)
            judged = targets - forecast(contexts, ahead) if len(targets) else pool
            candidates = [_errors(pool, shrinkage) for shrinkage in SHRINKAGES]
            fitted[ahead] = min(candidates, key=lambda errors: _nll(errors, judged))
        return WithErrors(forecast=forecast, errors=fitted)

    @property
    def horizons(self) -> Collection[int]:
        return self.errors.keys()

    def outlook(self, contexts: np.ndarray, *, ahead: int, rng: np.random.Generator) -> Outlook:
        """See `Baseline`: contexts (n, MAX_LAGS, D)."""
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


def _nll(errors: Errors, judged: np.ndarray) -> float:
    """Mean negative log likelihood of errors (n, D), but for constants."""
    return float((0.5 * (judged @ errors.basis.T / errors.scales) ** 2 + np.log(errors.scales)).mean())


def point_error(forecast: Forecast, sequences: Sequence[np.ndarray]) -> float:
    """Mean squared error one and four steps ahead together. sequences: (n_steps, D) each."""
    errors = []
    for ahead in HORIZONS[:2]:
        contexts, targets = examples(sequences, ahead=ahead)
        if len(targets):
            errors.append(float(((forecast(contexts, ahead) - targets) ** 2).mean()))
    return sum(errors)


def _with_constant(rows: np.ndarray) -> np.ndarray:
    return np.concatenate((rows, np.ones((len(rows), 1))), axis=1)
