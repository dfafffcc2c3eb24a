"""A source as a row of the database's table `sources`, both ways. Pure."""

from typing import Any

import numpy as np

from liveseq.corpus.append import digest
from liveseq.corpus.names import composed
from liveseq.corpus.source import NewSource, Place, Provenance, Source
from liveseq.dsp.beats import Beats

PLACE_COLUMNS = ", ".join(Place._fields)
_BEATS = "beat_period, beat_origin, beat_confidence"
_PROVENANCE = "kind, path, sha256, n_bytes, modified_ns, seed, model, model_sha256"
READ_COLUMNS = f"id, name, {PLACE_COLUMNS}, {_BEATS}, {_PROVENANCE}"
"""Columns that `source_from_row` takes."""
WRITTEN_COLUMNS = (
    f"name, {PLACE_COLUMNS}, {_BEATS}, {_PROVENANCE}, bounds, onsets, audio_sha256, frames_sha256, units_sha256"
)
"""Columns that `row_from_source` gives."""


def source_from_row(row: tuple[Any, ...], tags: tuple[str, ...]) -> Source:
    """The source that a row of READ_COLUMNS describes; its tags are rows of another table."""
    identity, name, *rest = row
    place, beats, provenance = rest[:7], rest[7:10], rest[10:]
    return Source(
        id=identity,
        name=composed(name),  # versions before this one wrote it as it came
        tags=tags,
        beats=None if beats[0] is None else Beats(period=beats[0], origin=beats[1], confidence=beats[2]),
        provenance=Provenance(**dict(zip(_PROVENANCE.split(", "), provenance, strict=True))),
        **Place(*place)._asdict(),
    )


def row_from_source(
    source: NewSource,
    *,
    name: str,
    place: Place,
    audio: np.ndarray,
    frames: np.ndarray,
    unit_rows: np.ndarray,
) -> tuple[Any, ...]:
    """A row of WRITTEN_COLUMNS.

    name: distinct in the corpus. The arrays are those that were written, float32 little-endian: audio (n_samples, 2),
    frames (n_frames, 43) and unit_rows (n_units, N_COLUMNS).
    """
    provenance, beats = source.provenance, source.beats
    grid = (beats.period, beats.origin, beats.confidence) if beats else (None, None, None)
    origin = tuple(getattr(provenance, column) for column in _PROVENANCE.split(", "))
    bounds = np.ascontiguousarray(source.bounds, dtype="<i8")
    onsets = np.full(len(unit_rows), -1) if source.onsets is None else source.onsets
    onsets = np.ascontiguousarray(onsets, dtype="<i4")
    unit_digest = digest(*unit_arrays(bounds=bounds, onsets=onsets, beats=beats), unit_rows)
    digests = (digest(audio), digest(frames), unit_digest)
    return (name, *place, *grid, *origin, bounds.tobytes(), onsets.tobytes(), *digests)


def unit_arrays(*, bounds: np.ndarray, onsets: np.ndarray, beats: Beats | None) -> tuple[np.ndarray, ...]:
    """Arrays whose bytes come before those of the unit rows in units_sha256: bounds, onsets and the beat grid.

    bounds: int64 (n_units + 1,) and onsets: int32 (n_units,), both little-endian. The grid is float64 (3,), or (0,) for
    a source without a steady beat.
    """
    grid = [beats.period, beats.origin, beats.confidence] if beats else []
    return bounds, onsets, np.array(grid, dtype="<f8")
