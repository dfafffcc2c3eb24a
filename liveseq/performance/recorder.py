"""The flight recorder: writes the log of a session, and its snapshots for a server that takes it up.

One thread writes; the event loop only puts entries into a bounded queue, and what does not fit is counted, never waited
for. A set needs no disk: where the log cannot be written it ends, the recorder says why, and it is begun again in
another file as soon as that can be.
"""

import contextlib
import json
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from liveseq.errors import ConfigError
from liveseq.files import replace_file
from liveseq.performance.log import plain
from liveseq.performance.session import SessionMemory, packed

MAX_BYTES = 16 << 20
"""A log file is closed at this size and a new one begun, which continues it."""
MAX_FILES = 256
"""Per folder; of more, or of more than MAX_FOLDER_BYTES, the oldest go. A set may have begun many short ones."""
MAX_FOLDER_BYTES = 128 << 20
MAX_QUEUED = 4096
"""Entries."""
LOOK_SECONDS = 1.0
"""Between two looks whether the file that is written to is still there."""
HANG_SECONDS = 3.0
"""A disk that has not answered for so long is said to hang."""
RETRY_SECONDS = (5.0, 10.0, 20.0, 40.0)
"""Pauses before a log that has ended is begun again; the last one repeats."""
_WAKE = ""
"""No entry: there is a snapshot to write."""
_TOO_LONG = "settings of {} bytes are too long for a new conductor; it would go on with those before"
_logger = logging.getLogger(__name__)

Header = Mapping[str, Any]
"""First line of a file: all that a replay needs to begin."""


