"""Clock input of generators of rhythm: beats of recordings, tempi of tags, and the place of a moment in its bar."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from liveseq.dsp.beats import find_beats

PERIODS = (1.0, 4.0, 16.0)
"""Lengths of a beat, a bar and a phrase, in beats."""
PHRASE = 16.0
"""Beats after which every clock is as it was."""
CLOCK_SIZE = 2 * len(PERIODS) + 1
"""Numbers of the clock's features."""
N_TEMPI = 9
"""Tempi that a model knows, the last of them being none."""
FASTEST = 1.25
"""Largest factor by which recordings are sped up in training, or slowed down.

Where all have a few tempi, a model counts steps instead of minding the clock, and follows no other tempo.
"""
_INDEPENDENT = 1e-3
"""Share of the largest singular value below which vectors of tags count as one."""
_LEAST = 1e-7
"""Weight of each tag in none."""
_SAME_TEMPO = 0.02
_EARLY = 0.75


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The beat of a recording, in samples."""

    period: float
    """Samples from one beat to the next."""
    origin: float
    """Sample of the beat that counts as the first; it may lie before the start."""

    def position(self, samples: np.ndarray) -> np.ndarray:
        """Beats since the first one at places in samples (n,): float64 (n,)."""
        return np.asarray((samples - self.origin) / self.period)


def find_grid(mono: np.ndarray, *, sample_rate: int) -> Grid | None:
    """Grid of a recording, float32 (n_samples,); None where it has no steady beat. sample_rate in Hz."""
    beats = find_beats(mono, sample_rate=sample_rate)
    if beats is None:
        return None
    # A beat that comes late in the first period is the second one: the first was a little before the recording.
    origin = beats.origin if beats.origin < _EARLY * beats.period else beats.origin - beats.period
    return Grid(period=beats.period, origin=origin)


def clock_features(position: Tensor, beating: Tensor, *, periods: Sequence[float] = PERIODS) -> Tensor:
    """Sines and cosines of the place in each period, and 1; all 0 without a beat.

    position: beats since the start (...); beating: 1, or 0 without a beat (...). Returns (..., 2 * len(periods) + 1).
    """
    angles = torch.stack([2 * math.pi * position / period for period in periods], dim=-1)
    features = torch.cat((angles.sin(), angles.cos(), torch.ones_like(position)[..., None]), dim=-1)
    return features * beating[..., None]


def wrapped(position: Tensor) -> Tensor:
    """The same place in beat, bar and phrase, 0 to PHRASE, (...) -> (...).

    So a stream never comes to numbers that float32 cannot hold.
    """
    return position - PHRASE * torch.floor(position / PHRASE)


class Tempi(nn.Module):
    """Tempo of a stream, drawn at birth among those that the recordings of its tag have."""

    tags: Tensor
    duals: Tensor
    shares: Tensor
    beats_per_step: Tensor

    def __init__(self, *, n_tags: int, tag_size: int) -> None:
        super().__init__()
        self.register_buffer("tags", torch.zeros(n_tags, tag_size))
        self.register_buffer("duals", torch.zeros(tag_size, n_tags))
        self.register_buffer("shares", torch.full((n_tags, N_TEMPI), 1.0 / N_TEMPI))
        self.register_buffer("beats_per_step", torch.zeros(N_TEMPI))

    @property
    def tag_size(self) -> int:
        """Numbers of a tag's vector."""
        return int(self.tags.shape[1])

    def learn(self, timed: Sequence["Timed"], vectors: Tensor, *, n_per_step: int) -> None:
        """Take the tempi and their shares from recordings.

        vectors: of the tags, (n_tags, tag_size); n_per_step: frames, or units of `Timed.rates`, in a step.
        """
        beats, shares = tempi_of(timed, n_tags=len(vectors), n_per_step=n_per_step)
        self.beats_per_step[:], self.shares[:] = torch.from_numpy(beats), torch.from_numpy(shares)
        self.teach(vectors)

    def teach(self, vectors: Tensor) -> None:
        """Take the vectors of the tags, (n_tags, tag_size)."""
        self.tags[:], self.duals[:] = vectors, torch.linalg.pinv(vectors, rtol=_INDEPENDENT)

    def near(self, tag: Tensor) -> Tensor:
        """Weights of the learned tags in a tag: (..., tag_size) -> (..., n_tags), with sums of 1.

        They are coordinates: a learned tag has all of its own weight, however near another word is to it (to the text
        encoder flute and oboe are one to 0.96), and a sum of two has theirs.
        """
        return weights_in(tag, self.duals)

    def forward(self, tag: Tensor, birth: Tensor) -> tuple[Tensor, Tensor]:
        """tag (tag_size,), a normal number () -> beats per step (), and whether there is a beat (), 1 or 0."""
        near = self.near(tag)
        place = 0.5 * (1.0 + torch.erf(birth / math.sqrt(2.0)))
        passed = (torch.cumsum(near @ self.shares, dim=0) < place).to(tag.dtype)  # (N_TEMPI,)
        chosen = functional.pad(passed[:-1], (1, 0), value=1.0) * (1.0 - passed)
        rate = (chosen * self.beats_per_step).sum()
        return rate, (rate > 0).to(tag.dtype)

    def streams(self, tag: int, *, n_streams: int, n_steps: int) -> tuple[Tensor, Tensor]:
        """Streams of a learned tag, each at a tempo of its own, by a number of torch's generator.

        Returns the tag's vectors (n_streams, n_steps, tag_size), and clocks (n_streams, n_steps, CLOCK_SIZE).
        """
        vector = self.tags[tag]
        rates = torch.stack([torch.stack(self(vector, torch.randn(()))) for _ in range(n_streams)])
        position = rates[:, :1] * torch.arange(n_steps)
        return vector.expand(n_streams, n_steps, -1), clock_features(position, rates[:, 1:].expand_as(position))


