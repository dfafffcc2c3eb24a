"""Deadlines of models that something waits for: a run that lasts too long is ended, and one that cannot be is told of.

A model of another's making may be as slow as it likes, or never end. Time is counted in turns of a thread, not in
seconds: a process that was suspended must not blame the model. From any thread.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from liveseq.errors import ModelError

TURN_SECONDS = 0.05
RUN_SECONDS = 0.5
"""Longest run; then it is ended."""
STUCK_SECONDS = 1.0
"""A run that is still under way now cannot be ended: it is in the midst of one long operation."""
OPEN_SECONDS = 20.0
"""Longest that a model may take to be opened: that cannot be ended at all."""


@dataclass
class _Run:
    """Work under way."""

    name: str
    end: Callable[[], None] | None
    most: int
    """Turns after which it counts as stuck."""
    n_turns: int = 0


class Watch:
    """Looks after the runs of some models, by name."""

    def __init__(
        self, stuck: Callable[[str], None], *, hung: Iterable[str] = (), begin: Callable[[], object] = int
    ) -> None:
        """stuck: called from a thread with the name of a model that hangs and cannot be ended. hung: models of which
        that was said before. begin: called in that thread first of all."""
        self.given_up: dict[str, str] = {}
        """Models that nothing is asked of any more, and why."""
        self._stuck = stuck
        self._hung = frozenset(hung)
        self._begin = begin
        self._runs: dict[int, _Run] = {}  # by thread
        threading.Thread(target=self._look, name="watch", daemon=True).start()

    @contextmanager
    def opening(self, name: str) -> Iterator[None]:
        """Look after a model while it is opened. Raises ModelError for one over which a process has hung before."""
        if name in self._hung:
            raise ModelError(f"{name}: has hung before; restart the server to try it again")
        with self._watched(_Run(name, None, round(OPEN_SECONDS / TURN_SECONDS))):
            yield

    @contextmanager
    def running(self, name: str, end: Callable[[], None]) -> Iterator[None]:
        """Look after a run. end: asks it to end, from another thread."""
        with self._watched(_Run(name, end, round(STUCK_SECONDS / TURN_SECONDS))):
            yield

    @contextmanager
    def _watched(self, run: _Run) -> Iterator[None]:
        thread = threading.get_ident()
        before = self._runs.get(thread)
        self._runs[thread] = run
        try:
            yield
        finally:
            if before is None:
                del self._runs[thread]
            else:
                self._runs[thread] = before

    def _look(self) -> None:
        self._begin()
        while True:
            time.sleep(TURN_SECONDS)
            for run in list(self._runs.values()):
                run.n_turns += 1
                if run.end is not None and run.n_turns >= RUN_SECONDS / TURN_SECONDS:
                    run.end()
                if run.n_turns >= run.most:
                    self._stuck(run.name)
                    run.most += run.most
