"""The instrument: one corpus with its index, predictors, the meaning of tags, and a sequencer over them.

The live conductor and the offline render open the same instrument in the same way. What takes long (opening, loading a
model, reading a corpus that has grown) is apart from what changes the sound, so that it can be done beside the music.
"""

import contextlib
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from liveseq.corpus.append import map_rows
from liveseq.corpus.held import in_memory
from liveseq.corpus.index import Scaling, UnitIndex
from liveseq.corpus.own_words.reading import OwnWords, read_own_words
from liveseq.corpus.own_words.tag_names import tag_names
from liveseq.corpus.sounding import without_silence
from liveseq.corpus.store import Corpus
from liveseq.corpus.unit_table import Moment
from liveseq.corpus.units import ANY, UnitTable
from liveseq.errors import CorpusError, ModelError, TagError
from liveseq.runtime.explained import NEAR, Explanation, explain
from liveseq.runtime.folders import PREDICTOR, TEXT_ENCODER, model_folder
from liveseq.runtime.live_predictor import LivePredictor, NoPredictor
from liveseq.runtime.predictor import Predictor, load_predictor
from liveseq.runtime.tag_matcher import TagMatch, TagMatcher
from liveseq.runtime.text import TextEncoder
from liveseq.runtime.watch import Watch
from liveseq.sequencer.material import Material, Reading
from liveseq.sequencer.playback import Audio
from liveseq.sequencer.sequencer import Sequencer
from liveseq.words.knowledge import key

STEP_HOPS = 8
"""Hops of a step where no predictor says how long it is."""
MAX_SAID = 100
"""Synonyms that are said and not written yet: a session in shared memory holds so many."""


@dataclass(frozen=True, kw_only=True)
class Growth:
    """A changed corpus as an instrument plays it: read beside the music, taken between two plans."""

    units: UnitTable
    index: UnitIndex
    matcher: TagMatcher
    reading: Reading
    moment: Moment
    own: OwnWords
    written: Mapping[str, str]
    """Synonyms that were in its file of words before that was read."""
    corpus: Corpus
    """Its database as it was then, in memory."""


