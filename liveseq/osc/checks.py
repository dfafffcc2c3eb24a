"""Checks of messages against the parameter table, and hints at what a sender may have meant."""

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from liveseq.errors import OscError
from liveseq.osc.buttons import BUTTON, pressed
from liveseq.osc.packets import PREFIX, Arguments, Value
from liveseq.osc.parameter import Argument, Parameter
from liveseq.osc.table import Row


def check(
    parameter: Parameter, values: Sequence[Value], *, is_tag: Callable[[str], bool] = lambda _: False
) -> tuple[tuple[Value, ...], bool]:
    """The arguments as the table wants them, and whether one was clipped. Raises OscError: bad_args, out_of_range.

    is_tag: whether a number, or words that end with one, are the very name of a tag here: then it is no weight.
    """
    if parameter.repeats:
        return _check_repeated(parameter, values, is_tag)
    if pressed(parameter, values) is not None:
        return (), False
    if values and not parameter.arguments:
        raise OscError("bad_args", f"expected no argument, or {BUTTON}; found {_found(*values)}")
    wanted = parameter.arguments
    values = _joined(parameter, values, is_tag)
    n_needed = sum(not argument.optional for argument in wanted)
    if not n_needed <= len(values) <= len(wanted):
        raise OscError("bad_args", f"{usage(parameter)}; found {_count(len(values))}")
    checked: list[Value] = []
    clipped = False
    for argument, value in zip(wanted, values, strict=False):
        good = _convert(argument, value, parameter)
        ranged = _in_range(argument, good, parameter)
        clipped = clipped or ranged != good
        checked.append(ranged)
    return tuple(checked), clipped


def _check_repeated(
    parameter: Parameter, values: Sequence[Value], is_tag: Callable[[str], bool]
) -> tuple[tuple[Value, ...], bool]:
    """Numbers; or text and number pairs, where a number that is left out is 1."""
    if len(parameter.arguments) == 1:
        [one] = parameter.arguments
        return tuple(_in_range(one, _convert(one, value, parameter), parameter) for value in values), False
    text, number = parameter.arguments
    checked: list[Value] = []
    for value in values:
        in_number_place = len(checked) % 2 == 1
        if in_number_place and not _is_word(value, text, number, is_tag):
            checked.append(_in_range(number, _convert(number, value, parameter), parameter))
            continue
        if in_number_place:
            checked.append(1.0)
        checked.append(_in_range(text, _convert(text, value, parameter), parameter))
    if len(checked) % 2:
        checked.append(1.0)
    return tuple(checked), False


def _joined(parameter: Parameter, values: Sequence[Value], is_tag: Callable[[str], bool]) -> Sequence[Value]:
    """Words that came one by one as the one text that they are: /tag s s dark drone."""
    places = [place for place, one in enumerate(parameter.arguments) if one.is_free]
    if len(places) != 1 or len(values) <= places[0]:
        return values
    [place] = places
    text, *after = parameter.arguments[place:]
    end = 1 + max(n for n, value in enumerate(values) if isinstance(value, str) or n == place)
    while end < len(values) and (
        not after or _is_word(values[end], text, after[0], is_tag, " ".join(map(_name, values[place : end + 1])))
    ):
        end += 1
    words = values[place:end]
    return [*values[:place], " ".join(map(_name, words)), *values[end:]] if all(map(_is_name, words)) else values


def _is_word(value: Value, text: Argument, number: Argument, is_tag: Callable[[str], bool], whole: str = "") -> bool:
    """Whether what stands where a number may come after a text is another text. whole: all words up to it."""
    if isinstance(value, str):
        return True
    if not (text.is_free and number.optional and number.type == "f" and _is_name(value)):
        return False
    if value > number.high:  # type: ignore[operator]
        return True
    may_be = text.name == "tag" and value > 1  # type: ignore[operator]
    return may_be and (is_tag(_name(value)) or is_tag(whole))


def _is_name(value: Value) -> bool:
    """Whether a value can be a name: a text, or the number that Max and Pure Data make of 808."""
    return isinstance(value, str) or (
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    )


def _name(value: Value) -> str:
    """A text, or a number as somebody would write it.

    >>> _name(808), _name(808.0), _name(0.10000000149011612), _name("dark")
    ('808', '808', '0.1', 'dark')
    """
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.7g}"
    return str(value)


def _convert(argument: Argument, value: Value, parameter: Parameter) -> Value:
    """Int for float, a whole float for int, 0 or 1 for a truth value, and a number for a name are taken: senders
    differ."""
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
    if argument.is_free and number:
        return _name(value)
    raise OscError("bad_args", f"{argument.name}: {usage(parameter)}; found {_found(value)}")


def _found(*values: Value) -> str:
    """Values in words, in short."""
    words = [f"a blob of {len(one)} bytes" if isinstance(one, bytes) else repr(one)[:80] for one in values[:4]]
    return " ".join(words) if len(values) <= 4 else _count(len(values))


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


def usage(parameter: Parameter) -> str:
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
