"""The flight recorder: every command that was obeyed, with the sample at which it acted; and the session snapshots.

JSON lines. The first line of a file is a header with all that a replay needs; then a line per entry. A long session
goes on in another file, whose header names the one before. One thread writes; the event loop only puts entries into a
bounded queue, and what does not fit is counted, never waited for.
"""

import base64
import itertools
import json
import logging
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from liveseq.errors import ConfigError
from liveseq.performance.session import save_session

MAX_BYTES = 16 << 20
"""A log file is closed at this size and a new one begun, which continues it."""
MAX_FILES = 8
"""Per folder; the oldest go."""
MAX_QUEUED = 4096
"""Entries."""
_WAKE = ""
"""No entry: there is a snapshot to write."""
_logger = logging.getLogger(__name__)


class FlightRecorder:
    """Owns the thread that writes to the state folder."""

    def __init__(self, session: Path, header: Mapping[str, Any]) -> None:
        """session: the snapshot's file; the log lies beside it. Raises ConfigError where that cannot be written."""
        folder = session.parent
        self.n_lost = 0
        """Entries that did not fit into the queue."""
        self._session = session
        self._folder = folder
        self._header = dict(header)
        self._queue: queue.Queue[str | None] = queue.Queue(MAX_QUEUED)
        self._snapshot: dict[str, Any] | None = None
        self._wake = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file: IO[str] = self._begin()
        except OSError as error:
            raise ConfigError(
                f"state_dir: {folder}: cannot be written ({error.strerror}); name another folder"
            ) from None
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    @property
    def path(self) -> Path:
        return Path(self._file.name)

    def write(self, entry: Mapping[str, Any]) -> None:
        """Event loop: keep an entry, with the time."""
        self._put(json.dumps({"time": round(time.time(), 3), **entry}, default=_plain))

    def save(self, snapshot: dict[str, Any]) -> None:
        """Event loop: keep this state; of several the last one is written."""
        with self._wake:
            waiting = self._snapshot is not None
            self._snapshot = snapshot
        if not waiting:
            self._put(_WAKE)

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join(timeout=2.0)
        self._file.close()

    def _put(self, line: str) -> None:
        try:
            self._queue.put_nowait(line)
        except queue.Full:
            self.n_lost += 1

    def _run(self) -> None:
        while (line := self._queue.get()) is not None:
            try:
                self._write_snapshot()
                if line != _WAKE:
                    self._write_line(line)
            except OSError as error:  # a full disk must not end the music, nor fill the terminal
                self.n_lost += 1
                if self.n_lost == 1:
                    _logger.warning(
                        "%s: cannot be written (%s); this session is not recorded", self._folder, error.strerror
                    )

    def _write_snapshot(self) -> None:
        with self._wake:
            snapshot, self._snapshot = self._snapshot, None
        if snapshot is not None:
            save_session(self._session, snapshot)

    def _write_line(self, line: str) -> None:
        self._file.write(f"{line}\n")
        if self._queue.empty():
            self._file.flush()
        if self._file.tell() > MAX_BYTES:
            before = self.path.name
            self._file.close()
            self._file = self._begin(continues=before)

    def _begin(self, *, continues: str = "") -> IO[str]:
        stamp = time.strftime("%Y-%m-%d-%H%M%S")
        names = [f"log-{stamp}.jsonl", *(f"log-{stamp}-{n}.jsonl" for n in range(2, 100))]
        path = next(self._folder / name for name in names if not (self._folder / name).exists())
        file = path.open("x", encoding="utf-8")
        header = self._header | ({"continues": continues} if continues else {})
        file.write(json.dumps(header, default=_plain) + "\n")
        file.flush()
        for old in sorted(self._folder.glob("log-*.jsonl"), key=lambda one: one.stat().st_mtime)[:-MAX_FILES]:
            old.unlink(missing_ok=True)
        return file


@dataclass(frozen=True)
class Log:
    """A session's entries, read from its files whenever they are gone through: they need not fit into memory."""

    header: dict[str, Any]
    """The first line of its first file."""
    paths: tuple[Path, ...]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """In order. A last line that was cut off by a crash is left out. Raises ConfigError."""
        for path in self.paths:
            yield from itertools.islice(_lines(path), 1, None)


def read_log(path: Path) -> Log:
    """The session of which `path` is a file. Raises ConfigError where it is no log, or its beginning is gone."""
    header, paths = _read_header(path), [path]
    while before := str(header.get("continues", "")):
        first = path.with_name(Path(before).name)
        if not first.is_file() or first in paths:
            raise ConfigError(f"{paths[0]}: goes on from {before}, which is gone; expected the log from its beginning")
        header = _read_header(first)
        paths.insert(0, first)
    following = {str(_header_of(one).get("continues", "")): one for one in path.parent.glob("log-*.jsonl")}
    while (after := following.pop(paths[-1].name, None)) is not None:
        paths.append(after)
    return Log(header, tuple(paths))


def _header_of(path: Path) -> dict[str, Any]:
    """The header of a file; empty where it has none."""
    try:
        return _read_header(path)
    except ConfigError:
        return {}


def _read_header(path: Path) -> dict[str, Any]:
    header = next(_lines(path), None)
    if not isinstance(header, dict) or header.get("log") != "liveseq":
        raise ConfigError(f"{path}: expected a log of liveseq (state/log-*.jsonl), found another file")
    return header


def _lines(path: Path) -> Iterator[Any]:
    try:
        with path.open(encoding="utf-8") as file:
            for text in file:
                try:
                    line = json.loads(text)
                except (ValueError, RecursionError):
                    break
                yield line
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: expected a log of liveseq, found other bytes") from None


def arguments_of(line: Mapping[str, Any]) -> tuple[Any, ...]:
    """Arguments of a logged command, as they were given to the recorder."""
    return tuple(base64.b64decode(one["b64"]) if isinstance(one, dict) else one for one in line["arguments"])


def _plain(value: object) -> object:
    """A value that JSON has no word for, in words that it has."""
    return {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else str(value)
