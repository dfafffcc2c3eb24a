"""What a reconstruction is judged by: spectra of several resolutions, mel frames, and what discriminators hear of it.

Signals are float32 (B, n_samples), two of the same length. SpectralLoss, MelLoss and feature_matching are 0 for a
signal against itself.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from liveseq.dsp.mel import FLOOR, MelFrontEnd
from liveseq.dsp.spectral import mel_filterbank

WINDOWS = (2048, 1024, 512, 256, 128)
"""Samples. The long ones hear pitch, the short ones (5 and 3 ms at 48 kHz) when something begins."""
_QUIET = 1e-7
"""Power that is added before a root or a logarithm: keeps the gradients of silence finite."""


def magnitudes(y: Tensor, n_fft: int, hop_length: int) -> Tensor:
    """(B, n_samples) -> (B, n_bins, n_frames), Hann window, first frame at the first sample; never quite 0."""
    window = torch.hann_window(n_fft, dtype=y.dtype, device=y.device)
    spectrum = torch.stft(y, n_fft, hop_length, window=window, center=False, return_complex=True)
    return (spectrum.real.square() + spectrum.imag.square() + _QUIET).sqrt()


class SpectralLoss(nn.Module):
    """Multi-resolution STFT loss (Yamamoto et al. 2020): spectral convergence and L1 of log magnitudes."""

    def __init__(self, windows: Sequence[int] = WINDOWS) -> None:
        super().__init__()
        self.windows = tuple(windows)

    def forward(self, found: Tensor, wanted: Tensor) -> Tensor:
        """Mean over the resolutions: about 1 for a reconstruction that can be recognised."""
        each = []
        for window in self.windows:
            a, b = (magnitudes(y, window, window // 4) for y in (found, wanted))
            each.append(self._distance(a, b, b))
        return torch.stack(each).mean()

    def energy(self, one: Tensor, other: Tensor, wanted: Tensor) -> Tensor:
        """Energy distance (Gritsenko et al. 2020) of two sounds that were made of the same frames by other chance.

        Least where they are as far from each other as from the recording: noise is to be another noise, not the smooth
        mean of all. 0 only where there is no chance at all.
        """
        each = []
        for window in self.windows:
            a, b, w = (magnitudes(y, window, window // 4) for y in (one, other, wanted))
            each.append(self._distance(a, w, w) + self._distance(b, w, w) - self._distance(a, b, w))
        return 0.5 * torch.stack(each).mean()

    @staticmethod
    def _distance(a: Tensor, b: Tensor, wanted: Tensor) -> Tensor:
        # In parts of each recording by itself, so that a loud one does not speak for a quiet one.
        missed = (a - b).square().sum(dim=(1, 2)).add(_QUIET).sqrt() / wanted.square().sum(dim=(1, 2)).sqrt()
        return missed.mean() + (a.log() - b.log()).abs().mean()


class LogMel(nn.Module):
    """`MelFrontEnd.log_mel` in torch, equal to four digits, for losses: gradients go through it."""

    filters: Tensor
    window: Tensor

    def __init__(self, front_end: MelFrontEnd) -> None:
        super().__init__()
        self.front_end = end = front_end
        filters = mel_filterbank(
            sample_rate=end.sample_rate, n_fft=end.n_fft, n_mels=end.n_mels, f_min=end.f_min, f_max=end.f_max
        )
        self.register_buffer("filters", torch.from_numpy(np.array(filters)), persistent=False)
        self.register_buffer("window", torch.hann_window(end.n_fft), persistent=False)

    def forward(self, y: Tensor) -> Tensor:
        """(B, n_samples) -> (B, n_mels, n_frames)."""
        n_fft, hop = self.front_end.n_fft, self.front_end.hop_length
        n_around = n_fft - hop
        if self.front_end.padding == "causal":
            padded = functional.pad(y, (n_around, 0))
        else:
            padded = functional.pad(y.unsqueeze(1), (n_around // 2, n_around - n_around // 2), mode="reflect")[:, 0]
        spectrum = torch.stft(padded, n_fft, hop, window=self.window, center=False, return_complex=True)
        # The root of 0 has no gradient; 1e-7 is far below FLOOR.
        magnitude = (spectrum.real.square() + spectrum.imag.square() + 1e-14).sqrt()
        return (self.filters @ magnitude).clamp(min=FLOOR).log10()


class MelLoss(nn.Module):
    """L1 of log10 mel frames."""

    def __init__(self, front_end: MelFrontEnd) -> None:
        super().__init__()
        self.frames = LogMel(front_end)

    def forward(self, found: Tensor, wanted: Tensor) -> Tensor:
        return (self.frames(found) - self.frames(wanted)).abs().mean()

    def energy(self, one: Tensor, other: Tensor, wanted: Tensor) -> Tensor:
        """As SpectralLoss.energy."""
        a, b, w = (self.frames(y) for y in (one, other, wanted))
        return 0.5 * ((a - w).abs() + (b - w).abs() - (a - b).abs()).mean()


def hinge(real: Sequence[Sequence[Tensor]], made: Sequence[Sequence[Tensor]]) -> Tensor:
    """What discriminators minimise (Lim and Ye 2017), mean over them; of each what its layers hear, verdict last."""
    each = [(1.0 - r[-1]).relu().mean() + (1.0 + m[-1]).relu().mean() for r, m in zip(real, made, strict=True)]
    return torch.stack(each).mean()


def adversarial(made: Sequence[Sequence[Tensor]]) -> Tensor:
    """What the network that they judge minimises, mean over them."""
    return torch.stack([(1.0 - m[-1]).relu().mean() for m in made]).mean()


def feature_matching(real: Sequence[Sequence[Tensor]], made: Sequence[Sequence[Tensor]]) -> Tensor:
    """L1 of what hidden layers hear, in parts of what they hear of the real sound, mean over all layers."""
    pairs = [(r.detach(), m) for rs, ms in zip(real, made, strict=True) for r, m in zip(rs[:-1], ms[:-1], strict=True)]
    return torch.stack([(r - m).abs().mean() / r.abs().mean().clamp(min=1e-3) for r, m in pairs]).mean()
