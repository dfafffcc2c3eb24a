"""A whole night in an hour: a set that grows, played from two controllers, with a fault every five minutes.

    python -m benchmarks.live.night [--minutes 60] [--every 5] [--seed 1] [--trial]

The stage of chaos: a real server on a JACK server with the dummy driver, recorded at its output. One controller sends
a new tag to layer 1 every two seconds, another one to layer 2; two tags grow by a generator of little work. Every few
minutes one of those faults is done to it that a set is to survive, each before any is repeated, in an order by seed.

It passes (exit status 0) where, outside of the faults, no silence is longer than 10 ms, every fault heals, and
descriptors, threads and shared memory are at the end what they were.

  gap          longest silence outside of the faults, to the sample, in ms
  underruns    blocks before which PortAudio reported one, whoever caused them; own: blocks that took longer to render
               than they last
  memory       of each process that has lived for a minute and more: private (resident less shared, so without mapped
               audio) at the first and the last look, and its growth per hour, within the lives of the processes that
               had the role, half a minute after their start. The conductor's has the index in it, which grows with the
               corpus: by a third of a kilobyte per unit
  descriptors, threads: of the processes that were there at the first and the last look; shared memory: of the whole
               server; log: of the state folder
"""

import json
import math
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import options
from benchmarks.faults.device import Device
from benchmarks.faults.family import MB, Resources, all_processes, engine_state, resources, shared_memory
from benchmarks.faults.fault import HEARD_MS, Fault, misses, suffer
from benchmarks.faults.home import Home
from benchmarks.faults.kinds import FAULTS
from benchmarks.faults.stage import Stage
from benchmarks.live.chaos import RELIABILITY, cell, order, why_not_here
from benchmarks.pages import table
from benchmarks.registry import Benchmark, Section
from benchmarks.rigs.controller import Controller
from benchmarks.rigs.noise_corpus import TAGS
from liveseq.corpus.store import Corpus

LOOK_SECONDS = 5.0
"""Between two looks."""
TAG_SECONDS = 2.0
YOUNG_SECONDS = 30.0
"""Of a process's life: until then it opens what it needs."""
OLD_SECONDS = 60.0
TAPE_SECONDS = 80.0
SPARE = 8
"""Descriptors and threads that may have come: of questions that are being answered."""
GROWS = TAGS[2:]


def main() -> None:
    parser = options.parser(__doc__, trial=True)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=5.0, help="minutes between two faults")
    parser.add_argument("--seed", type=int, default=1, help="of the order")
    arguments = parser.parse_args()
    healing = [fault for fault in FAULTS if fault.heals]
    figures = night(healing, minutes=arguments.minutes, every=arguments.every, seed=arguments.seed)
    print(json.dumps(figures, indent=1))
    if not arguments.trial:
        BENCHMARK.save(figures)
    sys.exit(bool(figures["why_not"]))


