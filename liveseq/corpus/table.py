"""From a corpus's database and descriptors.f32 to a UnitTable: arrays all the way, 1e5 units in well under a second."""

import sqlite3

import numpy as np

from liveseq.corpus.features import N_BASE, N_FEATURES
from liveseq.corpus.units import ANY, UnitTable


def read_units(db: sqlite3.Connection, rows: np.ndarray, *, sample_rate: int, hop_length: int) -> UnitTable:
    """rows: float32 (n_rows, N_COLUMNS), those of retired sources included, which the table leaves out."""
    db.execute("BEGIN")  # one picture of the database, whatever a writer adds in between
    sources = db.execute(
        "SELECT id, name, shard, start, n_samples, unit_start, n_units, bounds FROM sources"
        " WHERE NOT retired AND unit_start + n_units <= ? ORDER BY id",
        (len(rows),),
    ).fetchall()
    tags = db.execute("SELECT tag, source FROM tags ORDER BY tag, source").fetchall()
    db.execute("COMMIT")
    place = np.array([row[2:7] for row in sources], dtype=np.int64).reshape(-1, 5)
    shard, start, n_samples, unit_start, n_units = place.T
    first_unit = np.concatenate([[0], np.cumsum(n_units)])  # index of each source's first unit, and the end
    source = np.repeat(np.arange(len(sources), dtype=np.int32), n_units)
    bounds = np.frombuffer(b"".join(row[7] for row in sources), dtype="<i8")
    at = np.arange(len(source)) + source  # each source has one bound more than units
    row = np.arange(len(source)) - first_unit[source] + unit_start[source]
    data = rows if len(row) == len(rows) else rows[row]  # nothing retired: no gather
    successor = np.arange(1, len(source) + 1)
    successor[first_unit[1:] - 1] = -1
    ids = np.array([row[0] for row in sources], dtype=np.int64)
    tag_units = _units_of_tags(tags, ids, first_unit)
    return UnitTable(
        sample_rate=sample_rate,
        hop_length=hop_length,
        source=source,
        shard=shard[source].astype(np.int32),
        position=start[source] + bounds[at],
        length=bounds[at + 1] - bounds[at],
        source_start=start[source],
        source_end=(start + n_samples)[source],
        successor=successor,
        features=_columns(data, 0, N_FEATURES),
        first=_columns(data, N_FEATURES, N_FEATURES + N_BASE),
        last=_columns(data, N_FEATURES + N_BASE, N_FEATURES + 2 * N_BASE),
        loudness_db=_columns(data, N_FEATURES + 2 * N_BASE, None)[:, 0],
        onset=np.full(len(source), -1, dtype=np.int32),
        beat_period=np.zeros(len(source), dtype=np.float32),
        beat=np.zeros(len(source)),
        tags=tuple(tag_units),
        tag_units={**tag_units, ANY: np.arange(len(source))},
        source_names=tuple(row[1] for row in sources),
    )


def _columns(data: np.ndarray, start: int, end: int | None) -> np.ndarray:
    return np.array(data[:, start:end], dtype=np.float32, order="C")  # a copy: no longer tied to the file


def _units_of_tags(tags: list[tuple[str, int]], ids: np.ndarray, first_unit: np.ndarray) -> dict[str, np.ndarray]:
    """tags: (tag, source id), sorted; ids: (n_sources,), sorted. Returns sorted unit indices per tag."""
    sources: dict[str, list[int]] = {}
    for tag, source_id in tags:
        sources.setdefault(tag, []).append(source_id)
    units = {}
    for tag, tagged in sources.items():
        found = np.flatnonzero(np.isin(ids, tagged))  # retired ones fall out
        if len(found):
            start, n = first_unit[found], first_unit[found + 1] - first_unit[found]
            before = np.cumsum(n) - n  # units of the sources before, under this tag
            units[tag] = np.arange(n.sum()) + np.repeat(start - before, n)
    return units
