"""Parts of a sound file: stretches that libsndfile reads to their ends, each as a file of its own.

A recording has one part, as it lies; one whose header is wrong has its samples behind a header that is right; joined
recordings have several, of whatever rates and channels.
"""

import io
from dataclasses import dataclass, field
from typing import Any, BinaryIO

UNREADABLE = "is not a sound file that can be read ({}); expected wav, flac, mp3, ogg or aiff"
TRUNCATED = "is truncated: it ends before its last sample; copy or export it again"


class RefusedError(Exception):
    """Bytes that are no sound, or not all of it. Its text goes on after the name of the file."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A stretch of sound: bytes of ours, then bytes of the file as they lie."""

    head: bytes = b""
    start: int = 0
    stop: int = 0
    """Byte of the file behind the last one."""
    is_guessed: bool = False
    """Whether libsndfile has to guess how long it is."""


@dataclass(kw_only=True)
class Content:
    """Sound that a file holds."""

    parts: list[Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Sentences on wrong headers and on what is left out. Each goes on after the name of the file."""
    is_mpeg: bool = False
    """Whether the parts are frames of MPEG audio, whose decoder talks on standard error."""

    def add(self, other: "Content") -> None:
        """Take over the parts of another one behind those here."""
        self.parts += other.parts
        self.notes += other.notes
        self.is_mpeg |= other.is_mpeg


class PartFile(io.RawIOBase):
    """A part, as a file to read and to seek in."""

    def __init__(self, file: BinaryIO, part: Part) -> None:
        self._file = file
        self._part = part
        self._length = len(part.head) + part.stop - part.start
        self._at = 0
        self.error: OSError | None = None
        """Reason why a disk gave nothing more; libsndfile takes that for the end."""

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the part goes. Called by libsndfile: an exception would be printed, and get lost."""
        view = memoryview(buffer).cast("B")
        head = self._part.head[self._at : self._at + len(view)]
        view[: len(head)] = head
        self._at += len(head)
        n_left = min(len(view) - len(head), self._length - self._at)
        if n_left <= 0:
            return len(head)
        try:
            found = read_at(self._file, self._part.start + self._at - len(self._part.head), n_left)
        except OSError as error:
            self.error, found = error, b""
        view[len(head) : len(head) + len(found)] = found
        self._at += len(found)
        return len(head) + len(found)


def read_at(file: BinaryIO, at: int, n_bytes: int) -> bytes:
    """Bytes of a file from a place on, fewer at its end."""
    file.seek(at)
    return file.read(n_bytes)


def seconds(n_samples: float, sample_rate: int) -> str:
    """A length in words."""
    return f"{n_samples / max(1, sample_rate):.2f} s"
