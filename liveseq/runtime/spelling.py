"""Words that a slip of the hand has misspelt, led back to the ones that were meant. Pure."""

from collections.abc import Iterable

import numpy as np

N_TRIED = 8
"""Words whose slips are counted: those that share most letter pairs."""


class Spelling:
    """Finds the word that a misspelt one was meant to be: shared letter pairs first, then the number of slips."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = list(dict.fromkeys(word for word in words if len(word) > 3))
        self._lengths = np.array([len(word) for word in self._words], dtype=np.int32)
        letters = np.frombuffer("".join(f"^{word}$" for word in self._words).encode("utf-32-le"), dtype=np.uint32)
        owners = np.repeat(np.arange(len(self._words), dtype=np.int32), self._lengths + 2)
        pairs, inside = _codes(letters), owners[:-1] == owners[1:]
        order = np.argsort(pairs[inside], kind="stable")
        self._sorted, self._owners = pairs[inside][order], owners[:-1][inside][order]

    def nearest(self, word: str) -> str | None:
        """The word at most one slip away, two for words of six letters or more; None if there is none."""
        if len(word) < 4 or not self._words:
            return None
        pairs = np.unique(_codes(np.frombuffer(f"^{word}$".encode("utf-32-le"), dtype=np.uint32)))
        begins, ends = (np.searchsorted(self._sorted, pairs, side=side) for side in ("left", "right"))
        hits = np.concatenate([self._owners[begin:end] for begin, end in zip(begins, ends, strict=True)])
        most = 2 if len(word) >= 6 else 1
        shared = np.bincount(hits, minlength=len(self._words)) / (self._lengths + 1 + len(pairs))
        shared[np.abs(self._lengths - len(word)) > most] = 0.0
        n = min(N_TRIED, len(shared))
        near = sorted(np.argpartition(-shared, n - 1)[:n], key=lambda i: (-shared[i], i))
        tried = [self._words[i] for i in near if shared[i] > 0.0]
        slips, found = min(((slips_between(word, other), other) for other in tried), default=(9, ""))
        return found if slips <= most else None


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


def _codes(letters: np.ndarray) -> np.ndarray:
    """Pairs of neighbouring letters as one number each: uint64 (n - 1,)."""
    pairs: np.ndarray = (letters[:-1].astype(np.uint64) << np.uint64(32)) | letters[1:]
    return pairs
