"""A sheet of words: `tags.yaml` in the folder of a corpus, as it is written.

    synonyms: {boom: kick, "tante erna": vox}
    readings: {bd: kick drum, sn: snare drum}

Every value is text: 808 and `on` are names as well as any. Nothing but texts is made of it.
"""

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import yaml

from liveseq.errors import TagError, one_line

NAME = "tags.yaml"
MAX_BYTES = 1 << 20
MAX_ENTRIES = 10_000
Section = Literal["synonyms", "readings"]
SECTIONS: tuple[Section, ...] = ("synonyms", "readings")
_EXPECTED = "expected synonyms: {word: tag, ...} and readings: {tag: words, ...}"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Entry:
    """A word and what is said of it."""

    line: int
    word: str
    text: str | None
    """None: a list or a mapping stands there."""


@dataclass(frozen=True)
class Sheet:
    """Entries of each section, in the order of the file."""

    sections: dict[str, list[Entry]] = field(default_factory=lambda: {name: [] for name in SECTIONS})
    problems: list[str] = field(default_factory=list)
    """Sentences on what belongs to no section."""


def content(path: Path) -> str:
    """Text of a file. Raises OSError, and TagError for what is too long or no text."""
    with path.open("rb") as file:
        found = file.read(MAX_BYTES + 1)
    if len(found) > MAX_BYTES:
        raise TagError(f"expected at most {MAX_BYTES >> 20} MB, found more; shorten it")
    try:
        return found.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TagError("expected text in UTF-8, found other bytes; save it as UTF-8") from None


def parse(text: str) -> Sheet:
    """The sheet that a text holds. Raises TagError where it holds none."""
    try:
        root = compose(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise TagError(f"{_EXPECTED}, found no YAML ({one_line(error)})") from None
    sheet = Sheet()
    if root is None or text_of(root) in ("", "null", "~"):
        return sheet
    if not isinstance(root, yaml.MappingNode):
        raise TagError(f"{_EXPECTED}, found {_kind(root)}")
    for name, section in root.value:
        _take(sheet, text_of(name) or "", section, line=name.start_mark.line + 1)
    n_entries = sum(map(len, sheet.sections.values()))
    if n_entries > MAX_ENTRIES:
        raise TagError(f"expected at most {MAX_ENTRIES} entries, found {n_entries}; shorten it")
    return sheet


def compose(text: str) -> yaml.Node | None:
    """The nodes of a text; nothing is made of them. Raises YAMLError or RecursionError."""
    node: yaml.Node | None = yaml.compose(text, Loader=_LOADER)
    return node


def text_of(node: yaml.Node) -> str | None:
    """Text as it is written; None for a list or a mapping."""
    return str(node.value) if isinstance(node, yaml.ScalarNode) else None


def _take(sheet: Sheet, name: str, section: yaml.Node, *, line: int) -> None:
    if name not in sheet.sections:
        near = difflib.get_close_matches(name, SECTIONS, n=1) or [" or ".join(SECTIONS)]
        sheet.problems.append(f"line {line}: unknown key {name[:40]!r}, expected {near[0]}")
    elif isinstance(section, yaml.MappingNode):
        sheet.sections[name] += [
            Entry(word.start_mark.line + 1, text_of(word) or "", text_of(to)) for word, to in section.value
        ]
    elif text_of(section) not in ("", "null", "~"):
        sheet.problems.append(f"line {line}: {name}: expected {{word: text, ...}}, found {_kind(section)}")


def _kind(node: yaml.Node) -> str:
    text = text_of(node)
    return "a list or a mapping" if text is None else repr(text[:40])
