"""Training of the recurrent GAN on latents: one step ahead by an energy score, further by a critic of free streams."""

from collections.abc import Sequence
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional
from torch.optim import AdamW, Optimizer

from liveseq.train.sound.recipe import Batch, frozen
from liveseq.train.sound.recurrent.gan.networks import Critic, NoiseHead
from liveseq.train.sound.recurrent.latent_recipe import LatentRecipe
from liveseq.train.sound.tags import tag_size

RATES = {"generator": 1e-3, "critic": 3e-4}
ADVERSARY = 0.05
"""Weight of the critic's verdict beside the energy score."""
WARM_UP = 0.2
"""Share of the training before the critic begins: it has nothing to learn from noise (C-RNN-GAN trains so first)."""
EVERY = 2
"""Batches between two of the critic's, which are dearer."""
FREE, BEFORE = 24, 16
"""Latents of a stream that is let go (2 s), and the real ones, at least, that it follows."""
FEW = 12
"""Crops of a batch that are let go."""
MAX_NORM = 1.0


class GanRecipe(LatentRecipe):
    """Generator and critic."""

    def __init__(self, about: dict[str, Any]) -> None:
        """about: config.yaml."""
        settings = about["model"]
        head = NoiseHead(
            settings["z_size"],
            n_context=settings["width"],
            n_noise=settings["n_noise"],
            width=settings["head_width"],
        )
        super().__init__(head, about)
        self.critic = Critic(
            settings["z_size"],
            tag_size=tag_size(about),
            width=settings["critic_width"],
            dropout=settings["critic_dropout"],
        )
        self._losses: dict[str, Tensor | float] = dict.fromkeys(("energy", "unreal", "critic"), 0.0)

    @property
    def head(self) -> NoiseHead:
        """Head of the generator."""
        assert isinstance(self.generator.head, NoiseHead)
        return self.generator.head

    def optimizers(self) -> dict[str, Optimizer]:
        return {
            "generator": AdamW(self.generator.parameters(), lr=RATES["generator"], betas=(0.9, 0.98)),
            "critic": AdamW(self.critic.parameters(), lr=RATES["critic"], betas=(0.5, 0.98)),
        }

    def train_step(self, fabric: Fabric, batch: Batch, number: int) -> dict[str, Tensor | float]:
        """batch: frames, tags and clocks of `MelCrops`."""
        self.set_rates(RATES)
        latent, tag, clock, real = self.inputs(batch)
        with fabric.autocast():
            energy = self.head.energy(latent, self.contexts(latent, tag, clock))
        loss = (energy * real).sum() / real.sum()
        self._losses["energy"] = loss.detach()
        if self.progress < WARM_UP or number % EVERY:
            self.update(fabric, "generator", loss, max_norm=MAX_NORM)
            return dict(self._losses)
        some = tuple(x[:FEW] for x in (latent, tag, clock))
        at = int(torch.randint(min(BEFORE, latent.shape[1] // 2), max(1, latent.shape[1] - FREE) + 1, ()))
        free = self._let_go(*some, at=at)
        with frozen(self.critic):
            verdicts = self.critic(free, some[1][:, : free.shape[1]], some[2][:, : free.shape[1]])
            unreal = -verdicts[:, at:].mean()
        self.update(fabric, "generator", loss + ADVERSARY * unreal, max_norm=MAX_NORM)
        self._losses |= {
            "unreal": unreal.detach(),
            "critic": self._learn_critic(fabric, *some, free.detach(), real[:FEW], at=at),
        }
        return dict(self._losses)

    def _let_go(self, latent: Tensor, tag: Tensor, clock: Tensor, *, at: int) -> Tensor:
        """Real latents up to a place, and FREE drawn ones behind them, (B, at + FREE, z_size)."""
        end = min(latent.shape[1], at + FREE)
        before = functional.pad(latent[:, : at - 1], (0, 0, 1, 0))
        _, memory = self.generator.contexts(before, tag[:, :at], clock[:, :at])
        drawn = self.generator.roll(tag[:, at:end], clock[:, at:end], before=latent[:, at - 1], memory=memory.detach())
        return torch.cat((latent[:, :at], drawn), dim=1)

    def _learn_critic(
        self, fabric: Fabric, latent: Tensor, tag: Tensor, clock: Tensor, free: Tensor, real: Tensor, *, at: int
    ) -> Tensor:
        """Hinge loss () of the critic on what follows the place, real and drawn. real: not where it is held, (B, S)."""
        n = free.shape[1]
        both = torch.cat((latent[:, :n], free))
        tags, clocks = (torch.cat((x[:, :n], x[:, :n])) for x in (tag, clock))
        on_real, on_free = self.critic(both, tags, clocks)[:, at:].chunk(2)
        real = real[:, at:n].float()
        loss = ((1.0 - on_real).relu() * real).sum() / real.sum().clamp(min=1.0) + (1.0 + on_free).relu().mean()
        self.update(fabric, "critic", loss, max_norm=MAX_NORM)
        return loss.detach()

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """The energy score one latent ahead, and `apart`. The latest weights are kept."""
        energy, distance = 0.0, 0.0
        for batch in batches:
            latent, tag, clock, _ = self.inputs(batch)
            energy += float(self.head.energy(latent, self.contexts(latent, tag, clock)).mean())
            distance += self.apart(batch)
        return {"energy": energy / len(batches), "apart": distance / len(batches)}
