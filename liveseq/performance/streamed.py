"""Layers of a performance that play a generator: which one, and what their words mean to it.

No clock and no thread. That a stream is opened, begins to sound, or is lost depends on when the streamer is ready: the
conductor finds out, and tells; the log keeps it, and a replay is told the same at the same samples.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

import numpy as np

from liveseq.corpus.names import as_tag
from liveseq.corpus.units import ANY
from liveseq.errors import TagError
from liveseq.generation.meaning import Vocabulary
from liveseq.runtime.latent import FREE, Travel, latent_size, without_latent
from liveseq.sequencer.sequencer import Sequencer
from liveseq.sequencer.settings import Mode
from liveseq.sequencer.streams import Gap, Told
from liveseq.sequencer.timeline import Event

Words = Mapping[str, float]


class StreamStep(StrEnum):
    """A step that a layer in mode generate takes."""

    OPEN = "open"
    """A stream is ordered; the corpus, or the stream before it, plays on."""
    BEGIN = "begin"
    """The layer changes over to it."""
    LOSE = "lose"
    """There will be no more of it: the layer goes back to the corpus."""


class Streamed:
    """Generators of the layers, and what their words mean to them. One per performance."""

    def __init__(
        self,
        sequencer: Sequencer,
        spoken: Sequence[Words],
        open_vocabulary: Callable[[str], Vocabulary],
        *,
        common: Callable[[str], str],
    ) -> None:
        """spoken: the performer's words on each layer with their weights; `words` changes them. common: makes common
        words, which a generator may know, of those that are the performer's own."""
        self._sequencer = sequencer
        self._spoken = spoken
        self._open_vocabulary = open_vocabulary
        self._common = common
        self._vocabularies: dict[str, Vocabulary] = {}
        self._generators = [""] * len(spoken)
        self._tempo = 0.0
        self._travels = [FREE] * len(spoken)
        self._lost = [False] * len(spoken)

    def learn(self, name: str, vocabulary: Vocabulary) -> None:
        """Take over a generator's words that are read already."""
        self._vocabularies[name] = vocabulary

    def generator(self, number: int) -> str:
        """Name of the generator of the layer's stream, or of the one to come; empty where it has none."""
        wanted = self._sequencer.layer(number).streams.newest
        return "" if wanted is None else self._generators[number - 1]

    def vocabulary(self, number: int) -> Vocabulary | None:
        """Words and latents of the generator of the layer's stream; None where it has none."""
        name = self.generator(number)
        return self._vocabularies[name] if name else None

    def take(self, number: int, step: StreamStep, *, at: int, generator: str) -> list[Event]:
        """Take a step with the layer's stream. Raises ModelError for a generator that cannot be used, TagError for one
        that does not know what it was taught itself."""
        if step is StreamStep.OPEN:
            self._open(number, generator)
            return []
        if step is StreamStep.BEGIN:
            return self._sequencer.begin_stream(number, at=at)
        self.give_up(number)
        return self._sequencer.leave_stream(number, at=at)

    def vector(self, number: int, spoken: Words) -> np.ndarray | None:
        """Meaning of words to the layer's generator, float32 (tag_size,); None where it has none. Raises TagError for
        the first that means nothing."""
        name = self.generator(number)
        return vector_of(self._vocabularies[name], self._in_common(self._vocabularies[name], spoken)) if name else None

    def knows(self, number: int, text: str) -> bool:
        """Whether the layer's generator knows a text. One that is to come is trusted: it says then what it does not
        know."""
        name = self.generator(number)
        if not name:
            return self._sequencer.layer(number).settings.mode is Mode.GENERATE
        return knows(self._vocabularies[name], self._common_to(self._vocabularies[name], text))

    def unknown(self, number: int, vocabulary: Vocabulary) -> list[str]:
        """Words of the layer that mean nothing to a generator."""
        return [text for text in self._spoken[number - 1] if not knows(vocabulary, self._common_to(vocabulary, text))]

    def retag(self, number: int, vector: np.ndarray | None, *, at: int) -> None:
        """The layer gets other words: its stream says them from `at` on. vector: float32 (tag_size,)."""
        self.hope(number)
        if vector is not None:
            self._sequencer.streaming.retag(self._sequencer.layer(number), vector, at=at)

    def lead(self, tempo: float, *, at: int) -> None:
        """Every stream follows this tempo from `at` on, in beats per minute; 0: its own."""
        self._tempo = tempo
        for layer in self._sequencer.layers:
            self._sequencer.streaming.lead(layer, tempo, at=at)

    def travel(self, number: int) -> Travel:
        """Where the latent of the layer's streams is to be."""
        return self._travels[number - 1]

    def go(self, number: int, travel: Travel, *, at: int) -> None:
        """The layer's stream goes there from `at` on, and the next one too, where it has such latents."""
        self._travels[number - 1] = travel
        if (vocabulary := self.vocabulary(number)) is not None:
            layer = self._sequencer.layer(number)
            self._sequencer.streaming.travel(layer, fitting(travel, vocabulary), at=at)

    def reseed(self, number: int) -> None:
        """The layer has another seed: its stream begins anew."""
        self.hope(number)
        if name := self.generator(number):
            self._open(number, name)

    def wanted(self, number: int) -> bool:
        """Whether the layer wants a stream, and knows of what."""
        layer = self._sequencer.layer(number)
        wants = layer.settings.mode is Mode.GENERATE and bool(self._spoken[number - 1])
        return wants and not self._lost[number - 1]

    def give_up(self, number: int) -> None:
        """The layer's stream is lost: no other is wanted until the layer is told something."""
        self._lost[number - 1] = True

    def hope(self, number: int) -> None:
        """The layer was told something: another stream may do better."""
        self._lost[number - 1] = False

    def is_lost(self, number: int) -> bool:
        """Whether the layer's stream is lost, and the layer has been told nothing since."""
        return self._lost[number - 1]

    # The streams, as the sequencer plays them

    def trouble(self, number: int) -> str:
        """Reason why there will be no more of the layer's stream; empty where nothing is wrong."""
        return self._sequencer.streaming.trouble(self._sequencer.layer(number))

    def is_ready(self, number: int) -> bool:
        """Whether enough of the stream is there that is to come, under the tag that is wanted now."""
        return self._sequencer.streaming.is_ready(self._sequencer.layer(number))

    def is_dry(self, number: int, *, now: int) -> bool:
        """Whether the engine has come to the end of the layer's stream at this sample: it begins to loop there."""
        return self._sequencer.streaming.is_dry(self._sequencer.layer(number), now=now)

    def is_late(self, number: int, *, now: int) -> bool:
        """Whether the layer waits at this sample for the next step of its stream."""
        layer = self._sequencer.layer(number)
        return layer.cursor < now and not self._sequencer.streaming.can_plan(layer, now=now)

    def take_gaps(self) -> list[Gap]:
        """Streams that came too late since this was asked last, oldest first."""
        return self._sequencer.streaming.take_gaps()

    def _open(self, number: int, name: str) -> None:
        if name not in self._vocabularies:
            self._vocabularies[name] = self._open_vocabulary(name)
        vocabulary = self._vocabularies[name]
        spoken = self._in_common(vocabulary, self._spoken[number - 1])
        known = {text: weight for text, weight in spoken.items() if knows(vocabulary, text)}
        layer = self._sequencer.layer(number)
        vector = vector_of(vocabulary, known or {ANY: 1.0})
        told = Told(vector, self._tempo, fitting(self._travels[number - 1], vocabulary))
        self._sequencer.streaming.open(layer, name, told, seed=layer.seed)
        self._generators[number - 1] = name

    def _common_to(self, vocabulary: Vocabulary, text: str) -> str:
        """A text in common words, unless it is the very name of a tag that the generator was taught."""
        return text if as_tag(text) in vocabulary.tags else self._common(text)

    def _in_common(self, vocabulary: Vocabulary, spoken: Words) -> Words:
        weights: dict[str, float] = {}
        for text, weight in spoken.items():
            common = self._common_to(vocabulary, text)
            weights[common] = weights.get(common, 0.0) + weight
        return weights


def vector_of(vocabulary: Vocabulary, spoken: Words) -> np.ndarray:
    """Meaning of words to a generator, float32 (tag_size,); "*" is all that it was taught. Raises TagError."""
    texts = {text: weight for text, weight in spoken.items() if text.strip() != ANY}
    everything = sum(weight for text, weight in spoken.items() if text.strip() == ANY)
    tags = vocabulary.tags or ("music",)
    for tag in tags if everything else ():
        texts[tag] = texts.get(tag, 0.0) + everything / len(tags)
    return vocabulary.blend(texts).vector


def fitting(travel: Travel, vocabulary: Vocabulary) -> Travel:
    """The travel, or the stream's own way where the generator has other latents."""
    fits = len(travel.latent) in (0, latent_size(vocabulary.manifest))
    return travel if fits else without_latent(travel)


def knows(vocabulary: Vocabulary, text: str) -> bool:
    """Whether a text means anything to a generator."""
    try:
        vector_of(vocabulary, {text: 1.0})
    except TagError:
        return False
    return True
