"""A corpus that stays open, whatever becomes of its folder: for processes that are replaced while it is played.

The supervisor holds its files open, and a copy of its database in memory; a process that it starts inherits them. Where
a system has no such files (Windows, which lets nobody take away one that is open) they are opened by their paths.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import reduction
from pathlib import Path
from typing import Any

from liveseq.corpus.own_words.sheet import NAME
from liveseq.corpus.schema import open_image
from liveseq.corpus.store import Corpus

MAX_FILES = 128
"""Held at once, the newest: a process may have so many open. At 256 MB each, 32 GB of sound."""
_OPEN = Path("/dev/fd")
"""Folder in which a process finds what it has open."""


class HeldFile:
    """A file that is open for reading; a child gets it where it is among the arguments that it is started with."""

    def __init__(self, number: int) -> None:
        """number: of the open file, in this process."""
        self._number = number

    @property
    def path(self) -> Path:
        """Path by which this process, and no other, can open it again."""
        return _OPEN / str(self._number)

    def close(self) -> None:
        os.close(self._number)

    def __reduce__(self) -> tuple[Any, ...]:
        return _inherited, (reduction.DupFd(self._number),)


def _inherited(passed: Any) -> HeldFile:
    return HeldFile(passed.detach())


@dataclass(frozen=True, kw_only=True)
class HeldCorpus:
    """All that a process needs to play a corpus."""

    path: Path
    sample_rate: int
    """Hz."""
    shards: tuple[tuple[int, int], ...]
    """(number, samples) of each audio file."""
    database: HeldFile | None
    """A copy of it; None where the system holds no files."""
    files: Mapping[Path, HeldFile]
    """Data files and `tags.yaml`, by their own paths."""

    @classmethod
    def of(cls, path: Path, *, sample_rate: int | None = None) -> "HeldCorpus":
        """The corpus in a folder as it is now. sample_rate: as `Corpus.open` takes it. Raises CorpusError."""
        with Corpus.open(path, sample_rate=sample_rate) as corpus:
            image, files = None, dict[Path, HeldFile]()
            shards, names = tuple(corpus.shards()), list(corpus.committed_files())[-MAX_FILES:]
            if sys.platform != "win32" and _OPEN.is_dir():
                image = _unnamed(corpus.image())
                for name in (*names, path / NAME):
                    with contextlib.suppress(OSError):  # it is opened by its path, or missed, where it is needed
                        files[name] = HeldFile(os.open(name, os.O_RDONLY | os.O_CLOEXEC))
            return cls(path=path, sample_rate=corpus.sample_rate, shards=shards, database=image, files=files)

    def open(self) -> Corpus:
        """The corpus as it was. Raises CorpusError."""
        if self.database is None:
            return Corpus.open(self.path)
        image = self.database.path.read_bytes()
        return in_memory(self.path, image, files={name: file.path for name, file in self.files.items()})

    def close(self) -> None:
        for file in (*self.files.values(), *([self.database] if self.database else [])):
            file.close()


def in_memory(path: Path, image: bytes, *, files: Mapping[Path, Path] | None = None) -> Corpus:
    """A corpus whose database is in memory, as `Corpus.image` has given it.

    files: paths at which data files are open, by their own paths.
    """
    return Corpus(path, open_image(image), writable=False, files=files)


def _unnamed(data: bytes) -> HeldFile:
    """An open file without a name: in memory, where the system has such."""
    if hasattr(os, "memfd_create"):
        number = os.memfd_create("corpus.db")
    else:
        with tempfile.TemporaryFile() as file:
            number = os.dup(file.fileno())
    with open(os.dup(number), "wb") as file:
        file.write(data)
    return HeldFile(number)
