"""Losses of a reconstruction: spectra of several resolutions, mel frames, and discriminators.

Signals are float32 (B, n_samples), two of the same length. SpectralLoss, MelLoss and feature_matching are 0 for a
signal against itself; every loss is a scalar ().
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from liveseq.dsp.mel import FLOOR, MelFrontEnd

WINDOWS = (2048, 1024, 512, 256, 128)
"""Samples. The long ones resolve pitch, the short ones (5 and 3 ms at 48 kHz) the moment at which something begins."""
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

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """(B, n_samples) each -> the mean over the resolutions: about 1 for a reconstruction that can be recognised."""
        each = []
        for window in self.windows:
            a, b = (magnitudes(y, window, window // 4) for y in (output, target))
            each.append(self._distance(a, b, b))
        return torch.stack(each).mean()

    def energy(self, one: Tensor, other: Tensor, target: Tensor) -> Tensor:
        """Energy distance (Gritsenko et al. 2020) of two sounds of the same frames that differ by their noise.

        All (B, n_samples). Least where they are as far from each other as from the recording: noise is to be another
        noise, not the smooth mean of all. 0 only where nothing is random at all.
        """
        each = []
        for window in self.windows:
            a, b, t = (magnitudes(y, window, window // 4) for y in (one, other, target))
            each.append(self._distance(a, t, t) + self._distance(b, t, t) - self._distance(a, b, t))
        return 0.5 * torch.stack(each).mean()

    @staticmethod
    def _distance(a: Tensor, b: Tensor, target: Tensor) -> Tensor:
        # In parts of each recording by itself, so that a loud one does not speak for a quiet one.
        error = (a - b).square().sum(dim=(1, 2)).add(_QUIET).sqrt() / target.square().sum(dim=(1, 2)).sqrt()
        return error.mean() + (a.log() - b.log()).abs().mean()


class LogMel(nn.Module):
    """`MelFrontEnd.log_mel` in torch, equal to four digits, for losses: gradients go through it."""

    filters: Tensor
    window: Tensor

    def __init__(self, front_end: MelFrontEnd) -> None:
        super().__init__()
        self.front_end = front_end
        self.register_buffer("filters", torch.from_numpy(np.array(front_end.filterbank())), persistent=False)
        self.register_buffer("window", torch.hann_window(front_end.n_fft), persistent=False)

    def forward(self, y: Tensor) -> Tensor:
        """(B, n_samples) -> log10 mel (B, n_mels, n_frames)."""
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

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """(B, n_samples) each -> ()."""
        return (self.frames(output) - self.frames(target)).abs().mean()

    def energy(self, one: Tensor, other: Tensor, target: Tensor) -> Tensor:
        """Energy distance as of SpectralLoss, (B, n_samples) each -> ()."""
        a, b, t = (self.frames(y) for y in (one, other, target))
        return 0.5 * ((a - t).abs() + (b - t).abs() - (a - b).abs()).mean()


def hinge(real: Sequence[Sequence[Tensor]], generated: Sequence[Sequence[Tensor]]) -> Tensor:
    """Loss of discriminators (Lim and Ye 2017), mean over them. Features of each, its verdict (B, 1, ...) last."""
    each = [(1.0 - r[-1]).relu().mean() + (1.0 + g[-1]).relu().mean() for r, g in zip(real, generated, strict=True)]
    return torch.stack(each).mean()


def adversarial(generated: Sequence[Sequence[Tensor]]) -> Tensor:
    """Loss of the network that they judge, mean over them. Features of each, its verdict (B, 1, ...) last."""
    return torch.stack([(1.0 - g[-1]).relu().mean() for g in generated]).mean()


def feature_matching(real: Sequence[Sequence[Tensor]], generated: Sequence[Sequence[Tensor]]) -> Tensor:
    """L1 of hidden features (B, C, ...), as a share of those of the real sound, mean over all layers."""
    pairs = [
        (r.detach(), g) for rs, gs in zip(real, generated, strict=True) for r, g in zip(rs[:-1], gs[:-1], strict=True)
    ]
    return torch.stack([(r - g).abs().mean() / r.abs().mean().clamp(min=1e-3) for r, g in pairs]).mean()
