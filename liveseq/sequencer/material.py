"""The material of a sequencer, and the reading of it: all that has to be worked out before it can be played.

Pure, but not quick: for 10^5 units a tenth of a second. A corpus that changes while it is played is read beside the
music; the sequencer then only changes over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from liveseq.corpus.units import UnitTable
from liveseq.runtime.predictor import Predictor
from liveseq.sequencer.foresight import Foresight
from liveseq.sequencer.playback import Audio, Player
from liveseq.sequencer.ranking import Ranking
from liveseq.sequencer.selection import NeighbourIndex, Scaling, Selector
from liveseq.sequencer.steering import Bend


@dataclass(frozen=True, kw_only=True)
class Material:
    """A corpus as a sequencer plays it: units, an index to find them by, audio and tag vectors to hear them by."""

    units: UnitTable
    index: NeighbourIndex
    scaling: Scaling
    audio: Audio
    tag_vectors: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Unit vector of each tag, by the text encoder, float32 (E,)."""


class Reading:
    """Material that has been read: selection, playback, steering, ranks and foresight over the same units."""

    def __init__(self, material: Material, predictors: Mapping[str, Predictor]) -> None:
        """predictors: by name. Any thread; takes a while."""
        units, scaling = material.units, material.scaling
        self.material = material
        self.selector = Selector(units, material.index, scaling)
        self.player = Player(units, material.audio)
        self.bend = Bend(units, mean=scaling.mean, std=scaling.std)
        self.ranking = Ranking(units)
        self.foresights = {name: self.foresee(one) for name, one in predictors.items()}

    @property
    def n_blind(self) -> dict[str, int]:
        """Futures by name of the predictor that should have foretold them, and said what is no finite number."""
        return {name: foresight.n_blind for name, foresight in self.foresights.items()}

    def foresee(self, predictor: Predictor) -> Foresight:
        """A predictor over these units."""
        material, scaling = self.material, self.material.scaling
        vectors = predictor.tag_vectors(material.tag_vectors)
        return Foresight(material.units, predictor, mean=scaling.mean, std=scaling.std, tag_vectors=vectors)
