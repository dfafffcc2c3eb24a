"""Messages as somebody writes them: lines of a file, or flags. What they mean is found out in `messages`.

A file has one message on a line, `SECONDS ADDRESS ARGUMENT ...`, in any order of time. The addresses are those of
docs/osc.md, with or without /liveseq; quotes are as in a shell, and # begins a comment:

    0     tag "dark drone"
    8     layer/2/tag bells       # a second line of sound
    12.5  steer/brightness 1
    20    /liveseq/layer/*/gain -6

A blob is written in base64, a truth value as T, F, 1 or 0.
"""

import base64
import contextlib
import io
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from liveseq.errors import ConfigError
from liveseq.osc.packets import PREFIX, Value
from liveseq.osc.parameter import Argument, Parameter

_WHOLE = re.compile(r"[-+]?(0|[1-9]\d*)")
_INTEGRAL = re.compile(r"^([1-9]\d*)\.0+$")
_DECIMAL = re.compile(r"[-+]?((0|[1-9]\d*)(\.\d*)?|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Wording:
    """A message that is not understood yet."""

    seconds: float
    """From the beginning of the take."""
    address: str
    """With the prefix; it may be a pattern."""
    words: Callable[[Parameter], list[str]]
    """Its arguments, for the parameter that it turns out to be for."""
    where: str
    """Names it in an error: a file and its line, or a flag."""
    clips: bool = True
    """Whether a number out of range may be moved to the nearest end, as it is live; otherwise it is refused."""

    def values(self, parameter: Parameter) -> list[Value]:
        """Its arguments as the table's types. What cannot be one stays a word: the check names it."""
        words = self.words(parameter)
        if parameter.repeats and len(parameter.arguments) == 1:
            return [_value(word, parameter.arguments[0]) for word in words]
        if parameter.repeats:
            return [*map(_text, words[:1]), *map(_number, words[1:])]  # after a text there may come a number
        if not parameter.arguments:  # a button's, of a recorded controller
            return [*words]
        wanted = [*parameter.arguments, *[None] * len(words)]
        return [_value(word, argument) for word, argument in zip(words, wanted, strict=False)]


def full(address: str) -> str:
    """An address with or without the prefix, with it."""
    return address if address.startswith(f"{PREFIX}/") else f"{PREFIX}/{address.lstrip('/')}"


def read_messages(path: Path) -> list[Wording]:
    """Messages of a file, as they stand in it. Raises ConfigError, with the line's number."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ConfigError(f"--messages {path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ConfigError(f"--messages {path}: expected text in UTF-8, found other bytes") from None
    wordings = (_of_line(line, where=f"{path}:{number}") for number, line in enumerate(lines, start=1))
    return [wording for wording in wordings if wording is not None]


def _of_line(line: str, *, where: str) -> Wording | None:
    """None for a line that says nothing."""
    try:
        words = split(line)
    except ValueError as error:
        raise ConfigError(f"{where}: expected words, with quotes in pairs ({str(error).lower()})") from None
    if not words:
        return None
    form = f"{where}: expected SECONDS ADDRESS ARGUMENTS"
    if len(words) < 2:
        raise ConfigError(f"{form}, found {line.strip()[:80]!r}")
    try:
        seconds = float(words[0])
    except ValueError:
        raise ConfigError(f"{form}, found {words[0][:40]!r} for the seconds") from None
    return Wording(seconds, full(words[1]), lambda _: words[2:], where)


def split(line: str) -> list[str]:
    """Words of a line as a shell splits them, without its comment. Raises ValueError for a quote that is not closed.

    >>> split("8 layer/2/tag 'c# minor' 0.5  # softly")
    ['8', 'layer/2/tag', 'c# minor', '0.5']
    """
    stream = io.StringIO(line)
    lexer = shlex.shlex(stream, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""  # its own comments begin in the middle of words too
    words: list[str] = []
    while not line[stream.tell() :].lstrip().startswith("#") and (word := lexer.get_token()) is not None:
        words.append(word)
    return words


def of_tag(text: str) -> Wording:
    """The message of `--tag TAG` or `--tag TAG@SECONDS`. Raises ConfigError."""
    tag, at, when = text.rpartition("@")
    where = f"--tag {text!r}"
    try:
        seconds = float(when) if at else 0.0
    except ValueError:
        raise ConfigError(f"{where}: expected TAG@SECONDS, found {when!r} for the seconds") from None
    return Wording(seconds, full("tag"), lambda _: [tag if at else text], where)


def of_setting(text: str, *, where: str) -> Wording:
    """The message that PATH=VALUE means, sent at the beginning. Raises ConfigError where it is none."""
    path, found, value = text.partition("=")
    if not found or not path:
        raise ConfigError(f"{where}: expected PATH=VALUE, with a path of docs/osc.md: steer/brightness=1")
    return Wording(0.0, full(path), lambda parameter: _several(value, parameter), where, clips=False)


def _several(value: str, parameter: Parameter) -> list[str]:
    """Words are separated by commas, or by spaces where one alone would not do."""
    if len(parameter.arguments) < 2 and not parameter.repeats:
        return [value] if value or parameter.arguments else []
    if "," in value:
        return [word.strip() for word in value.split(",")]
    n_needed = sum(not argument.optional for argument in parameter.arguments)
    try:
        return split(value) if parameter.repeats or n_needed > 1 else [value]
    except ValueError:
        return [value]


def _value(word: str, argument: Argument | None) -> Value:
    if argument is None or "s" in argument.type:
        return _text(word)
    if argument.type == "b":
        truths: dict[str, Value] = {"T": True, "1": True, "F": False, "0": False}
        return truths.get(word, word)
    if argument.type == "blob":
        try:
            return base64.b64decode(word, validate=True)
        except ValueError:
            return word
    number = _number(word)
    if isinstance(number, str) and not argument.optional:  # a number alone can be meant: the check names what nan is
        with contextlib.suppress(ValueError):
            return float(word)
    return number


def _text(word: str) -> str:
    """The word; 808.0, as Pd writes the tag 808, is that."""
    return _INTEGRAL.sub(r"\1", word)


def _number(word: str) -> Value:
    """A number, or the word where it is none: as 007 and infinity are."""
    if _WHOLE.fullmatch(word):
        return int(word)
    return float(word) if _DECIMAL.fullmatch(word) else word
