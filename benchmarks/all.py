"""Runs benchmarks on this machine and writes their sections of the docs.

    python -m benchmarks.all [--only NAME ...] [--table]

Leave the machine alone meanwhile: latency is measured. `--only` runs some of them, `--table` none: the pages are
written from the last figures in benchmarks/results.
"""

import sys
import time
from collections.abc import Iterable

from benchmarks import options
from benchmarks.pages import write_pages
from benchmarks.paths import DEMO_CORPUS
from benchmarks.registry import Benchmark, benchmarks
from benchmarks.rigs.started import run


def main() -> None:
    entries = benchmarks()
    usual = [name for name, one in entries.items() if not one.on_demand]
    parser = options.parser(f"{__doc__}\n{listed(entries.values())}")
    parser.add_argument("--only", nargs="+", choices=entries, default=usual, metavar="NAME")
    parser.add_argument("--table", action="store_true", help="only write the pages")
    arguments = parser.parse_args()
    failed = [] if arguments.table else run_all([entries[name] for name in arguments.only])
    print("docs:", *write_pages(entries))
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def listed(entries: Iterable[Benchmark]) -> str:
    """A line for each: name, duration, and whether it waits to be named."""
    lines = [f"  {one.name:18}{one.minutes:5g} min{'  only by --only' * one.on_demand}" for one in entries]
    return "\n".join(["benchmarks, and how long they take on two cores:", *lines])


def run_all(entries: Iterable[Benchmark]) -> list[str]:
    """Runs each in a process of its own. Returns the names of those that failed."""
    if not DEMO_CORPUS.is_dir() and run([sys.executable, "-m", "liveseq.cli", "corpus", "demo"]):
        sys.exit("no demo corpus; see above")
    failed = []
    for one in entries:
        print(f"== {one.name}, about {one.minutes:g} min", flush=True)
        began = time.monotonic()
        if run([sys.executable, "-m", one.module]):
            failed.append(one.name)
        print(f"== {one.name}: {(time.monotonic() - began) / 60:.1f} min", flush=True)
    return failed


if __name__ == "__main__":
    main()
