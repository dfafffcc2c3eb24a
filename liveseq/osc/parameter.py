"""Parameters: what a message does, its arguments, their types, units and ranges, and where it applies."""

import math
from dataclasses import dataclass
from enum import StrEnum

from liveseq.osc.packets import Value

SILENCE_DB = -90.0
"""A gain of this much, or less, is silence."""


class Kind(StrEnum):
    """Kind of a message."""

    SET = "set"
    """Idempotent. With no arguments it asks for the value. The last of several in one packet wins."""
    TRIGGER = "trigger"
    """Does something. A button that is let go does nothing."""
    QUERY = "query"
    """Asks for something."""
    PUSH = "push"
    """Sent by the server to those who subscribe."""


class Scope(StrEnum):
    """Place of a parameter."""

    GLOBAL = "global"
    LAYER = "layer"
    """/liveseq/layer/<n>/..."""
    BOTH = "both"
    """At both addresses; the global one is for all layers at once."""


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One argument of a message."""

    name: str
    type: str
    """OSC type: f, i, s; b for a truth value (T, F, 0 or 1); blob; si for either of two."""
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    optional: bool = False

    @property
    def is_free(self) -> bool:
        """Whether it takes any text: a name, and so a number too."""
        return self.type == "s" and not self.choices

    @property
    def range(self) -> str:
        """Choices or limits in words; empty where there are none."""
        if self.choices:
            return " ".join(self.choices)
        if math.isfinite(self.low):
            return f"{self.low:.10g} to {self.high:.10g}" if math.isfinite(self.high) else f"from {self.low:.10g}"
        return ""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A message: what it does, and what it takes."""

    path: str
    """Below /liveseq, or below /liveseq/layer/<n>."""
    kind: Kind
    description: str
    arguments: tuple[Argument, ...] = ()
    scope: Scope = Scope.GLOBAL
    default: tuple[Value, ...] = ()
    """Value of a SET, before anybody has set it."""
    clip: bool = False
    """Whether a number out of range is moved to the nearest end, and said back; otherwise it is refused."""
    repeats: bool = False
    """Whether the arguments may come several times."""
    merges: bool = True
    """Whether of several in one packet or tick the last one is enough."""
    prepared: bool = False
    """Whether something has to be read or computed first, beside the music; it acts when that is done."""
    reply: str = ""
    """Arguments of the answer, for the documentation."""


def number(
    name: str, unit: str = "", low: float = -math.inf, high: float = math.inf, *, optional: bool = False
) -> Argument:
    """A number."""
    return Argument(name=name, type="f", unit=unit, low=low, high=high, optional=optional)


def whole(
    name: str, unit: str = "", low: float = -math.inf, high: float = math.inf, *, optional: bool = False
) -> Argument:
    """A whole number."""
    return Argument(name=name, type="i", unit=unit, low=low, high=high, optional=optional)


def text(name: str, *choices: str, optional: bool = False) -> Argument:
    """A text, any or one of the choices."""
    return Argument(name=name, type="s", choices=choices, optional=optional)


def truth(name: str) -> Argument:
    """A truth value."""
    return Argument(name=name, type="b")


def blob(name: str, unit: str = "", *, optional: bool = False) -> Argument:
    """Bytes."""
    return Argument(name=name, type="blob", unit=unit, optional=optional)


def knob(path: str, argument: Argument, default: Value, description: str, *, clip: bool = True) -> Parameter:
    """A setting of the sequencer: per layer, and for all at once."""
    return Parameter(
        path=path,
        kind=Kind.SET,
        scope=Scope.BOTH,
        arguments=(argument,),
        default=(default,),
        clip=clip,
        description=description,
    )
