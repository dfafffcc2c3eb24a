"""A checked message, and what the desk needs of whoever runs it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from liveseq.conductor.worker import Worker
from liveseq.errors import OscError
from liveseq.osc.clients import Client, Target
from liveseq.osc.packets import Arguments
from liveseq.osc.parameter import Kind
from liveseq.osc.table import Row


@dataclass(slots=True)
class Command:
    """A checked message for one address. due: monotonic time of its timetag, 0 for at once."""

    row: Row
    arguments: Arguments
    asks: bool
    clipped: bool
    ident: str
    client: Client
    due: float = 0.0

    @property
    def merges(self) -> bool:
        """Whether a later one to the same address makes this one needless."""
        parameter = self.row.parameter
        return parameter.kind is Kind.SET and parameter.merges and not self.ident and not self.asks


Answer = Callable[[Command, float], None]
"""What obeys a path: called with the command and the time; raises OscError."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the desk needs of the conductor."""

    send: Callable[[bytes, Target], None]
    act_at: Callable[[float], int]
    """Due time (monotonic seconds, 0 = now) -> the sample from which a command acts."""
    engine_seconds: Callable[[], float]
    status: Callable[[], Arguments]
    record: Callable[[dict[str, Any]], None]
    """Keeps a line of the flight recorder."""
    quit: Callable[[], None]
    worker: Worker
    """Prepares what takes long."""
    early: float
    """Seconds before its time at which a scheduled command is obeyed; the sample clock does the rest."""


def asked_layer(arguments: Arguments, place: int, *, n_layers: int) -> int:
    """A layer that may come as the argument of this number; 1 where it does not. Raises OscError."""
    layer = int(arguments[place]) if len(arguments) > place else 1  # type: ignore[arg-type]
    if layer > n_layers:
        raise OscError("out_of_range", f"layer: expected 1 to {n_layers}, found {layer}")
    return layer
