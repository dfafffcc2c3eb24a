"""Knowledge of the world of sound: things with their names, what they are kinds of, and what goes with them.

The facts are plain text, a line a thing (`facts/*.txt`, written for this):

    orca, killer whale < whale ~ black and white, pod, clicks

names before `<`, kinds behind it, related words behind `~`. `languages/*.txt` has names in other languages, and
`qualities.txt` the words that say how a thing sounds.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from itertools import chain
from pathlib import Path

import numpy as np

from liveseq.words.plain import clean, singular, stem

FOLDER = Path(__file__).parent
LONGEST_NAME = 6
"""Words of a thing's name, at most."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A line of the facts."""

    names: tuple[str, ...]
    """Clean, the commonest first."""
    kinds: tuple[str, ...]
    """Names of things that it is a kind of, the nearest first."""
    related: tuple[str, ...]
    """Words that go with it, clean."""


@dataclass(frozen=True)
class Knowledge:
    """All facts. Things are numbered; names are looked up as `key` writes them."""

    things: tuple[Thing, ...]
    languages: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = field(default_factory=dict)
    """Code of a language -> English names with its clean words."""
    everyday: frozenset[str] = frozenset()
    """Keys of names of what makes no sound."""

    @cached_property
    def senses(self) -> dict[str, tuple[int, ...]]:
        """Key of an English name -> things that are called so, those that it names first before the others."""
        first: defaultdict[str, list[int]] = defaultdict(list)
        others: defaultdict[str, list[int]] = defaultdict(list)
        for number, thing in enumerate(self.things):
            for place, name in enumerate(thing.names):
                form = key(name)
                (others if place else first)[form].append(number)
                if " " in form:
                    others[form.replace(" ", "")].append(number)
        return {name: tuple(dict.fromkeys([*first[name], *others[name]])) for name in {**first, **others}}

    @cached_property
    def foreign(self) -> dict[str, tuple[int, ...]]:
        """Key of a name in another language -> things."""
        found: defaultdict[str, dict[int, None]] = defaultdict(dict)
        for name, words in chain.from_iterable(self.languages.values()):
            for number in self.senses.get(key(name), ())[:1]:
                for word in words:
                    found[key(word)][number] = None
        return {word: tuple(numbers) for word, numbers in found.items()}

    @cached_property
    def spoken(self) -> dict[str, frozenset[str]]:
        """Code of a language -> keys of all its words."""
        return {
            code: frozenset(key(word) for _, words in pairs for word in words) for code, pairs in self.languages.items()
        }

    @cached_property
    def mentions(self) -> dict[str, tuple[int, ...]]:
        """Key of a phrase that goes with things and names none of them -> the things."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for number, thing in enumerate(self.things):
            for phrase in thing.related:
                if " " in phrase:
                    found[key(phrase)].append(number)
        return {phrase: tuple(numbers) for phrase, numbers in found.items() if phrase not in self.senses}

    @cached_property
    def moods(self) -> frozenset[int]:
        """Things that are kinds of a mood: they say how something is, as qualities do."""
        return frozenset(int(one) for mood in self.senses.get("mood", ())[:1] for one in self.below[mood])

    @cached_property
    def parents(self) -> tuple[tuple[int, ...], ...]:
        """Things that each is a kind of."""
        return tuple(
            tuple(dict.fromkeys(one for kind in thing.kinds for one in self._others(kind, number)[:1]))
            for number, thing in enumerate(self.things)
        )

    def _others(self, name: str, number: int) -> list[int]:
        """Things of this name but for one."""
        return [one for one in self.senses.get(key(name), ()) if one != number]

    @cached_property
    def ancestors(self) -> tuple[dict[int, int], ...]:
        """Itself and what it is a kind of, by any number of steps -> the fewest steps; for each thing."""
        found = []
        for number in range(len(self.things)):
            steps, edge = {number: 0}, [number]
            while edge:
                after = [above for one in edge for above in self.parents[one] if above not in steps]
                steps |= dict.fromkeys(after, steps[edge[0]] + 1)
                edge = list(dict.fromkeys(after))
            found.append(steps)
        return tuple(found)

    @cached_property
    def below(self) -> tuple[np.ndarray, ...]:
        """Everything that is a kind of each thing, itself included, int64 (n,)."""
        return _reversed(self.ancestors)

    @cached_property
    def information(self) -> tuple[float, ...]:
        """How much each thing says: 0 for a kind of everything, 1 for what has no kinds (Seco et al. 2004)."""
        return tuple(1.0 - math.log(len(below)) / math.log(len(self.things)) for below in self.below)

    @cached_property
    def links(self) -> tuple[frozenset[int], ...]:
        """Things that the related words of each name."""
        return tuple(
            frozenset(one for words in thing.related for one in self.senses.get(key(words), ())) - {number}
            for number, thing in enumerate(self.things)
        )

    @cached_property
    def linked_by(self) -> tuple[np.ndarray, ...]:
        """Things whose related words name each, int64 (n,)."""
        return _reversed(self.links)

    @cached_property
    def stems(self) -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
        """Stems of the words of each thing's names, and of its related words."""
        return tuple((_stems(thing.names), _stems(thing.related)) for thing in self.things)

    @cached_property
    def rarity(self) -> dict[str, float]:
        """Stem of a word -> 0 to 1: how few things it is said of. What is said of none says most."""
        seen = Counter(word for names, related in self.stems for word in names | related)
        most = math.log(1.0 + len(self.things))
        return {word: 1.0 - math.log(1.0 + n) / most for word, n in seen.items()}

    @cached_property
    def vocabulary(self) -> list[str]:
        """Words of all English names."""
        return list(dict.fromkeys(word for name in self.senses for word in name.split()))

    def knows(self, word: str) -> bool:
        """Whether a clean word is a name here, or a part of one, or goes with something."""
        return stem(word) in self.rarity or key(word) in self.foreign


