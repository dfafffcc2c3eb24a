"""The performer's own words, written into `tags.yaml`: at once or not at all. Not for an event loop."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

import yaml

from liveseq.corpus.own_words.reading import Words
from liveseq.corpus.own_words.sheet import NAME, SECTIONS, compose, content, parse, text_of
from liveseq.errors import TagError
from liveseq.files import replace_file
from liveseq.words.knowledge import key


def save_synonyms(corpus: Path, said: Words) -> None:
    """Write what was said into the file of a corpus. Comments stay, unless the file has its words all on one line.

    said: no tag for a synonym that is taken away. Raises OSError; and TagError for a file that cannot be understood,
    which stays as it is.
    """
    path = corpus / NAME
    try:
        text = content(path)
    except FileNotFoundError:
        text = ""
    changed = text
    for word, tag in said.items():
        changed = _with_synonym(changed, word, tag)
    if changed != text:
        _write(path, changed.encode())


def save_readings(corpus: Path, readings: Words) -> None:
    """Write a new file. Raises OSError."""
    _write(corpus / NAME, _dump({"readings": dict(readings)}).encode())


def copy_words(before: Path, after: Path) -> None:
    """Give a corpus the words of another one, unless it has its own. Raises OSError."""
    if (before / NAME).exists() and not (after / NAME).exists():
        _write(after / NAME, (before / NAME).read_bytes())


def _with_synonym(text: str, word: str, tag: str) -> str:
    """The text of a file with a synonym, or without it where there is no tag. Raises TagError."""
    wanted = _said(text)
    wanted["synonyms"] = {one: to for one, to in wanted["synonyms"].items() if _key(one) != key(word)}
    wanted["synonyms"] |= {word: tag} if tag else {}
    lines = [line for line in text.splitlines() if not _says(line, word)]
    if tag:
        heading = next((place for place, line in enumerate(lines) if line.split("#")[0].rstrip() == "synonyms:"), None)
        if heading is None and not any(line.startswith("synonyms") for line in lines):
            lines, heading = [*lines, "synonyms:"], len(lines)
        if heading is None:  # all on one line
            return _dump(wanted)
        following = next((line for line in lines[heading + 1 :] if line.strip() and line.strip()[0] != "#"), "")
        indent = following[: len(following) - len(following.lstrip())] or "  "
        lines.insert(heading + 1, indent + _dump({word: tag}).rstrip())
    changed = "\n".join([*lines, ""])
    with contextlib.suppress(TagError):
        if _said(changed) == wanted:
            return changed
    return _dump(wanted)


def _said(text: str) -> dict[str, dict[str, str]]:
    """Words of each section as they are written. Raises TagError for what is not understood, and would be lost."""
    sheet = parse(text)
    for problem in sheet.problems:
        raise TagError(problem)
    said: dict[str, dict[str, str]] = {}
    for name in SECTIONS:
        said[name] = {}
        for entry in sheet.sections[name]:
            if entry.text is None or entry.word in said[name]:
                raise TagError(f"line {entry.line}: {name}: {entry.word!r}: expected one text")
            said[name][entry.word] = entry.text
    return said


def _says(line: str, word: str) -> bool:
    """Whether a line says of which tag this is a synonym."""
    with contextlib.suppress(yaml.YAMLError):
        node = compose(line.strip())
        if line[:1].isspace() and isinstance(node, yaml.MappingNode) and len(node.value) == 1:
            return _key(text_of(node.value[0][0]) or "") == key(word)
    return False


def _key(text: str) -> str:
    """Key of whatever a file holds."""
    try:
        return key(text)
    except TagError:
        return text


def _dump(words: Mapping[str, object]) -> str:
    words = {name: found for name, found in words.items() if found}
    return str(yaml.safe_dump(words, allow_unicode=True, sort_keys=False, width=10_000))


def _write(path: Path, data: bytes) -> None:
    replace_file(Path(os.path.realpath(path)), data)  # a link stays one
