"""Tables of corpus.db, and how it is opened. Every value goes in as a parameter."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from liveseq.corpus.append import reason
from liveseq.corpus.names import as_tag
from liveseq.corpus.units import FEATURE_NAMES
from liveseq.dsp.descriptors import DESCRIPTOR_NAMES
from liveseq.errors import CorpusError

FORMAT_VERSION = 2
DATABASE = "corpus.db"
PART = f".{DATABASE}.part"
"""Name of a database that is not whole yet."""
DatabaseError = sqlite3.DatabaseError
_APPLICATION_ID = 0x6C73_6571  # "lseq": tells a corpus from any other SQLite file
_JOURNAL = slice(18, 20)  # of a database's bytes: 2 where it keeps a WAL beside it (SQLite's file format, 1.3.4)
_DISK = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_BUSY")

_TABLES = """
CREATE TABLE corpus (
    sample_rate INTEGER NOT NULL,
    hop_length INTEGER NOT NULL,
    segmentation TEXT NOT NULL,
    descriptors TEXT NOT NULL,
    features TEXT NOT NULL
) STRICT;
-- id counts up from 1 and no row is ever deleted: the last row says how much of each file is committed.
CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    retired INTEGER NOT NULL DEFAULT 0,
    shard INTEGER NOT NULL,
    start INTEGER NOT NULL,
    n_samples INTEGER NOT NULL,
    frame_start INTEGER NOT NULL,
    n_frames INTEGER NOT NULL,
    unit_start INTEGER NOT NULL,
    n_units INTEGER NOT NULL,
    audio_sha256 BLOB NOT NULL,
    frames_sha256 BLOB NOT NULL,
    units_sha256 BLOB NOT NULL,     -- of bounds, onsets, beat and rows of descriptors.f32
    kind TEXT NOT NULL,
    path TEXT,
    sha256 TEXT,
    n_bytes INTEGER,
    modified_ns INTEGER,
    seed INTEGER,
    model TEXT,
    model_sha256 TEXT,
    beat_period REAL,               -- samples; all three NULL where there is no steady beat
    beat_origin REAL,               -- of a beat, in samples from the start of the source
    beat_confidence REAL,
    bounds BLOB NOT NULL,           -- units: int64 little-endian (n_units + 1,), samples from the start of the source
    onsets BLOB NOT NULL            -- int32 little-endian (n_units,): from a unit's start to its attack, -1 for none
) STRICT;
CREATE INDEX sources_by_name ON sources (name);
CREATE TABLE tags (
    source INTEGER NOT NULL REFERENCES sources (id),
    tag TEXT NOT NULL,
    PRIMARY KEY (source, tag)
) STRICT, WITHOUT ROWID;
"""


def create_database(folder: Path, *, sample_rate: int, hop_length: int, segmentation: str) -> sqlite3.Connection:
    """Make and open a new database, which appears whole or not at all. sample_rate in Hz, hop_length in samples."""
    part = folder / PART
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(part, isolation_level=None)) as db:
        db.executescript(_TABLES)
        names = (",".join(DESCRIPTOR_NAMES), ",".join(FEATURE_NAMES))
        db.execute("INSERT INTO corpus VALUES (?, ?, ?, ?, ?)", (sample_rate, hop_length, segmentation, *names))
        db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")  # pragmas take no parameters; these are our numbers
        db.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
    os.replace(part, folder / DATABASE)
    return open_database(folder, writable=True)


def open_database(folder: Path, *, writable: bool) -> sqlite3.Connection:
    """Open the database of a corpus. Raises CorpusError if it is none, or one that another version wrote."""
    path = folder / DATABASE
    if not path.is_file():
        raise CorpusError(f"{folder}: no corpus there; make one: liveseq corpus build FOLDER --out {folder}")
    if writable and not os.access(folder, os.W_OK):
        raise CorpusError(
            f"{folder}: cannot be written (it is read-only); copy it to another disk, or change its rights"
        )
    db = None
    try:
        db = _connect(path, writable=writable)
        _check_version(db, folder)
        if writable:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")  # a commit that was reported stays, also when the power goes
    except (sqlite3.DatabaseError, OSError) as error:
        if db is not None:
            db.close()
        if isinstance(error, OSError) or error.sqlite_errorname.startswith(_DISK):
            raise CorpusError(
                f"{folder}: cannot be opened ({reason(error)}); make room, or change its rights"
            ) from error
        raise CorpusError(f"{path}: cannot be read as a corpus ({error}); restore it or build it again") from error
    return db


def _connect(path: Path, *, writable: bool) -> sqlite3.Connection:
    uri = f"file:{quote(os.fsencode(path.absolute()))}?mode={'rw' if writable else 'ro'}"
    # On a read-only medium SQLite cannot make the files that its WAL mode shares between processes.
    if not os.access(path.parent, os.W_OK):
        wal = path.with_name(f"{DATABASE}-wal")
        if not wal.exists() or not wal.stat().st_size:
            uri += "&immutable=1"
        elif not path.with_name(f"{DATABASE}-shm").exists():
            return _prepared(_copy(path, wal))
    # Python's lock-step with threads is the caller's: the conductor opens in one thread and reads in another.
    return _prepared(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=60.0, check_same_thread=False))


def _prepared(db: sqlite3.Connection) -> sqlite3.Connection:
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA foreign_keys = ON")
    db.create_function("as_tag", 1, as_tag, deterministic=True)  # versions before this one wrote tags as they came
    return db


def _copy(path: Path, wal: Path) -> sqlite3.Connection:
    """A copy in memory of a database with what is committed in its WAL alone. Raises OSError, sqlite3.Error."""
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    with TemporaryDirectory() as folder:
        for one in (path, wal):
            shutil.copy(one, folder)
        with closing(sqlite3.connect(Path(folder) / DATABASE)) as whole:
            whole.backup(db)
    return db


def image_of(db: sqlite3.Connection) -> bytes:
    """A database in one piece, as it is now: with what its WAL alone holds, and without the wish for one."""
    image = bytearray(db.serialize())
    image[_JOURNAL] = b"\1\1"
    return bytes(image)


def open_image(image: bytes) -> sqlite3.Connection:
    """A database in memory, which `image_of` has made."""
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    db.deserialize(image)
    return _prepared(db)


def is_other_format(folder: Path) -> bool:
    """Whether this is a corpus, sound otherwise, that another version of liveseq wrote."""
    try:
        db = sqlite3.connect(f"file:{quote(os.fsencode((folder / DATABASE).resolve()))}?mode=ro", uri=True)
    except sqlite3.Error:
        return False
    try:
        (application,) = db.execute("PRAGMA application_id").fetchone()
        (version,) = db.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error:
        return False
    finally:
        db.close()
    return bool(application == _APPLICATION_ID and version != FORMAT_VERSION)


def _check_version(db: sqlite3.Connection, folder: Path) -> None:
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION_ID:
        raise CorpusError(f"{folder / DATABASE}: a database, but not of a corpus; give another folder")
    again = f"build it again: {_build_command(db)}"
    if version != FORMAT_VERSION:
        raise CorpusError(f"{folder}: corpus format {version}, this version reads format {FORMAT_VERSION}; {again}")
    names = db.execute("SELECT descriptors, features FROM corpus").fetchone()
    if names != (",".join(DESCRIPTOR_NAMES), ",".join(FEATURE_NAMES)):
        raise CorpusError(f"{folder}: has other descriptors than this version; {again}")


def _build_command(db: sqlite3.Connection) -> str:
    try:
        kinds = {kind for (kind,) in db.execute("SELECT DISTINCT kind FROM sources")}
    except sqlite3.DatabaseError:  # a version with other tables
        kinds = set()
    return "liveseq corpus demo --out NEW" if kinds == {"demo"} else "liveseq corpus build FOLDER --out NEW"


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """A context that commits all or nothing, after waiting for another writer.

    Whoever holds the lock lets it go with its transaction or its process.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
