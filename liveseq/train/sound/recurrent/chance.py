"""Draws from distributions by standard normal numbers, since a graph has no others."""

import math

import torch
from torch import Tensor

_SURE = 1e-6
"""Least share of a draw: normal numbers beyond 4.8 are as good as that."""
_EDGE = 0.02
"""Width of the border between two choices, in nats.

There both are blended (Maddison et al. 2017): a rounding error never makes another sound, and one draw in fifty is a
little of two.
"""


def uniform(normal: Tensor) -> Tensor:
    """Normal numbers (...) -> evenly spread ones between 0 and 1."""
    return (0.5 * (1.0 + torch.erf(normal / math.sqrt(2.0)))).clamp(_SURE, 1.0 - _SURE)


def logistic(normal: Tensor) -> Tensor:
    """Normal numbers (...) -> logistic ones of scale 1."""
    share = uniform(normal)
    return share.log() - (1.0 - share).log()


def gumbel(normal: Tensor) -> Tensor:
    """Normal numbers (...) -> Gumbel ones: the largest of logits with these is a draw from their softmax."""
    return -(-uniform(normal).log()).log()


def chosen(logits: Tensor, gumbels: Tensor) -> Tensor:
    """Weights of a draw among K: logits and Gumbel numbers (..., K) each -> 1 for one, 0 for the others."""
    return torch.softmax((logits + gumbels) / _EDGE, dim=-1)
