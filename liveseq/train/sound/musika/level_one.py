"""Level 1 of the autoencoder: sound of one channel to frames, each by itself, and frames to the mel bands of a vocoder.

Musika's level 1 is learned: pointwise convolutions over the log magnitude, and a decoder that regresses magnitudes and
phases in windows of 371 ms of their own, which is heard as pulsing. Here the phases are a vocoder's, which is causal
and goes on; the way from a spectrum to few numbers and from there to mel bands is learned. The small preset learns
nothing here: its frames are the mel bands.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW, Optimizer

from liveseq.dsp.loudness import k_weighting
from liveseq.dsp.mel import MelFrontEnd
from liveseq.train.sound.losses import MelLoss, magnitudes
from liveseq.train.sound.recipe import Batch, Recipe

LEARNING_RATE = 5e-4


class Level(nn.Module):
    """Level 1 as level 2 and a stream see it."""

    logarithmic = False
    """Frames are logarithms: a gain is added to them."""
    shares: Tensor
    """Shares of the mel bands in the loudness, see `shares_of`."""

    def __init__(self, front_end: MelFrontEnd, *, frame_size: int) -> None:
        """front_end: that of the vocoder; frame_size: numbers of a frame."""
        super().__init__()
        self.front_end, self.frame_size = front_end, frame_size
        self.register_buffer("shares", torch.from_numpy(shares_of(front_end)), persistent=False)

    def frames(self, audio: np.ndarray) -> np.ndarray:
        """Audio float32 (2, n_samples) -> frames (2, frame_size, n_samples // hop_length)."""
        raise NotImplementedError

    def bands(self, frames: Tensor) -> Tensor:
        """Frames (B, frame_size, T) -> log10 mel bands (B, n_mels, T)."""
        raise NotImplementedError


class MelLevel(Level):
    """Frames are mel bands."""

    logarithmic = True

    def __init__(self, front_end: MelFrontEnd) -> None:
        super().__init__(front_end, frame_size=front_end.n_mels)

    def frames(self, audio: np.ndarray) -> np.ndarray:
        return self.front_end.log_mel(audio).transpose(0, 2, 1)

    def bands(self, frames: Tensor) -> Tensor:
        return frames


class PointwiseLevel(Level):
    """Frames are the output of pointwise networks on log magnitudes, between -1 and 1."""

    def __init__(self, front_end: MelFrontEnd, *, depth: int, width: int) -> None:
        super().__init__(front_end, frame_size=depth)
        n_bins = front_end.n_fft // 2 + 1
        self.encoder = nn.Sequential(*_pointwise(n_bins, width, width, width, width, depth), nn.Tanh())
        self.decoder = nn.Sequential(*_pointwise(depth, width, width, front_end.n_mels))

    @torch.no_grad()
    def frames(self, audio: np.ndarray) -> np.ndarray:
        return self.encode(torch.from_numpy(audio)).numpy()

    def encode(self, y: Tensor) -> Tensor:
        """Audio (B, n_samples) -> frames (B, frame_size, n_samples // hop_length), timed as the front end's."""
        end = self.front_end
        padded = functional.pad(y, (end.n_fft - end.hop_length, 0))
        decibels = 20.0 * magnitudes(padded, end.n_fft, end.hop_length).clamp(min=1e-5).log10()
        return self.encoder((decibels + 25.0) / 75.0)

    def bands(self, frames: Tensor) -> Tensor:
        return self.decoder(frames)


def shares_of(front_end: MelFrontEnd) -> np.ndarray:
    """Loudness of a frame per square of each band's magnitude: float32 (n_mels,).

    Loudness is the mean square of the samples behind the ear's filter (BS.1770). A band is a mean over its width, and
    the widest is 24 times the narrowest (music48; 50 times in notes48): where squares are only added up, hiss counts
    14 dB less than a bass of the same level, or more.
    """
    filters = front_end.filterbank().astype(np.float64)
    gains = k_weighting(
        np.fft.rfftfreq(front_end.n_fft, 1.0 / front_end.sample_rate), sample_rate=front_end.sample_rate
    )
    widths = (filters / np.maximum(filters.sum(axis=0), 1e-12)) @ gains  # bins, each of which counts once
    areas = np.maximum(filters.sum(axis=1), 1e-12)
    # of noise, whose mean magnitude is smaller than its root mean square, under a Hann window
    unit = 4.0 / np.pi * 2.0 / (0.375 * front_end.n_fft**2)
    return np.asarray(unit * widths / areas**2, dtype=np.float32)


class LevelRecipe(Recipe):
    """Recipe of a PointwiseLevel. Batches are those of `AudioCrops`."""

    def __init__(self, level: PointwiseLevel) -> None:
        super().__init__()
        self.level = level
        self.mel = MelLoss(level.front_end)

    def networks(self) -> dict[str, nn.Module]:
        return {"level": self.level}

    def averaged(self) -> tuple[str, ...]:
        return ("level",)

    def optimizers(self) -> dict[str, Optimizer]:
        return {"level": AdamW(self.level.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.99))}

    def train_step(self, fabric: Fabric, batch: Batch, number: int) -> dict[str, Tensor | float]:
        """batch: audio (B, 2, n_samples) first."""
        for group in self.steppers["level"].param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, (1 + number) / 100) * max(0.05, 1.0 - self.progress)
        loss = self._error(batch[0][:, 0])
        self.update(fabric, "level", loss, max_norm=1.0)
        return {"bands": loss.detach()}

    @torch.no_grad()
    def score(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Mean difference of mel bands, log10."""
        return {"score": float(torch.stack([self._error(batch[0][:, 0]) for batch in batches]).mean())}

    def _error(self, y: Tensor) -> Tensor:
        return (self.level.bands(self.level.encode(y)) - self.mel.frames(y)).abs().mean()


def _pointwise(*sizes: int) -> list[nn.Module]:
    layers: list[Any] = []
    for a, b in itertools.pairwise(sizes):
        layers += [nn.Conv1d(a, b, 1), nn.SiLU()]
    return layers[:-1]