def weights_in(tag: Tensor, duals: Tensor) -> Tensor:
    """See `Tempi.near`. tag: (..., tag_size); duals: (tag_size, n_tags)."""
    weights = (tag @ duals).clamp(min=0.0) + _LEAST
    return weights / weights.sum(dim=-1, keepdim=True)


def followed(
    tempo: Tensor, *, rate: Tensor, beating: Tensor, samples_per_step: int, sample_rate: int
) -> tuple[Tensor, Tensor]:
    """Rate () in beats per step and whether there is a beat (), 1 or 0, under a tempo that is asked for.

    tempo: (1,), beats per minute; 0: the stream's own rate () and beating () hold. sample_rate in Hz.
    """
    asked = (tempo[0] > 0).to(tempo.dtype)
    wanted = tempo[0].clamp(min=0.0) * (samples_per_step / (60.0 * sample_rate))
    return asked * wanted + (1.0 - asked) * rate, asked + (1.0 - asked) * beating


class Timed(Protocol):
    """Recordings of one tag with their tempi."""

    @property
    def tag(self) -> int: ...

    @property
    def rates(self) -> dict[float, float]:
        """Count of frames (or of other units) by the beats in one; 0: no beat."""


def tempi_of(timed: Sequence[Timed], *, n_tags: int, n_per_step: int) -> tuple[np.ndarray, np.ndarray]:
    """Beats per step, float32 (N_TEMPI,), and each tag's shares of them, float32 (n_tags, N_TEMPI).

    They are the tempi that most frames have, the last of them 0 (no beat); one beyond them counts as the nearest.
    n_per_step: frames of a step.
    """
    frames: dict[float, float] = {}
    each: dict[float, float] = {}
    for rate, n in ((round(rate, 6), n) for one in timed for rate, n in one.rates.items() if rate):
        each[rate] = each.get(rate, 0.0) + n
    for rate in sorted(each, key=lambda r: -each[r]):
        near = next((r for r in frames if abs(np.log(rate / r)) < _SAME_TEMPO), rate)
        frames[near] = frames.get(near, 0.0) + each[rate]
    found = sorted(frames, key=lambda r: -frames[r])[: N_TEMPI - 1]
    shares = np.zeros((n_tags, N_TEMPI), dtype=np.float32)
    for one in timed:
        for rate, n in one.rates.items():
            near = int(np.argmin([abs(np.log(rate / r)) for r in found])) if rate else N_TEMPI - 1
            shares[one.tag, near] += n
    shares[shares.sum(axis=1) == 0.0, -1] = 1.0
    beats = np.zeros(N_TEMPI, dtype=np.float32)
    beats[: len(found)] = n_per_step * np.array(found, dtype=np.float32)
    return beats, shares / shares.sum(axis=1, keepdims=True)
