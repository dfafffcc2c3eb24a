"""A disk that fills up, turns read-only or vanishes: a file system in memory, where one may be mounted."""

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

FILLER = "others"


class Disk:
    """A folder with a file system of its own; a context manager. Without the right to mount, it is none."""

    def __init__(self, path: Path, *, megabytes: int = 8) -> None:
        path.mkdir()
        self.path = path
        self._megabytes = megabytes

    def __enter__(self) -> "Disk":
        self.restore()
        return self

    def __exit__(self, *_: object) -> None:
        self._unmount()

    @staticmethod
    @cache
    def can_be() -> bool:
        """Whether this process may mount."""
        if sys.platform != "linux" or os.geteuid() != 0:
            return False
        with TemporaryDirectory() as folder:
            try:
                with Disk(Path(folder) / "disk", megabytes=1):
                    return True
            except subprocess.CalledProcessError:
                return False

    def fill(self) -> None:
        """Leave no byte free."""
        with suppress(OSError), (self.path / FILLER).open("ab", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))
        with suppress(OSError), (self.path / FILLER).open("ab", buffering=0) as file:
            while True:
                file.write(b"\0")

    def empty(self) -> None:
        """Take back what filled it."""
        (self.path / FILLER).unlink(missing_ok=True)

    def freeze(self) -> None:
        """Turn it read-only for whoever opens a file from now on; what is open for writing stays so."""
        _run("mount", "--bind", self.path, self.path)
        _run("mount", "-o", "remount,bind,ro", self.path)

    def thaw(self) -> None:
        """Take `freeze` back."""
        _run("umount", "-l", self.path)

    def vanish(self) -> None:
        """Let it go with its folder, as a stick that is pulled out: what is open stays open."""
        self._unmount()
        shutil.rmtree(self.path)

    def restore(self) -> None:
        """An empty one in its place."""
        self.path.mkdir(exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={self._megabytes}m", "tmpfs", self.path)

    def _unmount(self) -> None:
        while self.path.is_mount():
            _run("umount", "-l", self.path)


def _run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True)
