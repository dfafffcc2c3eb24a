"""Words of a decoder written in C, which it says on standard error and nowhere else."""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ALONE = threading.Lock()
_STANDARD_ERROR = 2
_BEGINNINGS = (b"Note: ", b"Warning: ", b"[src/libmpg123", b"warning: ", b"error: ")


@contextmanager
def kept_words() -> Iterator[list[str]]:
    """Keep a decoder's lines, and give everybody else's back at the end; one decoder at a time, or whose would they be?

    The list is filled when the block is left.
    """
    words: list[str] = []
    with _ALONE, tempfile.TemporaryFile() as file:
        try:
            terminal = os.dup(_STANDARD_ERROR)
        except OSError:  # closed: nobody would read them
            yield words
            return
        os.dup2(file.fileno(), _STANDARD_ERROR)
        try:
            yield words
        finally:
            os.dup2(terminal, _STANDARD_ERROR)
            os.close(terminal)
            file.seek(0)
            for line in file.read().splitlines(keepends=True):
                if line.startswith(_BEGINNINGS):
                    words.append(" ".join(line.decode(errors="replace").rpartition(": ")[2].split()))
                elif line.strip():
                    os.write(_STANDARD_ERROR, line)
