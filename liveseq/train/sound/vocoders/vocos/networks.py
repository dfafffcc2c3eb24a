"""The default vocoder: mel frames to sound through inverse Fourier transforms, with phases that go on.

A causal ConvNeXt backbone and an ISTFT head of magnitudes and phases (Vocos, Siuzdak 2023). Nothing but frames goes
into a feed-forward vocoder, so a steady tone, whose frames are all alike, comes out of it with the period of a hop: it
buzzes. Here each frequency bin has a clock (see `clocks`): its phase goes on from the frame before by the frequency
that the bands around it show, and the backbone may set a phase anew where something begins.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from liveseq.dsp.mel import FLOOR, MelFrontEnd
from liveseq.errors import ModelError
from liveseq.train.sound.streaming import CausalConv1d, Tape, extend, overlap_add
from liveseq.train.sound.vocoders.vocoder import Vocoder
from liveseq.train.sound.vocoders.vocos.registers import Register

_SILENCE = math.log10(FLOOR)


class ConvNeXtBlock(nn.Module):
    """ConvNeXt in one dimension: each channel over time, then channels among each other (Liu et al. 2022)."""

    def __init__(self, width: int, inner: int, *, scale: float) -> None:
        super().__init__()
        self.along = CausalConv1d(width, width, 7, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)
        self.scale = nn.Parameter(torch.full((width,), scale))

    def forward(self, x: Tensor, tape: Tape | None) -> Tensor:
        """(B, width, T) -> the same."""
        y = self.norm(self.along(x, tape).transpose(1, 2))
        y = self.down(functional.gelu(self.up(y)))
        return x + (self.scale * y).transpose(1, 2)


class VocosVocoder(Vocoder):
    """Mel frames (B, n_mels, T) -> sound (B, T * hop_length), `latency` samples late."""

    mean: Tensor
    deviation: Tensor
    band_width: Tensor

    def __init__(
        self,
        front_end: MelFrontEnd,
        *,
        width: int,
        n_blocks: int,
        expansion: int,
        registers: Sequence[tuple[int, float]],
        clock_hz: float,
        clock_width: int,
        look_ahead: int,
    ) -> None:
        """registers: n_fft and upper end in Hz of each, from the lowest to half the sample rate.
        look_ahead: frames that come in before one goes out, 1 or more. Others: see `Register`."""
        super().__init__(front_end, latency=front_end.n_fft - front_end.hop_length * (1 - look_ahead))
        self.look_ahead = look_ahead
        self.inner = CausalConv1d(front_end.n_mels, width, 7)
        self.first = nn.LayerNorm(width, eps=1e-6)
        self.blocks = nn.ModuleList(
            ConvNeXtBlock(width, expansion * width, scale=1.0 / n_blocks) for _ in range(n_blocks)
        )
        self.last = nn.LayerNorm(width, eps=1e-6)
        for layer in [self.inner, *(part for b in self.blocks for part in (b.along, b.up, b.down))]:
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
        shared = {"clock_hz": clock_hz, "clock_width": clock_width, "width": width}
        starts, half = (0.0, *(end for _, end in registers[:-1])), front_end.sample_rate / 2
        if registers[-1][1] < half or not all(start < clock_hz for start in starts):
            raise ModelError(
                f"registers: expected ends up to {half:g} Hz, and each to begin below clock_hz ({clock_hz:g}), "
                f"found {list(registers)}"
            )
        self.registers = nn.ModuleList(
            Register(front_end, n_fft=n_fft, f_from=start, f_to=end, **shared)
            for start, (n_fft, end) in zip(starts, registers, strict=True)
        )
        widths = np.log10(np.maximum(front_end.filterbank().sum(axis=1), 1e-12)).astype(np.float32)
        self.register_buffer("band_width", torch.from_numpy(widths), persistent=False)
        self.register_buffer("mean", torch.zeros(self.n_mels))
        self.register_buffer("deviation", torch.ones(self.n_mels))

    def forward(self, mel: Tensor, tape: Tape | None = None) -> Tensor:
        """log10 mel (B, n_mels, T) -> audio (B, T * hop_length), `latency` samples late."""
        levels, features = self.band_levels(mel, tape), self.features(mel, tape)
        frames = [r.synthesis(r.spectrum(features, levels), r.partials(levels), tape) for r in self.registers]
        return self.added_up(frames, tape)

    def added_up(self, frames: Sequence[Tensor], tape: Tape | None = None) -> Tensor:
        """Frames of each register (B, T, n_fft) -> audio (B, T * hop_length)."""
        return overlap_add(torch.stack(tuple(frames)).sum(dim=0), self.hop_length, tape)

    @torch.no_grad()
    def set_levels(self, mel: np.ndarray) -> None:
        """Normalise the backbone's input by each band's mean and deviation. mel: log10 frames of music (n, n_mels)."""
        self.mean.copy_(torch.from_numpy(mel.mean(axis=0)))
        self.deviation.copy_(torch.from_numpy(np.maximum(mel.std(axis=0), 0.1)))

    def frames_of(self, y: Tensor) -> Tensor:
        """Frames of a recording, as the front end cuts them: (B, n_samples) -> (B, T, n_fft)."""
        n_fft = self.front_end.n_fft
        return functional.pad(y, (n_fft - self.hop_length, 0)).unfold(-1, n_fft, self.hop_length)

    def band_levels(self, mel: Tensor, tape: Tape | None = None) -> Tensor:
        """log10 mel (B, n_mels, T) -> levels of the bands, log10 (B, n_mels, T + 2).

        They are those of each frame that goes out, of the one before the first and of the one after the last.
        """
        whole = extend(mel - _SILENCE, self.look_ahead + 1, tape)[..., : mel.shape[-1] + 2]
        return whole + (_SILENCE - self.band_width[:, None])

    def features(self, mel: Tensor, tape: Tape | None = None) -> Tensor:
        """log10 mel (B, n_mels, T) -> hidden features (B, T, width), by the backbone."""
        x = (mel - self.mean[:, None]) / self.deviation[:, None]
        x = self.first(self.inner(x, tape).transpose(1, 2)).transpose(1, 2)
        for block in self.blocks:
            x = block(x, tape)
        return self.last(x.transpose(1, 2))
