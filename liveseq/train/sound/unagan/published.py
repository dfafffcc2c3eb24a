"""UNAGAN as published: generator, discriminator and cycle encoder, whole clips at once.

Liu et al. 2020, at Demiurge's 80 bands. The GRU hears both directions and is born from noise, group norm knows the
whole clip: it cannot stream. It is here as the reference that the streaming form is held against. Every size is the
paper code's; 24.48 M parameters (h, hc) or 6.86 M (nh).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

Z_SIZE = 20
N_MELS = 80
WIDTH = 512
MAX_NORM = 3.0
"""Largest length of a gradient, in the streaming form's training too."""
_GROUPS = 4


class RecurrentBlock(nn.Module):
    """A residual block: a GRU of both directions, born from noise, and a convolution."""

    def __init__(self, width: int, *, dilation: int) -> None:
        super().__init__()
        self.gru = nn.GRU(width, width, batch_first=True, bidirectional=True)
        self.conv = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, groups=_GROUPS)
        self.norm = nn.GroupNorm(_GROUPS, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, T) -> the same."""
        birth = torch.randn(2, len(x), self.gru.hidden_size, device=x.device, dtype=x.dtype)
        both, _ = self.gru(x.transpose(1, 2), birth)  # (B, T, 2 * width)
        hidden = sum(both.chunk(2, dim=-1)).transpose(1, 2)
        return x + hidden + functional.leaky_relu(self.norm(self.conv(x)))


class BodyBlock(nn.Module):
    """Layers that one level adds to the body."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(inputs, width, 3, padding=1),
            nn.GroupNorm(_GROUPS, width),
            nn.LeakyReLU(),
            RecurrentBlock(width, dilation=1),
            nn.Conv1d(width, width, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, T) -> (B, width, T)."""
        return self.net(x)


class PublishedGenerator(nn.Module):
    """Hierarchical generator: z-scored mel frames at five rates, each adding detail to the one before."""

    def __init__(self, *, n_mels: int = N_MELS, z_size: int = Z_SIZE, width: int = WIDTH, n_doublings: int = 4) -> None:
        super().__init__()
        self.bodies = nn.ModuleList(BodyBlock(width if i else z_size, width) for i in range(n_doublings + 1))
        self.heads = nn.ModuleList(nn.Conv1d(width, n_mels, 3, padding=1) for _ in range(n_doublings + 1))

    def forward(self, z: Tensor) -> Tensor:
        """Noise (B, z_size, S) -> z-scored mel (B, n_mels, 16 S)."""
        body = self.bodies[0](z)
        mel = self.heads[0](body)
        for block, head in zip(self.bodies[1:], self.heads[1:], strict=True):
            body = functional.interpolate(body, scale_factor=2)
            body = body + block(body)
            mel = functional.interpolate(mel, scale_factor=2) + head(body)
        return mel


class FlatGenerator(nn.Module):
    """Generator without a hierarchy: a latent for each frame."""

    def __init__(self, *, n_mels: int = N_MELS, z_size: int = Z_SIZE, width: int = WIDTH) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(z_size, width, 3, padding=1),
            nn.GroupNorm(_GROUPS, width),
            nn.LeakyReLU(),
            RecurrentBlock(width, dilation=2),
            RecurrentBlock(width, dilation=4),
            nn.Conv1d(width, n_mels, 3, padding=1),
        )

    def forward(self, z: Tensor) -> Tensor:
        """Noise (B, z_size, T) -> z-scored mel (B, n_mels, T)."""
        return self.net(z)


def _front() -> list[nn.Module]:
    """Two-dimensional start of discriminator and encoder: 80 bands -> 64 channels of 10 rows, time as it was."""
    layers: list[nn.Module] = []
    for inputs, outputs, dilation in ((1, 4, 2), (4, 16, 4), (16, 64, 8)):
        conv = nn.Conv2d(inputs, outputs, 3, stride=(2, 1), padding=(1, dilation), dilation=(1, dilation))
        layers += [spectral_norm(conv), nn.BatchNorm2d(outputs), nn.LeakyReLU()]
    return layers


def _deep(inputs: int, outputs: int, **settings: int) -> list[nn.Module]:
    return [spectral_norm(nn.Conv1d(inputs, outputs, 3, **settings)), nn.BatchNorm1d(outputs), nn.LeakyReLU()]


class PublishedDiscriminator(nn.Module):
    """An auto-encoder of mels, as BEGAN wants it (Berthelot et al. 2017)."""

    def __init__(self, *, n_mels: int = N_MELS, width: int = WIDTH) -> None:
        super().__init__()
        deep = _deep(64 * (n_mels // 8), width, padding=1)
        for dilation in (16, 32, 64, 128):
            deep += _deep(width, width, padding=dilation, dilation=dilation)
        self.front = nn.Sequential(*_front())
        self.deep = nn.Sequential(*deep, spectral_norm(nn.Conv1d(width, n_mels, 3, padding=1)))

    def forward(self, mel: Tensor) -> Tensor:
        """(B, n_mels, T) -> (B, n_mels, T)."""
        return self.deep(self.front(mel[:, None]).flatten(1, 2))


class PublishedEncoder(nn.Module):
    """Encoder of the cycle: mel back to latents, or a latent for each frame where n_halvings is 0."""

    def __init__(self, *, n_mels: int = N_MELS, z_size: int = Z_SIZE, width: int = WIDTH, n_halvings: int = 4) -> None:
        super().__init__()
        deep = _deep(64 * (n_mels // 8), width, padding=1)
        for _ in range(n_halvings):
            deep += _deep(width, width, padding=1, stride=2)
        self.front = nn.Sequential(*_front())
        self.deep = nn.Sequential(*deep, nn.Conv1d(width, z_size, 3, padding=1))

    def forward(self, mel: Tensor) -> Tensor:
        """(B, n_mels, T) -> (B, z_size, T / 2 ** n_halvings)."""
        return self.deep(self.front(mel[:, None]).flatten(1, 2))
