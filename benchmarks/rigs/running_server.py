"""A server of liveseq as its player sees it: a process that is ready, and a port."""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from benchmarks.paths import ROOT
from benchmarks.rigs.started import start

READY = re.compile(r"^liveseq ready: osc (\S+):(\d+), output (.+), corpus (\d+) units, (\d+) ms$")
PATIENCE = 300.0
"""Seconds until it must be ready: a first corpus may be composed before."""
END_PATIENCE = 60.0
"""Seconds that it may take to end."""
PROGRAM: tuple[object, ...] = (ROOT / "run_server.py",)
"""Arguments of Python before the flags."""


def with_voices(voices: Sequence[str]) -> tuple[object, ...]:
    """The program whose first corpus these generators make; it is composed where there are none."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r});"
        f"import liveseq.runtime.folders as folders; folders.FIRST_VOICES = {tuple(voices)!r};"
        "from liveseq.server.cli import serve; sys.exit(serve(sys.argv[1:]))"
    )
    return "-c", code


class RunningServer:
    """`run_server.py` on a free port, ready to play; a context manager that ends it where it still runs."""

    def __init__(
        self,
        *flags: object,
        folder: Path | None = None,
        program: Sequence[object] = PROGRAM,
        keep_errors: bool = False,
        errors_to: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """folder: the one that it runs in, else this process's. keep_errors: stderr goes to `errors`, not on.
        errors_to: a descriptor that is its stderr. environment: what it has beside this process's.
        """
        self._stack = ExitStack()
        if "--state-dir" not in flags:
            flags += ("--state-dir", self._stack.enter_context(TemporaryDirectory()))
        self.process: subprocess.Popen[str] = start(
            [sys.executable, *program, "--osc-port", "auto", *flags],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if keep_errors else errors_to,
            env=os.environ | (environment or {}),
            text=True,
        )
        self.lines: queue.Queue[str] = queue.Queue()
        """Lines of stdout after the first one; an empty one at the end."""
        self.errors: list[str] = []
        self._readers: list[threading.Thread] = []
        self._read(self.process.stdout, self.lines.put)
        self._read(self.process.stderr, self.errors.append)
        try:
            self.ready = self.lines.get(timeout=PATIENCE)
            found = READY.match(self.ready)
            if found is None:
                raise RuntimeError(f"the server is not ready: {self.ready or 'it has ended'}; {self.errors}")
        except BaseException:
            self.__exit__()
            raise
        self.port, self.n_units = int(found[2]), int(found[4])

    def __enter__(self) -> "RunningServer":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.close()

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> int:
        """Ends it as systemd does, by SIGTERM; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.close()

    def close(self) -> int:
        """Waits until it has ended; its exit status. It is killed where that takes too long."""
        try:
            status = self.process.wait(END_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        for reader in self._readers:
            reader.join(END_PATIENCE)
        self._readers.clear()
        self._stack.close()
        return status

    def _read(self, pipe: IO[str] | None, keep: Callable[[str], None]) -> None:
        if pipe is None:
            return

        def run() -> None:
            with pipe:
                for line in pipe:
                    keep(line.rstrip("\n"))
            if pipe is self.process.stdout:
                keep("")

        self._readers.append(threading.Thread(target=run, daemon=True))
        self._readers[-1].start()
