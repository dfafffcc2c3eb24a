"""A source as a row of corpus.db, both ways. Pure."""

from typing import Any

import numpy as np

from liveseq.corpus.append import digest
from liveseq.corpus.source import NewSource, Provenance, Source
from liveseq.dsp.beats import Beats

PLACE = "shard, start, n_samples, frame_start, n_frames, unit_start, n_units"
_BEATS = "beat_period, beat_origin, beat_confidence"
_PROVENANCE = "kind, path, sha256, n_bytes, modified_ns, seed, model, model_sha256"
READ = f"id, name, {PLACE}, {_BEATS}, {_PROVENANCE}"
"""Columns that `source_of` takes."""
WRITTEN = f"name, {PLACE}, {_BEATS}, {_PROVENANCE}, bounds, onsets, audio_sha256, frames_sha256, units_sha256"
"""Columns of `values`."""


def source_of(row: tuple[Any, ...], tags: tuple[str, ...]) -> Source:
    """row: READ."""
    identity, name, *rest = row
    place, beats, made = rest[:7], rest[7:10], rest[10:]
    names = ("kind", "path", "sha256", "n_bytes", "modified_ns", "seed", "model", "model_sha256")
    return Source(
        id=identity,
        name=name,
        tags=tags,
        beats=None if beats[0] is None else Beats(period=beats[0], origin=beats[1], confidence=beats[2]),
        provenance=Provenance(**dict(zip(names, made, strict=True))),
        **dict(zip(PLACE.split(", "), place, strict=True)),
    )


def values(
    source: NewSource, *, name: str, place: tuple[int, ...], audio: np.ndarray, frames: np.ndarray, rows: np.ndarray
) -> tuple[Any, ...]:
    """In the order of WRITTEN. place: PLACE; audio, frames and rows: as they are on the disk."""
    made, beats = source.provenance, source.beats
    grid = (beats.period, beats.origin, beats.confidence) if beats else (None, None, None)
    origin = (made.kind, made.path, made.sha256, made.n_bytes, made.modified_ns, made.seed, made.model)
    bounds = np.ascontiguousarray(source.bounds, dtype="<i8")
    onsets = np.full(len(rows), -1) if source.onsets is None else source.onsets
    onsets = np.ascontiguousarray(onsets, dtype="<i4")
    sums = (digest(audio), digest(frames), digest(*of_units(bounds=bounds, onsets=onsets, beats=beats), rows))
    return (name, *place, *grid, *origin, made.model_sha256, bounds.tobytes(), onsets.tobytes(), *sums)


def of_units(*, bounds: np.ndarray, onsets: np.ndarray, beats: Beats | None) -> tuple[np.ndarray, ...]:
    """What the database keeps of a source's units: with their rows, what units_sha256 is of."""
    grid = [beats.period, beats.origin, beats.confidence] if beats else []
    return bounds, onsets, np.array(grid, dtype="<f8")
