"""Reads a UnitTable from a corpus's database and descriptors.f32: by arrays, 1e5 units in well under a second."""

import sqlite3
from dataclasses import dataclass

import numpy as np

from liveseq.corpus.features import N_BASE, N_FEATURES
from liveseq.corpus.names import composed
from liveseq.corpus.units import ANY, UnitTable


@dataclass(frozen=True, slots=True)
class Moment:
    """Contents of a corpus at some time: enough to read it again as it was then."""

    last: int
    """Id of the newest source; 0 where there was none."""
    retired: tuple[int, ...] = ()
    """Ids of the sources that were retired, sorted."""


def read_moment(db: sqlite3.Connection) -> Moment:
    """The corpus as it is now."""
    ids = db.execute("SELECT id, retired FROM sources ORDER BY id").fetchall()
    return Moment(ids[-1][0] if ids else 0, tuple(number for number, retired in ids if retired))


def read_units(
    db: sqlite3.Connection, rows: np.ndarray, *, sample_rate: int, hop_length: int, moment: Moment
) -> UnitTable:
    """The units that a corpus held at a moment; retired sources are there, but under no tag.

    rows: float32 (n_rows, N_COLUMNS), of descriptors.f32; sample_rate in Hz, hop_length in samples: the corpus's.
    Raises sqlite3.DatabaseError, ValueError or IndexError where the database is damaged.
    """
    db.execute("BEGIN")  # one picture of the database, whatever a writer adds in between
    sources = db.execute(
        "SELECT id, name, shard, start, n_samples, n_units, bounds, onsets, ifnull(beat_period, 0.0),"
        " ifnull(beat_origin, 0.0) FROM sources WHERE unit_start + n_units <= ? AND id <= ? ORDER BY id",
        (len(rows), moment.last),
    ).fetchall()
    tagged = db.execute("SELECT DISTINCT as_tag(tag), source FROM tags ORDER BY 1, 2").fetchall()
    db.execute("COMMIT")
    retired = frozenset(moment.retired)
    tags = [(tag, number) for tag, number in tagged if number <= moment.last and number not in retired]
    place = np.array([row[2:6] for row in sources], dtype=np.int64).reshape(-1, 4)
    shard, start, n_samples, n_units = place.T
    first_unit = np.concatenate([[0], np.cumsum(n_units)])  # index of each source's first unit, and the end
    source = np.repeat(np.arange(len(sources), dtype=np.int32), n_units)
    bounds = np.frombuffer(b"".join(row[6] for row in sources), dtype="<i8")
    at = np.arange(len(source)) + source  # each source has one bound more than units
    bounds_start = bounds[at]
    data = rows[: len(source)]  # a unit's row is its index
    gone = np.array([row[0] in retired for row in sources], dtype=bool)[source]
    successor = np.arange(1, len(source) + 1)
    successor[first_unit[1:] - 1] = -1
    successor[gone] = -1
    beat_period, beat_origin = (np.array([row[i] for row in sources], dtype=np.float64)[source] for i in (8, 9))
    ids = np.array([row[0] for row in sources], dtype=np.int64)
    tag_units = _units_of_tags(tags, ids, first_unit)
    return UnitTable(
        sample_rate=sample_rate,
        hop_length=hop_length,
        source=source,
        shard=shard[source].astype(np.int32),
        position=start[source] + bounds_start,
        length=bounds[at + 1] - bounds_start,
        source_start=start[source],
        source_end=(start + n_samples)[source],
        successor=successor,
        features=_columns(data, 0, N_FEATURES),
        first=_columns(data, N_FEATURES, N_FEATURES + N_BASE),
        last=_columns(data, N_FEATURES + N_BASE, N_FEATURES + 2 * N_BASE),
        loudness_db=_columns(data, N_FEATURES + 2 * N_BASE, None)[:, 0],
        onset=np.frombuffer(b"".join(row[7] for row in sources), dtype="<i4").astype(np.int32),
        beat_period=beat_period.astype(np.float32),
        beat=np.where(beat_period > 0, (bounds_start - beat_origin) / np.maximum(beat_period, 1.0), 0.0),
        tags=tuple(tag_units),
        tag_units={**tag_units, ANY: np.flatnonzero(~gone)},
        source_names=tuple(composed(row[1]) for row in sources),
    )


def _columns(data: np.ndarray, start: int, end: int | None) -> np.ndarray:
    return np.array(data[:, start:end], dtype=np.float32, order="C")  # a copy: no longer tied to the file


def _units_of_tags(tags: list[tuple[str, int]], ids: np.ndarray, first_unit: np.ndarray) -> dict[str, np.ndarray]:
    """Sorted unit indices per tag. tags: (tag, source id), sorted; ids: (n_sources,), sorted."""
    sources: dict[str, list[int]] = {}
    for tag, source_id in tags:
        sources.setdefault(tag, []).append(source_id)
    units = {}
    for tag, tagged in sources.items():
        found = np.flatnonzero(np.isin(ids, tagged))
        if len(found):
            start, n = first_unit[found], first_unit[found + 1] - first_unit[found]
            before = np.cumsum(n) - n  # units of the sources before, under this tag
            units[tag] = np.arange(n.sum()) + np.repeat(start - before, n)
    return units
