"""A corpus on disk.

A folder: `corpus.db` (SQLite in WAL mode) and append-only data files (`data_files`). What the database says is
committed is the truth; bytes beyond it are left over from an interrupted add, never read, and overwritten by the next.
Every path is the root plus a fixed name: nothing in a corpus names a file.

One writer at a time per corpus (SQLite's write lock, also across processes); readers are never blocked. Not for the
audio thread: the engine gets shard paths and maps them itself.
"""

import difflib
import shlex
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from liveseq.config import RATES
from liveseq.corpus.append import map_rows, reason, sync
from liveseq.corpus.data_files import DataFiles
from liveseq.corpus.features import unit_rows
from liveseq.corpus.names import as_tag, composed
from liveseq.corpus.own_words.sheet import NAME
from liveseq.corpus.schema import (
    DATABASE,
    FORMAT_VERSION,
    PART,
    create_database,
    image_of,
    open_database,
    transaction,
)
from liveseq.corpus.segmentation import METHODS
from liveseq.corpus.source import NewSource, Place, Provenance, Source, check_tags
from liveseq.corpus.source_row import PLACE_COLUMNS, READ_COLUMNS, WRITTEN_COLUMNS, row_from_source, source_from_row
from liveseq.corpus.unit_table import Moment, read_moment, read_units
from liveseq.corpus.units import UnitTable
from liveseq.dsp.descriptors import HOP_LENGTH
from liveseq.errors import CorpusError

__all__ = ["FORMAT_VERSION", "Corpus", "NewSource", "Provenance", "Source"]


