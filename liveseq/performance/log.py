"""The flight recorder: every command that was obeyed, with the sample at which it acted; and the session snapshots.

JSON lines. The first line of a file is a header with all that a replay needs; then a line per entry. A long session
goes on in another file, whose header names the one before. One thread writes; the event loop only puts entries into a
bounded queue, and what does not fit is counted, never waited for.
"""

import base64
import json
import logging
import queue
import threading
import time
from collections.abc import Mapping
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


def read_log(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Header and entries of a session, of which `path` is a file. A last one that was cut off by a crash is left out.

    Raises ConfigError where it is no log, or its beginning is gone.
    """
    header, entries = _read_file(path)
    seen = {path.name}
    while before := str(header.get("continues", "")):
        first = path.with_name(Path(before).name)
        if not first.is_file() or first.name in seen:
            raise ConfigError(f"{path}: goes on from {before}, which is gone; expected the log from its beginning")
        path = first
        seen.add(path.name)
        header, entries = _read_file(path)
    following = {str(_header_of(one).get("continues", "")): one for one in path.parent.glob("log-*.jsonl")}
    while (after := following.pop(path.name, None)) is not None:
        path = after
        entries += _read_file(path)[1]
    return header, entries


def _header_of(path: Path) -> dict[str, Any]:
    """The header of a file; empty where it has none."""
    try:
        with path.open(encoding="utf-8") as file:
            header = json.loads(file.readline())
    except (OSError, ValueError):
        return {}
    return header if isinstance(header, dict) else {}


def _read_file(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    entries = []
    try:
        with path.open(encoding="utf-8") as file:
            for text in file:
                try:
                    entries.append(json.loads(text))
                except ValueError:
                    break
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: expected a log of liveseq, found other bytes") from None
    if not entries or not isinstance(entries[0], dict) or entries[0].get("log") != "liveseq":
        raise ConfigError(f"{path}: expected a log of liveseq (state/log-*.jsonl), found another file")
    return entries[0], entries[1:]


def arguments_of(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    """The arguments of an entry's command, as they were given to the recorder."""
    return tuple(base64.b64decode(one["b64"]) if isinstance(one, dict) else one for one in entry["arguments"])


def _plain(value: object) -> object:
    """A value that JSON has no words for, as it has."""
    return {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else str(value)