@dataclass(kw_only=True)
class Instrument:
    """Opened once, before the sound depends on it."""

    corpus: Corpus
    sequencer: Sequencer
    matcher: TagMatcher
    scaling: Scaling
    index: UnitIndex
    moment: Moment
    """State of the corpus when it was read."""
    own: OwnWords = field(default_factory=OwnWords)
    """The performer's own words, as they are written beside the corpus."""
    said: dict[str, str] = field(default_factory=dict)
    """Synonyms that were said since -> tag; no tag for one that was taken away."""
    written: Mapping[str, str] = field(default_factory=dict)
    """Those of them that have been written, by the keys of their words; they are dropped when the file has been read
    after that."""
    watch: Watch | None = None
    """Ends what a predictor does for too long, where music waits for it; None: offline."""

    def match(self, text: str) -> TagMatch:
        """Meaning of a tag here; "*" is everything, and so is a text that only says how it is to sound. Raises
        TagError, naming the nearest tags, for nonsense."""
        if text.strip() == ANY:
            return TagMatch(weights={ANY: 1.0}, best=[], known=True)
        found = self.matcher.match(text)
        if not found.known:
            near = ", ".join(f"{tag} ({score:.2f})" for tag, score in found.best if score >= NEAR)
            here = ", ".join(self.matcher.tags[:8]) + (", ..." if len(self.matcher.tags) > 8 else "")
            raise TagError(f"unknown tag {text!r}: " + (f"the nearest are {near}" if near else f"tags here: {here}"))
        return found

    def explain(self, text: str) -> Explanation:
        """Meaning of a text here, with its reasons. Raises TagError for what is no text."""
        if text.strip() == ANY:
            return Explanation(tags=[(ANY, 1.0, "everything")], near=[], qualities=[], nothing="")
        return explain(self.matcher, text)

    def say_synonym(self, word: str, tag: str = "") -> tuple[str, str]:
        """Let a word be one more name of a tag, or of none where no tag is given, from the next text on.

        Returns both as they are understood. Raises TagError where that cannot be meant, or too many wait to be written.
        """
        word, tag = tag_names(self.matcher.tags).synonym(word, tag, self.own.synonyms_with(self.said))
        said = {one: to for one, to in self.said.items() if key(one) != key(word)} | {word: tag}
        if len(self.waiting(said)) > MAX_SAID:
            raise TagError(f"synonym {word!r}: {MAX_SAID} wait to be written; see the troubles, or write them yourself")
        self.use_synonyms(said)
        return word, tag

    def waiting(self, said: Mapping[str, str] | None = None) -> dict[str, str]:
        """Synonyms that are to be written yet. said: of these, where others than those that hold are meant."""
        all_said = self.said if said is None else said
        return {word: tag for word, tag in all_said.items() if self.written.get(key(word)) != tag}

    def common(self, text: str) -> str:
        """A text in common words: the reading of the tag that it names, or that tag where the word is the performer's
        own; else the text itself."""
        word = key(text)
        said = {key(one): tag for one, tag in self.said.items()}
        own = said[word] if word in said else self.own.synonyms.get(word, "")
        tag = own or tag_names(self.matcher.tags).find(text)
        return self.own.readings.get(tag, own or text) if tag else text

    def words(self) -> dict[str, Any]:
        """The performer's own words as a log holds them."""
        return {**self.own.plain(), "said": dict(self.said)}

    def use_synonyms(self, said: Mapping[str, str]) -> None:
        """Let these be the synonyms that were said; those of tags that are not here mean nothing."""
        self.said = {word: tag for word, tag in said.items() if not tag or tag in self.matcher.tags}
        self.matcher.learn(self.own.synonyms_with(self.said))

    def load_predictor(self, name: str | Path) -> Predictor:
        """Load a model for the sequencer, warm. Any thread. Raises ModelError where it does not fit this corpus."""
        predictor = _load(str(name), self.sequencer.units, self.matcher.encoder, self.watch)
        predictor.tag_vectors(self.matcher.vectors())  # remembered: the event loop asks again
        return predictor

    def given_up(self) -> dict[str, str]:
        """Predictors that nothing is asked of any more, by name, and why."""
        return dict(self.watch.given_up) if self.watch is not None else {}

    def read_growth(self, moment: Moment | None = None, *, own: OwnWords | None = None) -> Growth:
        """Read the corpus as it now is on disk, or was at a later moment than this instrument's.

        own: the performer's words of then. A file of them that is broken now leaves those that were there. Any thread;
        takes a while, changes nothing. Raises CorpusError.
        """
        written = self.written
        with Corpus.open(self.corpus.path) as corpus:  # a connection of this thread's own
            moment = moment or corpus.moment()
            units = without_silence(corpus.units(moment))
            index = self.index.grown(self.scaling.apply(units.features), tag_units=units.tag_units)
            own = own or read_own_words(corpus, units.tags)
            if own.broken:
                own = replace(self.own, problems=own.problems, stamp=own.stamp)
            matcher = _matcher(self.matcher.encoder, units.tags, own)
            reading = self.sequencer.read(_material(corpus, units, index, self.scaling, matcher))
            kept = in_memory(corpus.path, corpus.image())
        return Growth(
            units=units,
            index=index,
            matcher=matcher,
            reading=reading,
            moment=moment,
            own=own,
            written=written,
            corpus=kept,
        )

    def take(self, growth: Growth) -> None:
        """Play the changed corpus from the next plan on."""
        self.matcher, self.index, self.moment = growth.matcher, growth.index, growth.moment
        self.corpus, self.own = growth.corpus, growth.own
        self.use_synonyms({word: tag for word, tag in self.said.items() if growth.written.get(key(word)) != tag})
        said = set(map(key, self.said))
        self.written = {word: tag for word, tag in self.written.items() if word in said}
        self.sequencer.replace_material(growth.reading)


