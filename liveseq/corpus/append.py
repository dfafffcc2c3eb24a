"""The append-only files of a corpus: rows of float32 little-endian, written to the disk, mapped to be read."""

import hashlib
import os
from pathlib import Path

import numpy as np


def map_rows(path: Path, *, start: int, shape: tuple[int, int]) -> np.ndarray:
    """Rows start .. start + shape[0] of a file of float32 rows."""
    if shape[0] == 0:
        return np.empty(shape, dtype=np.float32)
    return np.memmap(path, dtype="<f4", mode="r", offset=4 * shape[1] * start, shape=shape)


def digest(*arrays: np.ndarray) -> bytes:
    sha256 = hashlib.sha256()
    for array in arrays:
        sha256.update(array.data.cast("B"))
    return sha256.digest()


def append(path: Path, array: np.ndarray, *, offset: int) -> None:
    """Write at `offset`, drop what lay beyond, and wait for the disk."""
    is_new = not path.exists()
    with path.open("xb" if is_new else "r+b") as file:
        if file.seek(0, os.SEEK_END) < offset:
            raise OSError(f"{path.name} is shorter than what is committed; run liveseq corpus verify")
        file.seek(offset)
        file.write(array.data.cast("B"))
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
    if is_new and os.name == "posix":  # the name of a new file is in its folder, which has to reach the disk too
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def reason(error: BaseException) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
