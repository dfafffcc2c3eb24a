"""The messages of a set, in time."""

from dataclasses import dataclass

from liveseq.osc.packets import Value


@dataclass(frozen=True)
class Message:
    """One message, to be sent so many seconds after the set has begun."""

    seconds: float
    address: str
    values: tuple[Value, ...]
