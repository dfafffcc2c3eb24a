"""The append-only data files of a corpus: where the arrays of a source lie in them, and how an add grows them.

`audio/NNNN.f32` (interleaved stereo samples, in files of a few minutes: the shards), `frames.f32` (frames x 43
descriptors) and `descriptors.f32` (units x features.N_COLUMNS), all float32 little-endian. How much of each is
committed is the database's to say; bytes beyond are left over from an interrupted add.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from liveseq.corpus.append import append, map_rows
from liveseq.corpus.features import N_COLUMNS
from liveseq.corpus.source import Place
from liveseq.dsp.descriptors import DESCRIPTOR_NAMES

SHARD_BYTES = 1 << 28
"""A source begins a new audio file where the last one has passed this length (11.6 minutes at 48 kHz)."""
N_CHANNELS = 2


@dataclass(frozen=True)
class Region:
    """Consecutive rows of one file."""

    path: Path
    start: int
    """First row."""
    shape: tuple[int, int]
    """Rows and columns."""

    @property
    def first_byte(self) -> int:
        """Offset of the first row in the file."""
        return 4 * self.shape[1] * self.start

    @property
    def end_byte(self) -> int:
        """Offset behind the last row."""
        return self.first_byte + 4 * self.shape[0] * self.shape[1]

    def map(self) -> np.ndarray:
        """The rows, mapped and read-only: float32 (n_rows, n_columns). Raises OSError or ValueError."""
        return map_rows(self.path, start=self.start, shape=self.shape)

    def write(self, rows: np.ndarray) -> None:
        """Make these rows, float32 little-endian (n_rows, n_columns), the last of the file. Raises OSError."""
        append(self.path, rows, offset=self.first_byte)


class DataFiles:
    """The data files under one folder."""

    def __init__(self, folder: Path, held: Mapping[Path, Path]) -> None:
        """held: paths at which some of them are open already, by their own paths."""
        self.audio_folder = folder / "audio"
        self._held = held
        self._frames = held.get(folder / "frames.f32", folder / "frames.f32")
        self._units = held.get(folder / "descriptors.f32", folder / "descriptors.f32")

    def opened(self, path: Path) -> Path:
        """Path at which a file of the folder can be opened: its own, unless it is held open."""
        return self._held.get(path, path)

    def shard_path(self, shard: int) -> Path:
        """The audio file of this number."""
        return self.opened(self.audio_folder / f"{shard:04d}.f32")

    def audio(self, place: Place) -> Region:
        """Samples of a source: rows of two channels."""
        return Region(self.shard_path(place.shard), place.start, (place.n_samples, N_CHANNELS))

    def frames(self, place: Place) -> Region:
        """Descriptor frames of a source: rows of 43."""
        return Region(self._frames, place.frame_start, (place.n_frames, len(DESCRIPTOR_NAMES)))

    def unit_rows(self, place: Place) -> Region:
        """Units of a source: rows of N_COLUMNS."""
        return Region(self._units, place.unit_start, (place.n_units, N_COLUMNS))

    def regions(self, place: Place) -> tuple[Region, Region, Region]:
        """All that lies in the files of a source: audio, frames and unit rows."""
        return self.audio(place), self.frames(place), self.unit_rows(place)

    def all_unit_rows(self, n_units: int) -> np.ndarray:
        """The first n_units rows of descriptors.f32, mapped and read-only: float32 (n_units, N_COLUMNS)."""
        return Region(self._units, 0, (n_units, N_COLUMNS)).map()

    def next_place(self, last: Place, *, n_samples: int, n_frames: int, n_units: int) -> Place:
        """The place behind `last`, the last committed one: in the same shard, or in a new one where that is full."""
        shard, start = last.shard, last.start + last.n_samples
        if 4 * N_CHANNELS * start >= SHARD_BYTES:
            shard, start = shard + 1, 0
        return Place(
            shard=shard,
            start=start,
            n_samples=n_samples,
            frame_start=last.frame_start + last.n_frames,
            n_frames=n_frames,
            unit_start=last.unit_start + last.n_units,
            n_units=n_units,
        )

    def sizes(self, last: Place, shards: Iterable[tuple[int, int]]) -> dict[Path, int]:
        """Bytes of each file that are committed. shards: number and samples of each; last: the last committed place."""
        sizes = {}
        for shard, n_samples in shards:
            sizes[self.shard_path(shard)] = 4 * N_CHANNELS * n_samples
        if sizes:
            sizes |= {region.path: region.end_byte for region in self.regions(last)[1:]}
        return sizes

    def drop_leftovers(self, sizes: Mapping[Path, int]) -> None:
        """Cut every file to what is committed of it (see `sizes`). Raises OSError."""
        for path in (*self.audio_folder.glob("*.f32"), self._frames, self._units):
            if path.is_file() and path.stat().st_size > sizes.get(path, 0):
                os.truncate(path, sizes.get(path, 0))
