"""Controllers as they are: their buttons say something when they are let go too, and they send more than was meant.

TouchOSC, Lemur, Companion and their like cannot send an address without an argument.
"""

import math
import re
from collections.abc import Sequence

from liveseq.osc.packets import Value
from liveseq.osc.parameter import Argument, Kind, Parameter

BUTTON = "a button's (any number, T, bang)"
"""Values that an address without an argument may be given."""
_WORDS = {"bang": True, "true": True, "t": True, "on": True, "false": False, "f": False, "off": False}
_CHATTER = re.compile(r"/ping|/accxyz|/\d+|.+/z")


def is_chatter(address: str) -> bool:
    """Whether TouchOSC sends this by itself: that it is there, how it is held, the page that is shown, a finger that
    touches a control or leaves it.

    >>> [is_chatter(address) for address in ("/ping", "/1", "/liveseq/play/z", "/liveseq/ping", "/1/fader1")]
    [True, True, True, False, False]
    """
    return _CHATTER.fullmatch(address) is not None


def pressed(parameter: Parameter, values: Sequence[Value]) -> bool | None:
    """Whether a button that sends these is down. None where they are no button's, or the address takes them as they
    are."""
    if len(values) != 1 or parameter.kind is Kind.SET or not all(one.optional for one in parameter.arguments):
        return None
    [value] = values
    if parameter.arguments and _takes(parameter.arguments[0], value):
        return None
    return _is_down(value)


def _takes(argument: Argument, value: Value) -> bool:
    """Whether this is no button: the argument is meant."""
    if isinstance(value, bool):
        return argument.type == "b"
    return isinstance(value, {"s": str, "blob": bytes}.get(argument.type, int | float))


def _is_down(value: Value) -> bool | None:
    if value is None:  # nil, or an impulse
        return True
    if isinstance(value, str):
        word = value.strip().casefold()
        if word in _WORDS:
            return _WORDS[word]
        try:
            value = float(word)
        except ValueError:
            return None
    if isinstance(value, bytes) or not math.isfinite(value):
        return None
    return value != 0
