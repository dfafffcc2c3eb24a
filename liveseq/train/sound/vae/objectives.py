"""The evidence lower bound of tiles, term by term, and what keeps its likelihood from blurring."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

POOLS = (2, 4, 8)
"""Bands and frames of a patch whose means are compared too."""


class Likelihood(nn.Module):
    """Laplace distributions of scored bands and of widths, as wide in each as what is not foreseen."""

    def __init__(self, n_mels: int, *, n_widths: int) -> None:
        super().__init__()
        self.bands = nn.Parameter(torch.zeros(n_mels))
        self.widths = nn.Parameter(torch.zeros(n_widths))

    def nats(self, bands: Tensor, target: Tensor, widths: Tensor, widths_target: Tensor) -> Tensor:
        """Negative log likelihood of each tile, (B,).

        Scored bands (B, n_mels, T) and widths (B, S, n_widths), as they come out and as they are.
        """
        of_bands = _laplace(bands - target, self.bands[:, None])
        of_widths = _laplace(widths - widths_target, self.widths)
        return of_bands.sum(dim=(1, 2)) + of_widths.sum(dim=(1, 2))


def _laplace(error: Tensor, log_scale: Tensor) -> Tensor:
    return error.abs() * torch.exp(-log_scale) + log_scale + math.log(2.0)


def divergence(log_posterior: Tensor, log_prior: Tensor) -> Tensor:
    """Divergence of a posterior from a mixture by n samples, for it has no closed form: (n, B) each -> (B,)."""
    return (log_posterior - log_prior).mean(dim=0)


def diagonal_log_prob(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Log density of z (..., size) under independent normals: (...)."""
    square = (z - mean).square() * torch.exp(-log_variance)
    return -0.5 * (square + log_variance + math.log(2.0 * math.pi)).sum(dim=-1)


def patches(bands: Tensor, target: Tensor, pools: Sequence[int] = POOLS) -> Tensor:
    """L1 of means of patches of several sizes, and of what changes from frame to frame: (B, n_mels, T) each -> ().

    A mean is right where a blurred picture is right; a change is not.
    """
    coarse = [
        functional.l1_loss(functional.avg_pool2d(bands, pool), functional.avg_pool2d(target, pool)) for pool in pools
    ]
    return torch.stack(coarse).mean() + functional.l1_loss(bands.diff(dim=-1), target.diff(dim=-1))


def occupancy(used: Tensor) -> float:
    """Share of components that are in use, by the entropy of their shares (n,): 1 where all are used alike."""
    entropy = -(used * used.clamp(min=1e-9).log()).sum()
    return float(entropy.exp()) / len(used)
