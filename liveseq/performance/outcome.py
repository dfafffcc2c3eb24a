"""A command to a performance, and its outcome."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from liveseq.engine.events import Record
from liveseq.osc.packets import Arguments
from liveseq.osc.table import Row


@dataclass
class Outcome:
    """Everything that is to be done and told after a command."""

    records: list[Record] = field(default_factory=list)
    """Records for the engine, in order."""
    changes: dict[str, Arguments] = field(default_factory=dict)
    """Address -> new value."""
    reply: Arguments = ()
    """Arguments of /done beyond the address."""


@dataclass(frozen=True, slots=True)
class Request:
    """A checked command, and the outcome that its handler fills."""

    row: Row
    arguments: Arguments
    at: int
    """Sample clock from which on it acts."""
    outcome: Outcome


Handlers = Mapping[str, Callable[[Request], None]]
"""Path -> handler. It raises OscError; then nothing has changed."""
