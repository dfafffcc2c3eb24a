"""Scores of tags: how well each is what a text means, of facts and of an encoder's cosine. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from liveseq.words.likeness import Likeness
from liveseq.words.reading import Part


@dataclass(frozen=True)
class Weighing:
    """How the measures make a score; fitted to phrases over tags that none of the published figures is measured on."""

    threshold: float = 0.45
    """Score below which a text does not mean a tag."""
    words: float = 0.8
    """What words that go with a tag count beside things that it is a kind of."""
    mean: float = 0.35
    """Share of the whole text in a score, beside its part that fits best."""
    encoder: float = 0.25
    """Share of the cosine."""
    low: float = 0.2
    high: float = 0.8
    """Cosines that are nothing and all."""
    facts_alone: float = 0.9
    """What facts count that the encoder says nothing to."""
    later: float = 0.85
    """What each further sense of a name counts."""
    common: float = 0.3
    """Weight of a part whose words are said of everything."""
    word: float = 0.6
    """Weight of a word that names no thing."""
    quality: float = 0.25
    """Weight of one that says how it sounds."""
    last: float = 1.2
    """Weight of the last thing, which the others say more of."""
    everyday: float = 0.7
    everyday_last: float = 0.4
    """What remains of a score beside something that makes no sound; where that is what the text is about."""


WEIGHING = Weighing()


class Scoring:
    """Scores for the tags of one corpus."""

    def __init__(self, likeness: Likeness, weighing: Weighing) -> None:
        self.weighing = weighing
        self._likeness = likeness

    def scores(self, parts: Sequence[Part], cosines: np.ndarray) -> np.ndarray:
        """How well each tag is meant, float32 (n_tags,). cosines: of the text to each tag, float32 (n_tags,)."""
        w = self.weighing
        said = [part for part in parts if part.sign > 0.0 and part.kind != "everyday"]
        cosine = np.clip((cosines - w.low) / (w.high - w.low), 0.0, 1.0)
        if not said:
            return np.zeros(len(cosine), dtype=np.float32)
        each = np.stack([self._part(part) for part in said])  # (n_parts, n_tags)
        share = self._shares(said)
        best = (each * (share / share.max())[:, None]).max(axis=0)
        mean = (each * share[:, None]).sum(axis=0) / share.sum()
        facts = (1.0 - w.mean) * best + w.mean * mean
        score = np.maximum((1.0 - w.encoder) * facts + w.encoder * cosine, w.facts_alone * facts)
        for part in parts:
            if part.sign < 0.0 and part.kind != "quality":  # what is not to be dark may well be bass
                score = score * (1.0 - self._part(part))
        if any(part.kind == "everyday" for part in parts):
            about = [part for part in parts if part.kind != "quality"][-1]
            score = score * (w.everyday_last if about.kind == "everyday" else w.everyday)
        return np.asarray(score, dtype=np.float32)

    def _part(self, part: Part) -> np.ndarray:
        """Likeness of a part to every tag, float32 (n_tags,)."""
        likeness, w = self._likeness, self.weighing
        words = part.text.split()
        rarity = np.array([likeness.rarity(word) for word in words], dtype=np.float32)
        of_words = np.stack([likeness.of_word(word) for word in words])  # (n_words, n_tags)
        score: np.ndarray = w.words * (rarity @ of_words) / max(float(rarity.sum()), 1e-6)
        for rank, thing in enumerate(part.things):
            score = np.maximum(score, likeness.of_things[thing] * w.later**rank)
        score[list(part.tags)] = 1.0
        return score

    def _shares(self, said: Sequence[Part]) -> np.ndarray:
        """Weight of each part, float32 (n_parts,)."""
        w, shares = self.weighing, []
        things = [place for place, part in enumerate(said) if part.kind in ("thing", "tag")]
        for place, part in enumerate(said):
            rarest = max(self._likeness.rarity(word) for word in part.text.split())
            kind = {"word": w.word, "quality": w.quality}.get(part.kind, 1.0)
            kind *= w.last if things and place == things[-1] else 1.0
            shares.append(kind * (w.common + (1.0 - w.common) * rarest))
        return np.array(shares, dtype=np.float32)