def night(faults: Sequence[Fault], *, minutes: float, every: float, seed: int) -> dict[str, Any]:
    """Figures of a set."""
    with tempfile.TemporaryDirectory(prefix="faults-home-") as folder, ExitStack() as stack:
        home = Home(Path(folder))
        stack.callback(home.close)
        device = stack.enter_context(Device(seconds=TAPE_SECONDS))
        stage = stack.enter_context(Stage(home, device))
        for tag in GROWS:
            stage.send("/liveseq/grow", tag, True)
        for number in (1, 2):
            stack.enter_context(Player(stage.server.port, layer=number))
        possible = [fault for fault in faults if not why_not_here(fault, device)]
        watch = Watch(stage)
        n_faults = math.ceil(minutes / every) - 1  # none at the end
        hurt = play(
            stage, watch, order(possible, runs=-(-n_faults // len(possible)), seed=seed)[:n_faults], every=every
        )
        watch.until(60.0 * minutes)
        figures = {"minutes": minutes, "every": every, "heard": device.is_heard, "faults": hurt, **watch.figures()}
    return figures | {"why_not": why_not(figures)}


def play(stage: Stage, watch: "Watch", faults: Sequence[Fault], *, every: float) -> list[dict[str, Any]]:
    """Does the faults in their time. Returns a row of each."""
    rows = []
    for number, fault in enumerate(faults, start=1):
        watch.until(60.0 * every * number)
        watch.look()
        seen = suffer(stage, fault, moving=("/tag", "/tags"))
        print(f"minute {watch.seconds / 60.0:5.1f}  {fault.name}: heard {cell([seen.heard])}", flush=True)
        watch.go_on()
        heard, control = (None if value == math.inf else value for value in (seen.heard, seen.control))
        rows.append(
            {
                "fault": fault.name,
                "minute": watch.seconds / 60.0,
                "heard": heard,
                "control": control,
                "lost": seen.lost,
                "misses": misses(fault, seen),
            }
        )
    return rows


class Player(threading.Thread):
    """A controller that sends a new tag to its layer every two seconds, while the context lasts."""

    def __init__(self, port: int, *, layer: int) -> None:
        super().__init__(daemon=True)
        self._port, self._layer = port, layer
        self._ended = threading.Event()

    def __enter__(self) -> "Player":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        number = self._layer
        with Controller(self._port) as controller:
            while not self._ended.wait(TAG_SECONDS):
                number += 1
                controller.send(f"/liveseq/layer/{self._layer}/tag", TAGS[number % len(TAGS)])


@dataclass
class Look:
    """A server at a moment."""

    seconds: float
    """Since the set began."""
    processes: dict[str, Resources]
    shared: int
    """Pieces of shared memory."""
    log_mb: float


@dataclass
class Watch:
    """Looks at a server every few seconds, and listens in between."""

    stage: Stage
    looks: list[Look] = field(default_factory=list)
    gaps_ms: list[float] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._heard = time.monotonic_ns()  # until then
        self._units = _n_units(self.stage.corpus)
        self._status = self.stage.status()
        self._slow = self._n_slow()
        self.look()

    @property
    def seconds(self) -> float:
        """Since the set began."""
        return time.monotonic() - self.began

    def until(self, seconds: float) -> None:
        """Look again and again, until so many seconds after the begin."""
        while (left := seconds - self.seconds) > 0.0:
            time.sleep(min(left, LOOK_SECONDS))
            self.look()

    def look(self) -> None:
        """Now, and at the sound since the last time."""
        pids = all_processes(self.stage.server.pid)
        state = sum(file.stat().st_size for file in self.stage.state.path.glob("*")) / MB
        shared = len(shared_memory(pids))
        self.looks.append(Look(self.seconds, resources(self.stage.family()), shared, state))
        if self.stage.is_heard:
            now = time.monotonic_ns() - 20_000_000  # what is being written is not there yet
            self.gaps_ms.append(self.stage.gap_ms(self._heard, until=now, patience=0.0))
            self._heard = now

    def go_on(self) -> None:
        """After a fault, whose silence is its own."""
        self._heard = time.monotonic_ns()

    def figures(self) -> dict[str, Any]:
        status, first, last = self.stage.status(), self.looks[0], self.looks[-1]
        stayed = first.processes.keys() & last.processes.keys()
        return {
            "gap_ms": max(self.gaps_ms, default=0.0),
            "gaps": sum(gap > HEARD_MS for gap in self.gaps_ms),
            **{name: status.get(name, 0) - self._status.get(name, 0) for name in ("xruns", "late", "dropped")},
            "own_underruns": self._n_slow() - self._slow,
            "grown_units": _n_units(self.stage.corpus) - self._units,
            "memory": memory(self.looks),
            "descriptors": [sum(look.processes[role].descriptors for role in stayed) for look in (first, last)],
            "threads": [sum(look.processes[role].threads for role in stayed) for look in (first, last)],
            "shared": [first.shared, last.shared],
            "log_mb": last.log_mb,
        }

    def _n_slow(self) -> int:
        with engine_state(all_processes(self.stage.server.pid)) as state:
            return state.read_pulse().slow if state else 0


def memory(looks: Sequence[Look]) -> dict[str, dict[str, float]]:
    """Private MB of each role at the first and last look, and MB per hour within the lives of its processes."""
    found = {}
    for role in sorted({role for look in looks for role in look.processes}):
        lives: dict[int, list[tuple[float, float]]] = {}
        for look in looks:
            if (one := look.processes.get(role)) is not None:
                lives.setdefault(one.pid, []).append((look.seconds, one.private_mb))
        every = [point for life in lives.values() for point in life]
        found[role] = {
            "first_mb": every[0][1],
            "last_mb": every[-1][1],
            "mb_per_hour": round(3600.0 * slope([np.array(life) for life in lives.values()]), 3),
        }
    return found


def slope(lives: Sequence[np.ndarray]) -> float:
    """Growth per second that all lives share, each from a level of its own: float64 (n, 2) of seconds and amount."""
    above = below = 0.0
    for life in lives:
        grown = life[life[:, 0] >= life[0, 0] + YOUNG_SECONDS]
        if len(grown) < 2 or np.ptp(life[:, 0]) < OLD_SECONDS:
            continue
        seconds, amount = (grown - grown.mean(axis=0)).T
        above += float(seconds @ amount)
        below += float(seconds @ seconds)
    return above / below if below else 0.0


def _n_units(corpus: Path) -> int:
    with Corpus.open(corpus) as opened:
        return sum(source.n_units for source in opened.sources())


def why_not(figures: dict[str, Any]) -> list[str]:
    """Reasons to call it a bad night."""
    why = []
    if figures["gap_ms"] > HEARD_MS:
        why.append(f"{figures['gap_ms']:.0f} ms of silence that no fault made")
    for row in figures["faults"]:
        if row["heard"] is None or row["control"] is None:
            why.append(f"{row['fault']}: it does not heal")
        why += [f"{row['fault']}: lost {name}" for name in row["lost"]]
    for name in ("descriptors", "threads"):
        first, last = figures[name]
        if last > first + SPARE:
            why.append(f"{name}: {first} have become {last}")
    first, last = figures["shared"]
    if last > first:
        why.append(f"shared memory: {first} pieces have become {last}")
    return why


def section(figures: dict[str, Any]) -> str:
    words = {
        "gap_ms": "longest silence outside of the faults, ms",
        "xruns": "blocks before which PortAudio reported an underrun, whoever caused it",
        "own_underruns": "blocks that took longer to render than they last",
        "late": "late events",
        "dropped": "dropped",
        "grown_units": "units that grew",
        "log_mb": "state folder at the end, MB",
    }
    rows = [[text, figures[key]] for key, text in words.items()]
    for key, text in (("descriptors", "descriptors"), ("threads", "threads"), ("shared", "pieces of shared memory")):
        rows.append([f"{text}, first and last look", " / ".join(map(str, figures[key]))])
    memories = [[role, one["first_mb"], one["last_mb"], one["mb_per_hour"]] for role, one in figures["memory"].items()]
    faults = [
        [
            f"{row['minute']:.0f}",
            row["fault"],
            cell([row["heard"]]),
            cell([row["control"]]),
            ", ".join(row["misses"]) or "held",
        ]
        for row in figures["faults"]
    ]
    verdict = "; ".join(figures["why_not"]) or "passed"
    return f"""{figures["minutes"]:g} minutes, a fault every {figures["every"]:g}. Verdict: **{verdict}**.

{table(["", ""], rows)}

{table(["process", "private MB, first", "last", "MB per hour"], memories)}

{table(["minute", "fault", "heard, ms", "control, ms", "misses"], faults)}"""


BENCHMARK = Benchmark(file=__file__, minutes=62, on_demand=True, sections=(Section(text=section, page=RELIABILITY),))

if __name__ == "__main__":
    main()
