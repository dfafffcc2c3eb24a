"""Tags that share a layer's time, and whose turn it is. Pure."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(kw_only=True)
class Blend:
    """The tags of a layer. Its own methods alone change it."""

    weights: dict[str, float] = field(default_factory=dict)
    """Share of the time of each tag; empty = nothing to play yet."""
    tag: str = ""
    """The tag of the phrase that is being planned, one of `weights`; empty = another is to be taken."""
    _phrase_end: int = field(default=0, init=False)
    """Sample clock at which another tag may have its turn."""
    _played: dict[str, int] = field(default_factory=dict, init=False)
    """Samples that each tag has had since the weights were set."""

    def share(self, weights: dict[str, float]) -> None:
        """Share the time anew. A phrase that sounds goes on if its tag still has a part."""
        self.weights = weights
        self._played = dict.fromkeys(weights, 0)
        if self.tag not in weights:
            self.tag = ""

    def restart(self) -> None:
        """Share the time anew among the same tags, and begin with any of them."""
        self.tag = ""
        self.share(self.weights)

    def is_over(self, clock: int) -> bool:
        """Whether the phrase is over at this sample, and another tag may have its turn."""
        return clock >= self._phrase_end and len(self.weights) > 1

    def next_tag(self, rng: np.random.Generator) -> str:
        """The tag that is furthest behind its share; equal ones by chance."""
        total = sum(self._played.values())
        behind = [weight * (total + 1) - self._played[tag] for tag, weight in self.weights.items()]
        ties = [tag for tag, gap in zip(self.weights, behind, strict=True) if gap >= max(behind) - 1e-9]
        return ties[int(rng.integers(len(ties)))]

    def begin_phrase(self, tag: str, *, end: int) -> None:
        """Give a tag its turn, up to a sample of the clock."""
        self.tag = tag
        self._phrase_end = end

    def move_to(self, tag: str) -> None:
        """Go on with the phrase under another tag."""
        self.tag = tag

    def note(self, n_samples: int) -> None:
        """The tag whose turn it is has had so much of the time."""
        self._played[self.tag] += n_samples
