"""A long set with every core busy, through a real running server: does a block come too late, does memory grow?

    python -m benchmarks.soak [--minutes 10] [--trial]

It passes (exit status 0) where in no minute liveseq had more underruns than a JACK server beside it that nobody uses.

JACK dummy driver, 128-sample blocks at 48 kHz; noise of full bandwidth (see server_latency). Beside the server two
processes per core work through 8 MB each at normal priority, which takes more from a server than a generator may: that
one is niced. Once a second a new tag is sent; then the output is muted, and opened again out of silence.

underruns  what PortAudio told the engine of, whoever caused them: it says so at every xrun of the JACK server
xruns      of that server, with the probe and the engine connected; xruns_alone: of a second one, at the same time,
           that nobody but a probe uses. What the machine does to that one it does to liveseq too; both by the minute;
           underruns_more: those that one did not have in the same minute, and it fails by;
           underruns_apart: those in turns (about a second) in which it had no xrun
cpu_peak   the slowest block over its duration, as asked for once a second; underruns of our making need one above 1
sample     milliseconds from the message that opens the output to the first changed sample (see latency)
memory     private memory (resident less shared, so without the mapped audio) of all processes of the server, and its
           growth per hour after the first minute
steal      share of all cores' time that the machine under this one took away
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.jack_dummy import Probe, beside_an_idle_server
from benchmarks.latency import BLOCK_SIZE, ENGINE_PORT, busy_processes, measure, n_busy
from benchmarks.results import save
from benchmarks.server_latency import TAGS, RunningServer, make_corpus

TURN_SECONDS = 0.9
"""Sound between two messages; with the silence it is about a second."""
WARM_SECONDS = 60.0
"""Before growth is measured."""
MB = 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--trial", action="store_true", help="do not keep the figures")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, beside_an_idle_server() as control:
        figures = soak(make_corpus(Path(folder) / "noise.corpus"), control, minutes=arguments.minutes)
    for name, value in figures.items():
        if name != "by_minute":
            print(f"{name:20s} {value}")
    print("passed" if figures["passed"] else f"failed by {figures['underruns_more']} underruns")
    if not arguments.trial:
        save("soak", figures)
    sys.exit(not figures["passed"])


def soak(corpus: Path, control: Probe, *, minutes: float) -> dict[str, Any]:
    """control: of a JACK server that nobody else uses."""
    with RunningServer(corpus, "--output", "system", "--block-size", str(BLOCK_SIZE)) as server:
        server.send("/liveseq/tag", TAGS[0])
        time.sleep(2.0)
        watch = Watch(server, control)
        with busy_processes(work=sweep):
            stolen = psutil.cpu_times()
            began = time.monotonic()
            figures = measure(
                ENGINE_PORT,
                trigger=lambda: server.send("/liveseq/mute", False),
                release=watch.turn,
                n=int(60.0 * minutes),
                underruns=lambda: int(server.ask("/liveseq/status")[3]),
            )
            seconds = time.monotonic() - began
            steal = (psutil.cpu_times().steal - stolen.steal) / (seconds * (os.cpu_count() or 1))
        load = {"minutes": seconds / 60.0, "busy_processes": n_busy(), "steal": steal}
        return {**load, **figures, **watch.figures()}


@dataclass
class Minutes:
    """Underruns of a server and xruns of another, idle one in the same minutes; each is printed when it is over."""

    length: float = 60.0
    """Seconds."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    _first: "_Counts | None" = None  # of the minute
    _last: "_Counts | None" = None
    _peak: float = 0.0

    def note(self, status: Sequence[Any], xruns: int) -> None:
        """To be called about once a second. status: of the server. xruns: that the idle one has had so far."""
        found = _Counts(time.monotonic(), int(status[3]), xruns, int(status[4]))
        if self._first is None:
            self._first = found
            return  # its peak is that of the start
        self._peak = max(self._peak, float(status[2]))
        self._last = found
        if found.seconds >= self._first.seconds + self.length:
            self.end()

    def end(self) -> None:
        """This minute is over, or the last one will not be a whole one."""
        first, last = self._first, self._last
        if first is None or last is None:
            return
        row = {
            "seconds": round(last.seconds - first.seconds, 1),
            "underruns": last.underruns - first.underruns,
            "xruns_alone": last.xruns - first.xruns,
            "late": last.late - first.late,
            "cpu_peak": round(self._peak, 3),
        }
        self.rows.append(row)
        print(f"minute {len(self.rows)}: " + "  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
        self._first, self._last, self._peak = last, None, 0.0

    @property
    def more(self) -> int:
        """Underruns that the idle server did not have in the same minute."""
        return sum(max(0, row["underruns"] - row["xruns_alone"]) for row in self.rows)


@dataclass(frozen=True)
class _Counts:
    seconds: float
    underruns: int
    xruns: int
    late: int


@dataclass
class Watch:
    """What a server says of itself, and what it takes, once a turn."""

    server: RunningServer
    control: Probe
    minutes: Minutes = field(default_factory=Minutes)
    statuses: list[tuple[Any, ...]] = field(default_factory=list)
    xruns: list[int] = field(default_factory=list)
    """Of the JACK server that nobody else uses."""
    memory: list[tuple[float, float]] = field(default_factory=list)
    """Monotonic seconds, MB."""

    def turn(self) -> None:
        """Let it sound, note how it is, change the tag, and end in silence."""
        time.sleep(TURN_SECONDS)
        self.statuses.append(self.server.ask("/liveseq/status"))
        self.xruns.append(self.control.n_xruns)
        self.minutes.note(self.statuses[-1], self.xruns[-1])
        self.memory.append((time.monotonic(), private_mb(self.server.pid)))
        self.server.send("/liveseq/tag", TAGS[len(self.statuses) % len(TAGS)])
        time.sleep(0.02)
        self.server.send("/liveseq/mute", True)

    def figures(self) -> dict[str, Any]:
        self.minutes.end()
        first, last = self.statuses[0], self.statuses[-1]
        seconds, mb = np.array(self.memory).T
        underruns, xruns = np.diff([status[3] for status in self.statuses]), np.diff(self.xruns)
        warm = seconds >= seconds[0] + min(WARM_SECONDS, np.ptp(seconds) / 2.0)
        return {
            "underruns": int(underruns.sum()),  # between the turns that are told of here
            "underruns_apart": int(underruns[xruns == 0].sum()),
            "underruns_more": self.minutes.more,
            "xruns_alone": int(xruns.sum()),
            "cpu": float(np.mean([status[1] for status in self.statuses])),
            "cpu_peak": max(float(status[2]) for status in self.statuses[1:]),
            "late": last[4] - first[4],
            "dropped": last[5] - first[5],
            "memory_mb": float(mb[-1]),
            "memory_mb_per_hour": float(np.polyfit(seconds[warm], mb[warm], 1)[0]) * 3600.0,
            "by_minute": self.minutes.rows,
            "passed": self.minutes.more == 0,
        }


def private_mb(pid: int) -> float:
    """Of a process and all that come from it."""
    process = psutil.Process(pid)
    found = [one.memory_info() for one in (process, *process.children(recursive=True))]
    return sum(one.rss - one.shared for one in found) / MB


def sweep() -> None:
    """Endless work on more than the cache near the core holds."""
    values = np.linspace(0.0, 1.0, 1_000_000)
    while True:
        np.tanh(values, out=values)
        values += 0.5


if __name__ == "__main__":
    main()
