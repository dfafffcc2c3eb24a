"""Interface between a family of sound models and the training loop: networks, a step of learning, a score."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

Batch = tuple[Tensor, ...]
"""Tensors with B items each; from `AudioCrops`: audio (B, 2, n_samples) and the index of each crop's tag (B,)."""
Sound = tuple[str, np.ndarray, int]
"""Name, float32 (n_samples, n_channels), sample rate in Hz."""


class Recipe(nn.Module):
    """A model being trained. All that must survive a kill is a parameter, a buffer, or an optimiser's state.

    The networks are plain modules on one device; `train_step` runs them under `fabric.autocast()`, and losses that need
    all digits (spectra, logarithms) outside of it, in float32. Random numbers come from torch's generator, which the
    loop seeds anew for each batch and device.
    """

    progress: float = 0.0
    """Share of the training that is over, 0 to 1, set by the loop: for learning rates, and for stages."""

    def networks(self) -> dict[str, nn.Module]:
        """Networks of the finished model, which checkpoint.safetensors holds, by name. Names without a dot."""
        raise NotImplementedError

    def averaged(self) -> tuple[str, ...]:
        """Names of the networks that are judged and kept as a running average of their weights."""
        return ()

    def optimizers(self) -> dict[str, Optimizer]:
        """Optimisers by name. Called once, when everything is on its device; then they are in `self.steppers`."""
        raise NotImplementedError

    def train_step(self, fabric: Fabric, batch: Batch, number: int) -> dict[str, Tensor | float]:
        """Learn from a batch, number 0 being the first, by one or more calls of `update`. Returns losses by name."""
        raise NotImplementedError

    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Measures on held-out batches, by name, with the averaged weights in place.

        "score" decides which weights are kept, lower is better; without it, the latest are.
        """
        raise NotImplementedError

    def listen(self) -> list[Sound]:
        """Examples of a few seconds for TensorBoard, from the last `score`."""
        return []

    def update(
        self, fabric: Fabric, names: str | Sequence[str], loss: Tensor, *, max_norm: float | None = None
    ) -> None:
        """One step of an optimiser, or of several, down the gradient of the loss (), averaged over all devices.

        names: of the optimisers; max_norm: the length of each one's gradient, at most.
        """
        steppers = [self.steppers[name] for name in ([names] if isinstance(names, str) else names)]
        for stepper in steppers:
            stepper.zero_grad(set_to_none=True)
        fabric.backward(loss)
        for stepper in steppers:
            if fabric.world_size > 1:
                _average_gradients(fabric, stepper)
            if max_norm is not None:
                fabric.clip_gradients(self, stepper, max_norm=max_norm, error_if_nonfinite=False)
            stepper.step()

    def set_up(self, fabric: Fabric) -> None:
        """Move everything to its device, and make the optimisers. Called by the loop, before the first step."""
        self.to(fabric.device)
        self._bare = self.optimizers()
        self.steppers: dict[str, Any] = {name: fabric.setup_optimizers(one) for name, one in self._bare.items()}

    def bare_optimizers(self) -> dict[str, Optimizer]:
        """Optimisers as they came from `optimizers`, for their state."""
        return self._bare


@contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """Gradients go through these modules, but not into their weights: for a critic, while its opponent learns."""
    held = [p for module in modules for p in module.parameters() if p.requires_grad]
    for parameter in held:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in held:
            parameter.requires_grad_(True)


def _average_gradients(fabric: Fabric, optimizer: Optimizer) -> None:
    """All gradients in one message. A weight that had no gradient here may have one elsewhere."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    whole = fabric.all_reduce(torch.cat([g.reshape(-1) for g in gradients]), reduce_op="mean")
    for parameter, part in zip(parameters, whole.split([p.numel() for p in parameters]), strict=True):
        parameter.grad = part.view_as(parameter)
