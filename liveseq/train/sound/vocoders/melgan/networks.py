"""MelGAN as it was published (Kumar et al. 2019), and its variant for music with a recurrent layer.

Mel frames to sound through transposed convolutions and residual blocks; reflected at its ends, so it knows the future.
`Windowed` plays it live all the same: each step goes through the network with as many frames around it as its samples
depend on, so that steps give the samples that one piece would give.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import weight_norm

from liveseq.dsp.mel import MelFrontEnd
from liveseq.train.sound.streaming import Tape, extend
from liveseq.train.sound.vocoders.vocoder import Vocoder

SLOPE = 0.2
"""Negative slope of leaky ReLUs."""
EDGE_WIDTH = 7
"""Kernel width of the first and the last convolution."""
RECURRENT_CONTEXT = 32
"""Frames around a step that a recurrent layer hears instead of all: those further away it has mostly forgotten."""
SILENCE = -5.0
"""A mel frame of nothing, log10."""


@dataclass(frozen=True, kw_only=True)
class MelGanConfig:
    """Sizes; the defaults are the published ones."""

    n_mels: int = 80
    base: int = 32
    """Channels at the full rate; each step down the ratios has twice as many (ngf)."""
    ratios: tuple[int, ...] = (8, 8, 2, 2)
    """Up-sampling of each stage; their product is the hop length."""
    n_residuals: int = 3
    """Residual blocks of each stage, with dilations of 1, 3, 9 ..."""
    recurrent: bool = False
    """A GRU in both directions before the first stage, as UNAGAN's authors have it for music."""

    @property
    def width(self) -> int:
        """Channels of the first layer."""
        return self.base * 2 ** len(self.ratios)


class Residual(nn.Module):
    """A dilated convolution and a pointwise one, beside a pointwise shortcut."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.dilated = weight_norm(nn.Conv1d(channels, channels, 3, dilation=dilation))
        self.pointwise = weight_norm(nn.Conv1d(channels, channels, 1))
        self.shortcut = weight_norm(nn.Conv1d(channels, channels, 1))
        self.dilation = dilation

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, T) -> the same."""
        y = self.dilated(_reflected(_leaky(x), self.dilation))
        return self.shortcut(x) + self.pointwise(_leaky(y))


class BidirectionalGru(nn.Module):
    """A residual GRU in both directions, whose outputs are added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gru = nn.GRU(channels, channels, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, T) -> the same."""
        y = self.gru(x.transpose(1, 2))[0].transpose(1, 2)
        return x + sum(y.chunk(2, dim=1))


class MelGan(nn.Module):
    """The published generator."""

    def __init__(self, config: MelGanConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.width // 2**i for i in range(len(config.ratios) + 1)]
        self.first = weight_norm(nn.Conv1d(config.n_mels, widths[0], EDGE_WIDTH))
        self.memory = BidirectionalGru(widths[0]) if config.recurrent else None
        self.ups = nn.ModuleList(_up(*widths[i : i + 2], ratio) for i, ratio in enumerate(config.ratios))
        self.residuals = nn.ModuleList(
            nn.Sequential(*(Residual(width, 3**i) for i in range(config.n_residuals))) for width in widths[1:]
        )
        self.last = weight_norm(nn.Conv1d(widths[-1], 1, EDGE_WIDTH))

    def forward(self, mel: Tensor) -> Tensor:
        """log10 mel (B, n_mels, T) -> audio (B, T * hop_length), within -1 and 1."""
        x = _leaky(self.first(_reflected(mel, EDGE_WIDTH // 2)))
        if self.memory is not None:
            x = self.memory(x)
        for number, (up, residuals) in enumerate(zip(self.ups, self.residuals, strict=True)):
            x = residuals(up(_leaky(x) if number else x))
        return torch.tanh(self.last(_reflected(_leaky(x), EDGE_WIDTH // 2))).squeeze(1)


def reach(config: MelGanConfig) -> int:
    """Frames before or after its own that a sample depends on (without the recurrent layer)."""
    first, last = 0, math.prod(config.ratios) - 1  # the samples of frame 0, then the places that they depend on
    for number, ratio in enumerate(reversed(config.ratios)):
        around = sum(3**i for i in range(config.n_residuals)) + (EDGE_WIDTH // 2 if number == 0 else 0)
        padding = ratio // 2 + ratio % 2
        # a sample of a transposed convolution of twice the ratio depends on two places
        first = (first - around + padding) // ratio - 1
        last = (last + around + padding) // ratio
    return max(-first, last) + EDGE_WIDTH // 2


class Windowed(Vocoder):
    """A network that knows the future, `look_ahead` frames late."""

    def __init__(self, net: MelGan, front_end: MelFrontEnd) -> None:
        around = reach(net.config) + (RECURRENT_CONTEXT if net.config.recurrent else 0)
        super().__init__(front_end, latency=around * front_end.hop_length)
        self.net = net
        self.look_ahead = around
        self.exact = not net.config.recurrent
        """Steps equal the whole; a recurrent layer hears only its window."""

    def forward(self, mel: Tensor, tape: Tape | None = None) -> Tensor:
        """log10 mel (B, n_mels, T) -> audio (B, T * hop_length), `latency` samples late; silence before the start."""
        window = extend(mel - SILENCE, 2 * self.look_ahead, tape) + SILENCE
        start = self.look_ahead * self.hop_length
        return self.net(window)[:, start : start + mel.shape[-1] * self.hop_length]


def plain(net: nn.Module) -> nn.Module:
    """The same network with weights as they are, without their norms beside them: for export. Changes it."""
    for module in net.modules():
        if parametrize.is_parametrized(module):
            parametrize.remove_parametrizations(module, "weight")
    return net


def _up(inputs: int, outputs: int, ratio: int) -> nn.Module:
    odd = ratio % 2
    return weight_norm(
        nn.ConvTranspose1d(inputs, outputs, 2 * ratio, ratio, padding=ratio // 2 + odd, output_padding=odd)
    )


def _leaky(x: Tensor) -> Tensor:
    return nn.functional.leaky_relu(x, SLOPE)


def _reflected(x: Tensor, n: int) -> Tensor:
    return nn.functional.pad(x, (n, n), mode="reflect")
