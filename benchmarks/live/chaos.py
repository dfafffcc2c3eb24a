"""Faults that are done to a playing server, in an order by seed, and what each of them costs.

    python -m benchmarks.live.chaos [--runs 5] [--seed 1] [--load idle busy] [--only NAME ...] [--trial] [--list]

A real server plays noise on two layers, which never pauses by itself, recorded at its output: a JACK server with the
dummy driver, whose sound card is the tape. (Where JACK is missing it plays to the clock, and nothing is heard.) It has
a home of its own: state and takes on disks that can fill up, a corpus that can vanish, a clock that can be set, and
predictors that go wrong. A server that is well after a fault suffers the next one; else another one is started.

  heard      longest silence at the output, to the sample, from the fault until control is back; of an end whether it
             fades, of a device the time from its first block to the first sound
  control    longest time that a tag waited for its /done, while tags were sent ten times a second; where generator,
             streamer or listener are hit also the time until there is another one; in a flood the time that a panic
             waited for its answer; where timed tags are sent, 20 ms of it are theirs
  announced  lines on stderr, /log and /fail, and counts of the status that grew
  lost       settings that are others than before, of which some were turned just before the blow; and what else is
             gone: logs, the take, shared memory left behind, a core, an exit status

With --only the other rows stay as they were, where runs, seed and loads are the same.

Targets: no silence but for the engine's death (250 ms) and the device's; control within 2 s; everything announced;
nothing lost. Silence up to 10 ms is none: JACK itself drops single blocks where all cores are busy.
"""

import math
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import options
from benchmarks.faults.device import Device
from benchmarks.faults.fault import CUT, Fault, Seen, misses, suffer
from benchmarks.faults.home import Home
from benchmarks.faults.kinds import FAULTS
from benchmarks.faults.stage import Stage
from benchmarks.pages import table
from benchmarks.registry import Benchmark, Section
from benchmarks.rigs.busy import busy_processes, n_busy
from benchmarks.rigs.disk import Disk

RELIABILITY = "reliability.md"
LOADS = ("idle", "busy")
TAPE_SECONDS = 80.0
"""Longer than any fault is watched."""


def main() -> None:
    parser = options.parser(__doc__, trial=True)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1, help="of the order")
    parser.add_argument("--load", nargs="+", choices=LOADS, default=LOADS)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="faults whose names begin so")
    parser.add_argument("--list", action="store_true", help="name the faults, and do nothing")
    arguments = parser.parse_args()
    faults = chosen(FAULTS, arguments.only)
    if arguments.list:
        print("\n".join(fault.name for fault in faults))
        return
    figures = {"runs": arguments.runs, "seed": arguments.seed, "busy_processes": n_busy()}
    figures |= chaos(faults, loads=arguments.load, runs=arguments.runs, seed=arguments.seed)
    print(section(figures))
    last = BENCHMARK.load()
    if not arguments.trial and (not arguments.only or are_alike(figures, last)):  # a few rows are no table
        BENCHMARK.save(beside(figures, last))


def chosen(faults: Sequence[Fault], names: Sequence[str] | None) -> list[Fault]:
    """Those whose names begin with one of these; all for none."""
    return [fault for fault in faults if not names or fault.name.startswith(tuple(names))]


def order(faults: Sequence[Fault], *, runs: int, seed: int) -> list[Fault]:
    """Each so many times: once a run, every run in an order of its own."""
    dice = np.random.default_rng(seed)
    return [faults[place] for _ in range(runs) for place in dice.permutation(len(faults))]


def chaos(faults: Sequence[Fault], *, loads: Sequence[str], runs: int, seed: int) -> dict[str, Any]:
    """Rows of the faults that can be done here, and the names of the others with the reason."""
    with tempfile.TemporaryDirectory(prefix="faults-home-") as folder, ExitStack() as stack:
        home = Home(Path(folder))
        stack.callback(home.close)
        device = stack.enter_context(Device(seconds=TAPE_SECONDS))
        skipped = {fault.name: why for fault in faults if (why := why_not_here(fault, device))}
        done = [fault for fault in faults if fault.name not in skipped]
        seen: dict[tuple[str, str], list[Seen]] = {}
        for load in loads:
            with busy_processes() if load == "busy" else nullcontext():
                for fault, found in do_all(order(done, runs=runs, seed=seed), home, device):
                    seen.setdefault((fault.name, load), []).append(found)
                    print(f"{load:5}{fault.name:45}{line(found)}", flush=True)
    return {
        "loads": list(loads),
        "heard": device.is_heard,
        "rows": [row(fault, {load: seen[fault.name, load] for load in loads}) for fault in done],
        "skipped": skipped,
    }


def are_alike(figures: dict[str, Any], last: dict[str, Any] | None) -> bool:
    """Whether both were measured in the same way."""
    same = ("runs", "seed", "loads", "heard", "busy_processes")
    return last is not None and all(last[key] == figures[key] for key in same)


