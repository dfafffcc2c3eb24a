"""What tells a generator how real its mel frames are: BEGAN's auto-encoder as published, or a critic (hinge loss)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from liveseq.train.sound.losses import feature_matching
from liveseq.train.sound.unagan.nets import Critic
from liveseq.train.sound.unagan.published import PublishedDiscriminator

GAMMA = 1.0
LAMBDA_K = 0.01


class Hinge(nn.Module):
    """A critic of patches that knows the tag."""

    def __init__(self, n_mels: int, *, width: int, n_conditions: int) -> None:
        super().__init__()
        self.critic = Critic(n_mels, width=width, n_conditions=n_conditions)

    def critic_loss(self, real: Tensor, made: Tensor, conditions: Tensor, made_conditions: Tensor) -> Tensor:
        """Mel frames (B, n_mels, 16 S), conditions (B, n, S)."""
        verdicts, _ = self.critic(torch.cat((real, made)), torch.cat((conditions, made_conditions)))
        on_real, on_made = verdicts.float().split((len(real), len(made)))
        return (1.0 - on_real).relu().mean() + (1.0 + on_made).relu().mean()

    def generator_loss(
        self, real: Tensor, made: Tensor, conditions: Tensor, made_conditions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """How unreal it looks, and how unlike in the critic's features: the first of `made` are copies of `real`."""
        with torch.no_grad():
            _, wanted = self.critic(real, conditions)
        verdicts, found = self.critic(made, made_conditions)
        copies = [f[: len(real)] for f in found]
        return -verdicts.float().mean(), feature_matching([wanted], [copies])


class Began(nn.Module):
    """An auto-encoder that reconstructs what is real and not what is made (Berthelot et al. 2017)."""

    balance: Tensor

    def __init__(self, n_mels: int, *, width: int, n_conditions: int = 0) -> None:
        super().__init__()
        self.critic = PublishedDiscriminator(n_mels=n_mels, width=width)
        self.tag = nn.Conv1d(n_conditions, n_mels, 1, bias=False) if n_conditions else None
        self.register_buffer("balance", torch.zeros(()))  # k

    def missed(self, mel: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Mean error of reconstruction of mel frames (B, n_mels, T)."""
        told = mel
        if self.tag is not None and conditions is not None:
            told = mel + self.tag(conditions).repeat_interleave(mel.shape[-1] // conditions.shape[-1], dim=-1)
        return functional.l1_loss(self.critic(told).float(), mel)

    def critic_loss(
        self, real: Tensor, made: Tensor, conditions: Tensor | None = None, made_conditions: Tensor | None = None
    ) -> Tensor:
        """And the balance moves, as published, after it is used."""
        on_real, on_made = self.missed(real, conditions), self.missed(made, made_conditions)
        loss = on_real - self.balance.clone() * on_made
        with torch.no_grad():
            self.balance.add_(LAMBDA_K * (GAMMA * on_real - on_made)).clamp_(0.0, 1.0)
        return loss

    def generator_loss(
        self, real: Tensor, made: Tensor, conditions: Tensor | None = None, made_conditions: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        return self.missed(made, made_conditions), made.new_zeros(())

    def convergence(self, real: Tensor, made: Tensor) -> Tensor:
        """M, lower is better."""
        on_real, on_made = self.missed(real), self.missed(made)
        return on_real + (GAMMA * on_real - on_made).abs()
