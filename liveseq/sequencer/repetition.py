"""Repetition: memory of the units that were heard lately, and the cost of hearing them again. Pure."""

from dataclasses import dataclass

import numpy as np

from liveseq.corpus.units import UnitFilter, UnitTable
from liveseq.sequencer.settings import Settings

TABOO = 1000.0
"""Cost of breaking the taboo: more than any distance, so that it happens only where nothing else is left."""
REPEAT = 0.5
"""Cost of a unit that was heard just now; it halves every REPEAT_HALF_LIFE seconds."""
REPEAT_HALF_LIFE = 20.0
RETURN = 0.6
"""Reward, at full memory, of a unit that was heard within RETURN_SECONDS and is not taboo."""
RETURN_SECONDS = 120.0


class Usage:
    """Memory of when each unit was last chosen, for one layer. Its own methods alone change it."""

    def __init__(self, n_units: int) -> None:
        self.n_choices = 0
        self._choice = np.full(n_units, -(2**40), dtype=np.int64)
        self._clock = np.full(n_units, -(2**60), dtype=np.int64)

    def grow(self, n_units: int) -> None:
        """Make room for units that were appended to the corpus."""
        more = n_units - self._choice.shape[0]
        self._choice = np.concatenate([self._choice, np.full(more, -(2**40), dtype=np.int64)])
        self._clock = np.concatenate([self._clock, np.full(more, -(2**60), dtype=np.int64)])

    def note(self, unit: int, *, clock: int) -> None:
        """Remember that a unit begins to sound at a sample of the clock."""
        self.n_choices += 1
        self._choice[unit] = self.n_choices
        self._clock[unit] = clock

    def since(self, units: np.ndarray, *, clock: int) -> tuple[np.ndarray, np.ndarray]:
        """Choices and samples since each unit was chosen, int64, both of the shape of `units`."""
        return self.n_choices - self._choice[units], clock - self._clock[units]


@dataclass(frozen=True)
class Pool:
    """Units of a tag that may be chosen, and how long they last."""

    n_units: int
    n_samples: int

    @classmethod
    def of(cls, units: UnitTable, tag: str, allowed: UnitFilter | None) -> "Pool":
        """The pool of a tag of the corpus under a filter."""
        members = units.tag_units[tag]
        if allowed is not None:
            members = members[allowed.mask[members]]
        return cls(len(members), int(units.length[members].sum()))


@dataclass(frozen=True)
class Repetition:
    """Prices of units that were heard before: one layer's memory at one moment."""

    usage: Usage
    clock: int
    taboo_count: int
    taboo_samples: int
    sample_rate: int
    memory: float = 0.0
    """0 = what was heard costs, 1 = it is looked for."""

    def cost(self, units: np.ndarray) -> np.ndarray:
        """Repetition cost of each unit, in standard deviations, of the shape of `units`."""
        choices, age = self.usage.since(units, clock=self.clock)
        taboo = (choices < self.taboo_count) | (age < self.taboo_samples)
        cost = (1.0 - self.memory) * REPEAT * np.exp2(-age / (REPEAT_HALF_LIFE * self.sample_rate))
        if self.memory:
            cost = cost - self.memory * RETURN * (age < RETURN_SECONDS * self.sample_rate)
        return np.where(taboo, TABOO, cost)

    def allows(self, unit: int) -> bool:
        """Whether a unit is none that was heard just now."""
        return float(self.cost(np.array([unit]))[0]) < TABOO

    @classmethod
    def under(cls, usage: Usage, settings: Settings, pool: Pool, *, clock: int, sample_rate: int) -> "Repetition":
        """Prices for one tag: the taboo never covers more than half of its pool."""
        return cls(
            usage=usage,
            clock=clock,
            taboo_count=min(settings.taboo_count, pool.n_units // 2),
            taboo_samples=min(int(settings.taboo_seconds * sample_rate), pool.n_samples // 2),
            sample_rate=sample_rate,
            memory=settings.steering.memory,
        )
