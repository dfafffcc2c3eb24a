"""Learning the autoencoder's second level: frames to latents and back, so that they sound as they did.

What is smooth is compared cell by cell and in patches of four by four cells; what is grain cannot be compared, a critic
that sees small patches asks for it. Latents are a little noisy while training: what the generator will make of them is
not exact either.
"""

from collections.abc import Sequence

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW, Optimizer

from liveseq.train.sound.losses import adversarial, feature_matching, hinge
from liveseq.train.sound.musika.codec import Codec
from liveseq.train.sound.musika.level_one import Level
from liveseq.train.sound.musika.levels import N_GRAINS
from liveseq.train.sound.recipe import Batch, Recipe, frozen

LATENT_NOISE = 0.05
"""Standard deviations."""
CELLS, PATCHES, CRITIC, FEATURES = 0.5, 1.0, 0.1, 0.5
"""Weights of the losses."""
LEARNING_RATE = 7e-4
_ALONE = 0.05  # share of the training before the critic is listened to
_PATCH = 4


class PatchCritic(nn.Module):
    """How real small patches of frames are: convolutions over bands and time."""

    def __init__(self, width: int) -> None:
        super().__init__()
        sizes = ((1, width, (1, 2)), (width, 2 * width, (2, 2)), (2 * width, 4 * width, (2, 2)))
        self.layers = nn.ModuleList(nn.Conv2d(a, b, (5, 5), stride=stride[::-1], padding=2) for a, b, stride in sizes)
        self.score = nn.Conv2d(4 * width, 1, 3, padding=1)

    def forward(self, frames: Tensor) -> list[Tensor]:
        """(B, C, T) -> what each layer hears, and the verdicts on patches last."""
        heard = [frames[:, None]]
        for layer in self.layers:
            heard.append(functional.leaky_relu(layer(heard[-1]), 0.2))
        return [*heard[1:], self.score(heard[-1])]


class Autoencoder(Recipe):
    """Recipe of level 2. Batches are of `FrameCrops`."""

    def __init__(self, codec: Codec, critic: PatchCritic, level: Level) -> None:
        """level: trained; what the critic sees and what patches are of are its mel bands."""
        super().__init__()
        self.codec, self.critic, self.level = codec, critic, level

    def networks(self) -> dict[str, nn.Module]:
        return {"codec": self.codec}

    def averaged(self) -> tuple[str, ...]:
        return ("codec",)

    def optimizers(self) -> dict[str, Optimizer]:
        return {
            "codec": AdamW(self.codec.parameters(), lr=LEARNING_RATE, betas=(0.8, 0.99)),
            "critic": AdamW(self.critic.parameters(), lr=2e-4, betas=(0.5, 0.9)),
        }

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
        loss = CELLS * cells + PATCHES * patches
        told: dict[str, Tensor | float] = {"cells": cells, "patches": patches}
        told |= {"critic": 0.0, "adversarial": 0.0, "features": 0.0}
        if self.progress >= _ALONE:
            with fabric.autocast():
                told["critic"] = hinge([self.critic(wanted)], [self.critic(found.detach())])
            self.update(fabric, "critic", told["critic"])
            with frozen(self.critic), fabric.autocast():
                heard, real = self.critic(found), self.critic(wanted)
                said, matching = adversarial([heard]), feature_matching([real], [heard])
            loss = loss + CRITIC * said + FEATURES * matching
            told |= {"adversarial": said, "features": matching}
        self.update(fabric, "codec", loss, max_norm=1.0)
        return {name: torch.as_tensor(value).detach() for name, value in told.items()}

    def _through(self, frames: Tensor) -> Tensor:
        latents = self.codec.encoder(frames)
        noisy = latents + LATENT_NOISE * torch.randn_like(latents)
        grains = torch.randn(len(frames), N_GRAINS, frames.shape[-1], device=frames.device)
        return self.codec.decoder(noisy, grains)

    def _bands(self, normalised: Tensor) -> Tensor:
        """Of normalised frames, (B, n_mels, T)."""
        return self.level.bands(normalised * self.codec.deviation + self.codec.mean[:, None])

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Mean differences of mel bands in dB, of single ones and of patches.

        Not "score": what the critic asks for costs a little of these, so the latest weights are kept.
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
