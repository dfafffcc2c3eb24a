"""A log that has ended, for want of a disk, is begun again from the state that the set has by then."""

from collections.abc import Callable
from pathlib import Path

from liveseq.conductor.desk import Desk
from liveseq.performance.recorder import Header


class LogKeeper:
    """One per conductor. Everything runs in the event loop."""

    def __init__(self, desk: Desk, header: Callable[[], Header], *, tell: Callable[[Path], None]) -> None:
        """header: of a log that begins now. tell: names a file that has been begun."""
        self._desk = desk
        self._header = header
        self._tell = tell
        self._told: Path | None = None

    def tick(self, now: float) -> None:
        """Try it, where it is time to. A replay begins as an engine does that is told everything."""
        desk = self._desk
        if desk.recorder.begin_again(self._header, now=now):
            at = desk.link.act_at(0.0)
            desk.note(at, desk.performance.planned_until, {"engine": desk.link.status().generation})
        path = desk.recorder.path
        if path is not None and path != self._told:
            self._told = path
            self._tell(path)