class FlightRecorder:
    """Owns the thread that writes to the state folder."""

    def __init__(
        self, session: Path, header: Header, *, memory: SessionMemory | None = None, resumed: bool = False
    ) -> None:
        """session: the snapshot's file; the log lies beside it. memory: for the snapshots, too.

        resumed: the show is on, with a log or without one: no disk is waited for. Raises ConfigError where it cannot be
        written, else.
        """
        self.n_lost = 0
        """Entries that are in no file."""
        self.path: Path | None = None
        """File that is written to, or was last."""
        self._session = session
        self._folder = session.parent
        self._memory = memory
        self._ended = ""  # why nothing is written to the log; written by one thread at a time
        self._unsaved = ""  # why the session is not in its file
        self._too_long = ""  # why it is not in the memory
        self._file: IO[str] | None = None
        self._header: Header = {}
        self._look_at = 0.0
        self._retry_at = 0.0
        self._n_tries = 0
        self._queue: queue.Queue[str | Header | None] = queue.Queue(MAX_QUEUED)
        self._snapshot: bytes | None = None
        self._wake = threading.Lock()
        self._busy_since = 0.0  # monotonic; since when the thread works at what it does now
        if resumed:
            self._queue.put_nowait(header)
        else:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._begin(header)
            except OSError as error:
                raise ConfigError(
                    f"state_dir: {self._folder}: cannot be written ({error.strerror}); name another folder"
                ) from None
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    @property
    def problems(self) -> list[str]:
        """Sentences on what is not kept. Any thread."""
        since, hung = self._busy_since, ""
        if since and time.monotonic() - since > HANG_SECONDS:
            hung = f"{self._folder}: its disk does not answer; what is set is kept in memory"
        return [one for one in (hung, self._ended, self._unsaved, self._too_long) if one]

    def write(self, entry: Mapping[str, Any]) -> None:
        """Event loop: keep an entry, with the time."""
        self._put(json.dumps({"time": round(time.time(), 3), **entry}, default=plain))

    def save(self, snapshot: dict[str, Any]) -> None:
        """Event loop: keep this state; of several the last one is written."""
        session = packed(snapshot)
        if self._memory is not None:
            kept = self._memory.write(session)
            self._too_long = "" if kept else _TOO_LONG.format(len(session))
        with self._wake:
            waiting = self._snapshot is not None
            self._snapshot = session
        if not waiting:
            self._put(_WAKE)

    def begin_again(self, header: Callable[[], Header], *, now: float) -> bool:
        """Event loop: try, now and then, to begin a log anew where it has ended. Whether its entries may follow."""
        if not self._ended:
            self._n_tries = 0
            return False
        if now < self._retry_at or self._queue.full():
            return False
        self._retry_at = now + RETRY_SECONDS[min(self._n_tries, len(RETRY_SECONDS) - 1)]
        self._n_tries += 1
        if self._n_tries == 1:  # it has ended just now
            return False
        self._queue.put_nowait(header())
        return True

    def close(self) -> None:
        """Write what is queued."""
        with contextlib.suppress(queue.Full):
            self._queue.put(None, timeout=2.0)
        self._thread.join(timeout=2.0)

    def _put(self, line: str) -> None:
        try:
            self._queue.put_nowait(line)
        except queue.Full:
            self.n_lost += 1

    def _run(self) -> None:
        while (line := self._queue.get()) is not None:
            self._busy_since, ended = time.monotonic(), self._ended
            try:
                if isinstance(line, Mapping):
                    self._begin(line)
                    if ended:
                        _logger.warning("the log goes on in %s", self.path)
                elif line != _WAKE:
                    self._write_line(line)
            except OSError as error:  # a full disk must not end the music, nor fill the terminal
                self._end(error)
            self._write_snapshot()
            self._busy_since = 0.0
        self._close()

    def _write_snapshot(self) -> None:
        with self._wake:
            session, self._snapshot = self._snapshot, None
        if session is None:
            return
        try:
            replace_file(self._session, session)
            self._unsaved = ""
        except OSError as error:
            self._unsaved = f"{self._session}: cannot be written ({error.strerror}); --resume would not find the set"
            with self._wake:
                self._snapshot = self._snapshot or session  # with the next entry, it is tried again

    def _write_line(self, line: str) -> None:
        if self._file is None or self.path is None:
            self.n_lost += 1
            return
        self._file.write(f"{line}\n")
        if self._queue.empty():
            self._file.flush()
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_SECONDS
            os.stat(self.path)  # what is written to a file that is gone is kept by nobody
        if self._file.tell() > MAX_BYTES:
            before = self.path.name
            self._close()
            self._begin(self._header, continues=before)

    def _begin(self, header: Header, *, continues: str = "") -> None:
        """Begin a file with this header. Raises OSError; then there is no file."""
        if self._folder.parent.is_dir():  # and nothing above it is made anew, where a disk was
            self._folder.mkdir(exist_ok=True)
        stamp = time.strftime("%Y-%m-%d-%H%M%S")
        names = [f"log-{stamp}.jsonl", *(f"log-{stamp}-{n}.jsonl" for n in range(2, 100))]
        path = next(self._folder / name for name in names if not (self._folder / name).exists())
        file = path.open("x", encoding="utf-8")
        try:
            first = {**header, "continues": continues} if continues else header
            file.write(json.dumps(first, default=plain) + "\n")
            file.flush()
        except OSError:
            _close(file)
            path.unlink(missing_ok=True)
            raise
        self._file, self.path, self._header, self._ended = file, path, header, ""
        with contextlib.suppress(OSError):  # another server of this folder was quicker
            _prune(self._folder)

    def _end(self, error: OSError) -> None:
        self.n_lost += 1
        self._close()
        if not self._ended:
            self._ended = f"{self._folder}: no log is written ({error.strerror}); it is tried again"
            _logger.warning("%s", self._ended)

    def _close(self) -> None:
        if self._file is not None:
            _close(self._file)
            self._file = None


def _close(file: IO[str]) -> None:
    """Let go of a file; what was not written yet has no room."""
    with contextlib.suppress(OSError):
        file.close()


def _prune(folder: Path) -> None:
    """Remove the oldest logs, so that a folder stays within its bounds. Raises OSError."""
    n_bytes = 0
    logs = sorted(((one.stat(), one) for one in folder.glob("log-*.jsonl")), key=lambda pair: pair[0].st_mtime)
    for number, (found, path) in enumerate(reversed(logs), 1):
        n_bytes += found.st_size
        if number > MAX_FILES or n_bytes > MAX_FOLDER_BYTES:
            path.unlink(missing_ok=True)
