"""Layers of a performance that play a generator: which one, and what their words mean to it.

No clock and no thread. That a stream is opened, begins to sound, or is lost depends on when the streamer is ready: the
conductor finds out, and tells; the log keeps it, and a replay is told the same at the same samples.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

import numpy as np

from liveseq.corpus.units import ANY
from liveseq.errors import TagError
from liveseq.generation.meaning import Vocabulary
from liveseq.sequencer.sequencer import Sequencer
from liveseq.sequencer.settings import Mode
from liveseq.sequencer.timeline import Event

Words = Mapping[str, float]


class StreamStep(StrEnum):
    """What may happen to a layer in mode generate."""

    OPEN = "open"
    """A stream is ordered; the corpus, or the stream before it, plays on."""
    BEGIN = "begin"
    """The layer changes over to it."""
    LOSE = "lose"
    """There will be no more of it: the layer goes back to the corpus."""


class Streamed:
    """One per performance."""

    def __init__(
        self, sequencer: Sequencer, spoken: Sequence[Words], open_vocabulary: Callable[[str], Vocabulary]
    ) -> None:
        """spoken: of each layer the performer's words and their weights; kept by the performance."""
        self._sequencer = sequencer
        self._spoken = spoken
        self._open_vocabulary = open_vocabulary
        self._vocabularies: dict[str, Vocabulary] = {}
        self._generators = [""] * len(spoken)
        self._tempo = 0.0
        self.lost = [False] * len(spoken)
        """Layers whose stream was lost: none is opened for them until they are told something."""

    def learn(self, name: str, vocabulary: Vocabulary) -> None:
        """A generator that is open already need not be read again."""
        self._vocabularies[name] = vocabulary

    def generator(self, number: int) -> str:
        """That the layer's stream, or the one to come, is of; empty where it has none."""
        layer = self._sequencer.layer(number)
        return self._generators[number - 1] if layer.stream or layer.coming else ""

    def step(self, number: int, what: StreamStep, *, at: int, generator: str) -> list[Event]:
        """Something happens. Raises ModelError for a generator that cannot be used, TagError for one that does not know
        what it was taught itself."""
        if what is StreamStep.OPEN:
            self._open(number, generator)
            return []
        if what is StreamStep.BEGIN:
            return self._sequencer.begin_stream(number, at=at)
        self.lost[number - 1] = True
        return self._sequencer.leave_stream(number, at=at)

    def vector(self, number: int, spoken: Words) -> np.ndarray | None:
        """What words mean to the layer's generator; None where it has none. Raises TagError for the first that means
        nothing."""
        name = self.generator(number)
        return vector_of(self._vocabularies[name], spoken) if name else None

    def knows(self, number: int, text: str) -> bool:
        """Whether the layer's generator knows a text. One that is to come is trusted: what it does not know is told
        then."""
        name = self.generator(number)
        if not name:
            return self._sequencer.layer(number).settings.mode is Mode.GENERATE
        return knows(self._vocabularies[name], text)

    def retag(self, number: int, vector: np.ndarray | None, *, at: int) -> None:
        """The layer gets other words: its stream says them from `at` on."""
        self.lost[number - 1] = False
        if vector is not None:
            self._sequencer.streaming.retag(self._sequencer.layer(number), vector, at=at)

    def lead(self, tempo: float, *, at: int) -> None:
        """Every stream follows this tempo from `at` on, in beats per minute; 0: its own."""
        self._tempo = tempo
        for layer in self._sequencer.layers:
            self._sequencer.streaming.lead(layer, tempo, at=at)

    def reseed(self, number: int) -> None:
        """The layer has another seed: its stream begins anew."""
        self.lost[number - 1] = False
        if name := self.generator(number):
            self._open(number, name)

    def wanted(self, number: int) -> bool:
        """Whether the layer wants a stream, and knows of what."""
        layer = self._sequencer.layer(number)
        wants = layer.settings.mode is Mode.GENERATE and bool(self._spoken[number - 1])
        return wants and not self.lost[number - 1]

    def _open(self, number: int, name: str) -> None:
        if name not in self._vocabularies:
            self._vocabularies[name] = self._open_vocabulary(name)
        vocabulary = self._vocabularies[name]
        known = {text: weight for text, weight in self._spoken[number - 1].items() if knows(vocabulary, text)}
        layer = self._sequencer.layer(number)
        vector = vector_of(vocabulary, known or {ANY: 1.0})
        self._sequencer.streaming.open(layer, name, vector, seed=layer.seed, tempo=self._tempo)
        self._generators[number - 1] = name


def vector_of(vocabulary: Vocabulary, spoken: Words) -> np.ndarray:
    """What words mean to a generator, float32 (tag_size,); "*" is all that it was taught. Raises TagError."""
    texts = {text: weight for text, weight in spoken.items() if text.strip() != ANY}
    everything = sum(weight for text, weight in spoken.items() if text.strip() == ANY)
    tags = vocabulary.tags or ("music",)
    for tag in tags if everything else ():
        texts[tag] = texts.get(tag, 0.0) + everything / len(tags)
    return vocabulary.blend(texts).vector


def knows(vocabulary: Vocabulary, text: str) -> bool:
    """Whether a text means anything to a generator."""
    try:
        vector_of(vocabulary, {text: 1.0})
    except TagError:
        return False
    return True
