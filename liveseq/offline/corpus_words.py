"""`liveseq corpus words`: how the tags of a corpus are read, and what phrases would play in it."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from liveseq.corpus.own_words.reading import OwnWords, read_own_words
from liveseq.corpus.own_words.sheet import NAME
from liveseq.corpus.store import Corpus
from liveseq.errors import CorpusError, TagError
from liveseq.runtime.explained import explain
from liveseq.runtime.folders import TEXT_ENCODER, model_folder
from liveseq.runtime.tag_matcher import TagMatcher
from liveseq.runtime.text import TextEncoder
from liveseq.words.knowledge import knowledge

_HELP = (
    "Without phrases: each tag of the corpus, with what is understood by it and the words of yours that name it. With"
    " phrases: what each would play, with its weight and why, and in brackets the score of what comes next."
)
N_BEST = 5
"""Tags that are named for a phrase, those that it would not play among them."""


def add_command(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`words`, among the actions of `liveseq corpus`."""
    words = actions.add_parser("words", help="how its tags are read, and what phrases would play", description=_HELP)
    words.add_argument("corpus", type=Path)
    words.add_argument("phrases", nargs="*", metavar="PHRASE", help='such as "whale song"')
    words.set_defaults(run=_words)


def _words(arguments: argparse.Namespace) -> int:
    with Corpus.open(arguments.corpus) as corpus:
        tags = tuple(corpus.tags())
        own = read_own_words(corpus, tags)
    if not tags:
        raise CorpusError(f"{arguments.corpus}: has no tags; give it some: liveseq corpus build FOLDER --out CORPUS")
    for problem in own.problems:
        print(f"liveseq: {problem}; it is left out", file=sys.stderr)
    encoder = TextEncoder(model_folder(TEXT_ENCODER))
    matcher = TagMatcher(encoder, tags, synonyms=own.synonyms, readings=own.readings, n_best=N_BEST)
    if not arguments.phrases:
        for line in _aligned(tag_rows(matcher, own, arguments.corpus / NAME)):
            print(line)
        return 0
    refused = 0
    for phrase in arguments.phrases:
        try:
            lines = _aligned(phrase_rows(matcher, phrase))
        except TagError as error:
            print(f"liveseq: {error}", file=sys.stderr)
            refused = 2
            continue
        print(phrase)
        for line in lines:
            print(f"  {line}")
    return refused


def tag_rows(matcher: TagMatcher, own: OwnWords, path: Path) -> list[tuple[str, str]]:
    """Each tag, and how it is read. path: of the performer's words."""
    rows = []
    for place, tag in enumerate(matcher.tags):
        said = [word for word, named in own.synonyms.items() if named == tag]
        understood = matcher.senses[place].understood(knowledge()) or (
            f"no facts know it: give it a reading or synonyms in {path}" if not said else "by your words alone"
        )
        reading = f'read as "{own.readings[tag]}": ' if tag in own.readings else ""
        rows.append((tag, reading + understood + (f"; also called {', '.join(said)}" if said else "")))
    return rows


def phrase_rows(matcher: TagMatcher, phrase: str) -> list[tuple[str, str, str]]:
    """Everything that a phrase would play: name, amount and reason. Raises TagError for what is no text."""
    found = explain(matcher, phrase)
    rows = [(tag, f"{weight:.2f}", why) for tag, weight, why in found.tags]
    rows += [(f"how: {name}", f"{amount:+g}", why) for name, amount, why in found.qualities]
    rows += [("nothing", "0.00", found.nothing)] if found.nothing else []
    return rows + [(tag, f"({score:.2f})", why) for tag, score, why in found.near]


def _aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows as lines, every cell as wide as the widest of its column."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
