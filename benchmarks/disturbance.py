"""How late a thread of real-time priority is woken beside work of the lowest priority.

    python -m benchmarks.disturbance [--trial]

A thread of SCHED_FIFO sleeps until every next millisecond, on one core; a process of niceness 19 works on the same one.

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

import numpy as np

from benchmarks.results import save
from liveseq.corpus.append import append, sync
from liveseq.engine.realtime import prefer_audio
from liveseq.processes import step_back

SECONDS = 12.0
PERIOD = 0.001
TURN_SECONDS = 0.2
CASES = ("nothing", "computing", "one write", "in pieces", "huge pages", "small pages")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trial", action="store_true", help="do not keep the figures")
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)  # this process is the one that works
    arguments = parser.parse_args()
    if arguments.work:
        step_back()
        work(arguments.work[0], Path(arguments.work[1]))
        return
    if not hasattr(os, "sched_setaffinity"):
        parser.error("needs Linux, where a thread can be kept on one core")
    os.sched_setaffinity(0, {0})
    rows = [measure(case) for case in CASES]
    if not arguments.trial:
        save("disturbance", {"seconds": SECONDS, "cases": rows})


def measure(case: str) -> dict[str, object]:
    """One row: how late the thread was, in ms, while the process worked."""
    late: list[float] = []
    thread = threading.Thread(target=_wake, args=(late,))
    environment = os.environ | {"NUMPY_MADVISE_HUGEPAGE": str(int(case == "huge pages"))}
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:  # where corpora are; /tmp may be memory
        command = [sys.executable, "-m", "benchmarks.disturbance", "--work", case, folder]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()  # its imports are done
            thread.start()
            thread.join()
            process.kill()
    ms = 1e3 * np.array(late)
    row = {
        "case": case,
        "p99": float(np.quantile(ms, 0.99)),
        "max": float(ms.max()),
        "over_1_ms": int((ms > 1.0).sum()),
    }
    print(row, flush=True)
    return row


def _wake(late: list[float]) -> None:
    if not prefer_audio():
        raise SystemExit("needs the right to real-time priority (ulimit -r)")
    due, end = time.monotonic(), time.monotonic() + SECONDS
    while due < end:
        due = max(due, time.monotonic() - PERIOD) + PERIOD
        time.sleep(max(0.0, due - time.monotonic()))
        late.append(time.monotonic() - due)


def work(case: str, folder: Path) -> None:
    """Until it is killed."""
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


if __name__ == "__main__":
    main()
