"""Standing troubles: what goes on although something is amiss. Each is said once as it begins, and once as it ends."""

from collections.abc import Callable, Iterable

from liveseq.conductor.outbox import Outbox
from liveseq.memory.heartbeat import TURN_SECONDS, Listener

SUPERVISOR_HANGS = (
    "the supervisor hangs: nobody would be replaced now; let it go on (fg in its terminal, or kill -CONT)"
)

Source = Callable[[], Iterable[str]]
"""Sentences on what is amiss now."""


class Troubles:
    """One per conductor. Everything runs in the event loop."""

    def __init__(self, outbox: Outbox, *sources: Source) -> None:
        self._outbox = outbox
        self._sources = sources
        self._known: list[str] = []

    @property
    def text(self) -> str:
        """All of them, for the status."""
        return "; ".join(self._known)

    def look(self, now: float, *others: str) -> None:
        """Say what has begun and what is over. others: troubles that have no source."""
        found = [*others, *(sentence for source in self._sources for sentence in source())]
        for sentence in found:
            if sentence not in self._known:
                self._outbox.log("warning", sentence, now=now)
        for sentence in self._known:
            if sentence not in found:
                self._outbox.log("info", f"over: {sentence}", now=now)
        self._known = found


class SupervisorWatch:
    """Whether the supervisor goes on: while it does not, everything plays, and nobody who dies is replaced."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._hangs = False
        self._turn = 0.0

    def tick(self, now: float) -> None:
        """In every round."""
        if now - self._turn >= TURN_SECONDS:
            self._turn, self._hangs = now, self._listener.hangs(now)

    def problems(self) -> Iterable[str]:
        """A sentence where it hangs."""
        return [SUPERVISOR_HANGS] if self._hangs else []
