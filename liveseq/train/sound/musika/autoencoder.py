"""Learning the autoencoder's second level: frames to latents and back, cell by cell and in patches of four by four.

What no latent tells is left out: it comes back as `grain`. A critic that asks a decoder for movement gets one and the
same pattern of eight frames in every latent, since that is the cheapest one. Latents are a little noisy while training:
what the generator will make of them is not exact either.
"""

from collections.abc import Sequence

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW, Optimizer

from liveseq.train.sound.musika.codec import Codec
from liveseq.train.sound.musika.level_one import Level
from liveseq.train.sound.recipe import Batch, Recipe

LATENT_NOISE = 0.05
"""Standard deviations."""
CELLS, PATCHES = 0.5, 1.0
"""Weights of the losses."""
LEARNING_RATE = 7e-4
_PATCH = 4


class Autoencoder(Recipe):
    """Recipe of level 2. Batches are of `FrameCrops`."""

    def __init__(self, codec: Codec, level: Level) -> None:
        """level: trained; what patches are of are its mel bands."""
        super().__init__()
        self.codec, self.level = codec, level

    def networks(self) -> dict[str, nn.Module]:
        return {"codec": self.codec}

    def averaged(self) -> tuple[str, ...]:
        return ("codec",)

    def optimizers(self) -> dict[str, Optimizer]:
        return {"codec": AdamW(self.codec.parameters(), lr=LEARNING_RATE, betas=(0.8, 0.99))}

    def train_step(self, fabric: Fabric, batch: Batch, number: int) -> dict[str, Tensor | float]:
        rate = LEARNING_RATE * min(1.0, (1 + number) / 100) * max(0.05, 1.0 - self.progress)
        for group in self.steppers["codec"].param_groups:
            group["lr"] = rate
        wanted = self.codec.normalised(batch[0])
        with fabric.autocast():
            found = self._through(wanted)
        cells = (found.float() - wanted).abs().mean()
        found, wanted = self._bands(found.float()), self._bands(wanted)
        patches = (_pooled(found) - _pooled(wanted)).abs().mean()
        self.update(fabric, "codec", CELLS * cells + PATCHES * patches, max_norm=1.0)
        return {"cells": cells.detach(), "patches": patches.detach()}

    def _through(self, frames: Tensor) -> Tensor:
        latents = self.codec.encoder(frames)
        noisy = latents + LATENT_NOISE * torch.randn_like(latents)
        return self.codec.decoder(noisy)

    def _bands(self, normalised: Tensor) -> Tensor:
        """Of normalised frames, (B, n_mels, T)."""
        return self.level.bands(normalised * self.codec.deviation + self.codec.mean[:, None])

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Mean differences of mel bands in dB, of single ones and of patches.

        Not "score": the rate of learning fades to the end, so the latest weights are kept.
        """
        pairs = []
        for batch in batches:
            frames = self.codec.normalised(batch[0])
            pairs.append((self._bands(self._through(frames)), self._bands(frames)))
        cells = torch.stack([(a - b).abs().mean() for a, b in pairs]).mean()
        patches = torch.stack([(_pooled(a) - _pooled(b)).abs().mean() for a, b in pairs]).mean()
        return {"cells_db": 20.0 * float(cells), "patches_db": 20.0 * float(patches)}


def _pooled(frames: Tensor) -> Tensor:
    """Means of patches: (B, C, T) -> (B, C / 4, T / 4)."""
    return functional.avg_pool2d(frames[:, None], _PATCH)[:, 0]
