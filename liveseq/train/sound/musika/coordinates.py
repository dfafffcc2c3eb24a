"""Coordinates of a stream in latent space: anchors, the lines between them, and how windows are joined.

Musika (arXiv 2208.08706) gives each latent a coordinate: a point on straight lines between random anchors. Windows that
lie side by side see neighbouring parts of the same line, and so belong together; the critic judges two joined windows.
Here windows also overlap by a few latents, over which one fades into the next, so that a stream has no seam.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from liveseq.train.sound.beats import clock_features

WAVES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1.0, 3 / 2, 2.0, 3.0, 4.0)
"""Waves of the clock in a beat: from a phrase to sixteenths.

Those faster than the latents show where between two of them a hit falls.
"""
N_CLOCK = 2 * len(WAVES) + 1
"""Numbers of the clock's features."""
_PERIODS = tuple(1.0 / wave for wave in WAVES)
N_ANCHORS = 4
"""Anchors of a stream: a window and the one before it reach over at most three pieces of the line."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Lengths of the generator's windows, in latents."""

    length: int
    """Latents that the generator gives at once."""
    overlap: int
    """Latents over which a window fades into the next one."""
    per_anchor: int
    """Windows from one anchor to the next (Musika: 3, 384 latents)."""

    @property
    def stride(self) -> int:
        """Latents from one window to the next."""
        return self.length - self.overlap

    @property
    def anchor_distance(self) -> int:
        """Latents from one anchor to the next."""
        return self.per_anchor * self.stride


def hats(times: Tensor, *, distance: int) -> Tensor:
    """Weights of the anchors by linear interpolation, float32 (..., N_ANCHORS).

    times: latents since the second anchor (...), from -distance to 2 * distance.
    """
    places = torch.arange(-1, N_ANCHORS - 1, dtype=times.dtype, device=times.device) * distance
    return torch.relu(1.0 - (times[..., None] - places).abs() / distance)


def window_times(starts: Tensor, windows: Windows) -> Tensor:
    """Times of the latents of windows by their starts: (...) -> (..., length)."""
    return starts[..., None] + torch.arange(windows.length, dtype=starts.dtype, device=starts.device)


def clock_of(position: Tensor, beating: Tensor) -> Tensor:
    """Clock features of latents (B, N_CLOCK, n).

    position: beats since the start (B, n); beating: 1, or 0 without a beat (B, n).
    """
    return clock_features(position, beating, periods=_PERIODS).transpose(1, 2)


def picked(place: Tensor, n: int, n_places: int) -> Tensor:
    """Matrix float32 (n, n_places) whose product with (n_places, C) is its rows place, place + 1 ...: for a graph.

    place: float32 (), a whole number. Rows outside 0 .. n_places - 1 are zeros.
    """
    rows = place + torch.arange(n, dtype=place.dtype, device=place.device)
    columns = torch.arange(n_places, dtype=place.dtype, device=place.device)
    return torch.relu(1.0 - (rows[:, None] - columns).abs())


def rising(times: Tensor, overlap: int) -> Tensor:
    """Weights of a window at times (...) in latents after its start, (...); the window before it has the rest."""
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
