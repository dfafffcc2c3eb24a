"""The default vocoder: mel frames to sound through an inverse Fourier transform, with phases that go on.

A causal ConvNeXt backbone and an ISTFT head of magnitudes and phases (Vocos, Siuzdak 2023). Nothing but frames goes
into a feed-forward vocoder, so a steady tone, whose frames are all alike, comes out of it with the period of a hop: it
buzzes. Here each frequency bin has a clock (see `clocks`): its phase goes on from the frame before by the frequency
that the bands around it show, and the backbone may set a phase anew where something begins.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from liveseq.dsp.mel import FLOOR, MelFrontEnd
from liveseq.train.sound.streaming import CausalConv1d, Tape, extend, overlap_add
from liveseq.train.sound.vocoders.vocoder import Vocoder
from liveseq.train.sound.vocoders.vocos.clocks import Partials, phasors, product, random_phases

MAX_LOG = 8.0
"""Natural logarithm of the loudest magnitude: a full scale sine has 6.2 under a Hann window of 2048."""
LOCK = (0.25, 0.75, 1.0, 0.75, 0.25)
"""Weights with which a bin follows the phases around it: the main lobe of a Hann window is four bins wide."""
LEAST = 0.2
"""Length, against random phasors of length 1, below which a number has no phase: its gradient would explode."""
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


class ISTFTHead(nn.Linear):
    """Hidden features to magnitude and phase of each frequency bin."""

    def __init__(self, width: int, n_bins: int) -> None:
        super().__init__(width, 3 * n_bins)
        self.n_bins = n_bins

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """(B, T, width) -> corrections of the log magnitude (B, T, n_bins), and complex numbers (B, T, 2, n_bins).

        These have a phase to begin with; the longer they are, the more the phase is theirs and not the clock's.
        """
        magnitude, phase = super().forward(x).float().split((self.n_bins, 2 * self.n_bins), dim=-1)
        return magnitude, phase.unflatten(-1, (2, self.n_bins))


class VocosVocoder(Vocoder):
    """Mel frames (B, n_mels, T) -> sound (B, T * hop_length), `latency` samples late."""

    mean: Tensor
    deviation: Tensor
    spread: Tensor
    band_width: Tensor
    hann: Tensor
    window: Tensor
    turn: Tensor
    sign: Tensor
    lock: Tensor

    def __init__(
        self,
        front_end: MelFrontEnd,
        *,
        width: int,
        n_blocks: int,
        expansion: int,
        clock_bins: int,
        clock_width: int,
        look_ahead: int,
    ) -> None:
        """clock_bins: bins from the lowest whose frequencies are estimated; those above are at their centre.
        look_ahead: frames that come in before one goes out, 1 or more."""
        super().__init__(front_end, latency=front_end.n_fft - front_end.hop_length * (1 - look_ahead))
        self.look_ahead = look_ahead
        self.n_bins = front_end.n_fft // 2 + 1
        self.inner = CausalConv1d(front_end.n_mels, width, 7)
        self.first = nn.LayerNorm(width, eps=1e-6)
        self.blocks = nn.ModuleList(
            ConvNeXtBlock(width, expansion * width, scale=1.0 / n_blocks) for _ in range(n_blocks)
        )
        self.last = nn.LayerNorm(width, eps=1e-6)
        self.head = ISTFTHead(width, self.n_bins)
        for layer in [self.inner, self.head, *(part for b in self.blocks for part in (b.along, b.up, b.down))]:
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
        filters = front_end.filterbank()
        self.partials = Partials(filters, n_bins=clock_bins, width=clock_width)
        self._add_constants(filters)

    def _add_constants(self, filters: np.ndarray) -> None:
        n_fft, hop = self.front_end.n_fft, self.hop_length
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
        advance = 2 * np.pi * np.arange(self.n_bins) * hop / n_fft  # phase of a bin's centre, by a hop
        constants = {
            "spread": _interpolation(filters),
            "band_width": np.log10(np.maximum(filters.sum(axis=1), 1e-12)),
            "hann": hann,
            "window": hann / (np.square(hann).sum() / hop),  # for an inverse transform, before frames are added up
            "turn": np.stack((np.cos(advance), np.sin(advance))),
            # Phases are those at the middle of a window, where all bins of a partial agree; this moves its start there.
            "sign": 1.0 - 2.0 * (np.arange(self.n_bins) % 2),
            "lock": np.array(LOCK)[None, None],
        }
        for name, value in constants.items():
            self.register_buffer(name, torch.from_numpy(np.asarray(value, dtype=np.float32)), persistent=False)
        self.register_buffer("mean", torch.zeros(self.n_mels))
        self.register_buffer("deviation", torch.ones(self.n_mels))

    def forward(self, mel: Tensor, tape: Tape | None = None) -> Tensor:
        """log10 mel (B, n_mels, T) -> audio (B, T * hop_length), `latency` samples late."""
        levels = self.band_levels(mel, tape)
        return self.synthesis(self.spectrum_of(mel, levels, tape), self.partials(levels), tape)

    @torch.no_grad()
    def set_levels(self, mel: np.ndarray) -> None:
        """Normalise the backbone's input by each band's mean and deviation. mel: log10 frames of music (n, n_mels)."""
        self.mean.copy_(torch.from_numpy(mel.mean(axis=0)))
        self.deviation.copy_(torch.from_numpy(np.maximum(mel.std(axis=0), 0.1)))

    def analysis(self, y: Tensor) -> Tensor:
        """Spectrum of a recording, with phases at the middle of a window: (B, n_samples) -> (B, T, 2, n_bins)."""
        n_fft = self.front_end.n_fft
        padded = functional.pad(y, (n_fft - self.hop_length, 0))
        spectrum = torch.fft.rfft(padded.unfold(-1, n_fft, self.hop_length) * self.hann)
        return torch.stack((spectrum.real, spectrum.imag), dim=2) * self.sign

    def band_levels(self, mel: Tensor, tape: Tape | None = None) -> Tensor:
        """log10 mel (B, n_mels, T) -> levels of the bands, log10 (B, n_mels, T + 2).

        They are those of each frame that goes out, of the one before the first and of the one after the last.
        """
        whole = extend(mel - _SILENCE, self.look_ahead + 1, tape)[..., : mel.shape[-1] + 2]
        return whole + (_SILENCE - self.band_width[:, None])

    def spectrum_of(self, mel: Tensor, levels: Tensor, tape: Tape | None = None) -> tuple[Tensor, Tensor]:
        """Log magnitudes (B, T, n_bins) and phases to begin with, complex (B, T, 2, n_bins), by backbone and head.

        mel: (B, n_mels, T); levels: its `band_levels`.
        """
        x = (mel - self.mean[:, None]) / self.deviation[:, None]
        x = self.first(self.inner(x, tape).transpose(1, 2)).transpose(1, 2)
        for block in self.blocks:
            x = block(x, tape)
        correction, phase = self.head(self.last(x.transpose(1, 2)))
        return self.interpolated(levels) + correction, phase

    def interpolated(self, levels: Tensor) -> Tensor:
        """Log magnitudes (B, T, n_bins) on lines from band to band: where all that is learned begins."""
        with torch.autocast(levels.device.type, enabled=False):
            return math.log(10.0) * levels[..., 1:-1].transpose(1, 2) @ self.spread

    def synthesis(
        self,
        spectrum: tuple[Tensor, Tensor],
        partials: tuple[Tensor, Tensor, Tensor],
        tape: Tape | None = None,
        *,
        first: int = 0,
    ) -> Tensor:
        """Log magnitudes and phases as of `spectrum_of`, partials as of `Partials` -> audio (B, T * hop_length).

        first: number of the first frame for `random_phases`, where there is no tape.
        """
        (level, begin), (boost, concentration, rotation) = spectrum, partials
        n_above = self.n_bins - boost.shape[-1]
        magnitude = (level + functional.pad(boost, (0, n_above))).clamp(max=MAX_LOG).exp().unsqueeze(2)
        free = begin + random_phases(self.n_bins, begin, tape, first=first)
        rotation, trust = self.rotations(rotation), functional.pad(concentration, (0, n_above)).unsqueeze(2)
        before = self._phases_before(magnitude.detach(), free.detach(), trust.detach(), rotation.detach(), tape)
        phase = phasors(trust * product(rotation, before) + free, least=LEAST)
        real, imaginary = (magnitude * phase * self.sign).unbind(2)
        frames = torch.fft.irfft(torch.complex(real, imaginary), n=self.front_end.n_fft, dim=-1)
        return overlap_add(frames * self.window, self.hop_length, tape)

    def locked_phases(self, before: Tensor) -> Tensor:
        """Phases of the frame before, complex (..., 2, n_bins), each drawn to the loudest around it.

        Of length 1 where all around agree. Where they do not, it is shorter in proportion, so that a rounding error
        cannot decide between them.
        """
        magnitude = before.square().sum(dim=-2, keepdim=True).sqrt()
        around = torch.cat((before, magnitude), dim=-2).reshape(-1, 1, self.n_bins)
        mixed = functional.conv1d(around, self.lock, padding=len(LOCK) // 2).reshape(*before.shape[:-2], 3, -1)
        return mixed[..., :2, :] / (mixed[..., 2:, :] + 1e-6)

    def rotations(self, rotation: Tensor) -> Tensor:
        """Phasors (B, T, 2, n_bins) of the phase's advance in a frame.

        rotation: beyond that of the bin's centre, of the lowest bins (B, T, 2, n).
        """
        one, n_above = rotation.new_tensor([1.0, 0.0])[:, None], self.n_bins - rotation.shape[-1]
        beyond = functional.pad(rotation - one, (0, n_above))
        return product(self.turn.expand_as(beyond), beyond + one)

    @torch.no_grad()
    def _phases_before(
        self, magnitude: Tensor, free: Tensor, trust: Tensor, rotation: Tensor, tape: Tape | None
    ) -> Tensor:
        """`locked_phases` before each frame (B, T, 2, n_bins), in order: each goes on from the one before it."""
        shape = (len(free), 2, self.n_bins)
        before = free.new_zeros(shape) if tape is None else tape.recall(shape, free)
        locked = []
        for number in range(free.shape[1]):
            locked.append(self.locked_phases(before))
            phase = phasors(trust[:, number] * product(rotation[:, number], locked[-1]) + free[:, number], least=LEAST)
            before = magnitude[:, number] * phase
        if tape is not None:
            tape.keep(before)
        return torch.stack(locked, dim=1)


def _interpolation(filters: np.ndarray) -> np.ndarray:
    """Weights (n_mels, n_bins) that draw a line between the centres of bands: columns sum to 1."""
    n_mels, n_bins = filters.shape
    known = np.flatnonzero(filters.any(axis=1))
    centres = np.array([np.average(np.arange(n_bins), weights=filters[band]) for band in known])
    return np.stack([np.interp(np.arange(n_bins), centres, np.eye(n_mels)[band, known]) for band in range(n_mels)])
