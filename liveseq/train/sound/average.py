"""Running average of weights: a training of a generator is judged by it, since the latest weights swing."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """Running average of the weights of some networks. Buffers are not averaged: they are taken as they are."""

    def __init__(self, networks: dict[str, nn.Module], *, decay: float) -> None:
        """decay: share of the old in each step; less at the start, so that the random weights are soon forgotten."""
        named = [(f"{name}.{key}", p) for name, net in networks.items() for key, p in net.named_parameters()]
        self._names = [name for name, _ in named]
        self._weights = [p.data for _, p in named]
        self._averages = [p.detach().clone() for _, p in named]
        self._decay = decay

    @torch.no_grad()
    def follow(self, number: int) -> None:
        """Take in the weights after batch `number`, 0 being the first."""
        if self._averages:
            decay = min(self._decay, (1 + number) / (10 + number))
            torch._foreach_lerp_(self._averages, self._weights, 1.0 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Context in which the networks have the averaged weights; they have their own again afterwards."""
        with torch.no_grad():
            own = [weight.clone() for weight in self._weights]
            self._copy(self._averages)
            try:
                yield
            finally:
                self._copy(own)

    def tensors(self) -> dict[str, Tensor]:
        """Averages by `network.parameter`, each of its parameter's shape (...)."""
        return dict(zip(self._names, self._averages, strict=True))

    @torch.no_grad()
    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take the averages from tensors as of `tensors()`, each of its parameter's shape (...)."""
        for name, average in self.tensors().items():
            average.copy_(tensors[name])

    def _copy(self, values: list[Tensor]) -> None:
        for weight, value in zip(self._weights, values, strict=True):
            weight.copy_(value)
