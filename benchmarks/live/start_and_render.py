"""Time from the call to a server that can be played, and speed of a render.

    python -m benchmarks.live.start_and_render [--corpus corpora/demo.corpus]

Start: `run_server.py --output none` as its own process, from the call to the line `liveseq ready`, files warm in the
cache. Render: a minute with a tag change every ten seconds, two layers, wall seconds per second of music.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import options
from benchmarks.registry import Benchmark, Section
from benchmarks.rigs.running_server import RunningServer
from liveseq.offline.messages import message
from liveseq.offline.render import render
from liveseq.performance.instrument import open_instrument

N_STARTS = 6
N_RENDERS = 3
SECONDS = 60.0


def main() -> None:
    corpus = options.parser(__doc__, corpus=True).parse_args().corpus
    starts = [start(corpus) for _ in range(N_STARTS)][1:]  # the first one warms the disk cache
    speeds = [speed(corpus) for _ in range(N_RENDERS)]
    figures = {
        "start_p50_s": float(np.median(starts)),
        "start_max_s": max(starts),
        "render_times_real_time": float(np.median(speeds)),
    }
    print("  ".join(f"{key} {value:.2f}" for key, value in figures.items()))
    BENCHMARK.save(figures)


def start(corpus: Path) -> float:
    """Seconds from the call to the ready line."""
    begin = time.perf_counter()
    with RunningServer("--corpus", corpus, "--output", "none"):
        return time.perf_counter() - begin


def speed(corpus: Path) -> float:
    """Seconds of music that are rendered in a second."""
    instrument = open_instrument(corpus, seed=1)
    tags = instrument.sequencer.tags
    messages = [
        message(at, f"layer/{layer}/tag", tags[(int(at) // 10 * 2 + layer) % len(tags)])
        for at in np.arange(0.0, SECONDS, 10.0)
        for layer in (1, 2)
    ]
    begin = time.perf_counter()
    for _ in render(instrument, messages, seconds=SECONDS):
        pass
    return SECONDS / (time.perf_counter() - begin)


def section(figures: dict[str, Any]) -> str:
    typical, worst, speed = (figures[key] for key in ("start_p50_s", "start_max_s", "render_times_real_time"))
    return f"""## Start and render

`{BENCHMARK.command}`: from the call of `run_server.py` to `liveseq ready`, warm: {typical:.2f} s
(worst {worst:.2f} s). `liveseq render`, two layers, a tag change every ten seconds: {speed:.0f} times real time."""


BENCHMARK = Benchmark(file=__file__, minutes=1, sections=(Section(text=section, place=40),))

if __name__ == "__main__":
    main()
