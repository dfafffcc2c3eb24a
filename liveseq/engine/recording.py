"""A recording in real time: blocks go in without waiting, a thread writes them to a WAV file.

The file is float32 stereo, and its header is put right twice a second, so that it opens whatever ended the process.
"""

import struct
import threading
from collections import deque
from pathlib import Path
from typing import BinaryIO

import numpy as np

from liveseq.errors import DeviceError

QUEUE_SECONDS = 4.0
"""Seconds that the disk may stall."""
FLUSH_SECONDS = 0.5
_MAX_SIZE = 2**32 - 1


def header(*, n_samples: int, sample_rate: int, n_channels: int = 2) -> bytes:
    """WAV header of a float32 file. Beyond 4 GB the sizes stay at their limit; readers go by the file's length then."""
    n_bytes = n_samples * n_channels * 4
    fmt = struct.pack(
        "<4sIHHIIHHH", b"fmt ", 18, 3, n_channels, sample_rate, sample_rate * n_channels * 4, n_channels * 4, 32, 0
    )
    fact = struct.pack("<4sII", b"fact", 4, min(n_samples, _MAX_SIZE))
    data = struct.pack("<4sI", b"data", min(n_bytes, _MAX_SIZE))
    size = min(4 + len(fmt) + len(fact) + len(data) + n_bytes, _MAX_SIZE)
    return struct.pack("<4sI4s", b"RIFF", size, b"WAVE") + fmt + fact + data


def free_path(path: Path) -> Path:
    """The path itself, or take.2.wav, take.3.wav ... where it exists: no take is ever overwritten."""
    number = 2
    free = path
    while free.exists():
        free = path.with_name(f"{path.stem}.{number}{path.suffix}")
        number += 1
    return free


def seconds_of(path: Path, *, sample_rate: int) -> float:
    """Seconds of a recording, by the length of its file; 0 where there is none."""
    n_bytes = path.stat().st_size - len(header(n_samples=0, sample_rate=sample_rate)) if path.is_file() else 0
    return max(0, n_bytes // 8) / sample_rate


class Recording:
    """Takes blocks from the audio thread."""

    def __init__(self, path: Path, *, sample_rate: int) -> None:
        if path.is_dir():  # "wav:" alone means the current one
            raise DeviceError(
                f"wav:{path}: expected a file, found a folder; name a file in it: wav:{path / 'take.wav'}"
            )
        self.path = free_path(path)
        self.n_lost = 0
        """Blocks that found the queue full; the file has silence for them."""
        self.problem: str | None = None
        """Reason why nothing is written any more; None while all is well."""
        try:
            self._file: BinaryIO = self.path.open("xb")
        except OSError as error:
            raise DeviceError(
                f"wav:{path}: cannot be written ({error.strerror}); name a file in a folder that exists"
            ) from None
        self._rate = sample_rate
        self._n_samples = 0
        self._queue: deque[tuple[int, bytes]] = deque()
        self._limit_bytes = int(QUEUE_SECONDS * sample_rate) * 8
        self._gap = 0  # bytes lost since the last block that found room
        self._ended = threading.Event()
        self._file.write(header(n_samples=0, sample_rate=sample_rate))
        self._thread = threading.Thread(target=self._write, name="recording", daemon=True)
        self._thread.start()

    def put(self, block: np.ndarray) -> None:
        """Audio thread. block: float32 (n_samples, 2)."""
        if len(self._queue) * block.nbytes >= self._limit_bytes:
            self.n_lost += 1
            self._gap += block.nbytes
            return
        self._queue.append((self._gap, block.tobytes()))
        self._gap = 0

    def close(self) -> None:
        """Write what is queued, and close the file."""
        self._ended.set()
        self._thread.join(timeout=QUEUE_SECONDS)

    def _write(self) -> None:
        try:
            while not self._ended.wait(FLUSH_SECONDS):
                self._flush()
            self._flush()
            self._file.close()
        except OSError as error:
            self.problem = f"{self.path}: recording ended, {error.strerror}"

    def _flush(self) -> None:
        while self._queue:
            gap, data = self._queue.popleft()
            self._file.write(bytes(gap))
            self._file.write(data)
            self._n_samples += (gap + len(data)) // 8
        self._file.flush()
        self._file.seek(0)
        self._file.write(header(n_samples=self._n_samples, sample_rate=self._rate))
        self._file.seek(0, 2)
        self._file.flush()
