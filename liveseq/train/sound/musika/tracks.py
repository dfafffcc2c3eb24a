"""Tracks of Musika, kept in memory as frames or latents: training never waits for a Fourier transform.

A track is a recording, or, where recordings are shorter than a crop, several of one tag, one after the other. Each
begins on a step of 8192 samples, so that single hits become rhythm, and sound alike wherever they come.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from liveseq.train.sound.beats import FASTEST, PHRASE, Grid, find_grid
from liveseq.train.sound.material.reading import Recording

SECONDS_PER_TAG = 60.0
"""Length of the tracks that are strung together from short recordings, where a tag has no long ones."""
SAMPLES_PER_LATENT = 4096
N_TEMPI = 2
"""Further tempi at which each recording with a beat is learned from: a stream is to follow any."""
STEP = 2 * SAMPLES_PER_LATENT
"""Samples of a step of the stream."""
_SIDE = 0.5**0.5


@dataclass(frozen=True, kw_only=True)
class Beat:
    """The beat of a part of a track."""

    grid: Grid
    """In samples since the start of the track."""
    start: float = -np.inf
    """First sample of the part."""
    end: float = np.inf

    def moved(self, later: float, *, faster: float = 1.0) -> "Beat":
        """The beat in a track that is so many times faster, and then begins so many samples earlier."""
        grid = Grid(period=self.grid.period / faster, origin=self.grid.origin / faster + later)
        return Beat(grid=grid, start=self.start / faster + later, end=self.end / faster + later)


@dataclass(frozen=True, kw_only=True)
class Track:
    """Sound of one tag, long enough to be cut anywhere."""

    tag: int
    values: np.ndarray
    """Audio float32 (2, n_samples), frames float16 (2, C, n_frames), or latents float32 (2 * depth, n)."""
    beats: tuple[Beat, ...] = ()
    """Beats of the parts that have one."""
    stretched: bool = False
    """Whether it is faster or slower than the recording was."""

    def clock(self, first: int = 0, n: int | None = None) -> np.ndarray:
        """Clock of n latents (all without) from number `first` on, which may lie outside: float32 (n, 2).

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
        """Count of latents by the beats in one; 0: no beat."""
        n = self.values.shape[-1]
        rates = {0.0: float(n)}
        for beat in self.beats:
            rate = SAMPLES_PER_LATENT / beat.grid.period
            ends = np.clip((beat.start, beat.end), 0.0, n * SAMPLES_PER_LATENT) / SAMPLES_PER_LATENT
            share = float(ends[1] - ends[0])
            rates[rate], rates[0.0] = rates.get(rate, 0.0) + share, rates[0.0] - share
        return rates


def audio_tracks(
    recordings: Sequence[Recording], *, tags: Sequence[str], seconds: float, sample_rate: int, seed: int
) -> list[Track]:
    """Tracks of audio. tags: in the order that a track's number counts; seconds: of the shortest track."""
    n = round(seconds * sample_rate)
    tracks = []
    for recording in recordings:
        if len(recording.audio) >= n:
            grid = _grid(recording.audio, sample_rate)
            beats = () if grid is None else (Beat(grid=grid),)
            tracks.append(Track(tag=tags.index(recording.tag), values=recording.audio.T, beats=beats))
    for number, tag in enumerate(tags):
        short = [r.audio for r in recordings if r.tag == tag and len(r.audio) < n]
        if not short:
            continue
        has_long = any(track.tag == number for track in tracks)
        own = sum(map(len, short)) / sample_rate
        n_tracks = max(1, round((own if has_long else SECONDS_PER_TAG) / seconds))
        rng = np.random.default_rng((seed, number))
        grids = [_grid(audio, sample_rate) for audio in short]
        tracks += [_strung(number, short, grids, n, rng) for _ in range(n_tracks)]
    return tracks


def _grid(audio: np.ndarray, sample_rate: int) -> Grid | None:
    return find_grid(audio.mean(axis=1, dtype=np.float32), sample_rate=sample_rate)


def _strung(
    tag: int, short: Sequence[np.ndarray], grids: Sequence[Grid | None], n: int, rng: np.random.Generator
) -> Track:
    """Recordings (n_samples, 2) in random order until n samples are full; each keeps its beat."""
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
    return Track(tag=tag, values=out.T, beats=tuple(beats))


def frame_tracks(tracks: Sequence[Track], to_frames: Callable[[np.ndarray], np.ndarray]) -> list[Track]:
    """Tracks of frames from tracks of audio.

    to_frames: audio (2, n_samples) -> frames (2, C, n_frames), whole latents only.
    """
    return [
        dataclasses.replace(track, values=to_frames(np.ascontiguousarray(track.values)).astype(np.float16))
        for track in tracks
    ]


def varied(tracks: Iterable[Track], *, ratio: int, seed: int) -> Iterator[Track]:
    """Tracks of frames as they are; half a latent later, since a beat may fall anywhere in one; and at other tempi.

    Those with a beat come at N_TEMPI tempi, at the same pitch. ratio: frames of a latent.
    """
    for number, track in enumerate(tracks):
        yield track
        yield _later(track, ratio // 2, ratio)
        rng = np.random.default_rng((seed, number))
        for octaves in rng.uniform(-1.0, 1.0, N_TEMPI if track.beats else 0):
            yield _faster(track, float(FASTEST**octaves), ratio)


def _later(track: Track, n: int, ratio: int) -> Track:
    """The track without its first n frames."""
    values = track.values[..., n : n + (track.values.shape[-1] - n) // ratio * ratio]
    beats = tuple(beat.moved(-n * SAMPLES_PER_LATENT / ratio) for beat in track.beats)
    return dataclasses.replace(track, values=values, beats=beats)


def _faster(track: Track, faster: float, ratio: int) -> Track:
    """The track so many times faster.

    Frames come twice, or are left out: means of two of them would be smoother than sound is.
    """
    n = int(track.values.shape[-1] / faster) // ratio * ratio
    values = track.values[..., (np.arange(n) * faster + 0.5).astype(np.int64)]
    beats = tuple(beat.moved(0.0, faster=faster) for beat in track.beats)
    return dataclasses.replace(track, values=values, beats=beats, stretched=True)


def latent_tracks(tracks: Iterable[Track], encode: Callable[[Tensor], Tensor]) -> list[Track]:
    """Tracks of latents from tracks of frames. encode: frames (2, C, n_frames) -> latents (2, depth, n).

    Sides become middle and difference, see `to_sides`.
    """
    encoded = []
    for track in tracks:
        left, right = encode(torch.from_numpy(track.values.astype(np.float32)))
        values = torch.cat(((left + right) * _SIDE, (left - right) * _SIDE))
        encoded.append(dataclasses.replace(track, values=values.numpy()))
    return encoded


def to_sides(latents: Tensor) -> Tensor:
    """(B, 2 * depth, n), middle and difference -> (2 * B, depth, n), all lefts before all rights.

    In this form mono stays mono whatever a generator does to its middle, and sides are swapped by a sign.
    """
    middle, difference = latents.chunk(2, dim=1)
    return torch.cat((middle + difference, middle - difference)) * _SIDE
