"""Meaning of the performer's words: free text to weights over the tags of a corpus, and to qualities of sound.

Facts first (`liveseq.words`): which thing a text names, and what that is to the things that the tags name. The text
encoder's cosine speaks beside them, and alone where they are silent. Lives in the conductor: `TagMatcher.match` takes
a millisecond (a text of 200 odd letters some more) and never touches the disk.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from liveseq.corpus.names import as_tag
from liveseq.corpus.units import ANY
from liveseq.errors import TagError
from liveseq.runtime.spelling import Spelling
from liveseq.runtime.text import TextEncoder
from liveseq.words.explaining import Explaining
from liveseq.words.knowledge import Knowledge, key, knowledge
from liveseq.words.likeness import Likeness
from liveseq.words.plain import clean
from liveseq.words.qualities import Quality, wording
from liveseq.words.reading import Part, Reader
from liveseq.words.scoring import WEIGHING, Scoring, Weighing, guessed
from liveseq.words.tag_sense import TagSense

N_REMEMBERED = 256
"""Texts whose meaning is kept: a set is played with the same words again and again."""
SPREAD = 0.1
"""Softmax temperature from score to weight: so much below the best is 1 / e of its weight."""
MOST_TAGS = 3
"""Tags that a text means, at most."""
LEAST_SHARE = 0.3
"""Share of the best tag's weight that any other tag must have."""


_WARM_UP = ("warm up", "gitar und Glocken", "qwzzk zebraphone", "struck metal bars")
"""Texts whose reading takes every way once: what is made on first use is made before music waits for it."""


@dataclass(frozen=True, kw_only=True)
class TagMatch:
    """Meaning of a text among the tags of a corpus."""

    weights: dict[str, float]
    """Tags above the threshold, the heaviest first; they add up to 1. ANY where it only says how it is to sound, all
    others where it only says what is not to be there. Empty: it means nothing here."""
    best: list[tuple[str, float]]
    """The nearest tags with their score, best first, whether above the threshold or not."""
    known: bool
    """Whether the text means any tag."""
    qualities: Mapping[Quality, float] = field(default_factory=dict)
    """How it is to sound: 1 for more of it, -1 for less, beyond that for much more."""
    read: tuple[Part, ...] = ()
    """The parts that the text fell into."""


