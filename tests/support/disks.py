"""A disk of a test: a file system in memory, which can be full, read-only, or pulled out."""

import os
import shutil
import subprocess
import sys

import pytest


class Disk:
    """Of some megabytes."""

    def __init__(self, path, *, megabytes):
        self.path = path
        path.mkdir()
        _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", path)

    def freeze(self):
        _run("mount", "-o", "remount,ro", self.path)

    def thaw(self):
        _run("mount", "-o", "remount,rw", self.path)

    def fill(self, *, but=0):
        """Leave no more than some bytes free."""
        with (self.path / "others").open("ab") as file:
            file.write(bytes(max(0, shutil.disk_usage(self.path).free - but)))

    def pull_out(self):
        """Who has a file of it open goes on reading it, as far as it is in memory."""
        _run("umount", "-l", self.path)


def mounted(path, *, megabytes=4):
    """A disk at this path, for the time of a test; it is skipped where nobody may mount one."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("needs the right to mount")
    try:
        disk = Disk(path, megabytes=megabytes)
    except subprocess.CalledProcessError:
        pytest.skip("needs the right to mount")
    yield disk
    subprocess.run(["umount", "-l", str(path)], check=False, stderr=subprocess.DEVNULL)


def _run(*command):
    subprocess.run([str(part) for part in command], check=True)
