"""Training of the blocks: the likelihood of the next one under those before it."""

from collections.abc import Sequence
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.optim import AdamW, Optimizer

from liveseq.train.sound.recipe import Batch
from liveseq.train.sound.recurrent.blocks.head import MixtureHead
from liveseq.train.sound.recurrent.latent_recipe import Inputs, LatentRecipe

LEARNING_RATE = 1e-3
MAX_NORM = 1.0
N_APART = 2
"""Held-out batches beside which streams are drawn."""


class BlocksRecipe(LatentRecipe):
    """The generator, which is all there is to learn."""

    def __init__(self, about: dict[str, Any]) -> None:
        """about: config.yaml."""
        settings = about["model"]
        head = MixtureHead(
            settings["z_size"],
            n_context=settings["width"],
            n_components=settings["n_components"],
            temperature=settings["temperature"],
        )
        super().__init__(head, about)

    @property
    def head(self) -> MixtureHead:
        """Head of the generator."""
        assert isinstance(self.generator.head, MixtureHead)
        return self.generator.head

    def optimizers(self) -> dict[str, Optimizer]:
        return {"generator": AdamW(self.generator.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98))}

    def train_step(self, fabric: Fabric, batch: Batch, number: int) -> dict[str, Tensor | float]:
        """batch: frames, tags and clocks of `MelCrops`."""
        self.set_rates({"generator": LEARNING_RATE})
        with fabric.autocast():
            nats = self._nats(self.inputs(batch))
        self.update(fabric, "generator", nats, max_norm=MAX_NORM)
        return {"nats": nats.detach()}

    def _nats(self, inputs: Inputs) -> Tensor:
        """Mean negative log likelihood of a number, in nats ()."""
        latent, tag, clock, real = inputs
        nats = self.head.nats(latent, self.contexts(latent, tag, clock))
        return (nats * real).sum() / real.sum()

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Nats of a number (score), and `apart`."""
        nats = sum(float(self._nats(self.inputs(batch))) for batch in batches) / len(batches)
        return {"score": nats, "apart": sum(map(self.apart, batches[:N_APART])) / len(batches[:N_APART])}
