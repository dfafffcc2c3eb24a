"""Names as people type them and as disks spell them: one name, however its accents are composed.

A Mac writes "é" as two characters where others write one; to a performer both are one name. A tag is one name in upper
and lower case, too.
"""

import os
import unicodedata
from pathlib import Path


def composed(text: str) -> str:
    """A name in the one spelling that names are kept and compared in (Unicode NFC).

    >>> composed("cafe\\u0301") == "caf\\u00e9"
    True
    """
    return unicodedata.normalize("NFC", text)


def as_tag(text: str) -> str:
    """A tag in the spelling that tags are kept and compared in: composed, in lower case, with single spaces.

    >>> as_tag("  Dark  DRONE")
    'dark drone'
    """
    return composed(" ".join(composed(text).casefold().split()))


def as_spelt(path: Path) -> Path:
    """A path as the disk spells it where only the accents differ; else as it is. Raises OSError."""
    if path.exists() or path.parent == path:
        return path
    parent = as_spelt(path.parent)
    wanted = composed(path.name)
    found = (one for one in parent.iterdir() if composed(one.name) == wanted) if parent.is_dir() else iter(())
    return next(found, parent / path.name)


def printable(path: Path) -> str:
    """A path as text that a database and a terminal take: one line, with "?" for what is no character."""
    text = os.fsencode(path.as_posix()).decode("utf-8", errors="replace")
    return "".join(char if char.isprintable() else "?" for char in text)
