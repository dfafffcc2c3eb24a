"""Mixtures of diagonal Gaussians as tensors, in z-scored units: likelihood, mean, samples.

logits (..., K), means and log_scales (..., K, D).
"""

import math

import torch
from torch import Tensor

Parameters = tuple[Tensor, Tensor, Tensor]
"""logits, means, log_scales."""


def nll(parameters: Parameters, target: Tensor) -> Tensor:
    """Negative log likelihood per feature, in nats: target (..., D) -> (...)."""
    logits, means, log_scales = parameters
    z = (target.unsqueeze(-2) - means) * torch.exp(-log_scales)  # (..., K, D)
    log_density = (-0.5 * z**2 - log_scales - 0.5 * math.log(2 * math.pi)).sum(dim=-1)  # (..., K)
    return -torch.logsumexp(torch.log_softmax(logits, dim=-1) + log_density, dim=-1) / target.shape[-1]


def mean(parameters: Parameters) -> Tensor:
    """Expected value, (..., D)."""
    logits, means, _ = parameters
    return (torch.softmax(logits, dim=-1).unsqueeze(-1) * means).sum(dim=-2)


def draw(parameters: Parameters, generator: torch.Generator, *, temperature: float = 1.0) -> Tensor:
    """One sample each, (..., D): what runtime.predictor.sample does, for many at once; temperature > 0."""
    logits, means, log_scales = parameters
    weights = torch.softmax(logits / temperature, dim=-1)
    chosen = torch.multinomial(weights.reshape(-1, weights.shape[-1]), 1, generator=generator)  # (n, 1)
    index = chosen.reshape(*logits.shape[:-1], 1, 1).expand(*logits.shape[:-1], 1, means.shape[-1])
    noise = torch.randn(means.shape[:-2] + means.shape[-1:], generator=generator, device=means.device)
    scale = temperature**0.5 * log_scales.gather(-2, index).squeeze(-2).exp()
    return means.gather(-2, index).squeeze(-2) + scale * noise
