"""A style: the choices of its plan, its players, and how they play."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from liveseq.demo.ensemble.planning import Grounds
from liveseq.demo.ensemble.score import Feel


@dataclass(frozen=True, kw_only=True)
class Seat:
    """A part that a style has, before anybody sits on it."""

    role: str
    """One of ROLES."""
    players: tuple[str, ...]
    """Instruments that may play it."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the role; a tuple of texts is a choice."""
    register: tuple[int, int] = (0, 127)
    """MIDI numbers that it keeps between, as far as the instrument goes."""
    level_db: float = 0.0
    pan: float = 0.0
    send: float = 0.4
    legato: bool = False
    chance: float = 1.0
    """How often it is there at all."""
    same: int | None = None
    """Index of an earlier seat whose player plays this one too (the other hand), or whose family it shares."""


@dataclass(frozen=True, kw_only=True)
class Style:
    """One kind of music."""

    name: str
    grounds: Grounds
    seats: tuple[Seat, ...]
    feels: tuple[Feel, ...]
    rooms: tuple[str, ...]
    tags: tuple[str, ...] = ()
    """Beside its name."""


ACOUSTIC = Feel(loose=0.008, touch=0.06, rubato=0.02, slows=True)
STEADY = Feel(loose=0.006, touch=0.05, slows=True)
GROOVE = Feel(loose=0.005, touch=0.06)
MACHINE = Feel(loose=0.0012, touch=0.03)

PADS = ("warm pad", "glass pad", "polysynth", "halo pad", "bowed pad", "sweep pad", "slow strings")


def seat(role: str, *players: str, **rest: Any) -> Seat:
    """Short for a Seat; what is no field of it is an option of the role."""
    fields = {name: rest.pop(name) for name in list(rest) if name in Seat.__dataclass_fields__}
    return Seat(role=role, players=players, options=rest, **fields)
