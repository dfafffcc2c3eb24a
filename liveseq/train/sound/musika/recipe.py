"""Training of the latent GAN: Musika's, conditioned on tags, and adapted to minutes of sound.

As published: hinge loss, R1 on real pairs whose weight adapts to how sure the critic is, Adam with beta1 0.5, one
update of each network in turn. A short training needs three things beside it:
- The mean and spread of each tag's latents, and their pulse with beat and bar, are fitted first, as linear maps of the
  tag's vector: the generator begins with the right colour and pulse, and has to learn the events.
- Generator and critic have the clock of the recording as an input: latents are judged as music at this tempo.
- The critic's input is noisy, so that it cannot go by the traces of the autoencoder.
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

from liveseq.dsp.mel import MelFrontEnd
from liveseq.train.sound.grain import Grain
from liveseq.train.sound.judge.distances import mmd
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.musika.codec import Codec
from liveseq.train.sound.musika.coordinates import N_ANCHORS, N_CLOCK, Windows, clock_of, hats, joined, window_times
from liveseq.train.sound.musika.generator import TagGenerator
from liveseq.train.sound.musika.level_one import Level, MelLevel, PointwiseLevel
from liveseq.train.sound.musika.networks import N_NOISE, Critic, Generator
from liveseq.train.sound.musika.settling import Settling
from liveseq.train.sound.musika.tracks import Track
from liveseq.train.sound.recipe import Batch, Recipe, frozen
from liveseq.train.sound.tags import tag_size, tag_table

R1_MOST = 10.0
"""Largest weight of R1."""
SURE = 0.9
"""Share of the hinge's width between real and generated pairs: beyond it R1 grows, below it fades."""


@dataclass(frozen=True, kw_only=True)
class GanConfig:
    """Settings of the training of the latent GAN."""

    learning_rate: float = 1e-4
    r1_step: float = 1e-4
    """Change of the weight of R1, from 0 to 1 (times R1_MOST), in a step."""
    r1_every: int = 1
    """Steps from one R1 to the next, which then counts as much more."""
    noise: float = 0.0
    """Noise on the critic's input, in standard deviations of latents."""


