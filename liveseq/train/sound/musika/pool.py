"""What is learned from, kept in memory as frames or latents: training never waits for a Fourier transform.

A take is a recording, or, where recordings are shorter than what is learned at once, several of one tag, one after the
other. Each begins on a step of 8192 samples, so that single hits become rhythm, and sound alike wherever they come.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from liveseq.errors import TrainingError
from liveseq.train.sound.library import Recording

SECONDS_PER_TAG = 60.0
"""Of takes that are put together from short recordings, where a tag has no long ones."""
SAMPLES_PER_LATENT = 4096
STEP = 2 * SAMPLES_PER_LATENT
"""Samples of a step of the stream."""
_SIDE = 0.5**0.5


@dataclass(frozen=True, kw_only=True)
class Take:
    """Something of one tag, long enough to be cut anywhere."""

    tag: int
    values: np.ndarray
    """Audio float32 (2, n_samples), frames float16 (2, C, n_frames), or latents float32 (2 * depth, n)."""


def audio_takes(
    recordings: Sequence[Recording], *, tags: Sequence[str], seconds: float, sample_rate: int, seed: int
) -> list[Take]:
    """seconds: the shortest take."""
    n = round(seconds * sample_rate)
    found = [Take(tag=tags.index(r.tag), values=r.audio.T) for r in recordings if len(r.audio) >= n]
    for number, tag in enumerate(tags):
        short = [r.audio for r in recordings if r.tag == tag and len(r.audio) < n]
        if not short:
            continue
        has_long = any(take.tag == number for take in found)
        own = sum(map(len, short)) / sample_rate
        n_takes = max(1, round((own if has_long else SECONDS_PER_TAG) / seconds))
        rng = np.random.default_rng((seed, number))
        found += [Take(tag=number, values=_strung(short, n, rng)) for _ in range(n_takes)]
    return found


def _strung(short: Sequence[np.ndarray], n: int, rng: np.random.Generator) -> np.ndarray:
    """Recordings (n_samples, 2) in random order until n samples are full, (2, n)."""
    out = np.zeros((n, 2), dtype=np.float32)
    place, waiting = 0, []
    while place < n:
        waiting = waiting or list(rng.permutation(len(short)))
        audio = short[waiting.pop()][: n - place]
        out[place : place + len(audio)] = audio
        # no hit is shorter than two steps (341 ms), so that there is time to hear it
        place += STEP * max(2, -(-len(audio) // STEP))
    return out.T


def frame_takes(takes: Sequence[Take], to_frames: Callable[[np.ndarray], np.ndarray]) -> list[Take]:
    """to_frames: audio (2, n_samples) -> (2, C, n_frames). Whole latents only."""
    return [
        Take(tag=take.tag, values=to_frames(np.ascontiguousarray(take.values)).astype(np.float16)) for take in takes
    ]


def latent_takes(takes: Sequence[Take], encode: Callable[[Tensor], Tensor]) -> list[Take]:
    """encode: frames (2, C, n_frames) -> latents (2, depth, n). Sides become middle and difference, see `to_sides`."""
    found = []
    for take in takes:
        left, right = encode(torch.from_numpy(take.values.astype(np.float32)))
        values = torch.cat(((left + right) * _SIDE, (left - right) * _SIDE))
        found.append(Take(tag=take.tag, values=values.numpy()))
    return found


def to_sides(latents: Tensor) -> Tensor:
    """(B, 2 * depth, n), middle and difference -> (2 * B, depth, n), all lefts before all rights.

    In this form what is mono stays mono whatever a generator does to its middle, and sides are swapped by a sign.
    """
    middle, difference = latents.chunk(2, dim=1)
    return torch.cat((middle + difference, middle - difference)) * _SIDE


class _Cuts:
    """Which take, and where: each tag as often as any other, in a tag every place as often as any other."""

    _grid = 1

    def __init__(self, takes: Sequence[Take], *, length: int, batch_size: int, seed: int) -> None:
        self._takes = [take for take in takes if take.values.shape[-1] >= length]
        if not self._takes:
            longest = max((take.values.shape[-1] for take in takes), default=0)
            raise TrainingError(
                f"expected takes of at least {length} to cut from, the longest has {longest}; give longer recordings"
            )
        self.length, self.batch_size = length, batch_size
        self._seed = seed
        self._tags = sorted({take.tag for take in self._takes})
        self._of = {tag: [i for i, take in enumerate(self._takes) if take.tag == tag] for tag in self._tags}
        self._chance = {tag: _shares([self._takes[i].values.shape[-1] for i in of]) for tag, of in self._of.items()}

    def _cut(self, number: int, rank: int) -> tuple[list[np.ndarray], list[int], np.random.Generator]:
        rng = np.random.default_rng((self._seed, number, rank))
        cuts, tags = [], []
        for tag in rng.choice(self._tags, size=self.batch_size):
            take = self._takes[rng.choice(self._of[tag], p=self._chance[tag])]
            start = self._grid * int(rng.integers((take.values.shape[-1] - self.length) // self._grid + 1))
            cuts.append(take.values[..., start : start + self.length])
            tags.append(int(tag))
        return cuts, tags, rng


class FrameCrops(_Cuts):
    """Frames of single channels for the autoencoder."""

    def __init__(self, takes: Sequence[Take], *, length: int, batch_size: int, seed: int, gain: float = 0.0) -> None:
        """gain: what is added to frames at random, up or down; 0 where frames are not logarithms."""
        super().__init__(takes, length=length, batch_size=batch_size, seed=seed)
        self._gain = gain

    def batch(self, number: int, *, rank: int = 0) -> tuple[Tensor, Tensor]:
        """float32 (batch_size, C, length), and tags int64 (batch_size,)."""
        cuts, tags, rng = self._cut(number, rank)
        frames = np.stack([cut[rng.integers(2)] for cut in cuts]).astype(np.float32)
        frames += rng.uniform(-self._gain, self._gain, (len(frames), 1, 1)).astype(np.float32)
        return torch.from_numpy(frames), torch.tensor(tags)


class LatentCrops(_Cuts):
    """Latents of both channels for the generator."""

    def __init__(self, takes: Sequence[Take], *, length: int, batch_size: int, seed: int, grid: int = 1) -> None:
        """grid: crops begin at multiples of it: with whole beats of recordings that begin with one, if it is such."""
        super().__init__(takes, length=length, batch_size=batch_size, seed=seed)
        self._grid = grid

    def batch(self, number: int, *, rank: int = 0) -> tuple[Tensor, Tensor]:
        """float32 (batch_size, 2 * depth, length), sides swapped at random, and tags int64 (batch_size,)."""
        cuts, tags, rng = self._cut(number, rank)
        latents = np.stack(cuts)
        swapped = rng.random(len(latents)) < 0.5
        latents[swapped, latents.shape[1] // 2 :] *= -1.0
        return torch.from_numpy(latents), torch.tensor(tags)


def _shares(weights: Sequence[float]) -> np.ndarray:
    values = np.asarray(weights, dtype=np.float64)
    return values / values.sum()