@lru_cache(maxsize=1 << 17)
def key(name: str) -> str:
    """A name as it is looked up: clean, every word in the singular.

    >>> key("Killer Whales"), key("Hi-Hats")
    ('killer whale', 'hi hat')
    """
    plain = clean(name)
    return " ".join(map(singular, plain.split())) if "s" in plain or "men" in plain or "ee" in plain else plain


def read_facts(lines: Iterable[str], *, where: str) -> list[Thing]:
    """Things of a text. Raises ValueError, with the place, for a line that is none."""
    things = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        head, _, related = line.partition("~")
        names, _, kinds = head.partition("<")
        if not all(_words(names)) or "<" in kinds + related or "~" in related:
            raise ValueError(
                f"{where}:{number}: expected `name, name < kind, kind ~ word, word`, found {line.strip()!r}"
            )
        things.append(Thing(*(tuple(dict.fromkeys(filter(None, _words(part)))) for part in (names, kinds, related))))
    return things


@cache
def knowledge() -> Knowledge:
    """The facts that come with the package."""
    things = [
        thing
        for path in sorted((FOLDER / "facts").glob("*.txt"))
        for thing in read_facts(path.read_text(encoding="utf-8").splitlines(), where=path.name)
    ]
    languages = {
        path.stem: tuple((name, tuple(filter(None, _words(words)))) for name, words in lists(path))
        for path in sorted((FOLDER / "languages").glob("*.txt"))
    }
    lines = (FOLDER / "everyday.txt").read_text(encoding="utf-8").splitlines()
    everyday = frozenset(key(line) for line in lines if line.strip() and not line.startswith("#"))
    return Knowledge(tuple(things), languages, everyday)


def lists(path: Path) -> Iterator[tuple[str, str]]:
    """Lines `name: word, word` of a file."""
    for line in path.read_text(encoding="utf-8").splitlines():
        name, colon, words = line.partition(":")
        if colon and not line.startswith("#"):
            yield name, words


def _reversed(arrows: Sequence[Iterable[int]]) -> tuple[np.ndarray, ...]:
    """From each thing to others -> to each thing from others."""
    found: list[list[int]] = [[] for _ in arrows]
    for begin, ends in enumerate(arrows):
        for end in ends:
            found[end].append(begin)
    return tuple(np.array(one, dtype=np.int64) for one in found)


def _words(text: str) -> list[str]:
    return [clean(part.strip()) for part in text.split(",")]


def _stems(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(stem(word) for text in texts for word in text.split())
