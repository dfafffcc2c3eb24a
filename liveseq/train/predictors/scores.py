"""Scores of a forecast of one step: squared error, likelihood, energy score. Pure numpy, z-scored.

A forecast is a mixture of Gaussians and some draws of it. Scores that rest on few draws are corrected for their number
(fair scores, Ferro 2014), so that 8 neighbours and 32 rollouts are judged alike.
"""

from dataclasses import dataclass

import numpy as np

N_DRAWS = 32
"""Draws of a forecast."""


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """Forecasts of one step from n origins."""

    logits: np.ndarray
    """(n, M): log weights of the components; only their differences matter."""
    means: np.ndarray
    """(n, M, D): means of the components."""
    scales: np.ndarray
    """(n or 1, M, D): standard deviations along the rows of `basis`."""
    draws: np.ndarray
    """(n, R, D), R >= 2: random steps."""
    basis: np.ndarray | None = None
    """(D, D), orthonormal rows; None: each feature by its own."""
    rollouts: np.ndarray | None = None
    """(n, R, D): expectations of R rollouts, whose mean is the forecast's; None: it is the mixture's."""


def squared_error(outlook: Outlook, target: np.ndarray) -> np.ndarray:
    """Squared error of the expectation, mean over features, (n,). target: (n, D).

    A mean of R rollouts errs by 1 / R of their variance too much, which is taken off.
    """
    if outlook.rollouts is None:
        weights = np.exp(outlook.logits - outlook.logits.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        expected = np.einsum("nm,nmd->nd", weights, outlook.means)
        return np.asarray(((expected - target) ** 2).mean(axis=1))
    n_rollouts = outlook.rollouts.shape[1]
    surplus = outlook.rollouts.var(axis=1, ddof=1) / n_rollouts  # (n, D)
    return np.asarray(((outlook.rollouts.mean(axis=1) - target) ** 2 - surplus).mean(axis=1))


def joint_nll(outlook: Outlook, target: np.ndarray) -> np.ndarray:
    """Negative log likelihood of all features together, per feature, in nats, (n,). target: (n, D)."""
    deviation = target[:, None] - outlook.means  # (n, M, D)
    if outlook.basis is not None:
        deviation = deviation @ outlook.basis.T
    log_density = _log_normal(deviation, outlook.scales).sum(axis=-1)  # (n, M)
    return -_log_mean(outlook.logits, log_density) / target.shape[1]


def marginal_nll(outlook: Outlook, target: np.ndarray) -> np.ndarray:
    """Negative log likelihood of each feature on its own, mean over features, in nats, (n,). target: (n, D)."""
    scales = outlook.scales
    if outlook.basis is not None:
        scales = np.sqrt(scales**2 @ outlook.basis**2)
    log_density = _log_normal(target[:, None] - outlook.means, scales)  # (n, M, D)
    return np.asarray(-_log_mean(outlook.logits[..., None], log_density).mean(axis=-1))


def energy_score(draws: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Energy score, mean |X - y| - 1/2 mean |X - X'| over sqrt(D), (n,): proper (Gneiting & Raftery 2007), 0 at best.

    draws: (n, R, D); target: (n, D). X and X' are two different draws: unbiased for every R.
    """
    n_draws, d = draws.shape[1:]
    to_target = np.linalg.norm(draws - target[:, None], axis=-1).mean(axis=1)
    squares = np.einsum("nrd,nrd->nr", draws, draws)
    between = squares[:, :, None] + squares[:, None] - 2.0 * draws @ draws.swapaxes(1, 2)  # (n, R, R)
    apart = np.sqrt(np.maximum(between, 0.0))
    apart[:, np.arange(n_draws), np.arange(n_draws)] = 0.0
    spread = apart.sum(axis=(1, 2)) / (n_draws * (n_draws - 1))
    return np.asarray((to_target - 0.5 * spread) / np.sqrt(d))


def draw_from(
    logits: np.ndarray, means: np.ndarray, scales: np.ndarray, *, n_draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Draws (n, n_draws, D) of diagonal Gaussian mixtures: logits (n, M), means (n, M, D), scales (n or 1, M, D)."""
    n, m = logits.shape
    gumbel = rng.gumbel(size=(n, n_draws, m))
    chosen = np.argmax(logits[:, None] + gumbel, axis=-1)  # (n, n_draws)
    row = np.arange(n)[:, None]
    noise = rng.standard_normal((n, n_draws, means.shape[-1]))
    return np.asarray(means[row, chosen] + np.broadcast_to(scales, means.shape)[row, chosen] * noise)


def _log_normal(deviation: np.ndarray, scales: np.ndarray) -> np.ndarray:
    return np.asarray(-0.5 * (deviation / scales) ** 2 - np.log(scales) - 0.5 * np.log(2.0 * np.pi))


def _log_mean(logits: np.ndarray, log_density: np.ndarray) -> np.ndarray:
    """Log of the weighted mean over axis 1."""
    weighted = logits - _log_sum(logits) + log_density
    return np.asarray(_log_sum(weighted).squeeze(1))


def _log_sum(values: np.ndarray) -> np.ndarray:
    most = values.max(axis=1, keepdims=True)
    return np.asarray(most + np.log(np.exp(values - most).sum(axis=1, keepdims=True)))
