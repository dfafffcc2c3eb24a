"""Scores of tags: how well each is what a text means, of facts and of an encoder's cosine. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from liveseq.words.likeness import Likeness
from liveseq.words.reading import Part


@dataclass(frozen=True)
class Weighing:
    """How the measures make a score; fitted to phrases over tags that none of the published figures is measured on."""

    threshold: float = 0.44
    """Score below which a text does not mean a tag."""
    words: float = 1.25
    """Weight of words that go with a tag, beside things that it is a kind of."""
    words_of_things: float = 0.5
    """The same for the words of a thing, which is known to be something else."""
    mean: float = 0.49
    """Share of the whole text in a score, beside its part that fits best."""
    name: float = 0.9
    """Weight of the cosine of a part to a tag's name."""
    name_of_things: float = 0.5
    """The same for a thing, of which the facts say what it is."""
    name_low: float = 0.84
    name_high: float = 0.96
    """Cosines to a name that are nothing and all."""
    low: float = 0.13
    high: float = 1.05
    """The same of a word to what goes with a tag."""
    later: float = 0.95
    """Share that each further sense of a name counts."""
    common: float = 0.2
    """Weight of a part whose words are said of everything."""
    tag: float = 1.15
    """Weight of a tag's own name."""
    called: float = 0.9
    """Least score of a tag that is named in the text, whatever else is."""
    word: float = 0.9
    """Weight of a word that names no thing."""
    quality: float = 0.05
    mood: float = 1.0
    """Weight of one that says how it sounds, and of a mood that is like a tag."""
    mention: float = 0.95
    """Weight of a phrase that goes with a thing, beside the thing itself."""
    ends: float = 0.86
    """Weight of a text that ends with a tag's name."""
    ending: float = 0.66
    """Weight of a text with which a tag's name ends."""
    ends_of_things: float = 0.63
    """The share of these two for a thing, which is known to be something else."""
    last: float = 0.96
    """Weight of the last thing, which the others say more of."""
    guess: float = 0.96
    """Weight of the cosine of a word that names no thing."""
    head_word: float = 0.05
    head_thing: float = 0.75
    head_least: float = 0.08
    """Share of a score that remains where what the text is about, a word or a thing, is less like the tag than that."""
    everyday: float = 0.85
    everyday_head: float = 0.05
    """Share of a score that remains beside something that makes no sound; where that is what the text is about."""


WEIGHING = Weighing()
NAMED = 0.97
"""Likeness of a part from which it is another word for the tag."""
DENIED = 0.9
"""Likeness from which a tag is what is not to be there."""


def guessed(heard: Sequence[Part]) -> list[int]:
    """Places of words that name no thing: an encoder alone can tell what they are like."""
    return [place for place, part in enumerate(heard) if part.kind == "word"]


