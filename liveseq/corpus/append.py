"""Append-only files: rows of float32 little-endian, written to the disk, mapped to be read."""

import errno
import hashlib
import os
from pathlib import Path

import numpy as np

PIECE_BYTES = 1 << 18
"""Bytes that are written at once: while the kernel copies a longer piece, for milliseconds, nobody gets the core, an
audio thread neither (benchmarks/live/disturbance.py)."""

_FULL = ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")  # the second: no room for what WAL mode shares between processes


def map_rows(path: Path, *, start: int, shape: tuple[int, int]) -> np.ndarray:
    """Rows of a file of float32 rows, mapped and read-only: float32 (n_rows, n_columns).

    start: the first row; shape: n_rows, n_columns. Raises OSError or ValueError where the file is not that long.
    """
    if shape[0] == 0:
        return np.empty(shape, dtype=np.float32)
    return np.memmap(path, dtype="<f4", mode="r", offset=4 * shape[1] * start, shape=shape)


def digest(*arrays: np.ndarray) -> bytes:
    """SHA-256 of the bytes of contiguous arrays of any dtype and shape, one behind the other."""
    sha256 = hashlib.sha256()
    for array in arrays:
        sha256.update(array.data.cast("B"))
    return sha256.digest()


def append(path: Path, array: np.ndarray, *, offset: int) -> None:
    """Write an array at `offset` (bytes) and drop what lay beyond. Not on the disk before `sync`.

    array: float32 little-endian (n_rows, n_columns), contiguous. Raises OSError where the disk refuses, or the file is
    shorter than that.
    """
    with path.open("r+b" if path.exists() else "xb") as file:
        if file.seek(0, os.SEEK_END) < offset:
            raise OSError(f"{path.name} is shorter than what is committed; run liveseq corpus verify")
        file.seek(offset)
        data = array.data.cast("B")
        for start in range(0, len(data), PIECE_BYTES):
            file.write(data[start : start + PIECE_BYTES])
        file.truncate()


def sync(paths: set[Path]) -> None:
    """Wait until the files, and the names of new ones, are on the disk. Raises OSError."""
    for path in paths | {path.parent for path in paths if os.name == "posix"}:
        number = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def reason(error: BaseException) -> str:
    """Words for an error: a disk's trouble by its name, whether the operating system or SQLite tells of it."""
    code = getattr(error, "sqlite_errorname", "")
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or code in _FULL:
        return "the disk is full"
    if getattr(error, "errno", None) == errno.EROFS or code.startswith("SQLITE_READONLY"):
        return "it is read-only"
    if code.startswith("SQLITE_BUSY"):
        return "another program is writing to it"
    return (isinstance(error, OSError) and error.strerror) or str(error)