def beside(figures: dict[str, Any], last: dict[str, Any] | None) -> dict[str, Any]:
    """Figures with the rows of other faults from the last ones, where those were measured in the same way."""
    if last is None or not are_alike(figures, last):
        return figures
    rows = {found["fault"]: found for found in (*last["rows"], *figures["rows"])}
    skipped = {name: why for name, why in (last["skipped"] | figures["skipped"]).items() if name not in rows}
    return figures | {
        "rows": [rows[fault.name] for fault in FAULTS if fault.name in rows],
        "skipped": skipped,
    }


def why_not_here(fault: Fault, device: Device) -> str | None:
    """Reason for which it cannot be done here; None where it can."""
    if fault.needs_disk and not Disk.can_be():
        return "needs the right to mount"
    if fault.needs_device and not device.is_heard:
        return "needs JACK"
    return None


def do_all(faults: Sequence[Fault], home: Home, device: Device) -> Iterator[tuple[Fault, Seen]]:
    """Does one after the other, to a server that lives as long as it is well."""
    stage: Stage | None = None
    try:
        for fault in faults:
            if stage is None or stage.setting is not fault.setting:
                if stage is not None:
                    stage.__exit__()
                stage = Stage(home, device, fault.setting).__enter__()
            try:
                seen = suffer(stage, fault)
            except (AssertionError, RuntimeError, OSError) as error:  # a row that says so is worth more than no table
                seen = Seen(control=math.inf, lost=[f"not measured: {error}"])
            yield fault, seen
            home.clock.set(0.0)
            if fault.spent or not stage.is_well():
                stage.__exit__()
                stage = None
    finally:
        if stage is not None:
            stage.__exit__()


def line(seen: Seen) -> str:
    """A fault of one time, for whoever waits."""
    control = "" if seen.control is None else cell([seen.control])
    return f"heard {cell([seen.heard]):>10}  control {control:>8}  said {len(seen.said)}  lost {', '.join(seen.lost)}"


def row(fault: Fault, seen: dict[str, list[Seen]]) -> dict[str, Any]:
    """Figures of a fault. Infinity is written as null. seen: by load."""
    every = [one for found in seen.values() for one in found]
    return {
        "fault": fault.name,
        "most_ms": fault.most_ms,
        "tells": fault.tells,
        "heard": {load: [_finite(one.heard) for one in found] for load, found in seen.items()},
        "control": {
            load: [_finite(one.control) for one in found if one.control is not None] for load, found in seen.items()
        },
        "announced": sum(bool(one.said) for one in every) / len(every),
        "said": list(dict.fromkeys(text for one in every for text in one.said))[:8],
        "lost": sorted({text for one in every for text in one.lost}),
        "misses": sorted({text for one in every for text in misses(fault, one)}),
    }


def _finite(value: float | str | None) -> float | str | None:
    return None if isinstance(value, float) and math.isinf(value) else value


def cell(values: Sequence[float | str | None]) -> str:
    """Median and worst, in ms; one of them where they are the same. None: it went on for ever."""
    words = [value for value in values if isinstance(value, str)]
    if words:
        return CUT if CUT in words else words[0]
    numbers = [math.inf if value is None else float(value) for value in values]
    if not numbers:
        return ""
    texts = ["never" if math.isinf(value) else f"{value:.0f}" for value in (median(numbers), max(numbers))]
    return " / ".join(dict.fromkeys(texts))


def section(figures: dict[str, Any]) -> str:
    rows = [
        [
            found["fault"],
            *(cell(found["heard"][load]) for load in figures["loads"]),
            "any" if found["most_ms"] is None else f"{found['most_ms']:.0f}",
            *(cell(found["control"][load]) for load in figures["loads"]),
            announced(found),
            lost(found["lost"]),
            ", ".join(found["misses"]) or "held",
        ]
        for found in figures["rows"]
    ]
    loads = figures["loads"]
    head = ["fault", *(f"heard, {one}" for one in loads), "at most", *(f"control, {one}" for one in loads)]
    n_held = sum(not found["misses"] for found in figures["rows"])
    skipped = [f"{name} ({why})" for name, why in figures["skipped"].items()]
    left_out = f"\n\nNot done on this machine: {'; '.join(skipped)}." if skipped else ""
    words = (
        f"{n_held} of {len(rows)} hold their targets. {figures['runs']} of each and load, in the order of seed "
        f"{figures['seed']}; busy is beside {figures['busy_processes']} processes at normal priority. Milliseconds, "
        "median / worst; `never` is at least 20 s."
    )
    return f"""{words}

{table([*head, "announced", "lost", "misses"], rows)}{left_out}"""


def announced(found: dict[str, Any]) -> str:
    """Where it was told, and how often where not always."""
    if not found["said"]:
        return "no" if found["tells"] else ""
    places = ", ".join(dict.fromkeys(text.partition(":")[0] for text in found["said"]))
    return places if found["announced"] == 1.0 else f"{places} ({found['announced']:.0%})"


def lost(names: Sequence[str]) -> str:
    """The first few; the rest is counted."""
    shown = [f"`{name}`" if name.startswith("/") else name for name in names[:3]]
    return ", ".join([*shown, f"{len(names) - 3} more"] if len(names) > 3 else shown) or "nothing"


BENCHMARK = Benchmark(file=__file__, minutes=75, on_demand=True, sections=(Section(text=section, page=RELIABILITY),))

if __name__ == "__main__":
    main()
