"""One layer: a line of sound with its own tags, seed, memory and knobs."""

import zlib
from collections import Counter, deque
from dataclasses import dataclass, field

import numpy as np

from liveseq.runtime.predictor import Mixture, State
from liveseq.sequencer.foresight import Opening
from liveseq.sequencer.repetition import Usage
from liveseq.sequencer.settings import Settings

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
    entering: bool = True
    """Whether the next unit breaks in: then its fade begins at the cursor, and the unit itself one fade later."""
    unit: int | None = None
    """The unit that ends at the cursor; None at a fresh start."""
    state: State = ()
    mixture: Mixture | None = None
    """What the predictor expects next; None = to be asked again."""
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
        self.cursor = at
        self.entering = True
        self.mixture = None
