"""Values that a performance keeps, one for each address of the parameter table that has one. Pure."""

from collections.abc import Iterable

from liveseq.osc.packets import PREFIX, Arguments
from liveseq.osc.parameter import Kind, Scope
from liveseq.osc.table import Row
from liveseq.performance.outcome import Outcome


class Values(dict[str, Arguments]):
    """Address -> value, as a message has set it; the parameter's default before."""

    def __init__(self, rows: Iterable[Row], *, n_layers: int) -> None:
        super().__init__({row.address: row.parameter.default for row in rows if row.parameter.kind is Kind.SET})
        self._layers = range(1, n_layers + 1)

    def keep(self, address: str, value: Arguments, outcome: Outcome) -> None:
        """Keep a value that a command has set."""
        self[address] = outcome.changes[address] = value

    def spread(self, row: Row, value: Arguments, outcome: Outcome) -> list[int]:
        """Keep the value of an address, and that of every layer where it is a global one of the scope BOTH. Returns the
        layers that it is for."""
        self.keep(row.address, value, outcome)
        if row.layer is None:
            assert row.parameter.scope is Scope.BOTH
            for layer in self._layers:
                self.keep(f"{PREFIX}/layer/{layer}/{row.parameter.path}", value, outcome)
        return self.layers_of(row)

    def layers_of(self, row: Row) -> list[int]:
        """Layers that an address is for: all, where it is a global one."""
        return list(self._layers) if row.layer is None else [row.layer]
