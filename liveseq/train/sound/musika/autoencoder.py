"""Training of the autoencoder's second level: frames to latents and back, cell by cell and in patches of four by four.

Movement that no latent holds is left out: it comes back as `grain`. A critic that asks a decoder for movement gets one
and the same pattern of eight frames in every latent, since that is the cheapest one. Latents are a little noisy while
training: those of the generator will not be exact either.
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
"""Deviation of the noise on latents while training."""
CELLS, PATCHES = 0.5, 1.0
"""Weights of the losses."""
LEARNING_RATE = 7e-4
_PATCH = 4


class Autoencoder(Recipe):
    """Recipe of level 2. Batches are those of `FrameCrops`."""

    def __init__(self, codec: Codec, level: Level) -> None:
        """level: trained; patches are those of its mel bands."""
        super().__init__()
        self.codec, self.level = codec, level

    def networks(self) -> dict[str, nn.Module]:
        return {"codec": self.codec}

    def averaged(self) -> tuple[str, ...]:
        return ("codec",)

    def optimizers(self) -> dict[str, Optimizer]:
        return {"codec": AdamW(self.codec.parameters(), lr=LEARNING_RATE, betas=(0.8, 0.99))}

    def train_step(self, fabric: Fabric, batch: Batch, number: int) -> dict[str, Tensor | float]:
        """batch: frames (B, frame_size, T) first."""
        rate = LEARNING_RATE * min(1.0, (1 + number) / 100) * max(0.05, 1.0 - self.progress)
        for group in self.steppers["codec"].param_groups:
            group["lr"] = rate
        target = self.codec.normalised(batch[0])
        with fabric.autocast():
            output = self._reconstruct(target)
        cells = (output.float() - target).abs().mean()
        output, target = self._bands(output.float()), self._bands(target)
        patches = (_pooled(output) - _pooled(target)).abs().mean()
        self.update(fabric, "codec", CELLS * cells + PATCHES * patches, max_norm=1.0)
        return {"cells": cells.detach(), "patches": patches.detach()}

    def _reconstruct(self, frames: Tensor) -> Tensor:
        latents = self.codec.encoder(frames)
        noisy = latents + LATENT_NOISE * torch.randn_like(latents)
        return self.codec.decoder(noisy)

    def _bands(self, normalised: Tensor) -> Tensor:
        """Mel bands (B, n_mels, T) of normalised frames (B, frame_size, T)."""
        return self.level.bands(normalised * self.codec.deviation + self.codec.mean[:, None])

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Mean differences of mel bands in dB, of single ones and of patches.

        Not "score": the rate of learning fades to the end, so the latest weights are kept.
        """
        pairs = []
        for batch in batches:
            frames = self.codec.normalised(batch[0])
            pairs.append((self._bands(self._reconstruct(frames)), self._bands(frames)))
        cells = torch.stack([(a - b).abs().mean() for a, b in pairs]).mean()
        patches = torch.stack([(_pooled(a) - _pooled(b)).abs().mean() for a, b in pairs]).mean()
        return {"cells_db": 20.0 * float(cells), "patches_db": 20.0 * float(patches)}


def _pooled(frames: Tensor) -> Tensor:
    """Means of patches: (B, C, T) -> (B, C / 4, T / 4)."""
    return functional.avg_pool2d(frames[:, None], _PATCH)[:, 0]
