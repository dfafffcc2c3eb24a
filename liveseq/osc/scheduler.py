"""A scheduler of messages that are to act later: timetags on a heap of our own, in monotonic time.

A timetag is NTP wall-clock time, mapped to monotonic time when it comes: a wall clock that is set while it waits does
not move it. Pure but for `read_clocks`: the caller brings the clocks.
"""

import heapq
import itertools
import time
from dataclasses import dataclass
from typing import Generic, TypeVar

from liveseq.errors import OscError

MAX_QUEUED = 4096
"""Items; beyond it the newest are refused."""
MAX_FUTURE = 10.0
"""Seconds. What is further away comes from another clock."""
LATE_TOLERANCE = 0.05
"""Seconds by which a message may come late without a word."""
EPOCH_SECONDS = 86_400.0
"""Distance from now of a time of another epoch: zeros, ones, seconds since 1970 or 2001, a clock that was never set."""
SLEW = 1e-3
"""Seconds by which the map may move in one second."""
STEP = 0.05
"""Seconds between map and wall clock from which on that clock has been set, and the map with it at once."""
READ_SECONDS = 1e-3
"""Within which two clocks are read as one."""
_EPOCH = 2_208_988_800  # Unix time 0 in NTP seconds
_FRACTION = 2.0**-32

Item = TypeVar("Item")


def ntp_time(unix: float) -> int:
    """64-bit NTP time of a Unix time; it wraps in 2036."""
    return int((unix + _EPOCH) * 2**32) % 2**64


def read_clocks() -> tuple[float, float]:
    """Unix time and monotonic time of one moment: read again where the process was put aside between the two."""
    for _ in range(3):
        before = time.monotonic()
        wall = time.time()
        if time.monotonic() - before < READ_SECONDS:
            break
    return wall, before


class NtpClock:
    """Maps timetags to monotonic time: creeps after the wall clock's drift, and jumps where that clock is set."""

    def __init__(self, *, wall: float, monotonic: float) -> None:
        self._offset = wall - monotonic
        self._updated = monotonic

    def update(self, *, wall: float, monotonic: float) -> float:
        """Follow the wall clock, by at most SLEW seconds per second, or at once where it has been set. Returns the
        seconds of such a step; 0 where there was none."""
        most = SLEW * (monotonic - self._updated)
        error = wall - monotonic - self._offset
        self._updated = monotonic
        if abs(error) > STEP:
            self._offset += error
            return error
        self._offset += min(max(error, -most), most)
        return 0.0

    def wall(self, monotonic: float) -> float:
        """Unix time that the map gives to a monotonic time."""
        return monotonic + self._offset

    def monotonic(self, timetag: int) -> float | None:
        """Seconds of monotonic time of a timetag: of the two NTP eras, the one that is nearer to now. None where it is
        one of another epoch."""
        here = ntp_time(self._updated + self._offset)
        distance = ((timetag - here + 2**63) % 2**64 - 2**63) * _FRACTION
        return self._updated + distance if abs(distance) <= EPOCH_SECONDS else None


@dataclass(order=True, slots=True)
class _Waiting(Generic[Item]):
    due: float
    number: int
    item: Item


class Scheduler(Generic[Item]):
    """A bounded queue in the order of due times; items of the same time keep their order."""

    def __init__(self) -> None:
        self._heap: list[_Waiting[Item]] = []
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, item: Item, *, due: float, now: float) -> None:
        """Keep an item until `due`. Raises OscError: out_of_range beyond MAX_FUTURE, busy where the queue is full."""
        if due - now > MAX_FUTURE:
            raise OscError(
                "out_of_range",
                f"timetag is {due - now:.1f} s ahead: expected at most {MAX_FUTURE:g} s; "
                "set the sender's clock, or ask /liveseq/time for the difference",
            )
        if len(self._heap) >= MAX_QUEUED:
            raise OscError("busy", f"{MAX_QUEUED} messages are waiting already; send /liveseq/sched/clear, or fewer")
        heapq.heappush(self._heap, _Waiting(due, next(self._numbers), item))

    def due(self, now: float) -> list[tuple[float, Item]]:
        """Take what is due at `now`: (due time, item), earliest first."""
        found = []
        while self._heap and self._heap[0].due <= now:
            first = heapq.heappop(self._heap)
            found.append((first.due, first.item))
        return found

    def clear(self) -> int:
        """Forget everything; how much that was."""
        n = len(self._heap)
        self._heap.clear()
        return n
