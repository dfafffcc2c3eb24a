"""What was heard lately, and what it costs to hear it again. Pure."""

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
    """When each unit was last chosen, for one layer."""

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
        self.n_choices += 1
        self._choice[unit] = self.n_choices
        self._clock[unit] = clock

    def since(self, units: np.ndarray, *, clock: int) -> tuple[np.ndarray, np.ndarray]:
        """Choices and samples since each unit was chosen, same shape as `units`."""
        return self.n_choices - self._choice[units], clock - self._clock[units]


@dataclass(frozen=True)
class Pool:
    """How much a tag has to offer."""

    n_units: int
    n_samples: int

    @classmethod
    def of(cls, units: UnitTable, tag: str, allowed: UnitFilter | None) -> "Pool":
        members = units.tag_units[tag]
        if allowed is not None:
            members = members[allowed.mask[members]]
        return cls(len(members), int(units.length[members].sum()))


@dataclass(frozen=True)
class Repetition:
    """How to price what was heard before: one layer's memory at one moment."""

    usage: Usage
    clock: int
    taboo_count: int
    taboo_samples: int
    sample_rate: int
    memory: float = 0.0
    """0 = what was heard costs, 1 = it is looked for."""

    def cost(self, units: np.ndarray) -> np.ndarray:
        """Repetition cost of each unit, same shape as `units`."""
        choices, age = self.usage.since(units, clock=self.clock)
        taboo = (choices < self.taboo_count) | (age < self.taboo_samples)
        cost = (1.0 - self.memory) * REPEAT * np.exp2(-age / (REPEAT_HALF_LIFE * self.sample_rate))
        if self.memory:
            cost = cost - self.memory * RETURN * (age < RETURN_SECONDS * self.sample_rate)
        return np.where(taboo, TABOO, cost)

    @classmethod
    def under(cls, usage: Usage, settings: Settings, pool: Pool, *, clock: int, sample_rate: int) -> "Repetition":
        """For one tag: the taboo never covers more than half of what it has to offer."""
        return cls(
            usage=usage,
            clock=clock,
            taboo_count=min(settings.taboo_count, pool.n_units // 2),
            taboo_samples=min(int(settings.taboo_seconds * sample_rate), pool.n_samples // 2),
            sample_rate=sample_rate,
            memory=settings.steering.memory,
        )
