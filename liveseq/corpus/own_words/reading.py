"""The performer's own words, read: a synonym is one more name of a tag, or of another synonym; a reading says in common
words what a tag's name stands for. An entry that cannot be meant is left out, and said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from liveseq.corpus.append import reason
from liveseq.corpus.own_words.sheet import NAME, Entry, content, parse
from liveseq.corpus.own_words.tag_names import TagNames
from liveseq.corpus.store import Corpus
from liveseq.errors import TagError
from liveseq.words.knowledge import key
from liveseq.words.plain import clean

Words = Mapping[str, str]
"""Synonym -> tag, or tag -> its reading."""
Stamp = tuple[int, int, int] | None
"""Time, size and number of a file; None where there is none."""


@dataclass(frozen=True, kw_only=True)
class OwnWords:
    """Everything that a performer has written of the tags of a corpus."""

    synonyms: Words = field(default_factory=dict)
    """As `words.knowledge.key` writes them."""
    readings: Words = field(default_factory=dict)
    """By the tag's own name."""
    problems: tuple[str, ...] = ()
    """A sentence for each thing that is left out."""
    broken: bool = False
    """Whether the file cannot be read at all."""
    stamp: Stamp = None
    """Stamp of the file that this was read from."""

    def synonyms_with(self, said: Words) -> dict[str, str]:
        """The synonyms, and those that were said since. said: no tag for one that is taken away."""
        changed = dict(self.synonyms) | {key(word): tag for word, tag in said.items()}
        return {word: tag for word, tag in changed.items() if tag}

    def plain(self) -> dict[str, Any]:
        """As JSON can hold them."""
        return {"synonyms": dict(self.synonyms), "readings": dict(self.readings)}

    @classmethod
    def of_plain(cls, written: Mapping[str, Any]) -> "OwnWords":
        """As `plain` has given them."""
        return cls(synonyms=dict(written.get("synonyms", {})), readings=dict(written.get("readings", {})))


def read_own_words(corpus: Corpus, tags: Sequence[str]) -> OwnWords:
    """Words of the corpus's file; none where there is no such file. Whatever is wrong is said in `problems`."""
    name = corpus.path / NAME
    path = corpus.files.opened(name)
    stamp = stamp_of(path)
    try:
        sheet = parse(content(path))
    except FileNotFoundError:
        return OwnWords()
    except (OSError, TagError) as error:
        why = f"cannot be read ({reason(error)})" if isinstance(error, OSError) else str(error)
        return OwnWords(problems=(f"{name}: {why}",), broken=True, stamp=stamp)
    names, problems = TagNames(tags), list(sheet.problems)
    synonyms = _synonyms(sheet.sections["synonyms"], names, problems)
    readings = _readings(sheet.sections["readings"], names, problems)
    said = tuple(f"{name}: {problem}" for problem in problems)
    return OwnWords(synonyms=synonyms, readings=readings, problems=said, stamp=stamp)


def stamp_of(path: Path) -> Stamp:
    """Another one after the file has changed."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _synonyms(entries: Sequence[Entry], names: TagNames, problems: list[str]) -> dict[str, str]:
    said: dict[str, Entry] = {}
    for entry in entries:
        try:
            if not (entry.text or "").strip():
                raise TagError(f"synonym {entry.word!r}: expected the name of a tag, found {_found(entry.text)}")
            before = said.setdefault(key(entry.word), entry)
            if key(before.text or "") != key(entry.text or ""):
                raise TagError(f"synonym {entry.word!r}: is {before.text!r} in line {before.line} already")
        except TagError as error:
            problems.append(f"line {entry.line}: {error}")
    ways = {word: entry.text or "" for word, entry in said.items()}
    synonyms = {}
    for entry in said.values():
        try:
            word, tag = names.synonym(entry.word, entry.text or "", ways)
            synonyms[key(word)] = tag
        except TagError as error:
            problems.append(f"line {entry.line}: {error}")
    return synonyms


def _readings(entries: Sequence[Entry], names: TagNames, problems: list[str]) -> dict[str, str]:
    readings: dict[str, str] = {}
    for entry in entries:
        try:
            tag = names.find(entry.word)
            if tag is None:
                raise TagError(f"reading of {entry.word!r}: {names.missing(entry.word)}")
            if entry.text is None or not clean(entry.text):
                raise TagError(f"reading of {entry.word!r}: expected words, found {_found(entry.text)}")
            if readings.setdefault(tag, entry.text) != entry.text:
                raise TagError(f"reading of {entry.word!r}: is {readings[tag]!r} already")
        except TagError as error:
            problems.append(f"line {entry.line}: {error}")
    return readings


def _found(text: str | None) -> str:
    return "a list or a mapping" if text is None else f"{text[:40]!r}" if text.strip() else "nothing"
