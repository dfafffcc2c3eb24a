"""Meaning of the performer's words to a generator: a blend of the tags that it was taught."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from liveseq.corpus.names import as_tag
from liveseq.corpus.source import MAX_TAG_LENGTH
from liveseq.corpus.units import ANY
from liveseq.errors import TagError
from liveseq.runtime.explained import NEAR
from liveseq.runtime.interpreter import Interpreter
from liveseq.runtime.manifest import Manifest
from liveseq.runtime.tag_matcher import TagMatcher
from liveseq.runtime.text import TextEncoder

MAIN_SHARE = 0.6
"""Share of a word's meaning from which a tag is a tag of the sound, too."""


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """A word as a generator understands it."""

    text: str
    """The words, in lower case."""
    weights: dict[str, float]
    """Tags that the generator was taught, the heaviest first; they add up to 1. Empty: it was taught none."""
    vector: np.ndarray
    """Input of the graph, float32 (tag_size,), of length 1; (0,) where it takes no tag."""

    @property
    def main(self) -> str:
        """The tag that the word mostly means, under which the sound is found too; empty where there is no other."""
        tag, share = next(iter(self.weights.items()), ("", 0.0))
        return tag if share >= MAIN_SHARE and tag != self.text else ""

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags of the sound in a corpus."""
        return (self.text, self.main) if self.main else (self.text,)


class Vocabulary:
    """The tags of one generator, by its manifest; the graph itself is not opened."""

    def __init__(self, folder: Path, encoder: TextEncoder) -> None:
        """encoder: decides on meaning; the graph gets vectors of its own training. Raises ModelError where the folder
        holds no generator, or a damaged one."""
        self.folder = folder
        self.manifest = Manifest.load(folder, role="generator")
        self.tags = self.manifest.tags
        self._interpreter = Interpreter(folder, self.manifest, encoder)
        self._matcher = TagMatcher(encoder, self.tags) if self.tags else None

    def meaning(self, text: str) -> Meaning:
        """The meaning of a text. Raises TagError, naming the nearest tags, for one that it does not know."""
        return self.blend({text: 1.0})

    def blend(self, texts: Mapping[str, float]) -> Meaning:
        """The meaning of several texts, each with its weight (above 0). Raises TagError as `meaning`."""
        plain = [as_tag(text) for text in texts] or [""]
        for text in plain:
            if not 1 <= len(text) <= MAX_TAG_LENGTH:
                raise TagError(f"tag {text[:40]!r}: expected 1 to {MAX_TAG_LENGTH} characters, found {len(text)}")
        weights: dict[str, float] = {}
        for text, weight in texts.items():
            for tag, share in self._weights(text).items():
                weights[tag] = weights.get(tag, 0.0) + weight * share
        total = sum(weights.values())
        weights = {tag: weight / total for tag, weight in sorted(weights.items(), key=lambda pair: -pair[1])}
        return Meaning(text=" + ".join(plain), weights=weights, vector=self._interpreter.blend(weights or texts))

    def _weights(self, text: str) -> dict[str, float]:
        if self._matcher is None:
            return {}
        found = self._matcher.match(text)
        if ANY in found.weights:  # what only says how it is to sound is anything that was taught
            return dict.fromkeys(self.tags, 1.0 / len(self.tags))
        if found.known:
            return found.weights
        near = ", ".join(f"{tag} ({score:.2f})" for tag, score in found.best if score >= NEAR)
        here = ", ".join(self.tags[:8]) + (", ..." if len(self.tags) > 8 else "")
        hint = f"the nearest are {near}" if near else f"it knows: {here}"
        raise TagError(f"generator {self.folder.name} does not know {text[:MAX_TAG_LENGTH]!r}: {hint}")