class Corpus:
    """An open corpus; a context manager. Arrays that it returned stay valid after `close`."""

    def __init__(
        self, path: Path, db: sqlite3.Connection, *, writable: bool, files: Mapping[Path, Path] | None = None
    ) -> None:
        """Use `create`, `open` or `held.in_memory`."""
        self.path = path
        self.files = DataFiles(path, files or {})
        self._db = db
        self._writable = writable
        row = db.execute("SELECT sample_rate, hop_length, segmentation FROM corpus").fetchone()
        self.sample_rate: int = row[0]
        self.hop_length: int = row[1]
        self.segmentation: str = row[2]

    @classmethod
    def create(
        cls, path: Path, *, sample_rate: int, hop_length: int = HOP_LENGTH, segmentation: str = "fixed"
    ) -> "Corpus":
        """A new, empty, writable corpus in a folder that does not exist or is empty.

        sample_rate in Hz, hop_length in samples, segmentation one of METHODS. Raises CorpusError.
        """
        if not RATES[0] <= sample_rate <= RATES[1]:
            raise CorpusError(f"sample rate {sample_rate}: expected {RATES[0]} to {RATES[1]} Hz")
        if segmentation not in METHODS:
            raise CorpusError(f"segmentation {segmentation!r}: expected {' or '.join(METHODS)}")
        try:
            (path / "audio").mkdir(parents=True, exist_ok=True)
            begun = {"audio", PART, NAME}  # by a process that was killed, or found the disk full; by a performer
            if {one.name for one in path.iterdir()} - begun or any((path / "audio").iterdir()):
                raise CorpusError(f"{path}: not empty; give the name of a new folder, or of a corpus to add to")
            db = create_database(path, sample_rate=sample_rate, hop_length=hop_length, segmentation=segmentation)
        except (OSError, sqlite3.DatabaseError) as error:
            instead = "make room, or give another folder"
            raise CorpusError(f"{path}: the corpus cannot be made there ({reason(error)}); {instead}") from error
        return cls(path, db, writable=True)

    @classmethod
    def open(
        cls, path: Path, *, writable: bool = False, sample_rate: int | None = None, check: bool = True
    ) -> "Corpus":
        """The corpus in a folder. Raises CorpusError where there is none that can be used.

        sample_rate: the caller's, in Hz: a corpus of another rate is refused. check=False: for verify.
        """
        corpus = cls(path, open_database(path, writable=writable), writable=writable)
        try:
            if sample_rate is not None:
                corpus._check_rate(sample_rate)
            if check:
                corpus._check_sizes()
            if writable:
                corpus._drop_leftovers()
        except BaseException as error:
            corpus.close()
            if isinstance(error, sqlite3.DatabaseError):
                raise CorpusError(
                    f"{path / DATABASE}: cannot be read ({error}); restore it or build it again"
                ) from error
            raise
        return corpus

    def image(self) -> bytes:
        """The database as it is now, whole."""
        return image_of(self._db)

    def close(self) -> None:
        """Close the database; nothing can be read any more."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Reading

    def version(self) -> int:
        """A number that is another one after another process (or connection) has changed the corpus."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def moment(self) -> Moment:
        """The corpus as it is now, to read it again as it was."""
        return read_moment(self._db)

    def units(self, moment: Moment | None = None) -> UnitTable:
        """Every unit that there ever was, so that each keeps its index for ever. moment: as it was then, not now.

        Those of retired sources are under no tag, follow nothing and are followed by nothing. Raises CorpusError where
        the database and its files do not fit together.
        """
        try:
            last = self._last_place()
            rows = self.files.all_unit_rows(last.unit_start + last.n_units)
            return read_units(
                self._db,
                rows,
                sample_rate=self.sample_rate,
                hop_length=self.hop_length,
                moment=moment or self.moment(),
            )
        except (sqlite3.DatabaseError, OSError, ValueError, IndexError) as error:
            verify = f"liveseq corpus verify {shlex.quote(str(self.path))}"
            raise CorpusError(f"{self.path}: its units cannot be read ({error}); see {verify}") from error

    def sources(self, *, retired: bool = False) -> list[Source]:
        """Sources in the order in which they were added; with the retired ones, that of UnitTable.source_names."""
        tags: dict[int, list[str]] = {}
        for source, tag in self._db.execute("SELECT DISTINCT source, as_tag(tag) FROM tags ORDER BY 2"):
            tags.setdefault(source, []).append(tag)
        rows = self._db.execute(f"SELECT {READ_COLUMNS} FROM sources WHERE retired <= ? ORDER BY id", (retired,))
        return [source_from_row(row, tuple(tags.get(row[0], ()))) for row in rows]

    def source(self, source_id: int) -> Source:
        """The source of this id. Raises CorpusError where there is none."""
        row = self._db.execute(f"SELECT {READ_COLUMNS} FROM sources WHERE id = ?", (source_id,)).fetchone()
        if row is None:
            raise CorpusError(f"{self.path}: no source {source_id}")
        tags = self._db.execute("SELECT DISTINCT as_tag(tag) FROM tags WHERE source = ? ORDER BY 1", (source_id,))
        return source_from_row(row, tuple(tag for (tag,) in tags))

    def audio(self, source_id: int) -> np.ndarray:
        """Samples of a source, mapped and read-only: float32 (n_samples, 2) at the corpus's rate."""
        return self.files.audio(self.source(source_id).place).map()

    def frames(self, source_id: int) -> np.ndarray:
        """Descriptors of a source, mapped and read-only: float32 (n_frames, 43), columns DESCRIPTOR_NAMES."""
        return self.files.frames(self.source(source_id).place).map()

    def bounds(self, source_id: int) -> np.ndarray:
        """Unit bounds, int64 (n_units + 1,), samples from the start of the source."""
        row = self._db.execute("SELECT bounds FROM sources WHERE id = ?", (source_id,)).fetchone()
        return np.frombuffer(row[0], dtype="<i8")

    def onsets(self, source_id: int) -> np.ndarray:
        """Samples from each unit's start to its strongest attack, int32 (n_units,); -1 where it has none."""
        row = self._db.execute("SELECT onsets FROM sources WHERE id = ?", (source_id,)).fetchone()
        return np.frombuffer(row[0], dtype="<i4")

    def digests(self, source_id: int) -> tuple[bytes, bytes, bytes]:
        """SHA-256 of the audio of a source, of its frames, and of its units (`source_row.unit_arrays` and rows)."""
        columns = "audio_sha256, frames_sha256, units_sha256"
        row = self._db.execute(f"SELECT {columns} FROM sources WHERE id = ?", (source_id,)).fetchone()
        return row[0], row[1], row[2]

    def damaged_tables(self) -> list[str]:
        """Faults that SQLite finds in corpus.db itself, a sentence each."""
        rows = self._db.execute("PRAGMA integrity_check(5)").fetchall()
        rows += self._db.execute("PRAGMA foreign_key_check").fetchall()
        return [f"{self.path / DATABASE}: {row[0]}" for row in rows if row != ("ok",)]

    def shard_path(self, shard: int) -> Path:
        """The audio file of this number."""
        return self.files.shard_path(shard)

    def shards(self) -> list[tuple[int, int]]:
        """Each audio file: its number and how many samples of it are committed."""
        return self._db.execute("SELECT shard, max(start + n_samples) FROM sources GROUP BY shard").fetchall()

    def map_shards(self) -> dict[int, np.ndarray]:
        """All committed samples by the number of their audio file, mapped and read-only: float32 (n_samples, 2)."""
        return {number: map_rows(self.shard_path(number), start=0, shape=(n, 2)) for number, n in self.shards()}

    def tags(self) -> dict[str, tuple[int, int]]:
        """Units and samples under each tag, sorted by tag."""
        rows = self._db.execute(
            "SELECT tag, sum(n_units), sum(n_samples) FROM (SELECT DISTINCT source, as_tag(tag) AS tag FROM tags)"
            " JOIN sources ON source = id WHERE NOT retired GROUP BY tag ORDER BY tag"
        )
        return {tag: (n_units, n_samples) for tag, n_units, n_samples in rows}

    # Writing

    def add(self, source: NewSource, *, replaces: int | None = None) -> int:
        """Append a source; when this returns its id, it is on disk. In the same instant the source it replaces retires.

        Killed at any moment before that, the corpus is as if it had never been called. Raises CorpusError if the parts
        do not fit together or the disk refuses; then, too, nothing has changed.
        """
        return self.add_many([(source, replaces)])[0]

    def add_many(self, sources: Sequence[tuple[NewSource, int | None]]) -> list[int]:
        """Append sources, each with the id of the one it replaces, or None: all of them or none. Raises as `add`.

        One wait for the disk instead of one per source: many short recordings are added several times as fast.
        """
        for source, _ in sources:
            source.check(hop_length=self.hop_length)
        names = ", ".join(source.name for source, _ in sources[:3]) + (" ..." if len(sources) > 3 else "")
        with self._changing(f"writing {names}", "it was not added; what was there before is kept"):
            added = [self._append(source, replaces) for source, replaces in sources]
            sync({path for _, paths in added for path in paths})
        return [source_id for source_id, _ in added]

    def remove(self, names: Sequence[str]) -> None:
        """Retire the sources with these names. Raises CorpusError where one is not there; then all stay.

        What is removed is never chosen again, but its audio stays on the disk, so that what sounds goes on, until the
        corpus is built anew.
        """
        with self._changing("removing", "nothing was removed"):
            rows = self._db.execute("SELECT name, id FROM sources WHERE NOT retired")
            ids = {composed(name): source_id for name, source_id in rows}
            names = [composed(name) for name in names]
            unknown = [name for name in names if name not in ids]
            if unknown:
                near = difflib.get_close_matches(unknown[0], ids, n=3, cutoff=0.5)
                instead = f"the nearest are {', '.join(near)}" if near else "see liveseq corpus info --sources"
                raise CorpusError(f"{self.path}: no source {unknown[0]!r}; {instead}; nothing was removed")
            retired = [(ids[name],) for name in names]
            self._db.executemany("UPDATE sources SET retired = 1 WHERE id = ?", retired)

    def set_tags(self, source_id: int, tags: tuple[str, ...]) -> None:
        """Give a source these tags instead of its own. Raises CorpusError for a tag that is none."""
        check_tags(tags)
        with self._changing("changing tags", "they are as they were"):
            self._db.execute("DELETE FROM tags WHERE source = ?", (source_id,))
            self._db.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", [(source_id, as_tag(tag)) for tag in tags])

    def set_file(self, source_id: int, *, path: str, n_bytes: int, modified_ns: int) -> None:
        """Remember where the same file lies now."""
        with self._changing(f"writing where {path} lies", "it was not written"):
            self._db.execute(
                "UPDATE sources SET path = ?, n_bytes = ?, modified_ns = ? WHERE id = ?",
                (path, n_bytes, modified_ns, source_id),
            )

    @contextmanager
    def _changing(self, what: str, kept: str) -> Iterator[None]:
        """A transaction. Raises CorpusError where the disk refuses; then nothing has changed, as `kept` says."""
        if not self._writable:
            raise CorpusError(f"{self.path}: opened for reading only; open it with writable=True")
        try:
            with transaction(self._db):
                yield
        except (OSError, sqlite3.Error) as error:
            raise CorpusError(f"{self.path}: {what} failed ({reason(error)}); {kept}") from error

    def _append(self, source: NewSource, replaces: int | None) -> tuple[int, list[Path]]:
        """Write behind what is committed, inside a transaction. Returns the new id, and the files to wait for."""
        audio = np.ascontiguousarray(source.audio, dtype="<f4")
        frames = np.ascontiguousarray(source.frames, dtype="<f4")
        rows = unit_rows(audio, frames, source.bounds, hop_length=self.hop_length).astype("<f4")
        place = self.files.next_place(self._last_place(), n_samples=len(audio), n_frames=len(frames), n_units=len(rows))
        regions = self.files.regions(place)
        for region, array in zip(regions, (audio, frames, rows), strict=True):
            region.write(array)
        if replaces is not None:  # first, so that its name is free
            self._db.execute("UPDATE sources SET retired = 1 WHERE id = ?", (replaces,))
        name = self._distinct(composed(source.name))
        row = row_from_source(source, name=name, place=place, audio=audio, frames=frames, unit_rows=rows)
        marks = ", ".join("?" * len(row))
        source_id = self._db.execute(f"INSERT INTO sources ({WRITTEN_COLUMNS}) VALUES ({marks})", row).lastrowid
        assert source_id is not None
        tags = [(source_id, as_tag(tag)) for tag in source.tags]
        self._db.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", tags)
        return source_id, [region.path for region in regions]

    def _distinct(self, name: str) -> str:
        """The name, or "name (2)" where another source has it."""
        number, free = 1, name
        while self._db.execute("SELECT 1 FROM sources WHERE name = ? AND NOT retired", (free,)).fetchone():
            number += 1
            free = f"{name} ({number})"
        return free

    def _last_place(self) -> Place:
        """Where the source that was added last lies; everything behind is not committed."""
        row = self._db.execute(f"SELECT {PLACE_COLUMNS} FROM sources ORDER BY id DESC LIMIT 1").fetchone()
        return Place(*(row or [0] * len(Place._fields)))

    def _check_rate(self, sample_rate: int) -> None:
        if self.sample_rate == sample_rate:
            return
        convert = f"liveseq corpus build {shlex.quote(str(self.path))} --out NEW.corpus --sample-rate {sample_rate}"
        raise CorpusError(f"{self.path}: has {self.sample_rate} Hz, expected {sample_rate} Hz; convert it: {convert}")

    def _check_sizes(self) -> None:
        for path, n_bytes in self.committed_files().items():
            found = path.stat().st_size if path.is_file() else None
            if found is None or found < n_bytes:
                size = "missing" if found is None else f"{found} bytes"
                verify = f"liveseq corpus verify {self.path} says which sources are lost"
                raise CorpusError(f"{path}: expected at least {n_bytes} bytes, found {size}; {verify}")

    def committed_files(self) -> dict[Path, int]:
        """Every data file and how many bytes of it are committed."""
        return self.files.sizes(self._last_place(), self.shards())

    def _drop_leftovers(self) -> None:
        """Give back the room of what an interrupted add left behind."""
        with self._changing("opening it", "it is as it was"):  # no add is under way in another process
            self.files.drop_leftovers(self.committed_files())
