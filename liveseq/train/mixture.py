"""Mixtures of whole courses as tensors, in z-scored units: likelihood, mean, samples.

logits (..., K), means and log_scales (..., F, K, D): K courses of F steps each, Gaussian around their means. With a
`basis` (D, D), orthonormal rows, the scales are along its rows; its determinant is 1, so a density needs no correction.
"""

import math

import torch
from torch import Tensor

Parameters = tuple[Tensor, Tensor, Tensor]
"""logits (..., K), means (..., F, K, D), log_scales (..., F, K, D)."""


def nll(parameters: Parameters, target: Tensor, *, mask: Tensor | None = None, basis: Tensor | None = None) -> Tensor:
    """Negative log likelihood of a course, per feature and step, in nats: target (..., F, D) -> (...).

    mask: bool (..., F), the steps that are real; a course without a real step has 0.
    """
    logits, means, log_scales = parameters
    deviation = target.unsqueeze(-2) - means  # (..., F, K, D)
    if basis is not None:
        deviation = deviation @ basis.T
    z = deviation * torch.exp(-log_scales)
    log_density = (-0.5 * z**2 - log_scales - 0.5 * math.log(2 * math.pi)).sum(dim=-1)  # (..., F, K)
    if mask is None:
        n_steps: Tensor | int = target.shape[-2]
    else:
        log_density = log_density * mask.unsqueeze(-1)
        n_steps = mask.sum(dim=-1).clamp(min=1)
    courses = torch.log_softmax(logits, dim=-1) + log_density.sum(dim=-2)  # (..., K)
    return -torch.logsumexp(courses, dim=-1) / (n_steps * target.shape[-1])


def mean(parameters: Parameters) -> Tensor:
    """Expected course, (..., F, D)."""
    logits, means, _ = parameters
    return (torch.softmax(logits, dim=-1).unsqueeze(-2).unsqueeze(-1) * means).sum(dim=-2)


def draw(
    parameters: Parameters, generator: torch.Generator, *, temperature: float = 1.0, basis: Tensor | None = None
) -> Tensor:
    """A random course of each mixture, (..., F, D), as `runtime.predictor.sample` draws one; temperature > 0."""
    logits, means, log_scales = parameters
    weights = torch.softmax(logits / temperature, dim=-1)
    chosen = torch.multinomial(weights.reshape(-1, weights.shape[-1]), 1, generator=generator)  # (n, 1)
    shape = (*means.shape[:-2], 1, means.shape[-1])
    index = chosen.reshape(*logits.shape[:-1], 1, 1, 1).expand(shape)
    scales = temperature**0.5 * log_scales.gather(-2, index).squeeze(-2).exp()  # (..., F, D)
    deviation = scales * torch.randn(scales.shape, generator=generator, device=means.device)
    if basis is not None:
        deviation = deviation @ basis
    return means.gather(-2, index).squeeze(-2) + deviation
