"""A process that is replaced when it dies, or lives on and does nothing any more."""

import signal
import time
from collections.abc import Callable
from multiprocessing.context import SpawnProcess

from liveseq.memory.heartbeat import TURN_SECONDS, Listener

BACK_OFF = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before a child is started again; the last one repeats."""
HEALTHY_SECONDS = 10.0
"""A child that has lived this long begins anew with the shortest pause."""
KILLED_SECONDS = 1.0
"""Time for a killed child to be gone; one that waits for a dead disk is not, and is left behind."""
HANGS = "it hangs"


class Child:
    """One process that is replaced when it dies or hangs."""

    def __init__(self, name: str, spawn: Callable[[], SpawnProcess], heart: Listener) -> None:
        self.name = name
        self.process: SpawnProcess | None = None
        self.n_starts = 0
        self._spawn = spawn
        self._heart = heart
        self._born = 0.0
        self._due = 0.0
        self.n_failures = 0
        """Deaths in quick succession."""
        self.cause = ""
        """The reason of the last one."""

    def watch(self, now: float) -> str | None:
        """Start it where it is due; end it where it hangs. Returns a sentence where it has died, or hung."""
        news = None
        if self.process is not None:
            if not self.process.is_alive():
                news = self._note_death(_cause(self.process.exitcode), now)
            elif self._heart.hangs(now):
                news = self._note_death(HANGS, now)
        if self.process is None and now >= self._due:
            self._heart.begin()
            self.process = self._spawn()
            self._born = now
            self.n_starts += 1
        return news

    def replace(self) -> None:
        """End it at once, and start it anew without a pause."""
        self.kill()
        self._due = 0.0

    def end(self, seconds: float) -> None:
        """Wait for it to end; after `seconds`, or where it hangs, kill it."""
        deadline = time.monotonic() + seconds
        while self.process is not None and self.process.is_alive():
            now = time.monotonic()
            if now >= deadline or self._heart.hangs(now):
                break
            self.process.join(min(TURN_SECONDS, deadline - now))
        self.kill()

    def terminate(self) -> None:
        """Ask it to end."""
        if self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()  # a stopped one obeys nothing less
            self.process.join(KILLED_SECONDS)
            self.process = None

    def _note_death(self, cause: str, now: float) -> str:
        self.n_failures = 1 if now - self._born > HEALTHY_SECONDS else self.n_failures + 1
        self.cause = cause
        pause = BACK_OFF[min(self.n_failures, len(BACK_OFF)) - 1]
        self.kill()
        self._due = now + pause
        how = "hangs" if cause == HANGS else f"has died ({cause})"
        return f"{self.name} {how}; a new one starts in {pause:g} s"


def _cause(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
