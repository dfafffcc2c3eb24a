"""A process that is replaced when it dies, or lives on and does nothing any more."""

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess

from liveseq.memory.heartbeat import TURN_SECONDS, Listener

BACK_OFF = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before a child is started again; the last one repeats."""
HEALTHY_SECONDS = 10.0
"""A child that has lived this long begins anew with the shortest pause."""
KILLED_SECONDS = 1.0
"""Time for a killed child to be gone; one that waits for a dead disk is not, and is left behind."""
HANGS = "it hangs"


@dataclass(frozen=True)
class Living:
    """A process, and where its heart is heard."""

    process: SpawnProcess
    heart: Listener

    def kill(self) -> None:
        """End it at once; a stopped one obeys nothing less."""
        self.process.kill()
        self.process.join(KILLED_SECONDS)


class Child:
    """One process that is replaced when it dies or hangs."""

    def __init__(
        self,
        name: str,
        spawn: Callable[[], Living],
        *,
        back_off: Sequence[float] = BACK_OFF,
        healthy_seconds: float = HEALTHY_SECONDS,
    ) -> None:
        self.name = name
        self._back_off = back_off
        self._healthy = healthy_seconds
        self._living: Living | None = None
        self.n_starts = 0
        self._spawn = spawn
        self._born = 0.0
        self._due = 0.0
        self.n_failures = 0
        """Deaths in quick succession."""
        self.cause = ""
        """The reason of the last one."""
        self.exit_code: int | None = None
        """The last one's; negative: the signal that it died of."""

    @property
    def process(self) -> SpawnProcess | None:
        """The one that lives, or has died just now."""
        return None if self._living is None else self._living.process

    def watch(self, now: float) -> str | None:
        """Start it where it is due; end it where it hangs. Returns a sentence where it has died, or hung."""
        news = None
        if self._living is not None:
            if not self._living.process.is_alive():
                news = self._note_death(_cause(self._living.process.exitcode), now)
            elif self._living.heart.hangs(now):
                news = self._note_death(HANGS, now)
        if self._living is None and now >= self._due:
            self._born = now
            try:
                self._living = self._spawn()
            except OSError as error:  # no memory, no more processes: later there may be
                return self._note_death(f"cannot start: {error}", now)
            self.n_starts += 1
        return news

    def replace(self) -> None:
        """End it at once, and start it anew without a pause."""
        self.kill()
        self._due = 0.0

    def adopt(self, living: Living, now: float) -> Living | None:
        """Let another process be it from now on; returns the one before."""
        before, self._living, self._born = self._living, living, now
        self.n_starts += 1
        return before

    def end(self, seconds: float) -> None:
        """Wait for it to end; after `seconds`, or where it hangs, kill it."""
        deadline = time.monotonic() + seconds
        while self._living is not None and self._living.process.is_alive():
            now = time.monotonic()
            if now >= deadline or self._living.heart.hangs(now):
                break
            self._living.process.join(min(TURN_SECONDS, deadline - now))
        self.kill()

    def terminate(self) -> None:
        """Ask it to end."""
        if self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        """End it at once."""
        if self._living is not None:
            self._living.kill()
            self._living = None

    def _note_death(self, cause: str, now: float) -> str:
        self.n_failures = 1 if now - self._born > self._healthy else self.n_failures + 1
        self.cause, self.exit_code = cause, self.process.exitcode if self.process is not None else None
        pause = self._back_off[min(self.n_failures, len(self._back_off)) - 1]
        self.kill()
        self._due = now + pause
        how = "hangs" if cause == HANGS else f"has died ({cause})"
        return f"{self.name} {how}; a new one starts {f'in {pause:g} s' if pause else 'at once'}"


def _cause(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
