"""How soon it can be played, and how fast a take renders.

    python -m benchmarks.live.start_and_render [--corpus corpora/demo.corpus]

Start: `run_server.py --output none` as its own process, from the call to the line `liveseq ready`, files warm in the
cache. Render: a minute with a tag change every ten seconds, two layers, wall seconds per second of music.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.results import save
from benchmarks.rigs.started import started
from liveseq.offline.render import TagChange, render
from liveseq.performance.instrument import open_instrument

ROOT = Path(__file__).resolve().parents[2]
N_STARTS = 6
N_RENDERS = 3
SECONDS = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path("corpora/demo.corpus"))
    corpus = parser.parse_args().corpus
    starts = [start(corpus) for _ in range(N_STARTS)][1:]  # the first one warms the disk cache
    speeds = [speed(corpus) for _ in range(N_RENDERS)]
    figures = {
        "start_p50_s": float(np.median(starts)),
        "start_max_s": max(starts),
        "render_times_real_time": float(np.median(speeds)),
    }
    print("  ".join(f"{key} {value:.2f}" for key, value in figures.items()))
    save("start_and_render", figures)


def start(corpus: Path) -> float:
    """Seconds from the call to the ready line."""
    with tempfile.TemporaryDirectory() as state:
        command = [sys.executable, "run_server.py", "--corpus", str(corpus), "--output", "none", "--osc-port", "auto"]
        begin = time.perf_counter()
        with started([*command, "--state-dir", state], cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            for line in server.stdout:
                if line.startswith("liveseq ready"):
                    return time.perf_counter() - begin
    raise SystemExit("run_server.py ended without a ready line")


def speed(corpus: Path) -> float:
    """Seconds of music per second."""
    instrument = open_instrument(corpus, seed=1)
    tags = instrument.sequencer.tags
    changes = [
        TagChange(at, layer, {tags[(int(at) // 10 * 2 + layer) % len(tags)]: 1.0})
        for at in np.arange(0.0, SECONDS, 10.0)
        for layer in (1, 2)
    ]
    begin = time.perf_counter()
    render(instrument, changes, seconds=SECONDS)
    return SECONDS / (time.perf_counter() - begin)


if __name__ == "__main__":
    main()
