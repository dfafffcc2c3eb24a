"""Timed messages: what a set is told without a server, and when.

Each is checked against the parameter table, as the desk checks what comes in live. What needs a server (an input
device, somebody to answer) is refused by name.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from liveseq.engine.events import MAX_LAYERS
from liveseq.errors import ConfigError, OscError
from liveseq.offline.wording import Wording, full
from liveseq.osc.buttons import pressed
from liveseq.osc.checks import check, suggestion
from liveseq.osc.packets import PREFIX, Arguments, Value
from liveseq.osc.parameter import Kind
from liveseq.osc.pattern import is_pattern, select
from liveseq.osc.table import Row, addresses

_NO_INPUT = "there is no input device; seed/file continues a recording of one"
_NO_GROWTH = "the corpus does not grow meanwhile; `liveseq generate --into CORPUS` lets it grow before"
_NOBODY = "there is nobody to tell"
LIVE_ONLY = {
    "seed/input": _NO_INPUT,
    "listen": _NO_INPUT,
    "query/calibrate": _NO_INPUT,
    "corpus/record": _NO_INPUT,
    "corpus/remove": "the corpus does not change meanwhile; `liveseq corpus remove` changes it before",
    "generate": _NO_GROWTH,
    "generate/cancel": _NO_GROWTH,
    "grow": _NO_GROWTH,
    "grow/minutes": _NO_GROWTH,
    "output": "a take goes to the file that --out names",
    "osc/dump": _NOBODY,
    "log/level": _NOBODY,
    "sched/clear": "nothing waits here for its time",
    "quit": "a take is as long as --seconds says",
}
"""Path -> why a message that changes something live changes nothing here."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TimedMessage:
    """A checked message, and when it is sent."""

    seconds: float
    """From the beginning of the take."""
    row: Row
    arguments: Arguments
    where: str
    """Names it in an error."""

    @property
    def layer(self) -> int:
        """Layer that it is for, by its address or as an argument; 1 where it names none."""
        places = [place for place, one in enumerate(self.row.parameter.arguments) if one.name == "layer"]
        named = [self.arguments[place] for place in places if place < len(self.arguments)]
        return self.row.layer or (int(named[0]) if named else 1)  # type: ignore[arg-type]


def message(seconds: float, address: str, *arguments: Value) -> TimedMessage:
    """A message of a program. address: with or without /liveseq. Raises OscError."""
    [row] = _rows(full(address), addresses(MAX_LAYERS))
    checked, _ = check(row.parameter, arguments)
    return TimedMessage(seconds, row, checked, row.address)


def understood(
    wordings: Sequence[Wording], *, end: float, is_tag: Callable[[str], bool] = lambda _: False
) -> list[TimedMessage]:
    """Messages in order of time, those of one time as they were written. end: seconds of the take. is_tag: see `check`.

    Raises ConfigError for the first that does not exist, does not fit, comes too late, or needs a server.
    """
    every = addresses(MAX_LAYERS)
    plain = [None if is_pattern(one.address) else list(_messages(one, every, is_tag)) for one in wordings]
    there = addresses(n_layers_of([one for some in plain for one in some or ()]))  # what a pattern can reach
    messages = [
        message
        for wording, found in zip(wordings, plain, strict=True)
        for message in (_messages(wording, there, is_tag) if found is None else found)
    ]
    for one in messages:
        if not 0.0 <= one.seconds < end:
            when = f"expected a time before the take's end at {end:g} s"
            raise ConfigError(f"{one.where}: {when}, found {one.seconds:g}")
    return sorted(messages, key=lambda one: one.seconds)


def n_layers_of(messages: Sequence[TimedMessage]) -> int:
    """Layers that are needed for messages: the highest that one names."""
    return max((one.layer for one in messages), default=1)


def _messages(wording: Wording, table: Mapping[str, Row], is_tag: Callable[[str], bool]) -> Iterator[TimedMessage]:
    """One, several where its address is a pattern, none for a button that is let go. Raises ConfigError."""
    try:
        for row in _rows(wording.address, table):
            parameter, values = row.parameter, wording.values(row.parameter)
            if parameter.kind is Kind.SET and not values:
                raise OscError("bad_args", f"{row.address} without a value asks for it: there is nobody to answer")
            if pressed(parameter, values) is False:
                continue
            checked, clipped = check(parameter, values, is_tag=is_tag)
            if clipped and not wording.clips:
                raise OscError("out_of_range", f"expected {parameter.arguments[0].range}")
            if clipped:
                log.warning("%s: %s is moved to %s", wording.where, _said(values), _said(checked))
            yield TimedMessage(wording.seconds, row, checked, wording.where)
    except OscError as error:
        raise ConfigError(f"{wording.where}: {error}") from None


def _rows(address: str, table: Mapping[str, Row]) -> list[Row]:
    """Rows of the table that an address or a pattern means. Raises OscError, with the reason, where it is none of
    those that play without a server."""
    if is_pattern(address):
        settable = [one for one, row in table.items() if row.parameter.kind is Kind.SET and not _why_not(row)]
        if not (found := select(address, settable)):
            raise OscError("unknown_address", f"no value matches {address[:64]}; patterns reach values only")
        return [table[one] for one in found]
    layer = re.match(rf"{PREFIX}/layer/(\d+)(/|$)", address)
    if layer and not 1 <= int(layer[1]) <= MAX_LAYERS:
        raise OscError("unknown_address", f"layer: expected 1 to {MAX_LAYERS}, found {layer[1][:20]}")
    row = table.get(address)
    if row is None:
        raise OscError("unknown_address", f"unknown address {address[:64]}; {suggestion(address, table)}")
    if why := _why_not(row):
        raise OscError("not_ready", f"{address} works only live: {why}")
    return [row]


def _said(values: Sequence[Value]) -> str:
    return " ".join(map(str, values))


def _why_not(row: Row) -> str:
    """Why a message does nothing without a server; empty where it does something."""
    if row.parameter.kind is Kind.PUSH:
        return "a server sends it"
    if row.parameter.kind is Kind.QUERY:
        return "there is nobody to answer"
    return LIVE_ONLY.get(row.parameter.path, "")
