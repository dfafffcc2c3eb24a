"""Words that a slip of the hand has misspelt, led back to the ones that were meant. Pure."""

from collections.abc import Iterable

import numpy as np


class Spelling:
    """Finds the word that a misspelt one was meant to be: shared letter pairs first, then the number of slips."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = list(dict.fromkeys(word for word in words if len(word) > 3))
        self._pairs: dict[str, list[int]] = {}
        for i, word in enumerate(self._words):
            for pair in _pairs(word):
                self._pairs.setdefault(pair, []).append(i)
        self._sizes = np.array([len(_pairs(word)) for word in self._words], np.float32)

    def nearest(self, word: str) -> str | None:
        """The word at most one slip away, two for words of six letters or more; None if there is none."""
        if len(word) < 4 or not self._words:
            return None
        pairs = _pairs(word)
        hits = [i for pair in pairs for i in self._pairs.get(pair, ())]
        shared = np.bincount(hits, minlength=len(self._words)) / (self._sizes + len(pairs))
        near = [self._words[i] for i in np.argsort(-shared, kind="stable")[:8] if shared[i] > 0.0]
        slips, found = min(((slips_between(word, other), other) for other in near), default=(9, ""))
        return found if slips <= (2 if len(word) >= 6 else 1) else None


def slips_between(a: str, b: str) -> int:
    """Letters to insert, drop, replace or swap with their neighbour to make b of a (optimal string alignment).

    >>> slips_between("tehcno", "techno"), slips_between("paimo", "piano")
    (1, 2)
    """
    before, last = [0], list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        row = [i]
        for j, y in enumerate(b, start=1):
            row.append(min(last[j] + 1, row[-1] + 1, last[j - 1] + (x != y)))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                row[-1] = min(row[-1], before[j - 2] + 1)
        before, last = last, row
    return last[-1]


def _pairs(word: str) -> set[str]:
    framed = f"^{word}$"
    return {framed[i : i + 2] for i in range(len(framed) - 1)}
