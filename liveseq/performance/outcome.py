"""What a command has led to."""

from collections.abc import MutableMapping
from dataclasses import dataclass, field

from liveseq.engine.events import Record
from liveseq.osc.packets import Arguments


@dataclass
class Outcome:
    """What is to be done and told after a command."""

    records: list[Record] = field(default_factory=list)
    """For the engine, in order."""
    changes: dict[str, Arguments] = field(default_factory=dict)
    """Address -> new value."""
    reply: Arguments = ()
    """What /done says beyond the address."""

    def change(self, values: MutableMapping[str, Arguments], address: str, value: Arguments) -> None:
        """Keep a new value."""
        values[address] = value
        self.changes[address] = value
