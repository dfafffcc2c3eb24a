"""Likeness of what a performer says to the tags of a corpus, by facts. Pure.

Two measures, each from 0 to 1, over all tags at once: of a thing to the things that a tag names, in the graph of kinds
(Lin 1998, "An information-theoretic definition of similarity", with what goes with what); and of single words to the
words that go with a tag, the rarer the better.
"""

from collections.abc import Sequence

import numpy as np

from liveseq.words.knowledge import Knowledge
from liveseq.words.plain import stem

NARROWER, WIDER, FURTHER = 0.95, 0.85, 0.06
"""Likeness of a kind of a tag to it, of the tag's own kind, and what each further step takes."""
SIBLING = 0.7
"""Share of Lin's measure where neither is a kind of the other."""
LINKED, BACK = 0.75, 0.7
"""Likeness of a thing to a tag that its words name, and the other way round."""
NAME, OTHER_NAME, RELATED, KIND, KINDS_RELATED, BELOW = 1.0, 0.9, 0.7, 0.55, 0.35, 0.45
"""What a word counts that stands in a tag's name, in its thing's other names, beside them, in its kinds' names, beside
those, and in what is a kind of it."""


class Likeness:
    """Measures for the tags of one corpus."""

    def __init__(self, known: Knowledge, tags: Sequence[tuple[str, Sequence[int]]]) -> None:
        """tags: clean name and things of each."""
        self._known = known
        self._n_tags = len(tags)
        self.of_things = np.stack([self._things(things) for _, things in tags], axis=1)  # (n_things, n_tags)
        """float32 (n_things, n_tags)."""
        self._words: dict[str, np.ndarray] = {}
        for place, (name, things) in enumerate(tags):
            for word, count in self._bag(name, things).items():
                self._words.setdefault(word, np.zeros(self._n_tags, dtype=np.float32))[place] = count

    def of_word(self, word: str) -> np.ndarray:
        """Likeness of a clean word to every tag, float32 (n_tags,)."""
        found = self._words.get(stem(word))
        return np.zeros(self._n_tags, dtype=np.float32) if found is None else found

    def rarity(self, word: str) -> float:
        """How much a word says, 0 to 1."""
        return self._known.rarity.get(stem(word), 1.0)

    def _things(self, tag: Sequence[int]) -> np.ndarray:
        """Likeness of everything to what a tag names, float32 (n_things,)."""
        known, n = self._known, len(self._known.things)
        best = np.zeros(n, dtype=np.float32)
        information = np.asarray(known.information, dtype=np.float32)
        for rank, thing in enumerate(tag):
            found = np.zeros(n, dtype=np.float32)
            shared = np.zeros(n, dtype=np.float32)
            for above in known.ancestors[thing]:
                members = known.below[above]
                shared[members] = np.maximum(shared[members], information[above])
            found = SIBLING * 2.0 * shared / np.maximum(information + information[thing], 1e-6)
            found = np.minimum(found, SIBLING)
            for other in known.links[thing]:
                found[other] = max(found[other], BACK)
            for other in known.linked_by[thing]:
                found[other] = max(found[other], LINKED)
            for above, steps in known.ancestors[thing].items():
                found[above] = max(found[above], WIDER - FURTHER * (steps - 1))
            for below in known.below[thing]:
                found[below] = max(found[below], NARROWER - FURTHER * (known.ancestors[below][thing] - 1))
            found[thing] = 1.0
            best = np.maximum(best, found * 0.9**rank)
        return best

    def _bag(self, name: str, things: Sequence[int]) -> dict[str, float]:
        """Stems of words that go with a tag -> how closely."""
        known = self._known
        bag: dict[str, float] = {}

        def add(texts: Sequence[str], count: float) -> None:
            for text in texts:
                for word in text.split():
                    bag[stem(word)] = max(bag.get(stem(word), 0.0), count)

        add([name], NAME)
        for thing in things[:1]:
            add(known.things[thing].names, OTHER_NAME)
            add(known.things[thing].related, RELATED)
            for above, steps in known.ancestors[thing].items():
                if 0 < steps <= 2:
                    add(known.things[above].names, KIND / steps)
                    add(known.things[above].related, KINDS_RELATED / steps)
            for below in known.below[thing]:
                add(known.things[below].names, BELOW)
                add(known.things[below].related, KINDS_RELATED)
        return bag
