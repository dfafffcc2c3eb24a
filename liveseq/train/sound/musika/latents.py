"""Learning to make latents: Musika's adversarial training, conditioned on tags, made to work on minutes of sound.

As published: hinge loss, R1 on real pairs whose weight adapts to how sure the critic is, Adam with beta1 0.5, one
update of each network in turn. What a short training needs beside it:
- Each tag's mean and spread of latents, and what beat and bar do to them, are fitted first, as linear maps of the tag's
  vector: the generator begins with the right colour and pulse, and has to learn what happens.
- Generator and critic are told the clock of the recording: what was made is judged as music at this tempo.
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

from liveseq.train.sound.beats import Tempi
from liveseq.train.sound.grain import Grain
from liveseq.train.sound.judge.distances import mmd
from liveseq.train.sound.musika.codec import Codec
from liveseq.train.sound.musika.coordinates import N_ANCHORS, N_CLOCK, Windows, clock_of, hats, joined, window_times
from liveseq.train.sound.musika.level_one import Level
from liveseq.train.sound.musika.networks import N_NOISE, Critic, Generator
from liveseq.train.sound.musika.pool import Take
from liveseq.train.sound.musika.settling import Settling, fit_to_tags
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
    """The generator, in the units of latents: what it makes is placed, spread and pulsing as the tag's sounds are."""

    def __init__(self, net: Generator, *, depth: int, tag: int, n_tags: int) -> None:
        super().__init__()
        self.net = net
        self.depth = depth
        self.mean, self.spread = nn.Linear(tag, depth), nn.Linear(tag, depth)
        self.pulse = nn.Linear(tag, depth * N_CLOCK)
        """What each wave of the clock adds to each number of a latent."""
        self.ceiling = nn.Linear(tag, 1)
        """How loud the tag's frames get, see `ceiling_of`; learned last."""
        self.tempi = Tempi(n_tags=n_tags, tag_size=tag)

    def forward(self, coordinates: Tensor, style: Tensor, noise: Tensor, tag: Tensor, clock: Tensor) -> Tensor:
        """As of `Generator`: latents (B, depth, length)."""
        made = self.net(coordinates, style, noise, tag, clock)
        pulse = self.pulse(tag).reshape(-1, self.depth, N_CLOCK) @ clock
        return self.mean(tag)[..., None] + pulse + self.spread(tag)[..., None].exp() * made

    @torch.no_grad()
    def begin_from(
        self,
        vectors: Tensor,
        latents: Sequence[Tensor],
        clocks: Sequence[Tensor],
    ) -> None:
        """vectors: (n_tags, tag); latents: of each tag, (depth, n); clocks: (N_CLOCK, n)."""
        means = torch.stack([each.mean(dim=1) for each in latents])
        pulses = torch.stack([_pulse(*each) for each in zip(latents, clocks, strict=True)])
        left = [own - pulse @ clock for own, pulse, clock in zip(latents, pulses, clocks, strict=True)]
        spreads = torch.stack([each.std(dim=1).clamp(min=1e-2).log() for each in left])
        pairs = (
            (self.mean, means),
            (self.spread, spreads),
            (self.pulse, pulses.flatten(1)),
        )
        for layer, wanted in pairs:
            fit_to_tags(layer, vectors, wanted)


def _pulse(latents: Tensor, clock: Tensor) -> Tensor:
    """Least squares, held back where there is little: latents (depth, n), clock (N_CLOCK, n) -> (depth, N_CLOCK)."""
    moved = latents - latents.mean(dim=1, keepdim=True)
    gram = clock @ clock.T + 0.02 * clock.shape[1] * torch.eye(N_CLOCK)
    return torch.linalg.solve(gram, clock @ moved.T).T


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
    def begin_from(self, takes: Sequence[Take]) -> None:
        """Units, and the tags' colours, pulses and tempi from latents."""
        own = [[take for take in takes if take.tag == number] for number in range(len(self.vectors))]
        latents = [torch.from_numpy(np.concatenate([take.values for take in some], axis=1)) for some in own]
        clocks = [torch.from_numpy(np.concatenate([take.clock() for take in some])) for some in own]
        self.unit.copy_(torch.cat(latents, dim=1).std(dim=1))
        told = [clock_of(*clock[None].unbind(-1))[0] for clock in clocks]
        self.generator.begin_from(self.vectors, latents, told)
        self.generator.tempi.learn([take for take in takes if not take.stretched], self.vectors, n_per_step=1)

    def train_step(self, fabric: Fabric, batch: Batch, number: int) -> dict[str, Tensor | float]:
        real, tags, times = batch
        tag, clock = self.vectors[tags], clock_of(*times.unbind(-1))
        with fabric.autocast():
            made = self.make(tag, clock)
        told = self._learn_to_judge(fabric, real, made.detach(), tag, self._heard(clock), number)
        with frozen(self.critic), fabric.autocast():
            loss = -self.critic(self._seen(made), tag, self._heard(clock)).mean()
        self.update(fabric, "generator", loss)
        return {name: value.detach() for name, value in told.items()} | {"generator": loss.detach()}

    def _heard(self, clock: Tensor) -> Tensor:
        """Of a pair's clock, (B, N_CLOCK, 2 * stride + overlap), the part that a joined pair has."""
        before = self.windows.overlap // 2
        return clock[..., before : before + 2 * self.windows.stride]

    def make(self, tag: Tensor, clock: Tensor) -> Tensor:
        """Pairs of random places: (B, tag), (B, N_CLOCK, 2 * stride + overlap) -> latents (B, depth, 2 * stride)."""
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
        made = self.generator(places, style.repeat(2, 1), both, tag.repeat(2, 1), clocks)
        return joined(*made.chunk(2), self.windows.overlap)

    def _learn_to_judge(
        self, fabric: Fabric, real: Tensor, made: Tensor, tag: Tensor, clock: Tensor, number: int
    ) -> dict[str, Tensor]:
        regular = number % self.config.r1_every == 0
        seen = self._seen(real).requires_grad_(regular)
        with fabric.autocast():
            on_real, on_made = self.critic(seen, tag, clock), self.critic(self._seen(made), tag, clock)
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
        real = [(latents / self.unit[:, None], self.vectors[tags]) for latents, tags, _ in batches]
        clocks = [clock_of(*times.unbind(-1)) for *_, times in batches]
        pairs = zip(real, clocks, strict=True)
        made = [(self.make(tag, clock) / self.unit[:, None], tag) for (_, tag), clock in pairs]
        a, b = (np.concatenate([_moments(*each).cpu().numpy() for each in some]) for some in (real, made))
        return {"distance": mmd(a, b)}


def _moments(latents: Tensor, tag: Tensor) -> Tensor:
    """(B, depth, n) -> mean, spread and movement of each second, beside the tag, (B * n_seconds, F)."""
    seconds = latents.unfold(2, 12, 12)  # (B, depth, n_seconds, 12)
    parts = (seconds.mean(dim=3), seconds.std(dim=3), seconds.diff(dim=3).abs().mean(dim=3))
    numbers = torch.cat(parts, dim=1).transpose(1, 2)  # (B, n_seconds, 3 * depth)
    told = tag[:, None].expand(-1, numbers.shape[1], -1) * float(numbers.shape[2]) ** 0.5
    return torch.cat((numbers, told), dim=2).flatten(0, 1)
