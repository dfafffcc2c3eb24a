"""The default vocoder: mel frames to sound through an inverse Fourier transform, with phases that go on.

A causal ConvNeXt backbone and a head of magnitudes and phases (Vocos, Siuzdak 2023). Nothing but frames goes into a
feed-forward vocoder, so a steady tone, whose frames are all alike, comes out of it with the period of a hop: it buzzes.
Here each frequency bin has a clock (see `clocks`): its phase goes on from the frame before by the frequency that the
bands around it tell, and the backbone may set a phase anew where something begins.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from liveseq.dsp.mel import FLOOR, MelFrontEnd
from liveseq.dsp.spectral import mel_filterbank
from liveseq.train.sound.streaming import CausalConv1d, Tape, extend, overlap_add
from liveseq.train.sound.vocoders.clocks import Partials, random_phases, times, unit
from liveseq.train.sound.vocoders.vocoder import Vocoder

MAX_LOG = 8.0
"""Natural logarithm of the loudest magnitude: a full scale sine has 6.2 under a Hann window of 2048."""
LOCK = (0.25, 0.75, 1.0, 0.75, 0.25)
"""Weights with which a bin hears the clocks around it: the main lobe of a Hann window is four bins wide."""
LEAST = 0.2
"""Length, against chance of length 1, below which what is told of a phase is no phase: its gradient would explode."""
_SILENCE = math.log10(FLOOR)


class Block(nn.Module):
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
        self.blocks = nn.ModuleList(Block(width, expansion * width, scale=1.0 / n_blocks) for _ in range(n_blocks))
        self.last = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, 3 * self.n_bins)
        """For each bin: correction of the log magnitude, a phase to begin with (real and imaginary part)."""
        for layer in [self.inner, self.head, *(part for b in self.blocks for part in (b.along, b.up, b.down))]:
            nn.init.trunc_normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)
        filters = mel_filterbank(
            sample_rate=front_end.sample_rate,
            n_fft=front_end.n_fft,
            n_mels=front_end.n_mels,
            f_min=front_end.f_min,
            f_max=front_end.f_max,
        )
        self.partials = Partials(filters, n_bins=clock_bins, width=clock_width)
        self._add_constants(filters)

    def _add_constants(self, filters: np.ndarray) -> None:
        n_fft, hop = self.front_end.n_fft, self.hop_length
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
        advance = 2 * np.pi * np.arange(self.n_bins) * hop / n_fft  # of a bin's centre, by a hop
        constants = {
            "spread": _spread(filters),
            "band_width": np.log10(np.maximum(filters.sum(axis=1), 1e-12)),
            "hann": hann,
            "window": hann / (np.square(hann).sum() / hop),  # of an inverse transform, before frames are added up
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
        near = self.near(mel, tape)
        return self.sound(self.told(mel, near, tape), self.partials(near), tape)

    @torch.no_grad()
    def set_levels(self, mel: np.ndarray) -> None:
        """mel: frames (n, n_mels) of music; the backbone hears each band by its mean and deviation in them."""
        self.mean.copy_(torch.from_numpy(mel.mean(axis=0)))
        self.deviation.copy_(torch.from_numpy(np.maximum(mel.std(axis=0), 0.1)))

    def spectrum(self, y: Tensor) -> Tensor:
        """Of a recording (B, n_samples), as this makes them: (B, T, 2, n_bins), phases at the middle of a window."""
        n_fft = self.front_end.n_fft
        padded = functional.pad(y, (n_fft - self.hop_length, 0))
        found = torch.fft.rfft(padded.unfold(-1, n_fft, self.hop_length) * self.hann)
        return torch.stack((found.real, found.imag), dim=2) * self.sign

    def near(self, mel: Tensor, tape: Tape | None = None) -> Tensor:
        """Levels of the bands (log10), of the frame before, the frame itself and the one after each that goes out:
        (B, n_mels, T + 2)."""
        whole = extend(mel - _SILENCE, self.look_ahead + 1, tape)[..., : mel.shape[-1] + 2]
        return whole + (_SILENCE - self.band_width[:, None])

    def told(self, mel: Tensor, near: Tensor, tape: Tape | None = None) -> tuple[Tensor, Tensor]:
        """What the backbone says: log magnitudes (B, T, n_bins), phases to begin with (B, T, 2, n_bins)."""
        x = (mel - self.mean[:, None]) / self.deviation[:, None]
        x = self.first(self.inner(x, tape).transpose(1, 2)).transpose(1, 2)
        for block in self.blocks:
            x = block(x, tape)
        change, begin = self.head(self.last(x.transpose(1, 2))).float().split((self.n_bins, 2 * self.n_bins), dim=-1)
        return self.between(near) + change, begin.unflatten(-1, (2, self.n_bins))

    def between(self, near: Tensor) -> Tensor:
        """Log magnitudes (B, T, n_bins) on lines from band to band: where all that is learned begins."""
        with torch.autocast(near.device.type, enabled=False):
            return math.log(10.0) * near[..., 1:-1].transpose(1, 2) @ self.spread

    def sound(
        self,
        told: tuple[Tensor, Tensor],
        partials: tuple[Tensor, Tensor, Tensor],
        tape: Tape | None = None,
        *,
        first: int = 0,
    ) -> Tensor:
        """What `told` and the partials say -> (B, T * hop_length). first: where its chance begins, without a tape."""
        (level, begin), (rise, trust, clock) = told, partials
        n_above = self.n_bins - rise.shape[-1]
        magnitude = (level + functional.pad(rise, (0, n_above))).clamp(max=MAX_LOG).exp().unsqueeze(2)
        free = begin + random_phases(self.n_bins, begin, tape, first=first)
        turn, trust = self.turns(clock), functional.pad(trust, (0, n_above)).unsqueeze(2)
        clocks = self._run(magnitude.detach(), free.detach(), trust.detach(), turn.detach(), tape)
        real, imaginary = (magnitude * unit(trust * times(turn, clocks) + free, least=LEAST) * self.sign).unbind(2)
        frames = torch.fft.irfft(torch.complex(real, imaginary), n=self.front_end.n_fft, dim=-1)
        return overlap_add(frames * self.window, self.hop_length, tape)

    def clocks(self, before: Tensor) -> Tensor:
        """Phases that go on from the frame before (..., 2, n_bins): each hears the loudest around it.

        Of length 1 where all around agree. Where they do not, the clock is trusted less, in proportion, so that a
        rounding error cannot decide between them.
        """
        magnitude = before.square().sum(dim=-2, keepdim=True).sqrt()
        around = torch.cat((before, magnitude), dim=-2).reshape(-1, 1, self.n_bins)
        heard = functional.conv1d(around, self.lock, padding=len(LOCK) // 2).reshape(*before.shape[:-2], 3, -1)
        return heard[..., :2, :] / (heard[..., 2:, :] + 1e-6)

    def turns(self, clock: Tensor) -> Tensor:
        """By how much they turn from frame to frame (B, T, 2, n_bins), of length 1; clock: from their bin's centre."""
        right = functional.pad(clock - clock.new_tensor([1.0, 0.0])[:, None], (0, self.n_bins - clock.shape[-1]))
        return times(self.turn.expand_as(right), right + right.new_tensor([1.0, 0.0])[:, None])

    @torch.no_grad()
    def _run(self, magnitude: Tensor, free: Tensor, trust: Tensor, turn: Tensor, tape: Tape | None) -> Tensor:
        """The clocks of all frames (B, T, 2, n_bins), one after the other: a frame's go on from what was played."""
        shape = (len(free), 2, self.n_bins)
        before = free.new_zeros(shape) if tape is None else tape.recall(shape, free)
        clocks = []
        for number in range(free.shape[1]):
            clocks.append(self.clocks(before))
            phase = unit(trust[:, number] * times(turn[:, number], clocks[-1]) + free[:, number], least=LEAST)
            before = magnitude[:, number] * phase
        if tape is not None:
            tape.keep(before)
        return torch.stack(clocks, dim=1)


def _spread(filters: np.ndarray) -> np.ndarray:
    """Weights (n_mels, n_bins) that draw a line between the centres of bands: columns sum to 1."""
    n_mels, n_bins = filters.shape
    known = np.flatnonzero(filters.any(axis=1))
    centres = np.array([np.average(np.arange(n_bins), weights=filters[band]) for band in known])
    return np.stack([np.interp(np.arange(n_bins), centres, np.eye(n_mels)[band, known]) for band in range(n_mels)])
