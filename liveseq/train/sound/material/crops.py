"""Crops for the training of sound models: short pieces of recordings, many at once.

A batch is a function of seed, number and rank alone: any thread can prepare it ahead, a resumed run gets the batches
that it would have had, and no two devices get the same. A recording that ends within a crop is followed by others of
its tag, attacks whole, so that a folder of single hits becomes rhythm. All inner loops are numpy's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from liveseq.dsp.files import resample_by
from liveseq.errors import TrainingError
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.material.reading import Recording

FADE = 960
"""Samples (20 ms at 48 kHz) over which a recording ends where another follows."""
GAIN_DB = 6.0
"""Largest change of level, either way."""
SEMITONES = 1.0
"""Largest transposition, either way."""
_PITCHED = 0.5
"""Share of the crops that are transposed, the most expensive of all."""
_BLOCK = 1024
"""Samples over which loudness is measured."""
_QUIET = 10.0 ** (-50 / 20)
"""Below a recording's loudest block by this much, nothing is learned from a crop of it, and it counts as ended."""
_FADE_OUT = np.linspace(1.0, 0.0, FADE, dtype=np.float32)[:, np.newaxis]


@dataclass(frozen=True)
class _Track:
    """A recording, and where it sounds."""

    audio: np.ndarray
    """float32 (n_samples, 2), up to the end of its last block that sounds."""
    blocks: np.ndarray
    """Numbers of the blocks that sound, int64 (n,)."""


class AudioCrops:
    """Endless batches of audio with its tags."""

    def __init__(
        self,
        recordings: Sequence[Recording],
        *,
        n_samples: int,
        batch_size: int,
        seed: int,
        tags: Sequence[str] | None = None,
        balance: Literal["tag", "seconds"] = "tag",
        augment: bool = True,
    ) -> None:
        """n_samples: length of a crop; tags: in the order that indices count (the recordings' own, sorted).

        balance: every tag as often as any other, or every second. augment: gain, polarity, sides and pitch are varied;
        not for held-out recordings. Raises TrainingError without recordings.
        """
        if not recordings:
            raise TrainingError("no recordings to cut; give more --data")
        self.tags = tuple(tags) if tags is not None else tuple(sorted({r.tag for r in recordings}))
        self.n_samples = n_samples
        self.batch_size = batch_size
        self._seed = seed
        self._augment = augment
        self._tracks: dict[int, list[_Track]] = {}
        for recording in recordings:
            self._tracks.setdefault(self.tags.index(recording.tag), []).append(_track(recording.audio))
        self._present = np.array(sorted(self._tracks))
        self._chance = {tag: shares([len(t.blocks) for t in tracks]) for tag, tracks in self._tracks.items()}
        sounding = [sum(len(t.blocks) for t in self._tracks[tag]) for tag in self._present]
        self._tag_chance = shares([1.0] * len(sounding) if balance == "tag" else sounding)

    def batch(self, number: int, *, rank: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        """Audio float32 (batch_size, 2, n_samples), and the index of each crop's tag, int64 (batch_size,)."""
        rng = np.random.default_rng((self._seed, number, rank))
        tags = rng.choice(self._present, size=self.batch_size, p=self._tag_chance)
        audio = np.empty((self.batch_size, 2, self.n_samples), dtype=np.float32)
        for place, tag in zip(audio, tags, strict=True):
            place[:] = self._crop(int(tag), rng).T
        if self._augment:
            self._vary(audio, rng)
        return torch.from_numpy(audio), torch.from_numpy(tags.astype(np.int64))

    def _crop(self, tag: int, rng: np.random.Generator) -> np.ndarray:
        """float32 (n_samples, 2)."""
        if not self._augment or rng.random() >= _PITCHED:
            return self._cut(tag, self.n_samples, rng)
        ratio = 2.0 ** (rng.uniform(-SEMITONES, SEMITONES) / 12)
        n_source = int(np.ceil(self.n_samples * ratio)) + 1
        return resample_by(self._cut(tag, n_source, rng), ratio)[: self.n_samples]

    def _cut(self, tag: int, n: int, rng: np.random.Generator) -> np.ndarray:
        """n samples of one recording and, where it ends, of others."""
        tracks = self._tracks[tag]
        track = tracks[rng.choice(len(tracks), p=self._chance[tag])]
        start = self._start(track, n, rng)
        out = np.zeros((n, 2), dtype=np.float32)
        place = 0
        while True:
            piece = track.audio[start : start + n - place]
            out[place : place + len(piece)] += piece
            place += len(piece)
            if place >= n:
                return out
            n_fade = min(FADE, len(piece))
            out[place - n_fade : place] *= _FADE_OUT[FADE - n_fade :]
            track, start, place = tracks[rng.integers(len(tracks))], 0, place - n_fade // 2

    def _start(self, track: _Track, n: int, rng: np.random.Generator) -> int:
        """First sample of a crop in which a block that sounds lies anywhere."""
        block = int(rng.choice(track.blocks)) * _BLOCK
        latest = len(track.audio) - n
        start = block - int(rng.integers(max(1, n - _BLOCK)))
        return min(max(start, 0), latest) if latest > 0 else max(start, 0)

    def _vary(self, audio: np.ndarray, rng: np.random.Generator) -> None:
        """In place: level, polarity and sides, none of which makes another sound of it."""
        n = len(audio)
        peaks = np.abs(audio).max(axis=(1, 2))
        room = np.maximum(1.0, 0.999 / np.maximum(peaks, 1e-9))  # no crop comes to clip
        gains = np.minimum(10.0 ** (rng.uniform(-GAIN_DB, GAIN_DB, n) / 20), room) * rng.choice((-1.0, 1.0), n)
        audio *= gains.astype(np.float32)[:, np.newaxis, np.newaxis]
        swapped = np.flatnonzero(rng.random(n) < 0.5)
        audio[swapped] = audio[swapped, ::-1]


def train_and_held_out(library: Library, settings: dict[str, Any], *, seed: int) -> tuple[AudioCrops, AudioCrops]:
    """Crops to train on, and crops to score on. settings: `crops` of a preset."""
    held_out = settings | {"augment": False}
    return (
        AudioCrops(library.train, tags=library.tags, seed=seed, **settings),
        AudioCrops(library.held_out, tags=library.tags, seed=seed, **held_out),
    )


def _track(audio: np.ndarray) -> _Track:
    """A recording without the silence at its end."""
    n_blocks = -(-len(audio) // _BLOCK)
    padded = np.zeros((n_blocks * _BLOCK, 2), dtype=np.float32)
    padded[: len(audio)] = audio
    power = np.square(padded).reshape(n_blocks, -1).mean(axis=1)
    sounding = np.flatnonzero(power > _QUIET**2 * power.max()) if power.any() else np.arange(n_blocks)
    end = min(len(audio), (int(sounding[-1]) + 1) * _BLOCK)
    return _Track(audio=audio[:end], blocks=sounding)


def shares(weights: Sequence[float]) -> np.ndarray:
    """Weights divided by their sum: float64 (n,)."""
    values = np.asarray(weights, dtype=np.float64)
    return values / values.sum()
