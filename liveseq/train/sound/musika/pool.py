"""What is learned from, kept in memory as frames or latents: training never waits for a Fourier transform.

A take is a recording, or, where recordings are shorter than what is learned at once, several of one tag, one after the
other. Each begins on a step of 8192 samples, so that single hits become rhythm, and sound alike wherever they come.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from liveseq.errors import TrainingError
from liveseq.train.sound.beats import FASTEST, PHRASE, Grid, find_grid
from liveseq.train.sound.library import Recording

SECONDS_PER_TAG = 60.0
"""Of takes that are put together from short recordings, where a tag has no long ones."""
SAMPLES_PER_LATENT = 4096
N_TEMPI = 2
"""Further tempi at which each recording with a beat is learned from: a stream is to follow any."""
STEP = 2 * SAMPLES_PER_LATENT
"""Samples of a step of the stream."""
_SIDE = 0.5**0.5


@dataclass(frozen=True, kw_only=True)
class Beat:
    """Of a part of a take."""

    grid: Grid
    """In samples since the start of the take."""
    start: float = -np.inf
    """Of the part, in samples."""
    end: float = np.inf

    def moved(self, later: float, *, faster: float = 1.0) -> "Beat":
        """In a take that is so many times faster, and then begins so many samples earlier."""
        grid = Grid(period=self.grid.period / faster, origin=self.grid.origin / faster + later)
        return Beat(grid=grid, start=self.start / faster + later, end=self.end / faster + later)


@dataclass(frozen=True, kw_only=True)
class Take:
    """Something of one tag, long enough to be cut anywhere."""

    tag: int
    values: np.ndarray
    """Audio float32 (2, n_samples), frames float16 (2, C, n_frames), or latents float32 (2 * depth, n)."""
    beats: tuple[Beat, ...] = ()
    """Of the parts that have one."""
    stretched: bool = False
    """Whether it is faster or slower than the recording was."""

    def clock(self, first: int = 0, n: int | None = None) -> np.ndarray:
        """Of n latents (all without), from number `first`, which may lie outside: float32 (n, 2).

        Beats since the start, and 1 where there is a beat.
        """
        numbers = first + np.arange(self.values.shape[-1] if n is None else n)
        samples = SAMPLES_PER_LATENT * numbers
        clock = np.zeros((len(samples), 2), dtype=np.float32)
        for beat in self.beats:
            inside = (samples >= beat.start) & (samples < beat.end)
            position = beat.grid.position(samples[inside])
            clock[inside] = np.stack((position % PHRASE, np.ones_like(position)), axis=1)
        return clock

    @property
    def rates(self) -> dict[float, float]:
        """Beats per latent, and how many latents have them; 0: no beat."""
        n = self.values.shape[-1]
        rates = {0.0: float(n)}
        for beat in self.beats:
            rate = SAMPLES_PER_LATENT / beat.grid.period
            ends = np.clip((beat.start, beat.end), 0.0, n * SAMPLES_PER_LATENT) / SAMPLES_PER_LATENT
            share = float(ends[1] - ends[0])
            rates[rate], rates[0.0] = rates.get(rate, 0.0) + share, rates[0.0] - share
        return rates


def audio_takes(
    recordings: Sequence[Recording], *, tags: Sequence[str], seconds: float, sample_rate: int, seed: int
) -> list[Take]:
    """seconds: the shortest take."""
    n = round(seconds * sample_rate)
    found = []
    for recording in recordings:
        if len(recording.audio) >= n:
            grid = _grid(recording.audio, sample_rate)
            beats = () if grid is None else (Beat(grid=grid),)
            found.append(Take(tag=tags.index(recording.tag), values=recording.audio.T, beats=beats))
    for number, tag in enumerate(tags):
        short = [r.audio for r in recordings if r.tag == tag and len(r.audio) < n]
        if not short:
            continue
        has_long = any(take.tag == number for take in found)
        own = sum(map(len, short)) / sample_rate
        n_takes = max(1, round((own if has_long else SECONDS_PER_TAG) / seconds))
        rng = np.random.default_rng((seed, number))
        grids = [_grid(audio, sample_rate) for audio in short]
        found += [_strung(number, short, grids, n, rng) for _ in range(n_takes)]
    return found


def _grid(audio: np.ndarray, sample_rate: int) -> Grid | None:
    return find_grid(audio.mean(axis=1, dtype=np.float32), sample_rate=sample_rate)


def _strung(
    tag: int, short: Sequence[np.ndarray], grids: Sequence[Grid | None], n: int, rng: np.random.Generator
) -> Take:
    """Recordings (n_samples, 2) in random order until n samples are full; what has a beat keeps it."""
    out = np.zeros((n, 2), dtype=np.float32)
    beats: list[Beat] = []
    place, waiting = 0, []
    while place < n:
        waiting = waiting or list(rng.permutation(len(short)))
        number = waiting.pop()
        audio, grid = short[number][: n - place], grids[number]
        out[place : place + len(audio)] = audio
        if grid is not None:
            beats.append(Beat(grid=grid, start=0, end=len(audio)).moved(place))
        # no hit is shorter than two steps (341 ms), so that there is time to hear it
        place += STEP * max(2, -(-len(audio) // STEP))
    return Take(tag=tag, values=out.T, beats=tuple(beats))


def frame_takes(takes: Sequence[Take], to_frames: Callable[[np.ndarray], np.ndarray]) -> list[Take]:
    """to_frames: audio (2, n_samples) -> (2, C, n_frames). Whole latents only."""
    return [
        dataclasses.replace(take, values=to_frames(np.ascontiguousarray(take.values)).astype(np.float16))
        for take in takes
    ]


def varied(takes: Iterable[Take], *, ratio: int, seed: int) -> Iterator[Take]:
    """Takes of frames, ratio of which make a latent: as they are; cut half a latent later, since a beat may fall

    anywhere in one; and those with a beat at other tempi, at the same pitch.
    """
    for number, take in enumerate(takes):
        yield take
        yield _later(take, ratio // 2, ratio)
        rng = np.random.default_rng((seed, number))
        for octaves in rng.uniform(-1.0, 1.0, N_TEMPI if take.beats else 0):
            yield _faster(take, float(FASTEST**octaves), ratio)


def _later(take: Take, n: int, ratio: int) -> Take:
    """Without its first n frames."""
    values = take.values[..., n : n + (take.values.shape[-1] - n) // ratio * ratio]
    beats = tuple(beat.moved(-n * SAMPLES_PER_LATENT / ratio) for beat in take.beats)
    return dataclasses.replace(take, values=values, beats=beats)


def _faster(take: Take, faster: float, ratio: int) -> Take:
    """Frames come twice, or are left out: what lies between two of them would be smoother than sound is."""
    n = int(take.values.shape[-1] / faster) // ratio * ratio
    values = take.values[..., (np.arange(n) * faster + 0.5).astype(np.int64)]
    beats = tuple(beat.moved(0.0, faster=faster) for beat in take.beats)
    return dataclasses.replace(take, values=values, beats=beats, stretched=True)


def latent_takes(takes: Iterable[Take], encode: Callable[[Tensor], Tensor]) -> list[Take]:
    """encode: frames (2, C, n_frames) -> latents (2, depth, n). Sides become middle and difference, see `to_sides`."""
    found = []
    for take in takes:
        left, right = encode(torch.from_numpy(take.values.astype(np.float32)))
        values = torch.cat(((left + right) * _SIDE, (left - right) * _SIDE))
        found.append(dataclasses.replace(take, values=values.numpy()))
    return found


def to_sides(latents: Tensor) -> Tensor:
    """(B, 2 * depth, n), middle and difference -> (2 * B, depth, n), all lefts before all rights.

    In this form what is mono stays mono whatever a generator does to its middle, and sides are swapped by a sign.
    """
    middle, difference = latents.chunk(2, dim=1)
    return torch.cat((middle + difference, middle - difference)) * _SIDE


class _Cuts:
    """Which take, and where: each tag as often as any other, in a tag every place as often as any other."""

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

    def _cut(self, number: int, rank: int) -> tuple[list[tuple[Take, int]], np.random.Generator]:
        """Takes, and where in each the crop begins."""
        rng = np.random.default_rng((self._seed, number, rank))
        cuts = []
        for tag in rng.choice(self._tags, size=self.batch_size):
            take = self._takes[rng.choice(self._of[tag], p=self._chance[tag])]
            cuts.append((take, int(rng.integers(take.values.shape[-1] - self.length + 1))))
        return cuts, rng

    def _values(self, cuts: Sequence[tuple[Take, int]]) -> list[np.ndarray]:
        return [take.values[..., start : start + self.length] for take, start in cuts]


class FrameCrops(_Cuts):
    """Frames of single channels for the autoencoder."""

    def __init__(self, takes: Sequence[Take], *, length: int, batch_size: int, seed: int, gain: float = 0.0) -> None:
        """gain: what is added to frames at random, up or down; 0 where frames are not logarithms."""
        super().__init__(takes, length=length, batch_size=batch_size, seed=seed)
        self._gain = gain

    def batch(self, number: int, *, rank: int = 0) -> tuple[Tensor, Tensor]:
        """float32 (batch_size, C, length), and tags int64 (batch_size,)."""
        cuts, rng = self._cut(number, rank)
        frames = np.stack([values[rng.integers(2)] for values in self._values(cuts)]).astype(np.float32)
        frames += rng.uniform(-self._gain, self._gain, (len(frames), 1, 1)).astype(np.float32)
        return torch.from_numpy(frames), torch.tensor([take.tag for take, _ in cuts])


class LatentCrops(_Cuts):
    """Latents of both channels for the generator, and where in beat and bar they are."""

    def __init__(self, takes: Sequence[Take], *, length: int, batch_size: int, seed: int, overlap: int = 0) -> None:
        """overlap: of windows; the clock reaches over half of it on either side of the crop, as a pair of them does."""
        super().__init__(takes, length=length, batch_size=batch_size, seed=seed)
        self._overlap = overlap

    def batch(self, number: int, *, rank: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Latents float32 (batch_size, 2 * depth, length), sides swapped at random; tags int64 (batch_size,); and

        clocks float32 (batch_size, length + overlap, 2), see `Take.clock`.
        """
        cuts, rng = self._cut(number, rank)
        latents = np.stack(self._values(cuts))
        swapped = rng.random(len(latents)) < 0.5
        latents[swapped, latents.shape[1] // 2 :] *= -1.0
        n = self.length + self._overlap
        clocks = np.stack([take.clock(start - self._overlap // 2, n) for take, start in cuts])
        return torch.from_numpy(latents), torch.tensor([take.tag for take, _ in cuts]), torch.from_numpy(clocks)


def _shares(weights: Sequence[float]) -> np.ndarray:
    values = np.asarray(weights, dtype=np.float64)
    return values / values.sum()
