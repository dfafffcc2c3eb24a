"""What the clocks of a vocoder's bins are set by: where the partial is that a bin belongs to, and chance.

Below 9 kHz the bands of music48 are narrow enough for the levels of some neighbours to tell the frequency of a partial
between them. One small network reads it for every bin alike, from the bands around the bin, so that a minute of music
holds millions of examples for it. It learns from the phases of recordings (`Partials.loss`), not from how the result
sounds: spectra of magnitudes have no useful gradient to a frequency. Complex numbers are axis -2 of length 2, which
every runtime of the graph knows.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn

from liveseq.train.sound.streaming import Tape

MAX_LOG_TRUST = 6.0
"""Natural logarithm of the most that a clock is trusted, against chance of length 1."""
N_RANDOM = 4091
"""Frames after which random phases come again (44 s): a prime, its square a whole number in float32, and no two numbers

below it have the same cube."""
N_AROUND = 3
"""Bands on each side that tell of a bin."""


class Partials(nn.Module):
    """Levels of bands -> for each bin, what rises above the bands' mean course, and the clock of its phase."""

    around: Tensor
    place: Tensor

    def __init__(self, filters: np.ndarray, *, n_bins: int, width: int) -> None:
        """filters: (n_mels, all bins), triangles. n_bins: from the lowest, that this is asked for."""
        super().__init__()
        self.n_bins = n_bins
        n_mels = len(filters)
        every = np.arange(filters.shape[1])
        known = np.flatnonzero(filters.any(axis=1))
        centres = np.array([np.average(every, weights=filters[band]) for band in known])
        bins = np.arange(n_bins)
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

    def forward(self, near: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """near: levels of the bands, log10, with a frame before and one after (B, n_mels, T + 2).

        Returns what is added to the log magnitude (B, T, n_bins), how much the clock is trusted (B, T, n_bins), and
        its turn from frame to frame, beyond that of the bin's centre (B, T, 2, n_bins), of length 1.
        """
        level = near.transpose(1, 2)[..., self.around]  # (B, T + 2, n_bins, 7)
        own = level[:, 1:-1, :, N_AROUND : N_AROUND + 1]
        place = self.place.expand(*own.shape[:2], -1, -1)
        heard = (level[:, :-2] - own, level[:, 1:-1] - own, level[:, 2:] - own, own, place)
        rise, trust, *clock = self.net(torch.cat(heard, dim=-1)).float().unbind(-1)
        clock = torch.stack((1.0 + clock[0], clock[1]), dim=2)
        return rise, (MAX_LOG_TRUST * torch.tanh(trust / MAX_LOG_TRUST)).exp(), unit(clock)


def surprise(agreement: Tensor, trust: Tensor) -> Tensor:
    """Of a phase under a von Mises distribution: -log of its density, plus a constant.

    trust: concentration; agreement: trust times the cosine of the distance from where it was expected; of one shape.
    """
    return trust - agreement + torch.log(torch.special.i0e(trust))


def random_phases(n_bins: int, like: Tensor, tape: Tape | None, *, first: int = 0) -> Tensor:
    """Complex numbers of length 1 for each frame of like (B, T, ...): (1, T, 2, n_bins), the same in every stream.

    c k^3 modulo a prime, in whole numbers that float32 can hold: no generator in the graph, nothing to repeat it by but
    the number of the frame, which is on the tape; first: that of the first frame, where there is none.
    """
    rate = torch.from_numpy(np.random.default_rng(0).integers(1, N_RANDOM, n_bins).astype(np.float32)).to(like.device)
    n_frames = like.shape[1]
    begun = rate.new_full((1,), first) if tape is None else tape.recall((1,), rate)
    if tape is not None:
        tape.keep(torch.remainder(begun + n_frames, N_RANDOM))
    number = torch.remainder(begun + torch.arange(n_frames, device=rate.device, dtype=rate.dtype), N_RANDOM)
    cubed = torch.remainder(torch.remainder(number * number, N_RANDOM) * number, N_RANDOM)
    angle = torch.remainder(cubed[:, None] * rate, N_RANDOM) * (2 * math.pi / N_RANDOM)
    return torch.stack((torch.cos(angle), torch.sin(angle)), dim=1).unsqueeze(0)


def times(a: Tensor, b: Tensor) -> Tensor:
    """Product of complex numbers (..., 2, n)."""
    (ar, ai), (br, bi) = a.unbind(-2), b.unbind(-2)
    return torch.stack((ar * br - ai * bi, ar * bi + ai * br), dim=-2)


def unit(x: Tensor, *, least: float = 1e-6) -> Tensor:
    """Complex numbers (..., 2, n) with length 1; those not far longer than `least` stay shorter, and 0 stays 0."""
    return x * torch.rsqrt(x.square().sum(dim=-2, keepdim=True) + least**2)
