"""Multi-band MelGAN (Yang et al. 2020), causal: four bands at a quarter of the rate, put together by a filter bank.

A fifth of MelGAN's work for a second of sound. Every convolution looks back only, so it runs in steps of any length.
Unlike the published one, the network does not make the level of a band: it is read off the frames, over five decades
that a bounded output would have to learn first.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from liveseq.dsp.mel import MelFrontEnd
from liveseq.errors import ModelError
from liveseq.train.sound.streaming import CausalConv1d, Tape, extend
from liveseq.train.sound.vocoders.melgan.networks import EDGE_WIDTH, SILENCE, SLOPE
from liveseq.train.sound.vocoders.melgan.pqmf import Pqmf
from liveseq.train.sound.vocoders.vocoder import Vocoder

_MEL_SCALE = 2.0  # log10 of magnitudes: brings frames to about one


@dataclass(frozen=True, kw_only=True)
class MultiBandConfig:
    """Sizes of the network."""

    width: int = 192
    """Channels at the rate of the frames; half as many after each stage."""
    ratios: tuple[int, ...] = (8, 4, 4)
    """Up-sampling of each stage; four times their product is the hop length."""
    n_residuals: int = 3
    """Residual blocks of each stage, with dilations of 1, 3, 9 ..."""
    latency: int = 1536
    """Samples by which sound comes later than its frames: so much future is known when a sample is made."""


class CausalUp(nn.ConvTranspose1d):
    """A transposed convolution of twice its stride: each output depends on its own frame and the one before."""

    def forward(self, x: Tensor, tape: Tape | None = None) -> Tensor:  # type: ignore[override]
        """(B, C, T) -> (B, C', T * stride)."""
        ratio = self.stride[0]
        return super().forward(extend(x, 1, tape))[..., ratio : ratio * (x.shape[-1] + 1)]


class CausalResidual(nn.Module):
    """A residual block as MelGAN's, looking back."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.dilated = weight_norm(CausalConv1d(channels, channels, 3, dilation=dilation))
        self.pointwise = weight_norm(nn.Conv1d(channels, channels, 1))
        self.shortcut = weight_norm(nn.Conv1d(channels, channels, 1))

    def forward(self, x: Tensor, tape: Tape | None) -> Tensor:
        """(B, channels, T) -> the same."""
        y = self.dilated(functional.leaky_relu(x, SLOPE), tape)
        return self.shortcut(x) + self.pointwise(functional.leaky_relu(y, SLOPE))


class MultiBand(Vocoder):
    """Mel frames to four bands to sound."""

    power: Tensor

    def __init__(self, front_end: MelFrontEnd, config: MultiBandConfig) -> None:
        super().__init__(front_end, latency=config.latency)
        self.bank = Pqmf()
        if self.bank.n_bands * math.prod(config.ratios) != front_end.hop_length:
            raise ModelError(
                f"multi-band MelGAN: ratios {config.ratios}: expected a product of "
                f"{front_end.hop_length / self.bank.n_bands:g} (hop_length / 4), found {math.prod(config.ratios)}"
            )
        n_late = config.latency + front_end.hop_length - front_end.n_fft // 2
        self.n_back, rest = divmod(n_late, front_end.hop_length)
        """Frames between the one that comes in and the one whose middle is the first sample that goes out."""
        if rest or self.n_back < 1:
            raise ModelError(
                f"multi-band MelGAN: latency: expected n_fft / 2 and some hops ({front_end.n_fft // 2}, "
                f"{front_end.n_fft // 2 + front_end.hop_length} ...), found {config.latency}"
            )
        power = torch.from_numpy(_power(front_end, self.bank.n_bands))
        self.register_buffer("power", power, persistent=False)
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
        """log10 mel (B, n_mels, T) -> audio (B, T * hop_length), `latency` samples late."""
        return self.bank.synthesis(self.bands(mel, tape), tape)

    def bands(self, mel: Tensor, tape: Tape | None = None) -> Tensor:
        """log10 mel (B, n_mels, T) -> the bands of the sound (B, 4, T * hop_length / 4)."""
        x = self.first((mel - SILENCE) / _MEL_SCALE, tape)
        for up, residuals in zip(self.ups, self.residuals, strict=True):
            x = up(functional.leaky_relu(x, SLOPE), tape)
            for residual in residuals:
                x = residual(x, tape)
        return self._level(mel, tape) * self.last(functional.leaky_relu(x, SLOPE), tape)

    def _level(self, mel: Tensor, tape: Tape | None) -> Tensor:
        """Level of each band over time, as linear amplitude (rms): (B, n_mels, T) -> (B, 4, T * hop_length / 4).

        A straight line from the middle of one frame to the middle of the next.
        """
        known = extend(mel - SILENCE, self.n_back, tape)[..., : mel.shape[-1] + 1] + SILENCE
        with torch.autocast(mel.device.type, enabled=False):  # a level of three digits would step from frame to frame
            rms = (self.power @ torch.pow(10.0, 2.0 * known)).sqrt()
        n = self.hop_length // self.bank.n_bands
        ramp = torch.arange(n, device=mel.device, dtype=mel.dtype) / n
        line = rms[..., :-1, None] + (rms[..., 1:, None] - rms[..., :-1, None]) * ramp
        return line.flatten(-2)


def _power(end: MelFrontEnd, n_bands: int) -> np.ndarray:
    """Power in each band of the bank per squared mel magnitude, float32 (n_bands, n_mels).

    For a noise that is flat within a mel band: a mel magnitude is its bins' mean times the filter's sum.
    """
    filters = end.filterbank()
    share = filters.sum(axis=0)
    n_bins = (filters / np.maximum(share, 1e-12)).sum(axis=1)  # each bin is counted once
    place = (filters @ np.arange(filters.shape[1])) / np.maximum(filters.sum(axis=1), 1e-12)
    band = np.minimum(place * n_bands / (filters.shape[1] - 1), n_bands - 1).astype(int)
    hann = 0.375 * end.n_fft  # sum of the squared window
    each = n_bins / np.square(np.maximum(filters.sum(axis=1), 1e-12)) * 2.0 / (end.n_fft * hann)
    return np.asarray((band == np.arange(n_bands)[:, np.newaxis]) * each, dtype=np.float32)
