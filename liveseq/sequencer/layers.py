"""A layer: one line of sound with its own tags, seed, memory and knobs.

The parts of the sequencer keep what they know of a layer in a record each: the type of a field says who changes it.
Everybody may read.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from liveseq.corpus.units import UnitFilter, UnitTable
from liveseq.sequencer.blend import Blend
from liveseq.sequencer.expectation import Expectation
from liveseq.sequencer.line import Line
from liveseq.sequencer.repetition import Pool, Usage
from liveseq.sequencer.settings import Settings
from liveseq.sequencer.streams import StreamLine, Streams


class Allowed:
    """Units that a layer may choose from. Its own methods alone change it."""

    def __init__(self) -> None:
        self.filter: UnitFilter | None = None
        """None = every unit of the tag."""
        self.n_changes = 0
        """Times that it was set."""
        self._pools: dict[str, Pool] = {}  # of each tag under the filter

    def restrict(self, unit_filter: UnitFilter | None) -> None:
        """Choose from these from now on; None = from every unit of the tag."""
        self.filter = unit_filter
        self.n_changes += 1
        self._pools.clear()

    def grow(self, n_units: int) -> None:
        """Make room for units that were appended to the corpus: they are allowed."""
        unit_filter = self.filter
        if unit_filter is not None:
            more = np.ones(n_units - len(unit_filter.mask), dtype=bool)
            unit_filter = UnitFilter(np.concatenate([unit_filter.mask, more]))
        self.restrict(unit_filter)

    def pool(self, units: UnitTable, tag: str) -> Pool:
        """Pool of a tag: how much of it may be chosen."""
        if tag not in self._pools:
            self._pools[tag] = Pool.of(units, tag, self.filter)
        return self._pools[tag]


@dataclass(kw_only=True)
class Layer:
    """State of a layer between two plans. The Sequencer alone changes what is no record."""

    number: int
    """Number of the layer, from 1, as in OSC addresses."""
    seed: int
    usage: Usage
    """Memory of when each unit was heard last: changed by its own methods."""
    predictor: str = ""
    """Name of the model that plans."""
    playing: bool = False
    settings: Settings = field(default_factory=Settings)
    """The performer's knobs: changed by Settings.turn."""
    allowed: Allowed = field(default_factory=Allowed)
    blend: Blend = field(default_factory=Blend)
    line: Line = field(default_factory=Line)
    """The player's: where the layer is in the corpus."""
    expectation: Expectation = field(default_factory=Expectation)
    """The predictor's."""
    streams: Streams = field(default_factory=Streams)
    """The streams', where the layer plays a generator: changed by Streaming alone."""
    rng: np.random.Generator = field(init=False)
    """Chance of everything but openings; whoever plans draws from it."""

    def __post_init__(self) -> None:
        self.reseed(self.seed)

    @property
    def tag(self) -> str:
        """The tag whose turn it is; empty before the first."""
        return self.blend.tag

    @property
    def weights(self) -> Mapping[str, float]:
        """Share of the time of each tag; empty = nothing to play yet."""
        return self.blend.weights

    @property
    def listening(self) -> bool:
        """Whether the layer follows the input."""
        return self.expectation.listening

    @property
    def stream(self) -> StreamLine | None:
        """The stream that is played instead of the corpus; None where there is none."""
        return self.streams.sounding

    @property
    def coming(self) -> StreamLine | None:
        """The stream that is to be played as soon as there is enough of it."""
        return self.streams.coming

    @property
    def cursor(self) -> int:
        """Sample clock at which what is planned next begins: a unit, or a step of the stream."""
        return self.line.cursor if self.streams.sounding is None else self.streams.cursor

    def reseed(self, seed: int) -> None:
        """The same seed gives the same choices; two layers with one seed still differ."""
        self.seed = seed
        self.rng = np.random.default_rng([seed, self.number])
        self.expectation.reseed()

    def opening_rng(self, tag: str, part: int) -> np.random.Generator:
        """Chance for a part of the next opening of a tag: the same whenever it is made."""
        n_opened = self.expectation.n_opened[tag]
        return np.random.default_rng([self.seed, self.number, n_opened, zlib.crc32(tag.encode()), part])

    def rewind(self, at: int) -> None:
        """Forget what was planned from `at` on: the next unit begins there, after the unit that then sounds."""
        self.line.rewind(at)
        self.expectation.rewind(begun=self.line.begun)

    def forget_past(self) -> None:
        """Let what comes next have nothing to do with what sounds; what is listened to is another matter."""
        self.line.forget_past(at=self.cursor)
        self.expectation.forget_past()
