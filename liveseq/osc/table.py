"""The one table of everything that can be said to the server, and by it.

OSC dispatch, checks, the state dump, docs/osc.md and the tests are made from it, so that they cannot drift apart.
"""

from dataclasses import dataclass

from liveseq.osc.packets import PREFIX
from liveseq.osc.parameter import Parameter, Scope
from liveseq.osc.rows.generating import GENERATING
from liveseq.osc.rows.planning import PLANNING
from liveseq.osc.rows.playing import PLAYING
from liveseq.osc.rows.session import SESSION

PARAMETERS: tuple[Parameter, ...] = (*PLAYING, *PLANNING, *GENERATING, *SESSION)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: a parameter at one address."""

    address: str
    parameter: Parameter
    layer: int | None
    """None for a global address."""


def addresses(n_layers: int) -> dict[str, Row]:
    """The table spread out over the layers: full address -> row."""
    found = {}
    for parameter in PARAMETERS:
        if parameter.scope is not Scope.LAYER:
            found[f"{PREFIX}/{parameter.path}"] = Row(f"{PREFIX}/{parameter.path}", parameter, None)
        if parameter.scope is not Scope.GLOBAL:
            for layer in range(1, n_layers + 1):
                address = f"{PREFIX}/layer/{layer}/{parameter.path}"
                found[address] = Row(address, parameter, layer)
    return found
