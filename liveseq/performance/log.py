"""The log of a session: every command that was obeyed, with the sample at which it acted.

JSON lines. The first line of a file is a header with all that a replay needs; then a line per entry. A long session
goes on in another file, whose header names the one before. `recorder` writes it.
"""

import base64
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liveseq.errors import ConfigError


@dataclass(frozen=True)
class Log:
    """A session's entries, read from its files whenever they are gone through: they need not fit into memory."""

    header: dict[str, Any]
    """The first line of its first file."""
    paths: tuple[Path, ...]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """In order. A last line that was cut off by a crash is left out. Raises ConfigError."""
        for path in self.paths:
            yield from itertools.islice(_lines(path), 1, None)


def read_log(path: Path) -> Log:
    """The session of which `path` is a file. Raises ConfigError where it is no log, or its beginning is gone."""
    header, paths = _read_header(path), [path]
    while before := str(header.get("continues", "")):
        first = path.with_name(Path(before).name)
        if not first.is_file() or first in paths:
            raise ConfigError(f"{paths[0]}: goes on from {before}, which is gone; expected the log from its beginning")
        header = _read_header(first)
        paths.insert(0, first)
    following = {str(_header_of(one).get("continues", "")): one for one in path.parent.glob("log-*.jsonl")}
    while (after := following.pop(paths[-1].name, None)) is not None:
        paths.append(after)
    return Log(header, tuple(paths))


def _header_of(path: Path) -> dict[str, Any]:
    """The header of a file; empty where it has none."""
    try:
        return _read_header(path)
    except ConfigError:
        return {}


def _read_header(path: Path) -> dict[str, Any]:
    header = next(_lines(path), None)
    if not isinstance(header, dict) or header.get("log") != "liveseq":
        raise ConfigError(f"{path}: expected a log of liveseq (state/log-*.jsonl), found another file")
    return header


def _lines(path: Path) -> Iterator[Any]:
    try:
        with path.open(encoding="utf-8") as file:
            for text in file:
                try:
                    line = json.loads(text)
                except (ValueError, RecursionError):
                    break
                yield line
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: expected a log of liveseq, found other bytes") from None


def arguments_of(line: Mapping[str, Any]) -> tuple[Any, ...]:
    """Arguments of a logged command, as they were given to the recorder."""
    return tuple(base64.b64decode(one["b64"]) if isinstance(one, dict) else one for one in line["arguments"])


def plain(value: object) -> object:
    """A value that JSON has no word for, in words that it has."""
    return {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else str(value)