def open_instrument(
    corpus: Path | Corpus,
    *,
    predictor: str | Path = PREDICTOR,
    seed: int,
    n_layers: int = 2,
    moment: Moment | None = None,
    own: OwnWords | None = None,
    watch: Watch | None = None,
    goes_on: bool = False,
) -> Instrument:
    """Open everything. moment, own: with the corpus and the performer's words as they were then. watch: see Instrument.
    goes_on: whether it is played already, and is to be without foresight rather than not at all. Raises CorpusError or
    ModelError, by name.
    """
    opened = corpus if isinstance(corpus, Corpus) else Corpus.open(corpus)
    corpus = opened.path
    moment = moment or opened.moment()
    units = without_silence(opened.units(moment))
    build = f"liveseq corpus build FOLDER --out {corpus}"
    if not units.n_units:
        raise CorpusError(f"{corpus}: holds no recordings (an interrupted build?); run the build again: {build}")
    if not units.tags and not opened.sources():
        raise CorpusError(f"{corpus}: every recording has been removed; add some: {build}")
    if not units.tags:
        again = f"{build} --tags-from folder|prefix|FILE.csv"
        raise CorpusError(f"{corpus}: none of its {units.n_units} units has a tag to ask for; tag them: {again}")
    scaling = Scaling.of(units.features)
    own = own or read_own_words(opened, units.tags)
    matcher = _matcher(TextEncoder(model_folder(TEXT_ENCODER)), units.tags, own)
    try:
        model = _load(str(predictor), units, matcher.encoder, watch)
    except ModelError as error:
        if watch is None or not goes_on:
            raise
        watch.given_up[str(predictor)] = str(error)
        model = NoPredictor(samples_per_step=STEP_HOPS * units.hop_length, sample_rate=units.sample_rate)
    index = UnitIndex(scaling.apply(units.features), tag_units=units.tag_units)
    material = _material(opened, units, index, scaling, matcher)
    return Instrument(
        corpus=opened,
        sequencer=Sequencer(material, {str(predictor): model}, seed=seed, n_layers=n_layers),
        matcher=matcher,
        scaling=scaling,
        index=index,
        moment=moment,
        own=own,
        watch=watch,
    )


def _matcher(encoder: TextEncoder, tags: Sequence[str], own: OwnWords) -> TagMatcher:
    return TagMatcher(encoder, tags, synonyms=own.synonyms, readings=own.readings)


def _load(name: str, units: UnitTable, encoder: TextEncoder, watch: Watch | None) -> Predictor:
    """The predictor of this name; one that may fail, where music waits for it. Raises ModelError."""
    with watch.opening(name) if watch is not None else nullcontext():
        predictor = load_predictor(
            model_folder(name),
            sample_rate=units.sample_rate,
            hop_length=units.hop_length,
            encoder=encoder,
            watch=watch,
            name=name,
        )
    if watch is None:
        return predictor
    watch.given_up.pop(name, None)
    return LivePredictor(predictor, name=name, watch=watch)


def corpus_audio(shards: Mapping[int, np.ndarray]) -> Audio:
    """Reader of the audio that joins are fitted to: silence, where a file has gone.

    shards: number -> float32 (n_samples, 2), mapped.
    """

    def read(shard: int, begin: int, end: int) -> np.ndarray:
        audio = shards.get(shard)
        return np.zeros((end - begin, 2), dtype=np.float32) if audio is None else audio[begin:end]

    return read


def _material(corpus: Corpus, units: UnitTable, index: UnitIndex, scaling: Scaling, matcher: TagMatcher) -> Material:
    shards = {}
    for number, n_samples in corpus.shards():
        with contextlib.suppress(OSError, ValueError):  # who plays it says that it is gone
            shards[number] = map_rows(corpus.shard_path(number), start=0, shape=(n_samples, 2))
    return Material(
        units=units, index=index, scaling=scaling, audio=corpus_audio(shards), tag_vectors=matcher.vectors()
    )
