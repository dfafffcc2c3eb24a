"""Multi-band MelGAN (Yang et al. 2020), causal: four bands at a quarter of the rate, put together by a filter bank.

A third of MelGAN's work for a second of sound. Every convolution looks back only, so it runs in steps of any length.
"""

import math
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from liveseq.dsp.mel import MelFrontEnd
from liveseq.errors import ModelError
from liveseq.train.sound.melgan_nets import EDGE_WIDTH, SILENCE, SLOPE
from liveseq.train.sound.pqmf import Pqmf
from liveseq.train.sound.streaming import CausalConv1d, Tape, extend
from liveseq.train.sound.vocoder import Vocoder

_MEL_SCALE = 2.0  # log10 of magnitudes: brings frames to about one


@dataclass(frozen=True, kw_only=True)
class MultiBandConfig:
    """Sizes."""

    width: int = 192
    """Channels at the rate of the frames; half as many after each stage."""
    ratios: tuple[int, ...] = (8, 4, 4)
    """By which each stage makes it longer; four times their product is the hop length."""
    n_residuals: int = 3
    """Blocks of each stage, with dilations of 1, 3, 9 ..."""
    latency: int = 1536
    """Samples by which sound comes later than its frames tell: so much future is known when a sample is made."""


class CausalUp(nn.ConvTranspose1d):
    """A transposed convolution of twice its stride: each output hears its own frame and the one before."""

    def forward(self, x: Tensor, tape: Tape | None = None) -> Tensor:  # type: ignore[override]
        """(B, C, T) -> (B, C', T * stride)."""
        ratio = self.stride[0]
        return super().forward(extend(x, 1, tape))[..., ratio : ratio * (x.shape[-1] + 1)]


class CausalResidual(nn.Module):
    """As MelGAN's, looking back."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.dilated = weight_norm(CausalConv1d(channels, channels, 3, dilation=dilation))
        self.pointwise = weight_norm(nn.Conv1d(channels, channels, 1))
        self.shortcut = weight_norm(nn.Conv1d(channels, channels, 1))

    def forward(self, x: Tensor, tape: Tape | None) -> Tensor:
        y = self.dilated(functional.leaky_relu(x, SLOPE), tape)
        return self.shortcut(x) + self.pointwise(functional.leaky_relu(y, SLOPE))


class MultiBand(Vocoder):
    """Mel frames to four bands to sound."""

    def __init__(self, front_end: MelFrontEnd, config: MultiBandConfig) -> None:
        super().__init__(front_end, latency=config.latency)
        self.bank = Pqmf()
        made = self.bank.n_bands * math.prod(config.ratios)
        if made != front_end.hop_length:
            raise ModelError(
                f"multi-band MelGAN: ratios {config.ratios}: expected a product of "
                f"{front_end.hop_length / self.bank.n_bands:g} (hop_length / 4), found {math.prod(config.ratios)}"
            )
        widths = [config.width // 2**i for i in range(len(config.ratios) + 1)]
        self.first = weight_norm(CausalConv1d(front_end.n_mels, widths[0], EDGE_WIDTH))
        self.ups = nn.ModuleList(
            weight_norm(CausalUp(widths[i], widths[i + 1], 2 * ratio, ratio)) for i, ratio in enumerate(config.ratios)
        )
        self.residuals = nn.ModuleList(
            nn.ModuleList(CausalResidual(width, 3**i) for i in range(config.n_residuals)) for width in widths[1:]
        )
        self.last = weight_norm(CausalConv1d(widths[-1], self.bank.n_bands, EDGE_WIDTH))

    def forward(self, mel: Tensor, tape: Tape | None = None) -> Tensor:
        """(B, n_mels, T) -> (B, T * hop_length), `latency` samples late."""
        return self.bank.synthesis(self.bands(mel, tape), tape)

    def bands(self, mel: Tensor, tape: Tape | None = None) -> Tensor:
        """(B, n_mels, T) -> (B, 4, T * hop_length / 4)."""
        x = self.first((mel - SILENCE) / _MEL_SCALE, tape)
        for up, residuals in zip(self.ups, self.residuals, strict=True):
            x = up(functional.leaky_relu(x, SLOPE), tape)
            for residual in residuals:
                x = residual(x, tape)
        return self.last(functional.leaky_relu(x, SLOPE), tape).tanh()
