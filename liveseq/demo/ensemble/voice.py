"""A player before its notes: the instrument, the plan that it follows, and the motifs that all players share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from liveseq.demo.ensemble.instruments import Instrument
from liveseq.demo.ensemble.score import Note, Plan

T = TypeVar("T")


@dataclass(frozen=True)
class Motif:
    """Two bars' rhythms (lengths in quarter notes, rests negative) and a contour (steps from the bar's anchor)."""

    rhythms: tuple[tuple[float, ...], tuple[float, ...]]
    contour: tuple[int, ...]
    heights: tuple[int, int, int, int]
    """How high each of four bars lies, in steps around the middle of the voice."""


@dataclass(frozen=True, kw_only=True)
class Voice:
    """low, high: steps (white keys, `Key.steps`) that this part keeps between."""

    instrument: Instrument
    plan: Plan
    rng: np.random.Generator
    low: int
    high: int
    motifs: dict[str, Motif] = field(default_factory=dict)
    """By the letter of the phrase, filled by whoever needs one first: a second voice answers with the same."""

    @property
    def middle(self) -> int:
        return (self.low + self.high) // 2

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def choose(self, options: Sequence[T]) -> T:
        return options[int(self.rng.integers(len(options)))]

    def into_range(self, step: int) -> int:
        """The same note in the octave where this voice sings it."""
        while step > self.high and step - 7 >= self.low:
            step -= 7
        while step < self.low and step + 7 <= self.high:
            step += 7
        return step


Role = Callable[..., list[Note]]
"""A Voice in, its notes out; options by keyword."""


def nearest(degrees: tuple[int, ...], step: int, *, toward: int = 0) -> int:
    """The step of one of the degrees that is nearest to `step`; toward: which way to go where two are as near."""
    found = [step + d for d in (0, toward or 1, -(toward or 1), 2, -2, 3, -3) if (step + d) % 7 in degrees]
    return found[0] if found else step
