"""A process that is replaced when it dies."""

import logging
import signal
from collections.abc import Callable, Sequence
from multiprocessing.context import SpawnProcess

BACK_OFF = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before a child is started again; the last one repeats."""
HEALTHY_SECONDS = 10.0
"""A child that has lived this long begins anew with the shortest pause."""

log = logging.getLogger(__name__)


class Child:
    """One process that is replaced when it dies."""

    def __init__(
        self, name: str, spawn: Callable[[], SpawnProcess], *, back_off: Sequence[float] | None = None
    ) -> None:
        """back_off: as BACK_OFF, which it is where it is not given."""
        self.name = name
        self._back_off = back_off
        self.process: SpawnProcess | None = None
        self.n_starts = 0
        self._spawn = spawn
        self._born = 0.0
        self._due = 0.0
        self.n_failures = 0
        """Deaths in quick succession."""
        self.exit_code: int | None = None
        """The last one's; negative: the signal that it died of."""

    @property
    def cause(self) -> str:
        """The reason of the last death."""
        return _cause(self.exit_code)

    def watch(self, now: float) -> None:
        """Start it where it is due; note its death."""
        if self.process is not None and not self.process.is_alive():
            self._note_death(now)
        if self.process is None and now >= self._due:
            self.process = self._spawn()
            self._born = now
            self.n_starts += 1

    def replace(self) -> None:
        """End it at once, and start it anew without a pause."""
        self.kill()
        self._due = 0.0

    def adopt(self, process: SpawnProcess, now: float) -> SpawnProcess | None:
        """Let another process be it from now on; returns the one before."""
        before, self.process, self._born = self.process, process, now
        self.n_starts += 1
        return before

    def end(self, seconds: float) -> None:
        """Wait for it to end; after `seconds` kill it."""
        if self.process is not None:
            self.process.join(max(0.0, seconds))
            self.kill()

    def terminate(self) -> None:
        """Ask it to end."""
        if self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None

    def _note_death(self, now: float) -> None:
        assert self.process is not None
        self.n_failures = 1 if now - self._born > HEALTHY_SECONDS else self.n_failures + 1
        self.exit_code = self.process.exitcode
        back_off = self._back_off or BACK_OFF
        pause = back_off[min(self.n_failures, len(back_off)) - 1]
        when = f"in {pause:g} s" if pause else "at once"
        log.warning("%s has died (%s); a new one starts %s", self.name, self.cause, when)
        self.process.join()
        self.process = None
        self._due = now + pause


def _cause(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
