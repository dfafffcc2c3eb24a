"""The lexicon of musicians' words, `lexicon.txt`, and how it shapes the vectors of an encoder.

Pure numpy: no model.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from liveseq.words.plain import clean

LEXICON = Path(__file__).with_name("lexicon.txt")
PULL = 0.8
"""How much of a word's vector is its concepts' (0: the teacher alone)."""
CONCEPT = 0.8
"""How much of a concept's vector is the mean of its words."""
SHARED = 0.8
"""How much of their common part is taken away from all: that all are music tells no tag from another."""


class Lexicon:
    """Concepts and the words that mean them, cleaned."""

    def __init__(self, path: Path = LEXICON) -> None:
        self.words: dict[str, list[str]] = {}
        """Concept to its words."""
        self.qualities: set[str] = set()
        """Words that only say how something sounds."""
        things: set[str] = set()
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            concept, _, words = line.lstrip("~").partition(":")
            found = [w for w in dict.fromkeys(clean(w) for w in words.split(",")) if w]
            self.words[clean(concept)] = found
            (self.qualities if line.startswith("~") else things).update((clean(concept), *found))
        self.qualities -= things

    def entries(self) -> list[str]:
        """Every concept and word, once, in the order of the file."""
        return list(dict.fromkeys(entry for concept, words in self.words.items() for entry in (concept, *words)))


def random_phrases(words: Sequence[str], lexicon: Lexicon, *, n: int, rng: np.random.Generator) -> list[str]:
    """n phrases: half two to four everyday words, frequent ones more often; half a sound and how it sounds.

    words: whole words, the most frequent first.
    """
    p = (np.arange(len(words)) + 50.0) ** -0.7
    everyday = [rng.choice(len(words), size=k, p=p / p.sum()) for k in rng.integers(2, 5, n // 2)]
    qualities = sorted(lexicon.qualities)
    sounds = sorted(set(lexicon.entries()) - lexicon.qualities)
    common = words[: len(words) // 3]
    shapes = (
        "{q} {s}",
        "{s} with {s2}",
        "{q} {s} {s2}",
        "{s} and {w}",
        "{w} {s}",
        "{w} {q} sound",
        "a {q} {w} {s}",
        "{w} {s} music",
    )

    def sound_phrase() -> str:
        pick = {k: v[rng.integers(len(v))] for k, v in (("q", qualities), ("s", sounds), ("s2", sounds), ("w", common))}
        return shapes[rng.integers(len(shapes))].format(**pick)

    return [" ".join(words[i] for i in row) for row in everyday] + [sound_phrase() for _ in range(n - n // 2)]


def pulled(vectors: dict[str, np.ndarray], lexicon: Lexicon) -> dict[str, np.ndarray]:
    """Unit vector of each entry, (n_dimensions,): its own one in `vectors`, drawn towards the concepts that own it."""
    concepts = {
        c: unit((1 - CONCEPT) * vectors[c] + CONCEPT * unit(np.mean([vectors[w] for w in words], axis=0)))
        if words
        else vectors[c]
        for c, words in lexicon.words.items()
    }
    owners: dict[str, list[str]] = {}
    for concept, words in lexicon.words.items():
        for word in (concept, *words):
            owners.setdefault(word, []).append(concept)
    drawn = {
        word: unit((1 - PULL) * vectors[word] + PULL * unit(np.mean([concepts[c] for c in names], axis=0)))
        for word, names in owners.items()
    }
    shared = np.mean([drawn[concept] for concept in concepts], axis=0)
    return {word: unit(vector - SHARED * shared) for word, vector in drawn.items()}


def unit(x: np.ndarray) -> np.ndarray:
    """Vectors (..., n_dimensions) divided by their lengths."""
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-9)
