"""A long set with every core busy, through a real running server: xruns, latency, growth of memory.

    python -m benchmarks.live.soak [--minutes 10] [--trial]

JACK dummy driver, 128-sample blocks at 48 kHz; noise of full bandwidth (see rigs/noise_corpus). Beside the server two
processes per core work through 8 MB each at normal priority, which takes more from a server than a generator may: that
one is niced. Once a second a new tag is sent; then the output is muted, and opened again out of silence. Beside it all,
a player of ready blocks at a second JACK server, the control.

It passes (exit status 0) where liveseq's JACK server has no more xruns alone than chance would give it: see xruns,
which says what is counted, and why so.

xruns      events of liveseq's JACK server; control: of the other one; both: within 20 ms of one another. xruns_alone,
           control_alone: the rest of each; xruns_p: the chance of so many or more of the rest on our side
underruns  blocks before which PortAudio reported one or more to the engine, whoever caused them
cpu_peak   the slowest block over its duration, as asked for once a second, by the clock on the wall: with the time that
           others took from it, the machine under this one too
sample     milliseconds from the message that opens the output to the first changed sample (see latency)
memory     private memory (resident less shared, so without the mapped audio) of all processes of the server, and its
           growth per hour after the first minute
steal      share of all cores' time that the machine under this one took away
"""

import os
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks import options
from benchmarks.live.xrun_words import CONTROL_TEXT, XRUN_WORDS, by_minute
from benchmarks.pages import table
from benchmarks.registry import Benchmark, Section
from benchmarks.rigs.busy import busy_processes, n_busy, sweep
from benchmarks.rigs.controller import Controller
from benchmarks.rigs.jack_client import Listener
from benchmarks.rigs.jack_control import beside_a_player
from benchmarks.rigs.jack_probe import Probe, trigger_latencies
from benchmarks.rigs.jack_server import BLOCK_SIZE, ENGINE_PORT, SAMPLE_RATE
from benchmarks.rigs.noise_corpus import TAGS, make_noise_corpus
from benchmarks.rigs.running_server import RunningServer
from benchmarks.rigs.xruns import Minutes, why_more

TURN_SECONDS = 0.9
"""Sound between two messages; with the silence it is about a second."""
WARM_SECONDS = 60.0
"""Time before growth is measured."""
MB = 1e6


def main() -> None:
    parser = options.parser(__doc__, trial=True)
    parser.add_argument("--minutes", type=float, default=10.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, beside_a_player(partial(Probe, ENGINE_PORT)) as control:
        figures = soak(make_noise_corpus(Path(folder) / "noise.corpus"), control, minutes=arguments.minutes)
    for name, value in figures.items():
        if name != "by_minute":
            print(f"{name:20s} {value}")
    if not arguments.trial:
        BENCHMARK.save(figures)
    sys.exit(bool(figures["why_not"]))


def soak(corpus: Path, control: Listener, *, minutes: float) -> dict[str, Any]:
    """Figures of a set. control: listens to the other JACK server."""
    with (
        RunningServer("--corpus", corpus, "--output", "system", "--block-size", BLOCK_SIZE) as server,
        Controller(server.port) as controller,
        closing(Probe(ENGINE_PORT)) as probe,
    ):
        controller.send("/liveseq/tag", TAGS[0])
        time.sleep(2.0)
        watch = Watch(controller, server.pid, Minutes(probe, control))
        with busy_processes(work=sweep):
            stolen = psutil.cpu_times()
            began = time.monotonic()
            _, sample = trigger_latencies(
                probe,
                trigger=lambda: controller.send("/liveseq/mute", False),
                release=watch.turn,
                n=int(60.0 * minutes),
                sample_rate=SAMPLE_RATE,
            )
            seconds = time.monotonic() - began
            steal = (psutil.cpu_times().steal - stolen.steal) / (seconds * (os.cpu_count() or 1))
        heard = sample[np.isfinite(sample)]
        return {
            "minutes": seconds / 60.0,
            "busy_processes": n_busy(),
            "steal": steal,
            "blocks": probe.n_blocks,
            "missed": len(sample) - len(heard),
            **{f"sample_p{part}_ms": float(np.percentile(heard, part)) for part in (50, 99)},
            "sample_max_ms": float(heard.max()),
            **watch.figures(),
        }


@dataclass
class Watch:
    """Statuses of a server and the memory that it takes, once a turn."""

    controller: Controller
    pid: int
    minutes: Minutes
    statuses: list[tuple[Any, ...]] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    """Monotonic seconds, MB."""

    def turn(self) -> None:
        """Lets it sound, notes how it is, changes the tag, and ends in silence."""
        time.sleep(TURN_SECONDS)
        self.statuses.append(self.controller.ask("/liveseq/status"))
        self.minutes.note(self.statuses[-1])
        self.memory.append((time.monotonic(), private_mb(self.pid)))
        self.controller.send("/liveseq/tag", TAGS[len(self.statuses) % len(TAGS)])
        time.sleep(0.02)
        self.controller.send("/liveseq/mute", True)

    def figures(self) -> dict[str, Any]:
        self.minutes.end()
        figures = self.minutes.figures()
        first, last = self.statuses[0], self.statuses[-1]
        seconds, mb = np.array(self.memory).T
        warm = seconds >= seconds[0] + min(WARM_SECONDS, np.ptp(seconds) / 2.0)
        return {
            **figures,
            "cpu": float(np.mean([status[1] for status in self.statuses])),
            "late": last[4] - first[4],
            "dropped": last[5] - first[5],
            "memory_mb": float(mb[-1]),
            "memory_mb_per_hour": float(np.polyfit(seconds[warm], mb[warm], 1)[0]) * 3600.0,
            "why_not": why_more(figures),
        }


def private_mb(pid: int) -> float:
    """MB of a process and all that come from it."""
    process = psutil.Process(pid)
    found = [one.memory_info() for one in (process, *process.children(recursive=True))]
    return sum(one.rss - one.shared for one in found) / MB


def section(figures: dict[str, Any]) -> str:
    words = {
        "minutes": "minutes",
        "blocks": "blocks",
        **XRUN_WORDS,
        "cpu": "mean block over its duration",
        "late": "late events",
        "dropped": "dropped",
        "missed": "messages without a sound",
        "sample_p50_ms": "message to changed sample, p50 ms",
        "sample_p99_ms": "p99 ms",
        "sample_max_ms": "max ms",
        "memory_mb": "private memory of the live processes, MB",
        "memory_mb_per_hour": "its growth, MB per hour",
        "steal": "share of the cores taken by other machines",
    }
    verdict = "; ".join(figures["why_not"]) or "passed"
    return f"""## A long set with every core busy

`{BENCHMARK.command}`: the whole server on a JACK dummy device, 128-sample blocks at 48 kHz, beside
{figures["busy_processes"]} processes at normal priority that work through more memory than the caches hold. Once a
second another tag, then silence, and the message that opens the output again (`mute F`). {CONTROL_TEXT}
Verdict: **{verdict}**.

{table(["", ""], [[text, figures[key]] for key, text in words.items()])}

{by_minute(figures["by_minute"])}"""


BENCHMARK = Benchmark(file=__file__, minutes=11, on_demand=True, sections=(Section(text=section, place=180),))

if __name__ == "__main__":
    main()
