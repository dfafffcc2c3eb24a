"""Xruns of two JACK servers in the same minutes, that of liveseq and a control: has liveseq more than its share?

An xrun is a call of JACK's xrun callback, in a listener at each server. JACK calls once for each client that was not
done in time, so calls within 10 ms of the first one are one event. An event of one server and one of the other within
20 ms of each other are the machine's, which took the cores from both. The rest is alone: b of liveseq, c of the
control.

The control has the same chain of clients (see jack_control). If liveseq made no xruns that its chain does
not make, each event that is alone would be as likely on either side, however many the machine makes: b would be
binomial of b + c and 1/2. liveseq fails where p, the chance of b or more, is below 0.01. (To ask for no more than the
control in each minute would fail one of two equal servers in nearly every set.) Seven alone, and none of the control,
are the fewest that fail. Not seen: what liveseq does to both servers at once.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

import numpy as np

from benchmarks.rigs.jack_client import Listener

EVENT_NS = 10_000_000
BOTH_NS = 20_000_000
LEAST_P = 0.01


def events(times: np.ndarray) -> np.ndarray:
    """The first call of each event. times: monotonic ns of the calls, int64 (n,), in order."""
    firsts: list[int] = []
    for moment in times.tolist():
        if not firsts or moment - firsts[-1] > EVENT_NS:
            firsts.append(moment)
    return np.array(firsts, dtype=np.int64)


def of_both(ours: np.ndarray, control: np.ndarray) -> np.ndarray:
    """Our events that have one of the control's to themselves. Both: monotonic ns, in order."""
    found, left = [], control.tolist()
    for moment in ours.tolist():
        while left and left[0] < moment - BOTH_NS:
            left.pop(0)
        if left and left[0] <= moment + BOTH_NS:
            left.pop(0)
            found.append(moment)
    return np.array(found, dtype=np.int64)


def chance(alone: int, control_alone: int) -> float:
    """Probability of so many or more on our side, where each may be on either."""
    n = alone + control_alone
    ways = accumulate(range(alone, n), lambda last, k: last * (n - k) // (k + 1), initial=math.comb(n, alone))
    return sum(ways) / 2**n  # integers all the way: exact


def why_more(figures: dict[str, Any]) -> list[str]:
    """Reasons to fail; none where the xruns of `Minutes.figures` may be chance."""
    if figures["xruns_p"] >= LEAST_P:
        return []
    text = "{xruns_alone} xruns alone, and {control_alone} of the control alone (p {xruns_p:.1g})"
    return [text.format_map(figures)]


@dataclass
class Minutes:
    """A set minute by minute: each is printed when it is over."""

    ours: Listener
    control: Listener
    length: float = 60.0
    """Seconds."""
    _ends: list["_Mark"] = field(default_factory=list)  # the first one is the begin
    _last: "_Mark | None" = None

    def note(self, status: Sequence[Any]) -> None:
        """Takes a status of the server; to be called about once a second."""
        found = _Mark(time.monotonic_ns(), float(status[2]), int(status[3]), int(status[4]))
        if not self._ends:
            self._ends.append(found)  # its peak is that of the start
            return
        self._last = replace(found, peak=max(found.peak, self._last.peak if self._last else 0.0))
        if found.ns >= self._ends[-1].ns + 1e9 * self.length:
            self.end()

    def end(self) -> None:
        """Ends this minute; the last one need not be a whole one."""
        if self._last is None:
            return
        self._ends.append(self._last)
        self._last = None
        rows = self.rows()
        print(f"minute {len(rows)}: " + "  ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)

    def rows(self) -> list[dict[str, Any]]:
        """Figures of the minutes that are over."""
        bounds = [end.ns for end in self._ends]
        ours, control = (
            found[(found >= bounds[0]) & (found < bounds[-1])]
            for found in (events(side.xrun_times()) for side in (self.ours, self.control))
        )
        n_ours, n_control, n_both = (
            np.diff(np.searchsorted(found, bounds)).tolist() for found in (ours, control, of_both(ours, control))
        )
        return [
            {
                "seconds": round((end.ns - begin.ns) / 1e9, 1),
                "xruns": n_ours[minute],
                "control": n_control[minute],
                "both": n_both[minute],
                "late": end.late - begin.late,
                "cpu_peak": round(end.peak, 3),
            }
            for minute, (begin, end) in enumerate(zip(self._ends[:-1], self._ends[1:], strict=True))
        ]

    def figures(self) -> dict[str, Any]:
        """Figures of the whole time, to be asked for after its end, while both listeners are there."""
        rows = self.rows()
        n_ours, n_control, n_both = (sum(row[key] for row in rows) for key in ("xruns", "control", "both"))
        alone, control_alone = n_ours - n_both, n_control - n_both
        return {
            "xruns": n_ours,
            "control": n_control,
            "both": n_both,
            "xruns_alone": alone,
            "control_alone": control_alone,
            "xruns_p": chance(alone, control_alone),
            "underruns": self._ends[-1].underruns - self._ends[0].underruns,
            "cpu_peak": max(row["cpu_peak"] for row in rows),
            "by_minute": rows,
        }


@dataclass(frozen=True)
class _Mark:
    ns: int
    peak: float
    """Since the end before."""
    underruns: int
    late: int
