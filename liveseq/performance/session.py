"""The session on disk: what a new conductor goes on from when the one before it has died.

Written whole beside the old one and renamed over it, so that a kill at any instant leaves one or the other.
"""

import json
import os
from pathlib import Path
from typing import Any

_FORMAT = 1


def save_session(path: Path, snapshot: dict[str, Any]) -> None:
    """Not for the event loop: the disk may take its time. No fsync: it is to outlive a process, not a power cut."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps({"format": _FORMAT, **snapshot}), encoding="utf-8")
    os.replace(part, path)


def load_session(path: Path) -> dict[str, Any] | None:
    """The last snapshot; None where there is none that can be used."""
    try:
        snapshot = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return snapshot if isinstance(snapshot, dict) and snapshot.get("format") == _FORMAT else None
