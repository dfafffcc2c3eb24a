"""One layer: a line of sound with its own tags, seed, memory and knobs."""

import zlib
from collections import Counter, deque
from dataclasses import dataclass, field

import numpy as np

from liveseq.corpus.units import UnitFilter
from liveseq.runtime.predictor import Mixture, State
from liveseq.sequencer.foresight import Beat, Opening
from liveseq.sequencer.repetition import Pool, Usage
from liveseq.sequencer.settings import Settings
from liveseq.sequencer.streams import StreamLine

N_REMEMBERED = 64
"""Planned units that are kept, to know what sounds when a plan is replaced: over ten seconds of them."""


@dataclass(kw_only=True)
class Layer:
    """State of a layer between two plans. Only the Sequencer changes it."""

    number: int
    """From 1, as in OSC addresses."""
    seed: int
    usage: Usage
    settings: Settings = field(default_factory=Settings)
    predictor: str = ""
    """Name of the model that plans."""
    allowed: UnitFilter | None = None
    """None = every unit of the tag."""
    pools: dict[str, Pool] = field(default_factory=dict)
    """Of each tag under `allowed`."""
    listening: bool = False
    """Whether the predictor hears the input instead of what the layer plays."""
    playing: bool = False
    weights: dict[str, float] = field(default_factory=dict)
    """Share of the time of each tag; empty = nothing to play yet."""
    tag: str = ""
    """The tag of the phrase that is being planned, one of `weights`."""
    phrase_end: int = 0
    """Sample clock at which another tag may have its turn."""
    played: dict[str, int] = field(default_factory=dict)
    """Samples that each tag has had since the weights were set."""
    cursor: int = 0
    """Sample clock at which the next unit begins."""
    past_from: int = 0
    """Sample clock from which on what was played belongs to what comes next."""
    entering: bool = True
    """Whether the next unit breaks in: then its fade begins at the cursor, and the unit itself one fade later."""
    unit: int | None = None
    """The unit that ends at the cursor; None at a fresh start."""
    head: float | None = None
    """Where in its shard the sounding voice is at the cursor, between samples where it is resampled; None where no
    voice goes on into the next unit."""
    place: float | None = None
    """Where in its shard the last unit began to be read; None where that is not known."""
    level: float = 1.0
    """Linear gain at which it is read."""
    backwards: bool = False
    """Whether that unit is read backwards: then nothing follows it naturally."""
    ratio: float = 1.0
    """At which that voice is read."""
    beat_period: float = 0.0
    """Samples per beat of beat mode; 0 = to be taken from the next unit that has a beat."""
    next_grain: float = 0.0
    """Sample clock of the next grain of a cloud."""
    stream: StreamLine | None = None
    """What is played instead of the corpus."""
    coming: StreamLine | None = None
    """What is to be, as soon as there is enough of it."""
    stream_end: int = 0
    """Sample of the layer's ring up to which the last stream may be read."""
    state: State = ()
    mixture: Mixture | None = None
    """What the predictor expects next; None = to be asked again."""
    beat: Beat = field(default_factory=lambda: Beat(0.0, 0.0))
    """Place in the beat of what is expected next."""
    given: tuple[int, np.ndarray | int] | None = None
    """Sample clock, and what the layer is to continue from there: raw features (n_steps, n_features), or a unit. It
    stands until something of it sounds, whatever else is set meanwhile."""
    anchor: np.ndarray | None = None
    """Where the predicted path was last, raw features (n_features,), before any bending."""
    openings: dict[str, Opening] = field(default_factory=dict)
    """Made ahead of time, per tag."""
    n_opened: Counter[str] = field(default_factory=Counter)
    """How often each tag has begun since the seed was set."""
    planned: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=N_REMEMBERED))
    """(begin on the sample clock, unit), oldest first."""
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.reseed(self.seed)

    def reseed(self, seed: int) -> None:
        """The same seed gives the same choices; two layers with one seed still differ."""
        self.seed = seed
        self.rng = np.random.default_rng([seed, self.number])
        self.openings.clear()
        self.n_opened.clear()

    def opening_rng(self, tag: str) -> np.random.Generator:
        """Chance for the next opening of a tag: the same whenever it is made."""
        return np.random.default_rng([self.seed, self.number, self.n_opened[tag], zlib.crc32(tag.encode())])

    def blend(self, weights: dict[str, float]) -> None:
        """Share the time anew. A phrase that sounds goes on if its tag still has a part."""
        self.weights = weights
        self.played = dict.fromkeys(weights, 0)
        if self.tag not in weights:
            self.tag = ""

    def next_tag(self) -> str:
        """The tag that is furthest behind its share; equal ones by chance."""
        total = sum(self.played.values())
        behind = [weight * (total + 1) - self.played[tag] for tag, weight in self.weights.items()]
        ties = [tag for tag, gap in zip(self.weights, behind, strict=True) if gap >= max(behind) - 1e-9]
        return ties[int(self.rng.integers(len(ties)))]

    def rewind(self, at: int) -> None:
        """Forget what was planned from `at` on: the next unit begins there, after the unit that then sounds."""
        while self.planned and self.planned[-1][0] >= at:
            self.planned.pop()
        self.unit = self.planned[-1][1] if self.planned else None
        if self.given is not None and self.planned and self.planned[-1][0] >= self.given[0]:
            self.given = None
        self.head = self.place = None
        self.backwards = False
        self.cursor = at
        self.next_grain = min(self.next_grain, float(at))
        self.entering = True
        if not self.listening:
            self.mixture = None

    def forget_past(self) -> None:
        """What comes next has nothing to do with what sounds; what is listened to is another matter."""
        self.unit = self.given = None
        self.head = self.place = None
        self.past_from = self.cursor
        if not self.listening:
            self.mixture = None
            self.anchor = None
