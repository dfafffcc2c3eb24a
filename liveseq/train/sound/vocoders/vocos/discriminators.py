"""Discriminators of sound: spectra of several resolutions, and samples folded at several periods.

Both give, for audio (B, n_samples), the hidden features of each part: a list of tensors for each, the verdict last.
"""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

Features = list[list[Tensor]]
"""One list of hidden features for each part, a tensor (B, C, ...) of each layer, the verdict (B, 1, ...) last."""
SLOPE = 0.1
WINDOWS = (2048, 1024, 512)
PERIODS = (2, 3, 5, 7, 11)


class MultiResolutionDiscriminator(nn.Module):
    """Multi-resolution discriminator (UnivNet, Jang et al. 2021; on complex spectra as in EnCodec and Vocos).

    Real and imaginary part go in, so that phases are judged too.
    """

    def __init__(self, width: int, windows: Sequence[int] = WINDOWS) -> None:
        super().__init__()
        self.parts = nn.ModuleList(_Resolution(width, window) for window in windows)

    def forward(self, y: Tensor) -> Features:
        """Audio (B, n_samples) -> the features of each resolution."""
        return [part(y) for part in self.parts]


class MultiPeriodDiscriminator(nn.Module):
    """Multi-period discriminator (HiFi-GAN, Kong et al. 2020); a width of 32 is the published one."""

    def __init__(self, width: int, periods: Sequence[int] = PERIODS) -> None:
        super().__init__()
        self.parts = nn.ModuleList(_Period(width, period) for period in periods)

    def forward(self, y: Tensor) -> Features:
        """Audio (B, n_samples) -> the features of each period."""
        return [part(y) for part in self.parts]


class Discriminators(nn.Module):
    """Both of them."""

    def __init__(self, *, width: int, period_width: int) -> None:
        super().__init__()
        self.spectra, self.periods = MultiResolutionDiscriminator(width), MultiPeriodDiscriminator(period_width)

    def forward(self, y: Tensor) -> Features:
        """Audio (B, n_samples) -> the features of each resolution, then of each period."""
        return [*self.spectra(y), *self.periods(y)]


class _Resolution(nn.Module):
    window: Tensor

    def __init__(self, width: int, n_fft: int) -> None:
        super().__init__()
        self.n_fft = n_fft
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        shapes = [(2, (3, 9), (1, 2)), *[(width, (3, 9), (1, 2))] * 3, (width, (3, 3), (1, 1))]
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(inputs, width, size, stride, padding=(size[0] // 2, size[1] // 2)))
            for inputs, size, stride in shapes
        )
        self.verdict = weight_norm(nn.Conv2d(width, 1, 3, padding=1))

    def forward(self, y: Tensor) -> list[Tensor]:
        with torch.autocast(y.device.type, enabled=False):
            spectrum = torch.stft(
                y.float(), self.n_fft, self.n_fft // 4, window=self.window, center=False, return_complex=True
            )
            # Square roots of magnitudes: a quiet partial counts beside a loud one.
            power = spectrum.real.square() + spectrum.imag.square() + 1e-8
            x = torch.stack((spectrum.real, spectrum.imag), dim=1) * power.pow(-0.25).unsqueeze(1)
        return _features(x.transpose(2, 3), self.layers, self.verdict)  # (B, 2, n_frames, n_bins)


class _Period(nn.Module):
    def __init__(self, width: int, period: int) -> None:
        super().__init__()
        self.period = period
        widths = [1, width, 4 * width, 16 * width, 32 * width]
        layers = [nn.Conv2d(a, b, (5, 1), (3, 1), padding=(2, 0)) for a, b in itertools.pairwise(widths)]
        layers.append(nn.Conv2d(widths[-1], widths[-1], (5, 1), padding=(2, 0)))
        self.layers = nn.ModuleList(weight_norm(layer) for layer in layers)
        self.verdict = weight_norm(nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, y: Tensor) -> list[Tensor]:
        n = y.shape[-1] // self.period * self.period
        return _features(y[:, None, :n].unflatten(-1, (-1, self.period)), self.layers, self.verdict)


def _features(x: Tensor, layers: nn.ModuleList, verdict: nn.Module) -> list[Tensor]:
    x = x.contiguous(memory_format=torch.channels_last)
    features = []
    for layer in layers:
        x = functional.leaky_relu(layer(x), SLOPE)
        features.append(x)
    return [*features, verdict(x)]
