"""The instrument: one corpus with its index, predictors, the meaning of tags, and a sequencer over them.

The live conductor and the offline render open the same instrument in the same way. What takes long (opening, loading a
model, reading a corpus that has grown) is apart from what changes the sound, so that it can be done beside the music.
"""

import contextlib
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from liveseq.corpus.append import map_rows
from liveseq.corpus.held import in_memory
from liveseq.corpus.index import Scaling, UnitIndex
from liveseq.corpus.sounding import without_silence
from liveseq.corpus.store import Corpus
from liveseq.corpus.unit_table import Moment
from liveseq.corpus.units import ANY, UnitTable
from liveseq.errors import CorpusError, ModelError, TagError
from liveseq.runtime.folders import PREDICTOR, TEXT_ENCODER, model_folder
from liveseq.runtime.live_predictor import LivePredictor, NoPredictor
from liveseq.runtime.predictor import Predictor, load_predictor
from liveseq.runtime.tag_matcher import TagMatch, TagMatcher
from liveseq.runtime.text import TextEncoder
from liveseq.runtime.watch import Watch
from liveseq.sequencer.material import Material, Reading
from liveseq.sequencer.playback import Audio
from liveseq.sequencer.sequencer import Sequencer

STEP_HOPS = 8
"""Hops of a step where no predictor says how long it is."""
NEAR = 0.1
"""Cosine from which a tag is worth naming to somebody whose word means nothing here."""


@dataclass(frozen=True, kw_only=True)
class Growth:
    """A changed corpus as an instrument plays it: read beside the music, taken between two plans."""

    units: UnitTable
    index: UnitIndex
    matcher: TagMatcher
    reading: Reading
    moment: Moment
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
    watch: Watch | None = None
    """Ends what a predictor does for too long, where music waits for it; None: offline."""

    def match(self, text: str) -> TagMatch:
        """Meaning of a tag here; "*" is everything. Raises TagError, naming the nearest tags, for nonsense."""
        if text.strip() == ANY:
            return TagMatch(weights={ANY: 1.0}, best=[], known=True)
        found = self.matcher.match(text)
        if not found.known:
            near = ", ".join(f"{tag} ({score:.2f})" for tag, score in found.best if score >= NEAR)
            here = ", ".join(self.matcher.tags[:8]) + (", ..." if len(self.matcher.tags) > 8 else "")
            raise TagError(f"unknown tag {text!r}: " + (f"the nearest are {near}" if near else f"tags here: {here}"))
        return found

    def load_predictor(self, name: str | Path) -> Predictor:
        """Load a model for the sequencer, warm. Any thread. Raises ModelError where it does not fit this corpus."""
        return _load(str(name), self.sequencer.units, self.matcher.encoder, self.watch)

    def given_up(self) -> dict[str, str]:
        """Predictors that nothing is asked of any more, by name, and why."""
        return dict(self.watch.given_up) if self.watch is not None else {}

    def read_growth(self, moment: Moment | None = None) -> Growth:
        """Read the corpus as it now is on disk, or was at a later moment than this instrument's.

        Any thread; takes a while, changes nothing. Raises CorpusError.
        """
        with Corpus.open(self.corpus.path) as corpus:  # a connection of this thread's own
            moment = moment or corpus.moment()
            units = without_silence(corpus.units(moment))
            index = self.index.grown(self.scaling.apply(units.features), tag_units=units.tag_units)
            matcher = TagMatcher(self.matcher.encoder, units.tags)
            reading = self.sequencer.read(_material(corpus, units, index, self.scaling, matcher))
            kept = in_memory(corpus.path, corpus.image())
        return Growth(units=units, index=index, matcher=matcher, reading=reading, moment=moment, corpus=kept)

    def take(self, growth: Growth) -> None:
        """Play the changed corpus from the next plan on."""
        self.matcher, self.index, self.moment = growth.matcher, growth.index, growth.moment
        self.corpus = growth.corpus
        self.sequencer.replace_material(growth.reading)


def open_instrument(
    corpus: Path | Corpus,
    *,
    predictor: str | Path = PREDICTOR,
    seed: int,
    n_layers: int = 2,
    moment: Moment | None = None,
    watch: Watch | None = None,
    goes_on: bool = False,
) -> Instrument:
    """Open everything. moment: with the corpus as it was then. watch: see Instrument. goes_on: whether it is played
    already, and is to be without foresight rather than not at all. Raises CorpusError or ModelError, by name.
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
    matcher = TagMatcher(TextEncoder(model_folder(TEXT_ENCODER)), units.tags)
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
        watch=watch,
    )


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
