"""Where a stream is in latent space: anchors, what lies between them, and how windows are joined.

Musika (arXiv 2208.08706) gives each latent a coordinate: a point on straight lines between random anchors. Windows that
lie side by side see neighbouring parts of the same line, and so belong together; the critic judges two joined windows.
Here windows also overlap by a few latents, over which one fades into the next, so that a stream has no seam.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from liveseq.train.sound.beats import clock_features

WAVES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1.0, 3 / 2, 2.0, 3.0, 4.0)
"""In a beat: from a phrase to sixteenths. Faster ones than latents are tell where between two of them a hit falls."""
N_CLOCK = 2 * len(WAVES) + 1
_PERIODS = tuple(1.0 / wave for wave in WAVES)
N_ANCHORS = 4
"""A window and the one before it reach over at most three pieces of the line."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Lengths, in latents."""

    length: int
    """That the generator makes at once."""
    overlap: int
    """Over which a window fades into the next one."""
    per_anchor: int
    """Windows from one anchor to the next (Musika: 3, 384 latents)."""

    @property
    def stride(self) -> int:
        return self.length - self.overlap

    @property
    def anchor_distance(self) -> int:
        return self.per_anchor * self.stride


def hats(times: Tensor, *, distance: int) -> Tensor:
    """How much of each of the four anchors counts, float32 (..., N_ANCHORS): linear interpolation.

    times: in latents since the second anchor, from -distance to 2 * distance.
    """
    places = torch.arange(-1, N_ANCHORS - 1, dtype=times.dtype, device=times.device) * distance
    return torch.relu(1.0 - (times[..., None] - places).abs() / distance)


def window_times(starts: Tensor, windows: Windows) -> Tensor:
    """Times of the latents of windows that start there: (...) -> (..., length)."""
    return starts[..., None] + torch.arange(windows.length, dtype=starts.dtype, device=starts.device)


def clock_of(position: Tensor, beating: Tensor) -> Tensor:
    """Of latents, beats since the start and 1, or 0 without a beat, (B, n) -> what networks hear, (B, N_CLOCK, n)."""
    return clock_features(position, beating, periods=_PERIODS).transpose(1, 2)


def picked(place: Tensor, n: int, n_places: int) -> Tensor:
    """float32 (n, n_places) whose product with (n_places, C) takes rows place, place + 1 ... as a graph can do it.

    place: float32 scalar, a whole number. Rows outside 0 .. n_places - 1 are zeros.
    """
    rows = place + torch.arange(n, dtype=place.dtype, device=place.device)
    columns = torch.arange(n_places, dtype=place.dtype, device=place.device)
    return torch.relu(1.0 - (rows[:, None] - columns).abs())


def rising(times: Tensor, overlap: int) -> Tensor:
    """Weight of a window `times` latents after its start; the window before it has the rest."""
    return torch.clamp((times + 0.5) / max(overlap, 1), 0.0, 1.0) if overlap else torch.ones_like(times)


def joined(first: Tensor, second: Tensor, overlap: int) -> Tensor:
    """Two windows (B, C, length), one after the other -> (B, C, 2 * stride), as a stream has them.

    The overlap's first half of the first window and last half of the second are left out: they belong to neighbours.
    """
    if overlap == 0:
        return torch.cat((first, second), dim=-1)
    stride = first.shape[-1] - overlap
    weight = rising(torch.arange(overlap, dtype=first.dtype, device=first.device), overlap)
    middle = first[..., stride:] * (1.0 - weight) + second[..., :overlap] * weight
    half = overlap // 2
    whole = torch.cat((first[..., :stride], middle, second[..., overlap:]), dim=-1)  # (B, C, 2 * stride + overlap)
    return whole[..., half : half + 2 * stride]
