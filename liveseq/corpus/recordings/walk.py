"""A walk through a performer's folder: the sound files in it, and counts of what is passed over, by kind.

Links are followed, as often as that leads to an end. What systems hide (deleted sounds, snapshots, companions of a Mac)
is left alone, and so is what is no file at all: a pipe would be waited for, a device read, for ever.
"""

import os
import stat
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path

from liveseq.corpus.names import printable
from liveseq.corpus.schema import DATABASE
from liveseq.dsp.files import AUDIO_SUFFIXES

_HIDDEN = frozenset({  # beside what begins with "." (.Trash, .snapshot, .zfs, ._companions)
    "__macosx", "$recycle.bin", "recycler", "system volume information", "lost+found", "network trash folder",
    "temporary items", "#recycle", "#snapshot", "@eadir", "@recycle", "@recently-snapshot", "@tmp", "~snapshot",
})  # fmt: skip
_HIDDEN_BEGINNINGS = (".", "~syncthing~")
_OTHER_SOUNDS = frozenset({
    ".m4a", ".m4b", ".m4p", ".mp4", ".aac", ".wma", ".ape", ".wv", ".mka", ".alac", ".ac3", ".dts", ".dsf", ".dff",
    ".mpc", ".tak", ".tta", ".amr", ".ra", ".rx2", ".rex", ".rcy", ".ncw", ".sd2", ".xi", ".webm", ".mov",
    ".sf", ".paf", ".avr", ".pvf", ".sds",
})  # fmt: skip
_Way = frozenset[str]  # a folder and those that it lies in, each by its real path


class Walk:
    """Everything below a folder, looked at once, when it is made."""

    def __init__(self, root: Path) -> None:
        self.files: list[tuple[Path, os.stat_result]] = []
        """Sound files, in no order."""
        self.skipped: Counter[str] = Counter()
        """Count of what is no sound file that can be read, by kind."""
        self.complaints: list[str] = []
        """One sentence for everything that cannot be looked at."""
        self._entered: set[str] = set()
        self._links: deque[tuple[Path, _Way]] = deque()
        self._enter(root, frozenset((os.path.realpath(root),)))
        here = len(self._links)  # they are followed last, so that a folder is found in its own place first
        while self._links:
            here -= 1
            self._follow(*self._links.popleft(), once=here < 0)

    def _follow(self, link: Path, way: _Way, *, once: bool) -> None:
        """Enter a linked folder, unless that never ends. once: not where it has been entered already, as what links
        among linked folders lead to: in all combinations they would be too many."""
        real = os.path.realpath(link)
        if real in way or (once and real in self._entered):
            self.skipped["links that lead back"] += 1
        else:
            self._enter(link, way | {real})

    def _enter(self, folder: Path, way: _Way) -> None:
        folders = [(folder, way)]
        while folders:
            folder, way = folders.pop()
            self._entered.add(os.path.realpath(folder))
            for path, is_link in self._subfolders(folder):
                if is_link:
                    self._links.append((path, way))
                elif (real := os.path.realpath(path)) in way:  # a folder around the one that a link led to
                    self.skipped["links that lead back"] += 1
                else:
                    folders.append((path, way | {real}))

    def _subfolders(self, folder: Path) -> Iterator[tuple[Path, bool]]:
        """Each folder inside, and whether it is a link; files are kept or counted."""
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self._complain(folder, error)
            return
        if any(entry.name == DATABASE for entry in entries):
            self.skipped["corpora"] += 1
            return
        for entry in entries:
            path = Path(folder, entry.name)
            try:
                status = entry.stat()
            except OSError as error:  # a link to nowhere, or removed this very moment
                if not _is_hidden(entry.name):
                    self._complain(path, error)
                continue
            is_folder = stat.S_ISDIR(status.st_mode)
            if _is_hidden(entry.name):
                if is_folder or path.suffix.lower() in AUDIO_SUFFIXES:
                    self.skipped["hidden"] += 1
            elif is_folder:
                yield path, entry.is_symlink()
            else:
                self._take(path, status)

    def _take(self, path: Path, status: os.stat_result) -> None:
        suffix = path.suffix.lower()
        if not stat.S_ISREG(status.st_mode):
            self.skipped["pipes and devices"] += 1
        elif suffix in AUDIO_SUFFIXES:
            self.files.append((path, status))
        else:
            self.skipped[suffix if suffix in _OTHER_SOUNDS else "other files"] += 1

    def _complain(self, path: Path, error: OSError) -> None:
        self.complaints.append(f"{printable(path)}: cannot be read ({error.strerror})")


def skipped_words(skipped: Counter[str]) -> str:
    """Counts of a walk as the end of a sentence; empty where there are none.

    >>> skipped_words(Counter({"hidden": 1, "other files": 2, ".m4a": 3}))
    '.m4a 3 (convert to wav or flac), hidden 1, other files 2'
    """
    sounds = ", ".join(f"{kind} {n}" for kind, n in sorted(skipped.items()) if kind in _OTHER_SOUNDS)
    others = [f"{kind} {n}" for kind, n in sorted(skipped.items()) if kind not in _OTHER_SOUNDS]
    return ", ".join([*([f"{sounds} (convert to wav or flac)"] if sounds else []), *others])


def _is_hidden(name: str) -> bool:
    return name.startswith(_HIDDEN_BEGINNINGS) or name.casefold() in _HIDDEN
