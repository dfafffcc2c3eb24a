"""Files that are written at once or not at all."""

import contextlib
import os
from pathlib import Path


def replace_file(path: Path, data: bytes) -> None:
    """Let a file hold this, or leave it as it was. Not for an event loop: the disk may take its time. No fsync: it is
    to outlive a process, not a power cut. Raises OSError."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