class TagMatcher:
    """Finds the tags that a text means."""

    def __init__(
        self,
        encoder: TextEncoder,
        tags: Sequence[str],
        *,
        synonyms: Mapping[str, str] | None = None,
        readings: Mapping[str, str] | None = None,
        n_best: int = 3,
        weighing: Weighing = WEIGHING,
        known: Knowledge | None = None,
    ) -> None:
        """tags: any names, such as the folders of the performer's recordings. synonyms: words of the performer's own
        -> one of the tags. readings: tags -> the same in common words. known: other facts than those of the package.
        Raises TagError where there is no tag."""
        if not tags:
            raise TagError("no tag to match against: expected a corpus with tags, found none; tag its sources")
        self.tags = tuple(dict.fromkeys(tags))
        self.encoder = encoder
        self._n_best = n_best
        self._names = [clean(tag) for tag in self.tags]
        self._spellings = [as_tag(tag) for tag in self.tags]
        self._readings = [clean((readings or {}).get(tag, "")) for tag in self.tags]
        self._vectors = encoder.embed(self.tags)  # (n_tags, n_dimensions)
        read_as = [reading or tag for reading, tag in zip(self._readings, self.tags, strict=True)]
        self._read_vectors = encoder.embed(read_as) if readings else self._vectors  # (n_tags, n_dimensions)
        self._facts = known or knowledge()
        self.senses = tuple(TagSense.of(self._facts, *pair) for pair in zip(self.tags, self._readings, strict=True))
        """Each tag as it is understood."""
        likeness = Likeness(self._facts, [(f"{one.name} {one.reading}".strip(), one.things) for one in self.senses])
        self._scoring = Scoring(likeness, weighing)
        self._gloss = Gloss(encoder, likeness.glosses())
        self.explaining = Explaining(self._facts, self.senses, likeness_of=self._scoring.of_part)
        """Says why a text means a tag."""
        self._own = Spelling(word for name in self._names for word in name.split())
        self._spelling = _english(encoder)
        self._known: dict[tuple[str, str], TagMatch] = {}
        self.learn({key(word): tag for word, tag in (synonyms or {}).items()})
        for text in _WARM_UP:
            self.match(text)

    def learn(self, synonyms: Mapping[str, str]) -> None:
        """Let these be all words of the performer's own: key -> one of the tags."""
        self._reader = Reader(
            self._facts,
            wording(),
            tags=self._places(synonyms),
            is_word=lambda word: self.encoder.n_pieces(word) == 1,
            mend=self._spelt,
        )
        self._known.clear()

    @property
    def threshold(self) -> float:
        """Score below which a text does not mean a tag."""
        return self._scoring.weighing.threshold

    def vectors(self) -> dict[str, np.ndarray]:
        """The encoder's unit vector of each tag, float32 (n_dimensions,)."""
        return dict(zip(self.tags, self._vectors, strict=True))

    def match(self, text: str) -> TagMatch:
        """The tags that a text means, with their weights and the runners-up. Recent texts are remembered.

        Raises TagError for a text that is too long or holds control characters.
        """
        name = clean(text), as_tag(text)
        if name not in self._known:
            if len(self._known) >= N_REMEMBERED:
                self._known.clear()
            self._known[name] = self._find(text, self._called(*name))
        return self._known[name]

    def _called(self, name: str, spelt: str) -> list[int]:
        """Tags of this very name: the one that is spelt so, or those that sound so. name: clean; of signs alone none
        sounds so."""
        exact = [place for place, tag in enumerate(self._spellings) if tag == spelt]
        return exact or [place for place, own in enumerate(self._names) if name and own == name]

    def _find(self, text: str, called: list[int]) -> TagMatch:
        """called: tags of this very name."""
        parts = self._reader.read(text)
        qualities: dict[Quality, float] = {}
        if called:
            scores = np.zeros(len(self.tags), dtype=np.float32)
            scores[called] = 1.0  # even where no word of the name is known
        else:
            scores = self._scores(parts)
            for part in parts:
                if part.quality is not None:
                    qualities[part.quality] = part.sign
        best = [(self.tags[i], float(scores[i])) for i in np.argsort(-scores, kind="stable")[: self._n_best]]
        weights = self._weights(scores) or self._rest(parts)
        return TagMatch(weights=weights, best=best, known=bool(weights), qualities=qualities, read=tuple(parts))

    def _rest(self, parts: Sequence[Part]) -> dict[str, float]:
        """Tags of a text that names nothing that is to be there: all, without those that it denies."""
        if any(part.sign > 0.0 and part.kind != "quality" for part in parts):
            return {}
        if not (denied := self._scoring.denied(parts)).any():
            return {ANY: 1.0} if any(part.kind == "quality" for part in parts) else {}
        left = [tag for tag, gone in zip(self.tags, denied, strict=True) if not gone]
        return dict.fromkeys(left, 1.0 / max(1, len(left)))

    def _scores(self, parts: Sequence[Part]) -> np.ndarray:
        """How well each tag is meant, float32 (n_tags,)."""
        heard = self._scoring.heard(parts)
        vectors = self.encoder.embed([part.text for part in heard] or [""])
        names = np.maximum(vectors @ self._vectors.T, vectors @ self._read_vectors.T)  # (n_parts, n_tags)
        return self._scoring.scores(parts, names, self._gloss.cosines(vectors[guessed(heard)]))

    def _spelt(self, word: str) -> str | None:
        """The known word that one was meant to be, a tag's first; None where there is none."""
        return self._own.nearest(word) or self._spelling.nearest(word)

    def _places(self, synonyms: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
        """Key of a tag's name, of its reading, or of a synonym -> tags."""
        found: dict[str, tuple[int, ...]] = {}
        for place, sense in enumerate(self.senses):
            for form in {key(sense.name), key(sense.reading)} - {""}:
                found[form] = (*found.get(form, ()), place)
        places = {tag: place for place, tag in enumerate(self.tags)}
        return found | {word: (places[tag],) for word, tag in synonyms.items() if tag in places}

    def _weights(self, scores: np.ndarray) -> dict[str, float]:
        above = np.flatnonzero(scores >= self._scoring.weighing.threshold)
        if not len(above):
            return {}
        raw = np.exp((scores[above] - scores.max()) / SPREAD)
        least = max(np.sort(raw)[-MOST_TAGS:][0], LEAST_SHARE * raw.max())
        raw[raw < least] = 0.0
        order = np.argsort(-raw, kind="stable")
        return {self.tags[above[i]]: float(raw[i] / raw.sum()) for i in order if raw[i] > 0.0}


class Gloss:
    """Vectors of everything that goes with each tag."""

    def __init__(self, encoder: TextEncoder, glosses: Sequence[Mapping[str, float]]) -> None:
        """glosses: names and phrases of each tag -> how closely they go with it."""
        texts = list(dict.fromkeys(text for gloss in glosses for text in gloss))
        places = {text: place for place, text in enumerate(texts)}
        counts = np.array([count for gloss in glosses for count in gloss.values()], dtype=np.float32)
        order = [places[text] for gloss in glosses for text in gloss]
        self._vectors = (encoder.embed(texts)[order] * counts[:, np.newaxis]).T.copy()  # (n_dimensions, n)
        self._begins = np.cumsum([0, *map(len, glosses)])[:-1]

    def cosines(self, vectors: np.ndarray) -> np.ndarray:
        """The largest weighted cosine of vectors, float32 (n, n_dimensions), to what goes with a tag: (n, n_tags)."""
        if not len(vectors):
            return np.zeros((0, len(self._begins)), dtype=np.float32)
        found: np.ndarray = np.maximum.reduceat(vectors @ self._vectors, self._begins, axis=1)
        return found


@lru_cache(maxsize=1)
def _english(encoder: TextEncoder) -> Spelling:
    """Words that anybody may misspell: a corpus that grows makes no new ones."""
    return Spelling([*encoder.words(), *knowledge().vocabulary])
