"""Likeness of what a performer says to the tags of a corpus, by facts. Pure.

Two measures, each from 0 to 1, over all tags at once: of a thing to the things that a tag names, in the graph of kinds
(Lin 1998, "An information-theoretic definition of similarity", with what goes with what); and of single words to the
words that go with a tag, the rarer the better.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from liveseq.words.knowledge import Knowledge, key
from liveseq.words.plain import stem


@dataclass(frozen=True)
class Nearness:
    """How near a thing, or a word, is to a tag by the way in which it goes with it: 0 to 1."""

    narrower: float = 1.0
    """A kind of the tag's thing."""
    wider: float = 0.93
    """A kind that the tag's thing belongs to."""
    step: float = 0.75
    """Share that each step between leaves of these two; Lin's measure is less where a kind is of everything."""
    sibling: float = 0.94
    """Share of Lin's measure where neither is a kind of the other."""
    sharp: float = 1.7
    """Power of it: far relations are none."""
    linked: float = 0.53
    """A thing whose words name the tag's."""
    back: float = 0.85
    """A thing that is among the tag's words."""
    later: float = 0.3
    """Share that each further thing counts that a tag's name may mean."""
    other_name: float = 1.0
    """A word of another name of the tag's thing; one of its own name is 1."""
    related: float = 0.73
    """A word beside them."""
    kind: float = 0.98
    """A word of its kinds' names, and half as much for the kinds of those."""
    kinds_related: float = 0.63
    """A word beside those."""
    below: float = 0.05
    """A word of the name of what is a kind of it."""
    below_related: float = 0.15
    """A word beside those."""


NEARNESS = Nearness()


class Likeness:
    """Measures for the tags of one corpus."""

    def __init__(
        self, known: Knowledge, tags: Sequence[tuple[str, Sequence[int]]], nearness: Nearness = NEARNESS
    ) -> None:
        """tags: clean name and things of each."""
        self._known = known
        self._near = nearness
        self._n_tags = len(tags)
        self._tags = list(tags)
        self.of_things = np.stack([self._things(things) for _, things in tags], axis=1)  # (n_things, n_tags)
        """float32 (n_things, n_tags)."""
        self._named: dict[str, list[int]] = {}
        self._ending: dict[str, list[int]] = {}
        for place, (name, _) in enumerate(tags):
            words = key(name).split()
            self._named.setdefault(" ".join(words), []).append(place)
            for begin in range(1, len(words)):
                self._ending.setdefault(" ".join(words[begin:]), []).append(place)
        self._words: dict[str, np.ndarray] = {}
        for place, (name, things) in enumerate(tags):
            for word, count in self._bag(name, things).items():
                self._words.setdefault(word, np.zeros(self._n_tags, dtype=np.float32))[place] = count

    def of_word(self, word: str) -> np.ndarray:
        """Likeness of a clean word to every tag, float32 (n_tags,)."""
        found = self._words.get(stem(word))
        return np.zeros(self._n_tags, dtype=np.float32) if found is None else found

    def glosses(self) -> list[dict[str, float]]:
        """Clean names and phrases that go with each tag, without what belongs to its kinds -> how closely."""
        known, near = self._known, self._near
        found = []
        for name, things in self._tags:
            gloss = {name: 1.0}
            for thing in things[:1]:
                gloss |= dict.fromkeys(known.things[thing].related, near.related)
                gloss |= dict.fromkeys(known.things[thing].names, near.other_name)
            found.append(gloss)
        return found

    def of_name(self, word: str) -> np.ndarray:
        """1 for each tag whose own name holds the word in any form, float32 (n_tags,)."""
        found = np.zeros(self._n_tags, dtype=np.float32)
        found[[place for place, (name, _) in enumerate(self._tags) if stem(word) in map(stem, name.split())]] = 1.0
        return found

    def of_endings(self, text: str) -> tuple[list[int], list[int]]:
        """Tags whose name a text ends with, and tags whose name ends with the text."""
        words = key(text).split()
        inside = [tag for begin in range(len(words)) for tag in self._named.get(" ".join(words[begin:]), ())]
        return inside, self._ending.get(" ".join(words), [])

    def rarity(self, word: str) -> float:
        """How much a word says, 0 to 1."""
        return self._known.rarity.get(stem(word), 1.0)

    def _things(self, tag: Sequence[int]) -> np.ndarray:
        """Likeness of everything to what a tag names, float32 (n_things,)."""
        known, near, n = self._known, self._near, len(self._known.things)
        best = np.zeros(n, dtype=np.float32)
        information = np.asarray(known.information, dtype=np.float32)
        for rank, thing in enumerate(tag):
            shared = np.zeros(n, dtype=np.float32)
            for above in known.ancestors[thing]:
                members = known.below[above]
                shared[members] = np.maximum(shared[members], information[above])
            lin = np.minimum(2.0 * shared / np.maximum(information + information[thing], 1e-6), 1.0)
            found = near.sibling * lin**near.sharp
            links = list(known.links[thing])
            found[links] = np.maximum(found[links], near.back)
            found[known.linked_by[thing]] = np.maximum(found[known.linked_by[thing]], near.linked)
            kinds, below = list(known.ancestors[thing]), known.below[thing]
            up = np.array([known.ancestors[thing][one] for one in kinds], dtype=np.float32)
            down = np.array([known.ancestors[one][thing] for one in below], dtype=np.float32)
            found[kinds] = np.maximum(found[kinds], near.wider * np.maximum(lin[kinds], near.step**up))
            found[below] = np.maximum(found[below], near.narrower * np.maximum(lin[below], near.step**down))
            found[thing] = 1.0
            best = np.maximum(best, found * near.later**rank)
        return best

    def _bag(self, name: str, things: Sequence[int]) -> dict[str, float]:
        """Stems of words that go with a tag -> how closely."""
        known, near = self._known, self._near
        bag: dict[str, float] = {}

        def add(thing: int, of_names: float, of_related: float) -> None:
            for stems, count in zip(known.stems[thing], (of_names, of_related), strict=True):
                for one in stems:
                    bag[one] = max(bag.get(one, 0.0), count)

        for thing in things[:1]:
            add(thing, near.other_name, near.related)
            for above, steps in known.ancestors[thing].items():
                if 0 < steps <= 2:
                    add(above, near.kind / steps, near.kinds_related / steps)
            for below in known.below[thing]:
                add(below, near.below, near.below_related)
        return bag | dict.fromkeys(map(stem, name.split()), 1.0)
