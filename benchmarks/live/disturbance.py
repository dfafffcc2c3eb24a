"""Delay of a thread of real-time priority, woken beside work of the lowest priority.

    python -m benchmarks.live.disturbance [--trial]

A thread of SCHED_FIFO sleeps until every next millisecond, on one core; a process of niceness 19 works on the same one.
Each case twice, 16 s long, in one order and then in the other: khugepaged, which makes the huge pages, comes about
every ten seconds, and what the machine does in a while falls on more than one case. Four minutes.

  nothing       it sleeps
  computing     arithmetic without a pause: the kernel takes the core away from it at any time
  one write     12 s of sound (4.6 MB) into a file by one call, then onto the disk, five times a second
  in pieces     the same as liveseq.corpus.append writes it
  huge pages    arrays of 8 MB, filled, five times a second, for which numpy asks the kernel for huge pages
  small pages   the same with NUMPY_MADVISE_HUGEPAGE=0, as the server's processes run
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import options
from benchmarks.pages import table
from benchmarks.registry import Benchmark, Section
from benchmarks.rigs.started import started
from liveseq.corpus.append import append, sync
from liveseq.engine import realtime
from liveseq.processes import lower_priority

SECONDS = 16.0
"""Length of each half of a case."""
PERIOD = 0.001
TURN_SECONDS = 0.2
CASES = ("nothing", "computing", "one write", "in pieces", "huge pages", "small pages")
HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def main() -> None:
    parser = options.parser(__doc__, trial=True)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each case at a time")
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)  # this process is the one that works
    arguments = parser.parse_args()
    if arguments.work:
        lower_priority()
        work(arguments.work[0], Path(arguments.work[1]))
        return
    if not hasattr(os, "sched_setaffinity"):
        parser.error("needs Linux, where a thread can be kept on one core")
    if not realtime.prefer_audio():
        parser.error("needs the right to real-time priority (ulimit -r)")
    realtime.leave_realtime()
    os.sched_setaffinity(0, {0})
    late: dict[str, list[float]] = {case: [] for case in CASES}
    for case in (*CASES, *reversed(CASES)):
        late[case] += measure(case, seconds=arguments.seconds)
    rows = [row(case, 1e3 * np.array(found)) for case, found in late.items()]
    for found in rows:
        print(found)
    if not arguments.trial:
        huge_pages = HUGE_PAGES.read_text().strip() if HUGE_PAGES.exists() else "none"
        BENCHMARK.save({"seconds": 2 * arguments.seconds, "huge_pages": huge_pages, "cases": rows})


def measure(case: str, *, seconds: float) -> list[float]:
    """Delays of the thread in seconds, one for each time, while the process worked."""
    late: list[float] = []
    thread = threading.Thread(target=_wake, args=(late, seconds), daemon=True)
    environment = os.environ | {"NUMPY_MADVISE_HUGEPAGE": str(int(case == "huge pages"))}
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:  # where corpora are; /tmp may be memory
        command = [sys.executable, "-m", "benchmarks.live.disturbance", "--work", case, folder]
        with started(command, env=environment, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()  # its imports are done
            thread.start()
            thread.join()
    return late


def row(case: str, ms: np.ndarray) -> dict[str, object]:
    """A row of the table. ms: delays, float (n,)."""
    return {
        "case": case,
        "p99": float(np.quantile(ms, 0.99)),
        "max": float(ms.max()),
        "over_1_ms": int((ms > 1.0).sum()),
    }


def _wake(late: list[float], seconds: float) -> None:
    realtime.prefer_audio()
    due, end = time.monotonic(), time.monotonic() + seconds
    while due < end:
        due = max(due, time.monotonic() - PERIOD) + PERIOD
        time.sleep(max(0.0, due - time.monotonic()))
        late.append(time.monotonic() - due)


def work(case: str, folder: Path) -> None:
    """Works until it is killed."""
    sound = np.random.default_rng(0).standard_normal((48_000 * 12, 2)).astype("<f4")
    path, n_turns = folder / "sound.f32", 0
    path.touch()

    def at_once() -> None:
        with path.open("r+b", buffering=0) as file:
            file.seek(sound.nbytes * n_turns)
            file.write(sound.data.cast("B"))
        sync({path})

    def in_pieces() -> None:
        append(path, sound, offset=sound.nbytes * n_turns)
        sync({path})

    def fill() -> None:
        for array in [np.empty(1 << 20) for _ in range(8)]:
            array.fill(1.0)

    works: dict[str, Callable[[], object]] = {
        "nothing": lambda: None,
        "computing": lambda: sum(range(2_000_000)),
        "one write": at_once,
        "in pieces": in_pieces,
        "huge pages": fill,
        "small pages": fill,
    }
    print("ready", flush=True)
    while True:
        began = time.monotonic()
        works[case]()
        n_turns += 1
        if case != "computing":
            time.sleep(max(0.0, began + TURN_SECONDS - time.monotonic()))


def section(figures: dict[str, Any]) -> str:
    rows = [[row["case"], row["p99"], row["max"], row["over_1_ms"]] for row in figures["cases"]]
    return f"""## What real-time priority does not help with

`{BENCHMARK.command}`: how late, in ms, a thread of real-time priority is woken that sleeps until
every next millisecond, for {figures["seconds"]:.0f} s, beside a process of the lowest priority on the same core:
computing; writing 12 s of sound into a file by one call, or in pieces as a corpus is written; filling arrays of huge
pages, or of small ones as the server's processes do. Each case in two halves, the second in the opposite order;
transparent huge pages of this kernel: `{figures["huge_pages"]}`. What pieces and small pages are worth here is the
difference between the two rows of each pair, where it is larger than what the row of nothing shows by itself.

{table(["beside it", "p99", "max", "times over 1 ms"], rows)}"""


BENCHMARK = Benchmark(file=__file__, minutes=4, on_demand=True, sections=(Section(text=section, place=140),))

if __name__ == "__main__":
    main()
