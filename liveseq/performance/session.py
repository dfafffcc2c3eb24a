"""The session: what a new conductor goes on from when the one before it has died.

It lies in shared memory of the supervisor's, which needs no disk, and in a file, for a server that takes up the last
set. The file is written whole beside the old one and renamed over it, so that a kill at any instant leaves one or the
other.
"""

import json
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

from liveseq.memory.exchange import buffer_of
from liveseq.memory.slots import Slots, slot_size

MAX_BYTES = 1 << 18
"""Bytes of a session in shared memory: seven times what sixteen layers need."""
_FORMAT = 1


class SessionMemory:
    """The newest session in shared memory: written by the conductor, kept by the supervisor, read by the next one."""

    def __init__(self, memory: SharedMemory, *, owner: bool) -> None:
        self._memory = memory
        self._owner = owner
        self._slots = Slots(buffer_of(memory), 0, size=MAX_BYTES)

    @classmethod
    def create(cls) -> "SessionMemory":
        """New shared memory, which lives until this object is closed."""
        return cls(SharedMemory(create=True, size=2 * slot_size(MAX_BYTES)), owner=True)

    @classmethod
    def attach(cls, name: str) -> "SessionMemory":
        """The memory that `create` has made. Raises FileNotFoundError where it is gone."""
        return cls(SharedMemory(name=name), owner=False)

    @property
    def name(self) -> str:
        """Name of the shared memory."""
        return self._memory.name

    def write(self, session: bytes) -> bool:
        """Keep a packed session; False where it is too long, and the one before stays."""
        if len(session) > MAX_BYTES:
            return False
        self._slots.write(session.ljust(MAX_BYTES))
        return True

    def read(self) -> dict[str, Any] | None:
        """The last session; None before the first."""
        session = self._slots.read()
        return None if session is None else unpacked(session)

    def close(self) -> None:
        """Let go of the memory; whoever has created it gives it back."""
        self._memory.close()
        if self._owner:
            self._memory.unlink()


def packed(snapshot: dict[str, Any]) -> bytes:
    """A snapshot of a performance as it is kept."""
    return json.dumps({"format": _FORMAT, **snapshot}).encode()


def unpacked(session: bytes) -> dict[str, Any] | None:
    """The snapshot; None where it cannot be used."""
    try:
        snapshot = json.loads(session)
    except (ValueError, RecursionError):
        return None
    return snapshot if isinstance(snapshot, dict) and snapshot.get("format") == _FORMAT else None


def load_session(path: Path) -> dict[str, Any] | None:
    """The last session; None where there is none that can be used."""
    try:
        return unpacked(path.read_bytes())
    except OSError:
        return None


def last_session(path: Path) -> dict[str, Any] | None:
    """That of this file, or else the newest in its folder: a server may have had another port."""
    others = sorted(path.parent.glob("session-*.json"), key=_modified, reverse=True)
    sessions = (load_session(one) for one in (path, *others))
    return next((one for one in sessions if one is not None), None)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
