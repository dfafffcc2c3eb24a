"""Learning to make latents: Musika's adversarial training, conditioned on tags, made to work on minutes of sound.

As published: hinge loss, R1 on real pairs whose weight adapts to how sure the critic is, Adam with beta1 0.5, one
update of each network in turn. What a short training needs beside it:
- Each tag's mean and spread of latents are fitted first, as a linear map of the tag's vector: the generator begins with
  the right colour, and has to learn what happens.
- Noise on what the critic sees, so that it cannot go by the traces of the autoencoder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam, Optimizer

from liveseq.train.sound.judge.distances import mmd
from liveseq.train.sound.musika.codec import Codec
from liveseq.train.sound.musika.coordinates import N_ANCHORS, Windows, hats, joined, window_times
from liveseq.train.sound.musika.level_one import Level
from liveseq.train.sound.musika.networks import N_NOISE, Critic, Generator
from liveseq.train.sound.recipe import Batch, Recipe, frozen

R1_MOST = 10.0
SURE = 0.9
"""Share of the hinge's width that lies between real and made: beyond it R1 grows, below it fades."""


@dataclass(frozen=True, kw_only=True)
class GanConfig:
    """How the latent GAN is trained."""

    learning_rate: float = 1e-4
    r1_step: float = 1e-4
    """By which the weight of R1, from 0 to 1 (times R1_MOST), moves in a step."""
    r1_every: int = 1
    """Steps from one R1 to the next, which then counts as much more."""
    noise: float = 0.0
    """On what the critic sees, in standard deviations of latents."""


class TagGenerator(nn.Module):
    """The generator, in the units of latents: what it makes is placed and spread as the tag's sounds are."""

    def __init__(self, net: Generator, *, depth: int, tag: int) -> None:
        super().__init__()
        self.net = net
        self.mean, self.spread = nn.Linear(tag, depth), nn.Linear(tag, depth)
        self.ceiling = nn.Linear(tag, 1)
        """How loud the tag's frames get, see `loudness_of`."""

    def forward(self, coordinates: Tensor, style: Tensor, noise: Tensor, tag: Tensor) -> Tensor:
        made = self.net(coordinates, style, noise, tag)
        return self.mean(tag)[..., None] + self.spread(tag)[..., None].exp() * made

    @torch.no_grad()
    def begin_from(self, vectors: Tensor, latents: Sequence[Tensor], ceilings: Tensor) -> None:
        """vectors: (n_tags, tag); latents: of each tag, (depth, n); ceilings: of each tag, (n_tags,)."""
        means = torch.stack([each.mean(dim=1) for each in latents])
        spreads = torch.stack([each.std(dim=1).clamp(min=1e-2).log() for each in latents])
        pairs = ((self.mean, means), (self.spread, spreads), (self.ceiling, ceilings[:, None]))
        for layer, wanted in pairs:
            middle = wanted.mean(dim=0)
            # ridge regression, dual form: fewer tags than numbers of a vector
            gram = vectors @ vectors.T + 1e-2 * torch.eye(len(vectors))
            layer.weight.copy_((vectors.T @ torch.linalg.solve(gram, wanted - middle)).T)
            layer.bias.copy_(middle)


