"""Phases that go on from frame to frame: the frequency of the partial that a bin belongs to, and random phases.

Below 9 kHz the front end's bands are narrow enough for the levels of some neighbours to show the frequency of a partial
between them. One small network reads it for every bin alike, from the bands around the bin, so that a minute of music
holds millions of examples for it. It learns from the phases of recordings (`von_mises_nll`), not from how the result
sounds: spectra of magnitudes have no useful gradient to a frequency. Complex numbers are axis -2 of length 2, which
every runtime of the graph knows; a phasor is one of length 1.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn

from liveseq.train.sound.streaming import Tape

MAX_LOG_CONCENTRATION = 6.0
"""Natural logarithm of the largest concentration of a phase, against random phasors of length 1."""
N_RANDOM = 4091
"""Frames after which random phases come again (44 s).

A prime, its square a whole number in float32, and no two numbers below it have the same cube modulo it.
"""
N_AROUND = 3
"""Bands on each side of a bin that its frequency is read from."""


class Partials(nn.Module):
    """Levels of bands -> for each bin, its level above the bands' mean course, and how its phase goes on."""

    around: Tensor
    place: Tensor

    def __init__(self, known: np.ndarray, centres: np.ndarray, *, bins: np.ndarray, n_mels: int, width: int) -> None:
        """known: numbers of the bands that hear something (n,); centres: their places in bins (n,).
        bins: numbers of those that have an output (n_bins,)."""
        super().__init__()
        self.n_bins = len(bins)
        nearest = np.round(np.interp(bins, centres, np.arange(len(known)))).astype(np.int64)
        width_of = np.gradient(centres)[nearest]
        off = bins - centres[nearest]
        place = np.stack((off / width_of, off, np.log(width_of), 1.0 / width_of, bins / 512), axis=1)
        around = np.clip(known[nearest][:, None] + np.arange(-N_AROUND, N_AROUND + 1), 0, n_mels - 1)
        self.register_buffer("around", torch.from_numpy(around), persistent=False)  # (n_bins, 7)
        self.register_buffer("place", torch.from_numpy(place.astype(np.float32)), persistent=False)
        self.net = nn.Sequential(
            nn.Linear(3 * (2 * N_AROUND + 1) + 1 + place.shape[1], width),
            nn.GELU(),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Linear(width, 4),
        )
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, levels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """levels: of the bands, log10, with a frame before and one after (B, n_mels, T + 2).

        Returns the addition to the log magnitude (B, T, n_bins), the concentration of the phase (B, T, n_bins), and its
        rotation from frame to frame, beyond that of the bin's centre, as phasors (B, T, 2, n_bins).
        """
        level = levels.transpose(1, 2)[..., self.around]  # (B, T + 2, n_bins, 7)
        own = level[:, 1:-1, :, N_AROUND : N_AROUND + 1]
        place = self.place.expand(*own.shape[:2], -1, -1)
        inputs = (level[:, :-2] - own, level[:, 1:-1] - own, level[:, 2:] - own, own, place)
        boost, concentration, *rotation = self.net(torch.cat(inputs, dim=-1)).float().unbind(-1)
        rotation = torch.stack((1.0 + rotation[0], rotation[1]), dim=2)
        bounded = MAX_LOG_CONCENTRATION * torch.tanh(concentration / MAX_LOG_CONCENTRATION)
        return boost, bounded.exp(), phasors(rotation)


def von_mises_nll(agreement: Tensor, concentration: Tensor) -> Tensor:
    """Negative log density of phases under von Mises distributions, plus a constant; all of one shape (...).

    agreement: concentration times the cosine of the distance from the expected phase.
    """
    return concentration - agreement + torch.log(torch.special.i0e(concentration))


def random_phases(n_bins: int, like: Tensor, tape: Tape | None, *, first: int = 0, seed: int = 0) -> Tensor:
    """Phasors for each frame of like (B, T, ...): (1, T, 2, n_bins), the same in every stream.

    c k^3 modulo a prime, in whole numbers that float32 can hold: no generator in the graph, nothing to repeat it by but
    the number of the frame, which is on the tape. first: number of the first frame, where there is no tape. seed:
    another one gives other phases.
    """
    rates = np.random.default_rng(seed).integers(1, N_RANDOM, n_bins).astype(np.float32)
    rate = torch.from_numpy(rates).to(like.device)
    n_frames = like.shape[1]
    begun = rate.new_full((1,), first) if tape is None else tape.recall((1,), rate)
    if tape is not None:
        tape.keep(torch.remainder(begun + n_frames, N_RANDOM))
    number = torch.remainder(begun + torch.arange(n_frames, device=rate.device, dtype=rate.dtype), N_RANDOM)
    cubed = torch.remainder(torch.remainder(number * number, N_RANDOM) * number, N_RANDOM)
    angle = torch.remainder(cubed[:, None] * rate, N_RANDOM) * (2 * math.pi / N_RANDOM)
    return torch.stack((torch.cos(angle), torch.sin(angle)), dim=1).unsqueeze(0)


def product(a: Tensor, b: Tensor) -> Tensor:
    """Product of complex numbers (..., 2, n)."""
    (ar, ai), (br, bi) = a.unbind(-2), b.unbind(-2)
    return torch.stack((ar * br - ai * bi, ar * bi + ai * br), dim=-2)


def phasors(x: Tensor, *, least: float = 1e-6) -> Tensor:
    """Complex numbers (..., 2, n) with length 1; those not far longer than `least` stay shorter, and 0 stays 0."""
    return x * torch.rsqrt(x.square().sum(dim=-2, keepdim=True) + least**2)
