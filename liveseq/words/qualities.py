"""Qualities: words that say how a thing sounds, and the small words around them. Pure."""

from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Final

from liveseq.words.knowledge import FOLDER, key, knowledge, lists
from liveseq.words.plain import clean

DESCRIPTORS: Final = ("brightness", "noisiness", "speed", "density", "punch", "pitch", "loudness")
"""Descriptors that units can be ranked by."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How a thing may sound."""

    name: str
    """Its commonest word."""
    directions: tuple[tuple[str, float], ...]
    """Descriptors with 1 for more of it, -1 for less."""


@dataclass(frozen=True, kw_only=True)
class Wording:
    """Words that name no thing."""

    qualities: dict[str, Quality]
    """Clean word or words -> quality."""
    signs: dict[str, float]
    """Word -> what it makes of what follows: below 0 denies it, above 1 is much of it."""
    silent: frozenset[str]
    """Words that say nothing of a sound, unless they are part of a name."""
    endings: frozenset[str]
    """Words behind which nothing is denied any more."""
    denials: frozenset[str]
    """Words that take away a thing, whatever its qualities: no, without."""
    joints: frozenset[str]
    """Words between two things that are meant alike: and, or."""
    prepositions: frozenset[str]
    """Words behind which stands only where, or with what."""


def read_qualities(path: Path) -> dict[str, Quality]:
    """Clean words -> quality. Raises ValueError, with the place, for a line that is none."""
    found: dict[str, Quality] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        words, _, directions = line.partition("=")
        pairs = [one.split() for one in directions.split(",")]
        if not all(len(pair) == 2 and pair[0] in DESCRIPTORS and pair[1] in "+-" for pair in pairs):
            raise ValueError(
                f"{path.name}:{number}: expected `word, word = descriptor +, descriptor -`, found {line!r}"
            )
        names = [clean(word) for word in words.split(",")]
        quality = Quality(names[0], tuple((name, 1.0 if sign == "+" else -1.0) for name, sign in pairs))
        found |= dict.fromkeys(names, quality)
    return found


@cache
def wording() -> Wording:
    """The words that come with the package, those of other languages among them."""
    qualities = read_qualities(FOLDER / "qualities.txt")
    signs: dict[str, float] = {}
    small: dict[str, set[str]] = {"silent": set(), "end": set(), "where": set(), "gone": set(), "join": set()}
    for name, line in lists(FOLDER / "small_words.txt"):
        found = [clean(word) for word in line.split(",")]
        if name in small:
            small[name].update(found)
        else:
            signs |= dict.fromkeys(found, float(name))
    known = knowledge()
    for name, words in chain.from_iterable(known.languages.values()):
        for word in words:
            if name in signs:
                signs.setdefault(word, signs[name])
                small["gone"] |= {word} if name == "without" else set()
            elif name in qualities and key(word) not in known.senses:
                qualities.setdefault(word, qualities[name])
            elif name in ("with", "and", "or", "of", "the") and key(word) not in known.senses:
                small["join" if name in ("and", "or") else "silent"].add(word)
    silent = frozenset(small["silent"] | small["where"] | small["join"])
    return Wording(
        qualities=qualities,
        signs=signs,
        silent=silent,
        endings=frozenset(small["end"]),
        denials=frozenset(small["gone"]),
        joints=frozenset(small["join"]),
        prepositions=frozenset(small["where"]),
    )
