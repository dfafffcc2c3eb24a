"""Crops of Musika's tracks: frames for the autoencoder, latents for the generator.

Each tag comes as often as any other, and within a tag every place as often as any other. A batch is a function of seed,
number and rank.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from liveseq.errors import TrainingError
from liveseq.train.sound.material.crops import shares
from liveseq.train.sound.musika.tracks import Track


class _TrackCrops:
    """Places of crops in tracks."""

    def __init__(self, tracks: Sequence[Track], *, length: int, batch_size: int, seed: int) -> None:
        self._tracks = [track for track in tracks if track.values.shape[-1] >= length]
        if not self._tracks:
            longest = max((track.values.shape[-1] for track in tracks), default=0)
            raise TrainingError(
                f"expected takes of at least {length} to cut from, the longest has {longest}; give longer recordings"
            )
        self.length, self.batch_size = length, batch_size
        self._seed = seed
        self._tags = sorted({track.tag for track in self._tracks})
        self._of = {tag: [i for i, track in enumerate(self._tracks) if track.tag == tag] for tag in self._tags}
        self._chance = {tag: shares([self._tracks[i].values.shape[-1] for i in of]) for tag, of in self._of.items()}

    def _places(self, number: int, rank: int) -> tuple[list[tuple[Track, int]], np.random.Generator]:
        """Tracks, and where in each the crop begins."""
        rng = np.random.default_rng((self._seed, number, rank))
        places = []
        for tag in rng.choice(self._tags, size=self.batch_size):
            track = self._tracks[rng.choice(self._of[tag], p=self._chance[tag])]
            places.append((track, int(rng.integers(track.values.shape[-1] - self.length + 1))))
        return places, rng

    def _values(self, places: Sequence[tuple[Track, int]]) -> list[np.ndarray]:
        return [track.values[..., start : start + self.length] for track, start in places]


class FrameCrops(_TrackCrops):
    """Frames of single channels for the autoencoder."""

    def __init__(self, tracks: Sequence[Track], *, length: int, batch_size: int, seed: int, gain: float = 0.0) -> None:
        """length: frames of a crop; gain: largest random change of level, log10; 0 where frames are no logarithms."""
        super().__init__(tracks, length=length, batch_size=batch_size, seed=seed)
        self._gain = gain

    def batch(self, number: int, *, rank: int = 0) -> tuple[Tensor, Tensor]:
        """Frames float32 (batch_size, C, length), and tags int64 (batch_size,)."""
        places, rng = self._places(number, rank)
        frames = np.stack([values[rng.integers(2)] for values in self._values(places)]).astype(np.float32)
        frames += rng.uniform(-self._gain, self._gain, (len(frames), 1, 1)).astype(np.float32)
        return torch.from_numpy(frames), torch.tensor([track.tag for track, _ in places])


class LatentCrops(_TrackCrops):
    """Latents of both channels for the generator, with their place in beat and bar."""

    def __init__(self, tracks: Sequence[Track], *, length: int, batch_size: int, seed: int, overlap: int = 0) -> None:
        """length: latents of a crop; overlap: of windows.

        The clock reaches over half of the overlap on either side of the crop, as a pair of windows does.
        """
        super().__init__(tracks, length=length, batch_size=batch_size, seed=seed)
        self._overlap = overlap

    def batch(self, number: int, *, rank: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Latents float32 (batch_size, 2 * depth, length), sides swapped at random; tags int64 (batch_size,); clocks.

        Clocks are float32 (batch_size, length + overlap, 2), see `Track.clock`.
        """
        places, rng = self._places(number, rank)
        latents = np.stack(self._values(places))
        swapped = rng.random(len(latents)) < 0.5
        latents[swapped, latents.shape[1] // 2 :] *= -1.0
        n = self.length + self._overlap
        clocks = np.stack([track.clock(start - self._overlap // 2, n) for track, start in places])
        return torch.from_numpy(latents), torch.tensor([track.tag for track, _ in places]), torch.from_numpy(clocks)
