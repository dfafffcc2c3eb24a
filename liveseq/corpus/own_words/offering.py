"""Readings that are offered where a corpus is built: for folders named in letters, and for what no facts know."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from liveseq.corpus.append import reason
from liveseq.corpus.own_words.reading import read_own_words
from liveseq.corpus.own_words.sheet import NAME
from liveseq.corpus.own_words.writing import save_readings
from liveseq.corpus.store import Corpus
from liveseq.words.abbreviations import abbreviated
from liveseq.words.knowledge import knowledge
from liveseq.words.tag_sense import TagSense

MOST_NAMED = 12
"""Tags that are named in a sentence."""


def offer_readings(path: Path) -> list[str]:
    """Sentences on how the tags of a corpus are read. Where it has no file of words yet, one is written."""
    with Corpus.open(path) as corpus:
        tags = list(corpus.tags())
        own = read_own_words(corpus, tags)
    lines = [f"{problem}; it is left out" for problem in own.problems]
    if own.broken:
        return lines
    known, said = knowledge(), {*own.readings, *own.synonyms.values()}
    silent = [tag for tag in tags if tag not in said]
    offered = abbreviated(silent, known)
    if offered:
        lines.append(_offer(path, offered, is_new=own.stamp is None))
    unknown = [tag for tag in silent if tag not in offered and not TagSense.of(known, tag).understood(known)]
    if unknown:
        names = _some([f'"{tag}"' for tag in unknown])
        lines.append(f"no facts know {names}: give it a reading or synonyms in {path / NAME}")
    return lines


def _offer(path: Path, offered: Mapping[str, str], *, is_new: bool) -> str:
    pairs = [f"{tag} as {name}" for tag, name in offered.items()]
    pairs[0] = pairs[0].replace(" as ", " read as ", 1)
    if not is_new:
        return f"{path / NAME}: not in it yet: {_some(pairs)}; say so there, or otherwise"
    try:
        save_readings(path, offered)
    except OSError as error:
        return f"{path / NAME}: cannot be written ({reason(error)}); {_some(pairs)} all the same"
    return f"{path / NAME}: {_some(pairs)}; change them there"


def _some(words: Sequence[str]) -> str:
    more = f" and {len(words) - MOST_NAMED} more" if len(words) > MOST_NAMED else ""
    return ", ".join(words[:MOST_NAMED]) + more
