"""Records over a one-way pipe, without ever waiting at either end.

`multiprocessing.Pipe(duplex=False)` makes the two ends. The supervisor keeps both open, so that the pipe outlives an
engine: whole records go in and out at once, hence a new engine finds the stream where the old one left it.
"""

import os
import select
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection

from liveseq.engine.events import RECORD_SIZE, Record, RecordError, pack, unpack

MAX_PER_BLOCK = 32
"""Records that an engine takes from the pipe in one block (12,000 a second); the rest waits in the pipe."""
_POSIX = sys.platform != "win32"
# A write of at most PIPE_BUF bytes is whole or nothing.
_MAX_PER_WRITE = select.PIPE_BUF // RECORD_SIZE if _POSIX else 1


class RecordWriter:
    """The sending end. One process at a time; any of its threads, one after another."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        if _POSIX:
            os.set_blocking(connection.fileno(), False)

    def send(self, records: Sequence[Record]) -> int:
        """Send as many of the records as the pipe has room for, and say how many those were.

        Fewer than all means that the engine does not read: it is dead, or flooded. Raises RecordError for a record out
        of range, before anything is sent.
        """
        packed = [pack(record) for record in records]
        for begin in range(0, len(packed), _MAX_PER_WRITE):
            data = b"".join(packed[begin : begin + _MAX_PER_WRITE])
            try:
                if _POSIX:
                    os.write(self._connection.fileno(), data)
                else:
                    self._connection.send_bytes(data)
            except (BlockingIOError, BrokenPipeError):
                return begin
        return len(packed)


class RecordReader:
    """The engine's end: called from the audio thread."""

    def __init__(self, connection: Connection) -> None:
        self.closed = False
        """Whether no process holds the sending end any more."""
        self.n_bad = 0
        """Records that could not be understood."""
        self._connection = connection
        self._file = connection.fileno()
        if _POSIX:
            os.set_blocking(self._file, False)

    def read(self) -> list[Record]:
        """Records that have come, at most MAX_PER_BLOCK. Never waits."""
        data = self._take() if _POSIX else self._take_messages()
        records: list[Record] = []
        for begin in range(0, len(data), RECORD_SIZE):
            try:
                records.append(unpack(data[begin : begin + RECORD_SIZE]))
            except RecordError:
                self.n_bad += 1
        return records

    def _take(self) -> bytes:
        try:
            data = os.read(self._file, MAX_PER_BLOCK * RECORD_SIZE)
        except BlockingIOError:
            return b""
        self.closed = not data
        return data

    def _take_messages(self) -> bytes:
        data = b""
        try:
            while len(data) < MAX_PER_BLOCK * RECORD_SIZE and self._connection.poll(0):
                data += self._connection.recv_bytes()
        except (EOFError, OSError):
            self.closed = True
        return data
