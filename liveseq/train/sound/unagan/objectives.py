"""Adversaries of a generator of mel frames: BEGAN's auto-encoder as published, or a critic (hinge loss)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from liveseq.train.sound.losses import feature_matching
from liveseq.train.sound.unagan.networks import Critic
from liveseq.train.sound.unagan.published import PublishedDiscriminator

GAMMA = 1.0
LAMBDA_K = 0.01
"""BEGAN's diversity ratio and the rate of its balance k."""


class Hinge(nn.Module):
    """A critic of patches that knows the tag."""

    def __init__(self, n_mels: int, *, width: int, n_conditions: int) -> None:
        super().__init__()
        self.critic = Critic(n_mels, width=width, n_conditions=n_conditions)

    def critic_loss(self, real: Tensor, generated: Tensor, conditions: Tensor, own_conditions: Tensor) -> Tensor:
        """Loss () of the critic on real and generated mel (B, n_mels, 16 S), with the conditions (B, n, S) of each."""
        verdicts, _ = self.critic(torch.cat((real, generated)), torch.cat((conditions, own_conditions)))
        on_real, on_generated = verdicts.float().split((len(real), len(generated)))
        return (1.0 - on_real).relu().mean() + (1.0 + on_generated).relu().mean()

    def generator_loss(
        self, real: Tensor, generated: Tensor, conditions: Tensor, own_conditions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Losses () of the generator: by the verdicts, and by the distance to the real ones in the critic's features.

        Arguments as of `critic_loss`; the first of `generated` are copies of `real`.
        """
        with torch.no_grad():
            _, targets = self.critic(real, conditions)
        verdicts, features = self.critic(generated, own_conditions)
        copies = [f[: len(real)] for f in features]
        return -verdicts.float().mean(), feature_matching([targets], [copies])


class Began(nn.Module):
    """An auto-encoder that learns to reconstruct real mels and no generated ones (Berthelot et al. 2017)."""

    balance: Tensor

    def __init__(self, n_mels: int, *, width: int, n_conditions: int = 0) -> None:
        super().__init__()
        self.critic = PublishedDiscriminator(n_mels=n_mels, width=width)
        self.tag = nn.Conv1d(n_conditions, n_mels, 1, bias=False) if n_conditions else None
        self.register_buffer("balance", torch.zeros(()))  # k

    def error(self, mel: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Mean error () of the reconstruction of mel frames (B, n_mels, T) under conditions (B, n, S)."""
        inputs = mel
        if self.tag is not None and conditions is not None:
            inputs = mel + self.tag(conditions).repeat_interleave(mel.shape[-1] // conditions.shape[-1], dim=-1)
        return functional.l1_loss(self.critic(inputs).float(), mel)

    def critic_loss(
        self, real: Tensor, generated: Tensor, conditions: Tensor | None = None, own_conditions: Tensor | None = None
    ) -> Tensor:
        """Loss () of the auto-encoder, arguments as of `Hinge`; then the balance moves, as published."""
        on_real, on_generated = self.error(real, conditions), self.error(generated, own_conditions)
        loss = on_real - self.balance.clone() * on_generated
        with torch.no_grad():
            self.balance.add_(LAMBDA_K * (GAMMA * on_real - on_generated)).clamp_(0.0, 1.0)
        return loss

    def generator_loss(
        self, real: Tensor, generated: Tensor, conditions: Tensor | None = None, own_conditions: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Loss () of the generator, and 0 (), for there are no features to compare; arguments as of `Hinge`."""
        return self.error(generated, own_conditions), generated.new_zeros(())

    def convergence(self, real: Tensor, generated: Tensor) -> Tensor:
        """BEGAN's measure M () of mel frames (B, n_mels, T), lower is better."""
        on_real, on_generated = self.error(real), self.error(generated)
        return on_real + (GAMMA * on_real - on_generated).abs()