class LatentGan(Recipe):
    """Recipe of the generator. Batches are those of `LatentCrops`."""

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
        """codec, level: trained, kept beside the generator; vectors: of the tags, in their order (n_tags, tag)."""
        super().__init__()
        self.generator, self.critic = generator, critic
        self.codec, self.level = codec, level
        self.grain = Grain(level.front_end.n_mels, z_size=codec.depth, n_frames=codec.ratio)
        self.settling = Settling(depth=2 * codec.depth, tag=vectors.shape[1])
        self.windows, self.config = windows, config
        self.register_buffer("vectors", vectors)
        self.register_buffer("unit", torch.ones(2 * codec.depth))
        self.register_buffer("r1", torch.ones(()))

    def networks(self) -> dict[str, nn.Module]:
        parts = ("generator", "codec", "level", "grain", "settling")
        return {name: getattr(self, name) for name in parts}

    def averaged(self) -> tuple[str, ...]:
        return ("generator",)

    def optimizers(self) -> dict[str, Optimizer]:
        adam = {"betas": (0.5, 0.999)}
        return {
            "generator": Adam(self.generator.parameters(), lr=self.config.learning_rate, **adam),
            "critic": Adam(self.critic.parameters(), lr=self.config.learning_rate, **adam),
        }

    @torch.no_grad()
    def begin_from(self, tracks: Sequence[Track]) -> None:
        """Take units, and the tags' colours, pulses and tempi, from tracks of latents."""
        own = [[track for track in tracks if track.tag == number] for number in range(len(self.vectors))]
        latents = [torch.from_numpy(np.concatenate([track.values for track in some], axis=1)) for some in own]
        clocks = [torch.from_numpy(np.concatenate([track.clock() for track in some])) for some in own]
        self.unit.copy_(torch.cat(latents, dim=1).std(dim=1))
        features = [clock_of(*clock[None].unbind(-1))[0] for clock in clocks]
        self.generator.begin_from(self.vectors, latents, features)
        self.generator.tempi.learn([track for track in tracks if not track.stretched], self.vectors, n_per_step=1)

    def train_step(self, fabric: Fabric, batch: Batch, number: int) -> dict[str, Tensor | float]:
        """batch: latents, tags and clocks of `LatentCrops`."""
        real, tags, times = batch
        tag, clock = self.vectors[tags], clock_of(*times.unbind(-1))
        with fabric.autocast():
            pairs = self.generate(tag, clock)
        losses = self._teach_critic(fabric, real, pairs.detach(), tag, self._joined_clock(clock), number)
        with frozen(self.critic), fabric.autocast():
            loss = -self.critic(self._noisy(pairs), tag, self._joined_clock(clock)).mean()
        self.update(fabric, "generator", loss)
        return {name: value.detach() for name, value in losses.items()} | {"generator": loss.detach()}

    def _joined_clock(self, clock: Tensor) -> Tensor:
        """The part of a pair's clock (B, N_CLOCK, 2 * stride + overlap) that a joined pair has."""
        before = self.windows.overlap // 2
        return clock[..., before : before + 2 * self.windows.stride]

    def generate(self, tag: Tensor, clock: Tensor) -> Tensor:
        """Joined pairs of windows at random places: latents (B, depth, 2 * stride).

        tag: (B, tag); clock: (B, N_CLOCK, 2 * stride + overlap).
        """
        coordinate = self.generator.net.n_coordinate
        anchors = torch.randn(len(tag), N_ANCHORS, coordinate, device=tag.device)
        style = torch.randn(len(tag), self.generator.net.n_style, device=tag.device)
        stride = self.windows.stride
        first = torch.randint(-1, self.windows.per_anchor - 1, (len(tag),), device=tag.device) * float(stride)
        times = window_times(torch.cat((first, first + stride)), self.windows)  # (2 B, length)
        weights = hats(times, distance=self.windows.anchor_distance)  # (2 B, length, N_ANCHORS)
        places = (weights @ anchors.repeat(2, 1, 1)).transpose(1, 2)
        noise = torch.randn(len(tag), N_NOISE, stride + self.windows.length, device=tag.device)
        both, clocks = (torch.cat((x[..., : self.windows.length], x[..., stride:])) for x in (noise, clock))
        windows = self.generator(places, style.repeat(2, 1), both, tag.repeat(2, 1), clocks)
        return joined(*windows.chunk(2), self.windows.overlap)

    def _teach_critic(
        self, fabric: Fabric, real: Tensor, generated: Tensor, tag: Tensor, clock: Tensor, number: int
    ) -> dict[str, Tensor]:
        regular = number % self.config.r1_every == 0
        noisy = self._noisy(real).requires_grad_(regular)
        with fabric.autocast():
            on_real, on_generated = self.critic(noisy, tag, clock), self.critic(self._noisy(generated), tag, clock)
        loss = 0.5 * (functional.relu(1.0 - on_real).mean() + functional.relu(1.0 + on_generated).mean())
        if regular:
            (slope,) = torch.autograd.grad(on_real.sum(), noisy, create_graph=True)
            weight = R1_MOST * self.r1 * self.config.r1_every
            loss = loss + weight * 0.5 * slope.float().square().sum(dim=(1, 2)).mean()
        self.update(fabric, "critic", loss)
        apart = (on_real.mean() - on_generated.mean()).detach()
        sure = apart.clamp(0.0, 2.0) / 2.0 > SURE
        self.r1.add_(torch.where(sure, self.config.r1_step, -self.config.r1_step)).clamp_(0.0, 1.0)
        return {"critic": loss, "apart": apart, "r1": R1_MOST * self.r1}

    def _noisy(self, latents: Tensor) -> Tensor:
        """Latents in standard deviations, and a little noisy, for the critic."""
        scaled = latents / self.unit[:, None]
        return scaled + self.config.noise * torch.randn_like(scaled) if self.config.noise else scaled

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Distance of generated latents to held-out ones of the same tags, by the moments of their seconds.

        Not "score": rhythm and chords come late, and this knows nothing of them, so the latest weights are kept.
        """
        real = [(latents / self.unit[:, None], self.vectors[tags]) for latents, tags, _ in batches]
        clocks = [clock_of(*times.unbind(-1)) for *_, times in batches]
        pairs = zip(real, clocks, strict=True)
        generated = [(self.generate(tag, clock) / self.unit[:, None], tag) for (_, tag), clock in pairs]
        a, b = (np.concatenate([_moments(*each).cpu().numpy() for each in some]) for some in (real, generated))
        return {"distance": mmd(a, b)}


def make_codec(settings: dict[str, Any], level: Level) -> Codec:
    """Untrained. settings: `model` of a config."""
    return Codec(frame_size=level.frame_size, depth=settings["depth"], widths=settings["widths"])


def make_level(settings: dict[str, Any]) -> Level:
    """Untrained. settings: `model` of a config."""
    front_end = MelFrontEnd.from_dict(settings["front_end"], where="config.yaml")
    return PointwiseLevel(front_end, **settings["level"]) if settings["level"] else MelLevel(front_end)


def make_gan(settings: dict[str, Any], *, codec: Codec, level: Level, vectors: Tensor) -> LatentGan:
    """Untrained, beside a trained codec and level. vectors: of the tags (n_tags, tag_size)."""
    windows = Windows(**settings["windows"])
    depth, base, tag = 2 * settings["depth"], settings["base"], vectors.shape[1]
    net = Generator(base=base, length=windows.length, depth=depth, tag=tag, clock=N_CLOCK)
    return LatentGan(
        TagGenerator(net, depth=depth, tag=tag, n_tags=len(vectors)),
        Critic(base=base, length=2 * windows.stride, depth=depth, tag=tag, clock=N_CLOCK),
        codec=codec,
        level=level,
        windows=windows,
        config=GanConfig(**settings["gan"]),
        vectors=vectors,
    )


def build(about: dict[str, Any], library: Library | None) -> LatentGan:
    """The latent GAN with its codec, both untrained: weights are loaded into it, or a training begins."""
    level = make_level(about["model"])
    codec = make_codec(about["model"], level)
    vectors = torch.zeros(len(about["tags"]), tag_size(about)) if library is None else tag_table(library)
    recipe = make_gan(about["model"], codec=codec, level=level, vectors=vectors)
    recipe.about = about
    return recipe


def _moments(latents: Tensor, tag: Tensor) -> Tensor:
    """Mean, spread and movement of each second of latents (B, depth, n), beside the tag: (B * n_seconds, n_moments)."""
    seconds = latents.unfold(2, 12, 12)  # (B, depth, n_seconds, 12)
    parts = (seconds.mean(dim=3), seconds.std(dim=3), seconds.diff(dim=3).abs().mean(dim=3))
    numbers = torch.cat(parts, dim=1).transpose(1, 2)  # (B, n_seconds, 3 * depth)
    tags = tag[:, None].expand(-1, numbers.shape[1], -1) * float(numbers.shape[2]) ** 0.5
    return torch.cat((numbers, tags), dim=2).flatten(0, 1)
