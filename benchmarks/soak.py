"""A long set with every core busy, through a real running server: does a block come too late, does memory grow?

    python -m benchmarks.soak [--minutes 10]

JACK dummy driver, 128-sample blocks at 48 kHz; noise of full bandwidth (see server_latency). Beside the server two
processes per core work through 8 MB each at normal priority, which takes more from a server than a generator may: that
one is niced. Once a second a new tag is sent; then the output is muted, and opened again out of silence.

underruns  what PortAudio told the engine of, whoever caused them: it says so at every xrun of the JACK server
xruns      of that server, with the probe and the engine connected; xruns_alone: of a second one, at the same time,
           that nobody but a probe uses. What the machine does to that one it does to liveseq too;
           underruns_apart: those in turns in which the other server had no xrun
cpu_peak   the slowest block over its duration, as asked for once a second; underruns of our making need one above 1
sample     milliseconds from the message that opens the output to the first changed sample (see latency)
memory     private memory (resident less shared, so without the mapped audio) of all processes of the server, and its
           growth per hour after the first minute
steal      share of all cores' time that the machine under this one took away
"""

import argparse
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.jack_dummy import JackServer, Probe
from benchmarks.latency import BLOCK_SIZE, ENGINE_PORT, SAMPLE_RATE, busy_processes, measure, n_busy
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
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        JackServer(sample_rate=SAMPLE_RATE, block_size=BLOCK_SIZE, name="alone") as alone,
        JackServer(sample_rate=SAMPLE_RATE, block_size=BLOCK_SIZE) as jack,
    ):
        corpus = make_corpus(Path(folder) / "noise.corpus")
        os.environ.update(alone.environment())
        control = Probe("")
        os.environ.update(jack.environment())
        try:
            figures = soak(corpus, control, minutes=arguments.minutes)
        finally:
            control.close()
    for name, value in figures.items():
        print(f"{name:20s} {value}")
    save("soak", figures)


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
class Watch:
    """What a server says of itself, and what it takes, once a turn."""

    server: RunningServer
    control: Probe
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
        self.memory.append((time.monotonic(), private_mb(self.server.pid)))
        self.server.send("/liveseq/tag", TAGS[len(self.statuses) % len(TAGS)])
        time.sleep(0.02)
        self.server.send("/liveseq/mute", True)

    def figures(self) -> dict[str, float]:
        first, last = self.statuses[0], self.statuses[-1]
        seconds, mb = np.array(self.memory).T
        underruns, xruns = np.diff([status[3] for status in self.statuses]), np.diff(self.xruns)
        warm = seconds >= seconds[0] + min(WARM_SECONDS, np.ptp(seconds) / 2.0)
        return {
            "underruns_apart": int(underruns[xruns == 0].sum()),
            "xruns_alone": int(xruns.sum()),
            "cpu": float(np.mean([status[1] for status in self.statuses])),
            "cpu_peak": max(float(status[2]) for status in self.statuses[1:]),
            "late": last[4] - first[4],
            "dropped": last[5] - first[5],
            "memory_mb": float(mb[-1]),
            "memory_mb_per_hour": float(np.polyfit(seconds[warm], mb[warm], 1)[0]) * 3600.0,
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
