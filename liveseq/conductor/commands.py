"""A checked message, and who obeys it."""

from collections.abc import Callable
from dataclasses import dataclass

from liveseq.osc.clients import Client
from liveseq.osc.packets import Arguments
from liveseq.osc.parameter import Kind
from liveseq.osc.table import Row


@dataclass(slots=True)
class Command:
    """A checked message for one address."""

    row: Row
    arguments: Arguments
    asks: bool
    """Whether it asks for the value, and sets none."""
    clipped: bool
    """Whether an argument was out of range and has been moved to its end."""
    ident: str
    """Said back in the answer; empty where there is none."""
    client: Client
    due: float = 0.0
    """Monotonic time of its timetag; 0: at once."""

    @property
    def merges(self) -> bool:
        """Whether a later one to the same address makes this one needless."""
        parameter = self.row.parameter
        return parameter.kind is Kind.SET and parameter.merges and not self.ident and not self.asks


Handler = Callable[[Command, float], None]
"""Obeys the commands of one path: called with the command and the time; raises OscError."""
