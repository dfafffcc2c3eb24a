"""Encoder and decoder of tiles: codec latents of some seconds to one z, and back, each level at twice the rate."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from liveseq.train.sound.beats import CLOCK_SIZE
from liveseq.train.sound.streaming import ChannelNorm

LEVELS = 3
"""Doublings between the body of a tile and its steps."""
_QUIETEST, _LOUDEST = -6.0, 2.0  # of the logarithm of a posterior's variance


class Block(nn.Module):
    """Residual block of a few steps around each, bent by z and by the clock of each step."""

    def __init__(self, width: int, *, z_size: int) -> None:
        super().__init__()
        self.bend = nn.Linear(z_size + CLOCK_SIZE, 2 * width)
        self.norm = ChannelNorm(width)
        self.enter = nn.Conv1d(width, width, 3, padding=1)
        self.leave = nn.Conv1d(width, width, 3, padding=1)
        for layer in (self.bend, self.leave):
            nn.init.zeros_(layer.bias)
        nn.init.normal_(self.bend.weight, std=0.02)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """x (B, width, T), told (B, T, z_size + CLOCK_SIZE) -> (B, width, T)."""
        scale, shift = self.bend(told).transpose(1, 2).chunk(2, dim=1)
        body = functional.silu(self.norm(x) * (1.0 + scale) + shift)
        out: Tensor = x + self.leave(functional.silu(self.enter(body)))
        return out


class Encoder(nn.Module):
    """Diagonal posterior of a tile's z."""

    def __init__(self, inputs: int, *, z_size: int, width: int, n_steps: int) -> None:
        """inputs: numbers of a codec latent; n_steps: of a tile."""
        super().__init__()
        self.enter = nn.Conv1d(inputs + CLOCK_SIZE, width, 3, padding=1)
        self.norms = nn.ModuleList(ChannelNorm(width) for _ in range(LEVELS))
        self.halve = nn.ModuleList(nn.Conv1d(width, width, 4, stride=2, padding=1) for _ in range(LEVELS))
        self.leave = nn.Linear(width * (n_steps >> LEVELS), 2 * z_size)

    def forward(self, latent: Tensor, clock: Tensor) -> tuple[Tensor, Tensor]:
        """latent (B, T, inputs), clock (B, T, CLOCK_SIZE) -> mean and log variance, (B, z_size) each."""
        body = self.enter(torch.cat((latent, clock), dim=-1).transpose(1, 2))
        for norm, halve in zip(self.norms, self.halve, strict=True):
            body = halve(functional.silu(norm(body)))
        mean, log_variance = self.leave(functional.silu(body).flatten(1)).float().chunk(2, dim=-1)
        return mean, log_variance.clamp(_QUIETEST, _LOUDEST)


class Decoder(nn.Module):
    """Codec latents of a tile by its z and its clock: what sounds on a beat is where the beat is."""

    def __init__(self, outputs: int, *, z_size: int, width: int, n_steps: int) -> None:
        """outputs: numbers of a codec latent; n_steps: of a tile."""
        super().__init__()
        self.width, self.n_steps = width, n_steps
        self.begin = nn.Linear(z_size, width * (n_steps >> LEVELS))
        self.places = nn.ParameterList(
            nn.Parameter(0.1 * torch.randn(width, n_steps >> (LEVELS - level))) for level in range(LEVELS + 1)
        )
        self.blocks = nn.ModuleList(Block(width, z_size=z_size) for _ in range(LEVELS + 2))
        self.norm = ChannelNorm(width)
        self.leave = nn.Conv1d(width, outputs, 3, padding=1)
        nn.init.normal_(self.leave.weight, std=0.01)
        nn.init.zeros_(self.leave.bias)

    def forward(self, z: Tensor, clock: Tensor) -> Tensor:
        """z (B, z_size), clock (B, n_steps, CLOCK_SIZE) -> codec latents (B, n_steps, outputs)."""
        body = self.begin(z).unflatten(1, (self.width, -1))
        for level, (place, block) in enumerate(zip(self.places, self.blocks, strict=False)):
            if level:
                body = body.repeat_interleave(2, dim=-1)
            body = block(body + place, self._told(z, clock, LEVELS - level))
        body = self.blocks[-1](body, self._told(z, clock, 0))
        out: Tensor = self.leave(functional.silu(self.norm(body))).transpose(1, 2)
        return out

    def _told(self, z: Tensor, clock: Tensor, n_halvings: int) -> Tensor:
        """z and the clock at the beginning of each step of a level: (B, T, z_size + CLOCK_SIZE)."""
        some = clock[:, :: 1 << n_halvings]
        return torch.cat((z[:, None].expand(-1, some.shape[1], -1), some.to(z.dtype)), dim=-1)