def _between(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 at low and below, 1 at high and above."""
    return np.clip((x - low) / (high - low), 0.0, 1.0)


def _head(heard: Sequence[Part]) -> int:
    """Place of the part that a text is about, which those before it say more of: the last one before a preposition."""
    return next((place for place, part in enumerate(heard) if part.ends), len(heard) - 1)


class Scoring:
    """Scores for the tags of one corpus."""

    def __init__(self, likeness: Likeness, weighing: Weighing) -> None:
        self.weighing = weighing
        self._likeness = likeness

    def scores(self, parts: Sequence[Part], names: np.ndarray, glosses: np.ndarray) -> np.ndarray:
        """How well each tag is meant, float32 (n_tags,).

        names: cosine of each of `heard` to each tag's name, float32 (n_parts, n_tags). glosses: of each of `guessed` to
        the nearest of what goes with a tag, float32 (n_guessed, n_tags).
        """
        w = self.weighing
        heard = self.heard(parts)
        if not heard:
            return np.zeros(names.shape[1], dtype=np.float32)
        each = np.stack([self.of_part(part) for part in heard])  # (n_parts, n_tags)
        names_so = {"word": w.name, "unknown": 0.0, "quality": 0.0}
        count = np.array([names_so.get(part.kind, w.name_of_things) for part in heard], dtype=np.float32)
        each = np.maximum(each, count[:, np.newaxis] * _between(names, w.name_low, w.name_high))
        words = guessed(heard)
        each[words] = np.maximum(each[words], w.guess * _between(glosses, w.low, w.high))
        share = self._shares(heard, each)
        best = (each * (share / share.max())[:, np.newaxis]).max(axis=0)
        score = (1.0 - w.mean) * best + w.mean * (share @ each) / share.sum()
        of_names = [place for place, part in enumerate(heard) if part.kind in ("tag", "thing")]
        named = (each[of_names] >= NAMED).any(axis=0)
        score = np.where(named, np.maximum(score, w.called), score)
        if len(heard) > 1:
            head = _head(heard)
            left = w.head_word if heard[head].kind in ("word", "unknown") else w.head_thing
            beside = each[head] < w.head_least
            if each[head].max() >= w.threshold:  # two things of two tags: neither says more of the other
                beside &= ~named
            score = np.where(beside, left * score, score)
        if (denied := self.denied(parts)).any():
            score = np.where(denied, 0.0, score)
        named = [part for part in parts if part.sign > 0.0 and part.kind != "quality"]
        if any(part.kind == "everyday" for part in named):
            score = score * (w.everyday_head if named[_head(named)].kind == "everyday" else w.everyday)
        return np.asarray(score, dtype=np.float32)

    def heard(self, parts: Sequence[Part]) -> list[Part]:
        """Parts that are to be there and make a sound. How that is to be does not change which tags are meant, unless
        one is called so."""
        sounds = [part for part in parts if part.sign > 0.0 and part.kind != "everyday"]
        return [part for part in sounds if part.kind != "quality" or self.of_part(part).any()]

    def denied(self, parts: Sequence[Part]) -> np.ndarray:
        """Whether each tag is one that is not to be there, bool (n_tags,)."""
        gone = [self.of_part(part) for part in parts if part.sign < 0.0 and part.kind != "quality"]
        found: np.ndarray = np.any([one >= DENIED for one in gone], axis=0) if gone else np.zeros(0, dtype=bool)
        return found

    def of_part(self, part: Part) -> np.ndarray:
        """Likeness of a part to every tag, whatever its sign, float32 (n_tags,)."""
        likeness, w = self._likeness, self.weighing
        words = part.text.split()
        rarity = np.array([likeness.rarity(word) for word in words], dtype=np.float32)
        of_words = np.stack([likeness.of_word(word) for word in words])  # (n_words, n_tags)
        if part.kind == "quality":  # nothing but a tag that is called so
            called_so: np.ndarray = np.max([likeness.of_name(word) for word in words], axis=0)
            return called_so
        named = part.kind in ("thing", "tag", "mood")
        count = w.words_of_things if named else w.words
        score: np.ndarray = count * (rarity @ of_words) / max(float(rarity.sum()), 1e-6)
        for rank, thing in enumerate(part.things):
            count = w.later**rank if named else w.mention
            score = np.maximum(score, count * likeness.of_things[thing])
        for tags, count in zip(likeness.of_endings(part.text), (w.ends, w.ending), strict=True):
            score[tags] = np.maximum(score[tags], count * (1.0 if not part.things else w.ends_of_things))
        score[list(part.tags)] = 1.0
        clipped: np.ndarray = np.minimum(score, 1.0)
        return clipped

    def _shares(self, heard: Sequence[Part], each: np.ndarray) -> np.ndarray:
        """Weight of each part, float32 (n_parts,). each: its likeness to the tags, float32 (n_parts, n_tags)."""
        w, shares = self.weighing, []
        weights = {"tag": w.tag, "word": w.word, "unknown": w.word, "quality": w.quality, "mood": w.mood}
        things = [place for place, part in enumerate(heard) if part.kind in ("thing", "tag")]
        for place, part in enumerate(heard):
            rarest = max(self._likeness.rarity(word) for word in part.text.split())
            is_tag = each[place].max() >= w.threshold  # where no tag is a mood, a mood says only how
            kind = weights.get(part.kind, 1.0) if part.kind != "mood" or is_tag else w.quality
            kind *= w.last if things and place == things[-1] else 1.0
            shares.append(kind * (w.common + (1.0 - w.common) * rarest))
        return np.array(shares, dtype=np.float32)
