"""The spectrogram VAE as it was: pictures of 512 x 512 linear magnitudes, a full covariance, two Gaussians as a prior.

Convolutions of 4 with a stride of 2 and batch norm, 16,384 numbers in the middle, one dense layer of 84 million weights
for mean and covariance; dense, six doublings and a Bernoulli for each pixel on the way back. 86.1 M and 2.2 M weights.
"""

import math

import torch
from torch import Tensor, nn

from liveseq.errors import TrainingError

N_FFT = 1024
"""Samples of a window, and from one to the next: they do not overlap."""
LOUDEST = 247.0
"""Magnitude that is white."""
HALVINGS = 6
"""From the picture to its middle: five convolutions and a pooling."""
WIDTHS = (32, 64, 128, 256, 256)
"""Channels of the convolutions."""
BACK = (128, 64, 32, 128, 64, 32)
"""Channels after each doubling; the first two have a batch norm."""


def _front(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), nn.ReLU(), nn.BatchNorm2d(outputs)]


class PublishedEncoder(nn.Module):
    """Posterior with a full covariance."""

    def __init__(self, *, size: int, z_size: int) -> None:
        """size: pixels of a side."""
        super().__init__()
        self.z_size = z_size
        layers: list[nn.Module] = []
        for number, (inputs, outputs) in enumerate(zip((1, *WIDTHS), WIDTHS, strict=False)):
            layers += _front(inputs, outputs) + ([nn.MaxPool2d(2)] if number == 1 else [])
        self.front = nn.Sequential(*layers)
        self.leave = nn.Linear(WIDTHS[-1] * (size >> HALVINGS) ** 2, z_size + z_size * (z_size + 1) // 2)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 1, size, size) -> mean (B, z_size) and root of the covariance, lower triangular (B, z_size, z_size)."""
        mean, below = self.leave(self.front(picture).flatten(1)).float().tensor_split((self.z_size,), dim=1)
        rows, columns = torch.tril_indices(self.z_size, self.z_size, device=below.device)
        factor = below.new_zeros(len(below), self.z_size, self.z_size)
        factor[:, rows, columns] = below
        diagonal = nn.functional.softplus(factor.diagonal(dim1=1, dim2=2)) + 1e-5
        return mean, factor.tril(-1) + torch.diag_embed(diagonal)


def sampled(mean: Tensor, factor: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """n samples of each posterior (n, B, z_size), and their log densities (n, B).

    By the numbers that they are made of: a triangle of 100 random rows cannot be solved for them again in float32.
    """
    normal = torch.randn(n, *mean.shape, device=mean.device)
    z = mean + (factor @ normal[..., None])[..., 0]
    log_volume = factor.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)
    return z, -0.5 * (normal.square() + math.log(2.0 * math.pi)).sum(dim=-1) - log_volume


class PublishedDecoder(nn.Module):
    """Logits of each pixel."""

    def __init__(self, *, size: int, z_size: int) -> None:
        """size: pixels of a side."""
        super().__init__()
        self.side = size >> HALVINGS
        self.enter = nn.Linear(z_size, WIDTHS[-1] * self.side**2)
        layers: list[nn.Module] = []
        for number, (inputs, outputs) in enumerate(zip((WIDTHS[-1], *BACK), BACK, strict=False)):
            layers += [nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
            layers += [nn.BatchNorm2d(outputs)] if number < 2 else []
        self.back = nn.Sequential(*layers, nn.Conv2d(BACK[-1], 1, 3, padding=1))

    def forward(self, z: Tensor) -> Tensor:
        """(B, z_size) -> (B, 1, size, size)."""
        middle = self.enter(z).relu().unflatten(1, (WIDTHS[-1], self.side, self.side))
        logits: Tensor = self.back(middle)
        return logits


def pictures(audio: Tensor, *, size: int) -> Tensor:
    """Audio (B, 2, n_samples) -> magnitudes of its mean, 0 to 1, (B, 1, size, size), bass first, silence behind.

    The highest bin is left out, as it was.
    """
    window = torch.hann_window(N_FFT, device=audio.device)
    spectrum = torch.stft(audio.mean(dim=1), N_FFT, N_FFT, window=window, return_complex=True).abs()
    picture = (spectrum[:, :size, :size] / LOUDEST).clamp(max=1.0)
    short = size - picture.shape[-1]
    return nn.functional.pad(picture, (0, max(0, short)))[:, None]


def sound_of(picture: Tensor) -> Tensor:
    """Pictures (B, 1, size, size) -> audio (B, n_samples), as it was: every phase 0, in windows that do not overlap.

    So it cannot be more than 43 pulses a second, whatever the picture is.
    """
    magnitudes = nn.functional.pad(picture[:, 0], (0, 0, 0, N_FFT // 2 + 1 - picture.shape[2])) * LOUDEST
    return torch.fft.irfft(magnitudes, n=N_FFT, dim=1).transpose(1, 2).flatten(1)


def check_size(size: int) -> None:
    """Raises TrainingError for a side that cannot be halved so often, or is longer than a window has bins."""
    if size % (1 << HALVINGS) or not 0 < size <= N_FFT // 2:
        raise TrainingError(f"vae: size: expected a multiple of {1 << HALVINGS} up to {N_FFT // 2}, found {size}")
