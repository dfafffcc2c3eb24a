"""A fault that is done to a stage, and what was seen: heard, control back, announced, lost."""

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from benchmarks.faults.family import is_running
from benchmarks.faults.stage import Setting, Stage

PATIENCE = 20.0
"""Seconds after which something is said never to come back."""
HEARD_MS = 10.0
"""Silence that is none: three blocks and less are dropped by JACK itself where other processes have the cores."""
CONTROL_MS = 2000.0
"""Time in which a tag has to be answered again, and whoever died has to be there again."""
FADES, CUT = "fades", "cut"
UNHEARD = "not heard"

Act = Callable[[Stage], None]


def nothing(_: Stage) -> None:
    """Does nothing."""


@dataclass
class Seen:
    """A fault's row, of one time."""

    heard: float | str = UNHEARD
    """Longest silence in ms, infinity where it went on; or whether the end was a fade."""
    control: float | None = None
    """Longest time in ms that a tag waited, infinity for ever; None where the server was to end."""
    said: list[str] = field(default_factory=list)
    """Where and how the server told of it."""
    lost: list[str] = field(default_factory=list)
    """Settings that are others than before, and what else is gone."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A kind of fault. All that is called gets the stage."""

    name: str
    act: Act = nothing
    before: Act = nothing
    """What has to be wrong before it, and before the performer turns the last knobs."""
    mend: Act = nothing
    seconds: float = 4.0
    """Time for which it is watched."""
    patience: float = PATIENCE
    measure: Callable[[Stage, "Fault"], tuple[float | str, float | None]] | None = None
    """Heard and control, where both are measured in a way of its own; it acts too."""
    back: str = ""
    """Role of a process that has to be there again before control is."""
    after: Act = nothing
    """Looks for what else is lost."""
    setting: Setting = Setting.USUAL
    most_ms: float | None = 0.0
    """Silence that is allowed; None: any."""
    control_ms: float = CONTROL_MS
    """Time without control that is allowed."""
    tells: bool = True
    """Whether there is something to tell, and somebody who could hear of it."""
    sets: str = ""
    """Part of the addresses that it sets itself."""
    needs_disk: bool = False
    needs_device: bool = False
    spent: bool = False
    """The server is of no use afterwards."""
    heals: bool = False
    """Whether it is done to a set that is to go on."""


def suffer(stage: Stage, fault: Fault, *, moving: tuple[str, ...] = ()) -> Seen:
    """Does it, and looks. moving: ends of addresses that somebody else sets meanwhile."""
    counts, heard = stage.counts(), [(lines, len(lines)) for lines in (stage.server.errors, stage.hearing.warnings)]
    stage.said, stage.lost = [], []
    began = time.monotonic_ns()
    fault.before(stage)
    stage.turn()
    settings = stage.settings()
    hurt, acted = stage.family().get(fault.back), time.monotonic()
    seen = Seen()
    if fault.measure:
        seen.heard, seen.control = fault.measure(stage, fault)
    else:
        with ThreadPoolExecutor(1) as beside:
            fault.act(stage)
            back = beside.submit(_back_ms, stage, fault, hurt, acted)
            seen.control = stage.control_ms(seconds=fault.seconds, patience=fault.patience)
            if math.isinf(seen.control):
                stage.lost.append("control")
            else:
                seen.control = max(seen.control, back.result())
                stage.lost += [f"the {fault.back}"] * math.isinf(seen.control)
        if stage.is_heard:
            seen.heard = stage.gap_ms(began, patience=2.0 if math.isinf(seen.control) else fault.patience)
    if seen.control is not None and "control" not in stage.lost:
        after = stage.settings()
        kept = [key for key in settings if not (_own(key, fault) or key.endswith(moving))]
        stage.lost += [key for key in kept if after.get(key) != settings[key]]
        stage.said += [f"status: {name} {n}" for name, n in stage.counts().items() if n > counts.get(name, 0)]
    for where, (lines, n) in zip(("stderr", "/log"), heard, strict=True):
        stage.said += [f"{where}: {line}" for line in lines[n:]]
    fault.after(stage)
    seen.said, seen.lost = list(dict.fromkeys(stage.said)), stage.lost
    fault.mend(stage)
    return seen


def _own(address: str, fault: Fault) -> bool:
    return bool(fault.sets) and fault.sets in address


def _back_ms(stage: Stage, fault: Fault, hurt: int | None, acted: float) -> float:
    """Time until another process of that role is there, in ms; 0 where none has to be."""
    if not fault.back:
        return 0.0
    while time.monotonic() - acted < fault.patience:
        found = stage.family().get(fault.back)
        if found not in (None, hurt) and is_running(found):
            return 1e3 * (time.monotonic() - acted)
        time.sleep(0.1)
    return math.inf


def misses(fault: Fault, seen: Seen) -> list[str]:
    """Targets that were missed."""
    found = []
    most = math.inf if fault.most_ms is None else fault.most_ms + HEARD_MS
    if seen.heard in (CUT, math.inf) or (isinstance(seen.heard, float) and seen.heard > most):
        found.append("heard")
    if seen.control is not None and seen.control > fault.control_ms:
        found.append("control")
    if fault.tells and not seen.said:
        found.append("announced")
    if seen.lost:
        found.append("lost")
    return found