class LatentGan(Recipe):
    """Recipe of the generator. Batches are of `LatentCrops`."""

    vectors: Tensor
    r1: Tensor
    unit: Tensor
    about: dict[str, Any]
    """The config that it was built from."""

    def __init__(
        self,
        generator: TagGenerator,
        critic: Critic,
        *,
        codec: Codec,
        level: Level,
        windows: Windows,
        config: GanConfig,
        vectors: Tensor,
    ) -> None:
        """codec, level: trained; they go with the generator. vectors: of the tags, in their order, (n_tags, tag)."""
        super().__init__()
        self.generator, self.critic = generator, critic
        self.codec, self.level = codec, level
        self.windows, self.config = windows, config
        self.register_buffer("vectors", vectors)
        self.register_buffer("unit", torch.ones(2 * codec.depth))
        self.register_buffer("r1", torch.ones(()))

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "codec": self.codec, "level": self.level}

    def averaged(self) -> tuple[str, ...]:
        return ("generator",)

    def optimizers(self) -> dict[str, Optimizer]:
        adam = {"betas": (0.5, 0.999)}
        return {
            "generator": Adam(self.generator.parameters(), lr=self.config.learning_rate, **adam),
            "critic": Adam(self.critic.parameters(), lr=self.config.learning_rate, **adam),
        }

    @torch.no_grad()
    def begin_from(self, latents: Sequence[Tensor], ceilings: Tensor) -> None:
        """Units, and the tags' colours and ceilings from each tag's latents, (2 * depth, n), and loudest frames."""
        self.unit.copy_(torch.cat(list(latents), dim=1).std(dim=1))
        self.generator.begin_from(self.vectors, latents, ceilings)

    def train_step(self, fabric: Fabric, batch: Batch, number: int) -> dict[str, Tensor | float]:
        real, tags = batch
        tag = self.vectors[tags]
        with fabric.autocast():
            made = self.make(tag)
        told = self._learn_to_judge(fabric, real, made.detach(), tag, number)
        with frozen(self.critic), fabric.autocast():
            loss = -self.critic(self._seen(made), tag).mean()
        self.update(fabric, "generator", loss)
        return {name: value.detach() for name, value in told.items()} | {"generator": loss.detach()}

    def make(self, tag: Tensor) -> Tensor:
        """Pairs of random places: (B, tag) -> latents (B, depth, 2 * stride)."""
        coordinate = self.generator.net.n_coordinate
        anchors = torch.randn(len(tag), N_ANCHORS, coordinate, device=tag.device)
        style = torch.randn(len(tag), self.generator.net.n_style, device=tag.device)
        stride = self.windows.stride
        first = torch.randint(-1, self.windows.per_anchor - 1, (len(tag),), device=tag.device) * float(stride)
        times = window_times(torch.cat((first, first + stride)), self.windows)  # (2 B, length)
        weights = hats(times, distance=self.windows.anchor_distance)  # (2 B, length, N_ANCHORS)
        places = (weights @ anchors.repeat(2, 1, 1)).transpose(1, 2)
        noise = torch.randn(len(tag), N_NOISE, stride + self.windows.length, device=tag.device)
        both = torch.cat((noise[..., : self.windows.length], noise[..., stride:]))
        made = self.generator(places, style.repeat(2, 1), both, tag.repeat(2, 1))
        return joined(*made.chunk(2), self.windows.overlap)

    def _learn_to_judge(
        self, fabric: Fabric, real: Tensor, made: Tensor, tag: Tensor, number: int
    ) -> dict[str, Tensor]:
        regular = number % self.config.r1_every == 0
        seen = self._seen(real).requires_grad_(regular)
        with fabric.autocast():
            on_real, on_made = self.critic(seen, tag), self.critic(self._seen(made), tag)
        loss = 0.5 * (functional.relu(1.0 - on_real).mean() + functional.relu(1.0 + on_made).mean())
        if regular:
            (slope,) = torch.autograd.grad(on_real.sum(), seen, create_graph=True)
            weight = R1_MOST * self.r1 * self.config.r1_every
            loss = loss + weight * 0.5 * slope.float().square().sum(dim=(1, 2)).mean()
        self.update(fabric, "critic", loss)
        apart = (on_real.mean() - on_made.mean()).detach()
        sure = apart.clamp(0.0, 2.0) / 2.0 > SURE
        self.r1.add_(torch.where(sure, self.config.r1_step, -self.config.r1_step)).clamp_(0.0, 1.0)
        return {"critic": loss, "apart": apart, "r1": R1_MOST * self.r1}

    def _seen(self, latents: Tensor) -> Tensor:
        """In standard deviations, and a little noisy."""
        scaled = latents / self.unit[:, None]
        return scaled + self.config.noise * torch.randn_like(scaled) if self.config.noise else scaled

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Distance of what is made to held-out latents of the same tags, in what seconds of them are like.

        Not "score": rhythm and chords come late, and this knows nothing of them, so the latest weights are kept.
        """
        real = [(latents / self.unit[:, None], self.vectors[tags]) for latents, tags in batches]
        made = [(self.make(tag) / self.unit[:, None], tag) for _, tag in real]
        a, b = (np.concatenate([_moments(*each).cpu().numpy() for each in some]) for some in (real, made))
        return {"distance": mmd(a, b)}


def loudness_of(bands: Tensor) -> Tensor:
    """Log mel bands (B, n_mels, T) -> log10 of the energy of each frame (B, T)."""
    return torch.log10((10.0 ** (2.0 * bands)).sum(dim=1))


def _moments(latents: Tensor, tag: Tensor) -> Tensor:
    """(B, depth, n) -> mean, spread and movement of each second, beside the tag, (B * n_seconds, F)."""
    seconds = latents.unfold(2, 12, 12)  # (B, depth, n_seconds, 12)
    parts = (seconds.mean(dim=3), seconds.std(dim=3), seconds.diff(dim=3).abs().mean(dim=3))
    numbers = torch.cat(parts, dim=1).transpose(1, 2)  # (B, n_seconds, 3 * depth)
    told = tag[:, None].expand(-1, numbers.shape[1], -1) * float(numbers.shape[2]) ** 0.5
    return torch.cat((numbers, told), dim=2).flatten(0, 1)
