"""Checks of messages against the parameter table, and hints at what a sender may have meant."""

import difflib
import math
import re
from collections.abc import Iterable, Mapping, Sequence

from liveseq.errors import OscError
from liveseq.osc.packets import PREFIX, Arguments, Value
from liveseq.osc.parameter import Argument, Parameter
from liveseq.osc.table import Row


def check(parameter: Parameter, values: Sequence[Value]) -> tuple[tuple[Value, ...], bool]:
    """The arguments as the table wants them, and whether one was clipped. Raises OscError: bad_args, out_of_range."""
    if parameter.repeats:
        return _check_repeated(parameter, values)
    wanted = parameter.arguments
    n_needed = sum(not argument.optional for argument in wanted)
    if not n_needed <= len(values) <= len(wanted):
        raise OscError("bad_args", f"{_usage(parameter)}; found {_count(len(values))}")
    checked: list[Value] = []
    clipped = False
    for argument, value in zip(wanted, values, strict=False):
        good = _convert(argument, value, parameter)
        ranged = _in_range(argument, good, parameter)
        clipped = clipped or ranged != good
        checked.append(ranged)
    return tuple(checked), clipped


def _check_repeated(parameter: Parameter, values: Sequence[Value]) -> tuple[tuple[Value, ...], bool]:
    """Text and number pairs; a number that is left out is 1."""
    text, number = parameter.arguments
    checked: list[Value] = []
    for value in values:
        if isinstance(value, str) or len(checked) % 2 == 0:
            if len(checked) % 2:
                checked.append(1.0)
            checked.append(_in_range(text, _convert(text, value, parameter), parameter))
        else:
            checked.append(_in_range(number, _convert(number, value, parameter), parameter))
    if len(checked) % 2:
        checked.append(1.0)
    return tuple(checked), False


def _convert(argument: Argument, value: Value, parameter: Parameter) -> Value:
    """Int for float, a whole float for int, and 0 or 1 for a truth value are taken: senders differ."""
    if isinstance(value, float) and not math.isfinite(value):
        raise OscError("bad_args", f"{argument.name}: expected a number, found {value}")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if "s" in argument.type and isinstance(value, str):
        return value
    if argument.type == "f" and number:
        return float(value)  # type: ignore[arg-type]
    if "i" in argument.type and number and value == int(value):  # type: ignore[arg-type]
        return int(value)
    if argument.type == "b" and value in (0, 1) and value is not None:
        return bool(value)
    if argument.type == "blob" and isinstance(value, bytes):
        return value
    found = repr(value) if not isinstance(value, bytes) else f"a blob of {len(value)} bytes"
    raise OscError("bad_args", f"{argument.name}: {_usage(parameter)}; found {found[:80]}")


def _in_range(argument: Argument, value: Value, parameter: Parameter) -> Value:
    if argument.choices and value not in argument.choices:
        raise OscError(
            "out_of_range", f"{argument.name}: expected {' or '.join(argument.choices)}, found {value!r:.80}"
        )
    if isinstance(value, bool) or not isinstance(value, int | float) or argument.low <= value <= argument.high:
        return value
    if not parameter.clip:
        raise OscError("out_of_range", f"{argument.name}: expected {argument.range}, found {value:.10g}")
    return type(value)(min(max(value, argument.low), argument.high))


def _count(n: int) -> str:
    return "no argument" if n == 0 else "1 argument" if n == 1 else f"{n} arguments"


def _usage(parameter: Parameter) -> str:
    words = [f"[{a.type}:{a.name}]" if a.optional else f"{a.type}:{a.name}" for a in parameter.arguments]
    return f"expected {' '.join(words) or 'no argument'}{' ...' if parameter.repeats else ''}"


def layer_argument(arguments: Arguments, place: int, *, n_layers: int) -> int:
    """The layer that the argument of this number says, from 1; 1 where it was left out. Raises OscError."""
    layer = int(arguments[place]) if len(arguments) > place else 1  # type: ignore[arg-type]
    if layer > n_layers:
        raise OscError("out_of_range", f"layer: expected 1 to {n_layers}, found {layer}")
    return layer


def suggestion(address: str, known: Mapping[str, Row]) -> str:
    """A hint at the address that the sender of an unknown one may have meant."""
    near_limit = address[:64]  # comparing takes time in proportion to both lengths
    for end in (" ", ",", "="):
        head = near_limit.split(end)[0]
        if head != near_limit and head in known:
            return f"{head} takes its arguments after the address, not inside it"
    parent = near_limit.rpartition("/")[0]
    if parent in known and known[parent].parameter.arguments:
        return f"did you mean {parent} with {near_limit[len(parent) + 1 :]!r} as an argument?"
    n_layers = max(row.layer or 0 for row in known.values())
    layer = re.match(rf"{PREFIX}/layer/(\d+)(/|$)", near_limit)
    if layer and not 1 <= int(layer[1]) <= n_layers:
        return f"this server has {n_layers} layer{'s' * (n_layers > 1)} (--layers)"
    if not near_limit.startswith(f"{PREFIX}/"):
        near_limit = f"{PREFIX}/{near_limit.lstrip('/')}"
    near = _nearest(near_limit, known)
    return f"did you mean {near}?" if near else "ask /liveseq/state/dump, or see docs/osc.md"


def _nearest(address: str, known: Iterable[str]) -> str | None:
    if address in known:
        return address
    paths = {one.removeprefix(PREFIX): one for one in known}
    found = difflib.get_close_matches(address.removeprefix(PREFIX), paths, n=1, cutoff=0.6)
    return paths[found[0]] if found else None
