"""What a performer plays: one corpus with its index, a predictor, the meaning of tags, and a sequencer over them.

The live conductor and the offline render open the same instrument in the same way.
"""

from dataclasses import dataclass
from pathlib import Path

from liveseq.corpus.index import Scaling, UnitIndex
from liveseq.corpus.sounding import without_silence
from liveseq.corpus.store import Corpus
from liveseq.errors import CorpusError, TagError
from liveseq.runtime.predictor import load_predictor
from liveseq.runtime.text import TagMatch, TagMatcher, TextEncoder
from liveseq.sequencer.sequencer import Sequencer

MODELS = Path(__file__).resolve().parents[1] / "models"
"""Shipped and trained models, one folder each."""
PREDICTOR = "predictor"
TEXT_ENCODER = "text-encoder"
NEAR = 0.1
"""Cosine from which a tag is worth naming to somebody whose word means nothing here."""


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """Opened once, before the sound depends on it."""

    corpus: Corpus
    sequencer: Sequencer
    matcher: TagMatcher

    def match(self, text: str) -> TagMatch:
        """What a tag means here. Raises TagError, which names the nearest tags, where it means nothing."""
        found = self.matcher.match(text)
        if not found.known:
            near = ", ".join(f"{tag} ({score:.2f})" for tag, score in found.best if score >= NEAR)
            here = ", ".join(self.matcher.tags[:8]) + (", ..." if len(self.matcher.tags) > 8 else "")
            raise TagError(f"unknown tag {text!r}: " + (f"the nearest are {near}" if near else f"tags here: {here}"))
        return found


def model_folder(name: str | Path) -> Path:
    """A model by path, or by its name under models/."""
    path = Path(name)
    return path if path.is_dir() else MODELS / path


def open_instrument(corpus: Path, *, predictor: str | Path = PREDICTOR, seed: int, n_layers: int = 2) -> Instrument:
    """Open everything. Raises CorpusError or ModelError, by name, where something does not fit."""
    opened = Corpus.open(corpus)
    units = without_silence(opened.units())
    build = f"liveseq corpus build FOLDER --out {corpus}"
    if not units.n_units:
        raise CorpusError(f"{corpus}: holds no recordings (an interrupted build?); run the build again: {build}")
    if not units.tags:
        again = f"{build} --tags-from folder|prefix|FILE.csv"
        raise CorpusError(f"{corpus}: none of its {units.n_units} units has a tag to ask for; tag them: {again}")
    scaling = Scaling.of(units.features)
    model = load_predictor(model_folder(predictor), sample_rate=units.sample_rate, hop_length=units.hop_length)
    index = UnitIndex(scaling.apply(units.features), tag_units=units.tag_units)
    return Instrument(
        corpus=opened,
        sequencer=Sequencer(units, index, scaling, model, seed=seed, n_layers=n_layers),
        matcher=TagMatcher(TextEncoder(model_folder(TEXT_ENCODER)), units.tags),
    )
