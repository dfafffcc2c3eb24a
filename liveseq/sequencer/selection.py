"""Unit selection: a beam search over the predicted horizon.

Target and join costs follow Hunt & Black (1996, "Unit selection in a concatenative speech synthesis system"); the
context term of the join, which compares a jump with what would naturally have followed, follows Schoedl et al. (2000,
"Video textures"). Chance enters by the Gumbel-max trick, so that a plan is a draw from a softmax over its costs.

Pure: arrays in, one choice out. All distances are root mean squares in weighted standard deviations, so that a cost of
1 means "one standard deviation off in every descriptor".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from liveseq.corpus.units import UnitTable
from liveseq.sequencer.settings import Settings

TABOO = 1000.0
"""Cost of breaking the taboo: more than any distance, so that it happens only where nothing else is left."""
REPEAT = 0.5
"""Cost of a unit that was heard just now; it halves every REPEAT_HALF_LIFE seconds."""
REPEAT_HALF_LIFE = 20.0
JUMP = 0.12
"""Cost of leaving a recording at stickiness 0.5, beside the join cost; it grows without bound towards 1."""


class Scaling(Protocol):
    """Raw unit features to weighted standard scores."""

    @property
    def mean(self) -> np.ndarray: ...

    @property
    def std(self) -> np.ndarray: ...

    def apply(self, features: np.ndarray) -> np.ndarray: ...


class NeighbourIndex(Protocol):
    """Nearest units in the space that a Scaling makes."""

    def search(self, queries: np.ndarray, *, k: int, tags: Sequence[str] | None) -> tuple[np.ndarray, np.ndarray]: ...


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The unit that a plan begins with, and why."""

    unit: int
    distance: float
    join: float
    rank: int
    continues: bool
    taboo: bool


@dataclass(frozen=True)
class Repetition:
    """How to price what was heard before: one layer's memory at one moment."""

    usage: "Usage"
    clock: int
    taboo_count: int
    taboo_samples: int
    sample_rate: int

    def cost(self, units: np.ndarray) -> np.ndarray:
        """Repetition cost of each unit, same shape as `units`."""
        choices, age = self.usage.since(units, clock=self.clock)
        taboo = (choices < self.taboo_count) | (age < self.taboo_samples)
        return np.where(taboo, TABOO, REPEAT * np.exp2(-age / (REPEAT_HALF_LIFE * self.sample_rate)))


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


class Selector:
    """Chooses units of one corpus. Holds no state between calls."""

    def __init__(self, units: UnitTable, index: NeighbourIndex, scaling: Scaling) -> None:
        self.units = units
        self._index = index
        self._scaling = scaling
        one = scaling.apply((scaling.mean + scaling.std)[None]) - scaling.apply(scaling.mean[None])
        self._per_distance = 1.0 / max(float(np.linalg.norm(one)), 1e-9)
        self._features = np.ascontiguousarray(scaling.apply(units.features) * self._per_distance, dtype=np.float32)
        spread = np.concatenate([units.first, units.last]).std(axis=0) + 1e-6
        per_frame = 1.0 / (spread * np.sqrt(units.first.shape[1]))
        self._first = (units.first * per_frame).astype(np.float32)
        self._last = (units.last * per_frame).astype(np.float32)

    def select(
        self,
        targets: np.ndarray,
        *,
        after: int | None,
        clock: int,
        samples_per_step: int,
        tag: str,
        usage: Usage,
        settings: Settings,
        rng: np.random.Generator,
    ) -> Selection:
        """Plan the whole horizon, return its first unit.

        targets: raw features, float32 (n_steps, n_features). after: the unit before, None at a fresh start.
        clock: sample at which the chosen unit begins. tag: where jumps may lead.
        """
        scaled = self._scaling.apply(targets).astype(np.float32)  # (n_steps, n_features)
        distance, found = self._index.search(scaled, k=settings.k, tags=[tag])  # (n_steps, k) each
        distance = np.where(found < 0, TABOO * 10, distance * self._per_distance)
        found = np.maximum(found, 0)
        repetition = self._repetition(tag, usage, settings, clock)
        static = distance + repetition.cost(found)
        scaled *= self._per_distance
        hold = settings.stickiness
        leave = (2.0 * hold, JUMP * hold / max(1.0 - hold, 1e-3))  # weight of the join cost, and a constant

        n_steps = targets.shape[0]
        end = n_steps * samples_per_step
        # One row per kept plan. A plan knows its last unit, its length so far, its cost and its first step.
        last = np.array([-1 if after is None else after])
        offset = np.zeros(1, dtype=np.int64)
        cost = np.zeros(1)
        path = np.full((1, n_steps), -1, dtype=np.int64)
        origin: np.ndarray | None = None  # (n_plans,) column of the first choice
        opening: tuple[np.ndarray, ...] = ()
        for depth in range(n_steps):
            step = np.minimum(offset // samples_per_step, n_steps - 1)  # (n_plans,)
            units, target, join, total = self._expand(
                last, scaled[step], found[step], distance[step], static[step], leave
            )
            successor = units[:, -1]
            total[:, -1] += np.where(successor < 0, TABOO * 100, repetition.cost(np.maximum(successor, 0)))
            if depth:
                total += np.where((path[:, None, :depth] == units[:, :, None]).any(axis=2), TABOO, 0.0)
            else:
                total += settings.query_temperature * rng.gumbel(size=total.shape)
                opening = (units[0], target[0], join[0], total[0])
            done = offset >= end  # long units reach the horizon in fewer steps: such a plan is carried along once
            total[done] = np.inf
            total[done, 0] = 0.0
            grown = cost[:, None] + total
            keep = np.argsort(grown, axis=None, kind="stable")[: settings.beam]
            plan, column = np.unravel_index(keep, grown.shape)
            cost = grown[plan, column]
            last = np.where(done[plan], last[plan], units[plan, column])
            path = path[plan]
            path[:, depth] = last
            offset = np.where(done[plan], offset[plan], offset[plan] + self.units.length[last])
            origin = column if origin is None else origin[plan]
            if (offset >= end).all():
                break
        assert origin is not None
        return self._describe(int(origin[np.argmin(cost)]), *opening, after=after)

    def _repetition(self, tag: str, usage: Usage, settings: Settings, clock: int) -> Repetition:
        """The taboo never covers more than half of what the tag has to offer."""
        pool = self.units.tag_units[tag]
        heard = min(settings.taboo_count, len(pool) // 2)
        half = int(self.units.length[pool].sum()) // 2
        samples = min(int(settings.taboo_seconds * self.units.sample_rate), half)
        return Repetition(usage, clock, heard, samples, self.units.sample_rate)

    def _expand(
        self,
        last: np.ndarray,
        target: np.ndarray,
        units: np.ndarray,
        distance: np.ndarray,
        static: np.ndarray,
        leave: tuple[float, float],
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Every way to go on from each plan: its step's candidates, then (last column) the natural successor.

        Returns units, target distances, join costs and totals, each (n_plans, n + 1).
        """
        successor = np.where(last < 0, -1, self.units.successor[last])  # (n_plans,)
        known = np.maximum(successor, 0)
        natural = _length(self._features[known] - target)  # (n_plans,)
        weight, constant = leave
        join = weight * self._join(last, known, successor >= 0, units) + constant
        join = np.where((units == successor[:, None]), 0.0, join)
        join = np.where((last < 0)[:, None], 0.0, join)
        zero = np.zeros((last.shape[0], 1))
        return (
            np.concatenate([units, successor[:, None]], axis=1),
            np.concatenate([distance, natural[:, None]], axis=1),
            np.concatenate([join, zero], axis=1),
            np.concatenate([static + join, natural[:, None]], axis=1),
        )

    def _join(
        self, last: np.ndarray, successor: np.ndarray, has_successor: np.ndarray, units: np.ndarray
    ) -> np.ndarray:
        """Join cost of each candidate, (n_plans, n): how the frames at the boundary differ, and how the unit differs
        from the one that would have come (where one would have)."""
        edge = _length(self._last[last][:, None] - self._first[units])
        context = _length(self._features[successor][:, None] - self._features[units])
        cost: np.ndarray = np.where(has_successor[:, None], 0.5 * (edge + context), edge)
        return cost

    def _describe(
        self,
        column: int,
        units: np.ndarray,
        target: np.ndarray,
        join: np.ndarray,
        total: np.ndarray,
        *,
        after: int | None,
    ) -> Selection:
        unit = int(units[column])
        continues = after is not None and unit == self.units.successor[after]
        others = target[:-1]
        return Selection(
            unit=unit,
            distance=float(target[column]),
            join=0.0 if continues else float(join[column]),
            rank=int((others < target[column]).sum()),
            continues=continues,
            taboo=bool(total[column] >= TABOO / 2),
        )


def _length(vectors: np.ndarray) -> np.ndarray:
    """Euclidean length along the last axis; on these small arrays three times as fast as np.linalg.norm."""
    lengths: np.ndarray = np.sqrt(np.einsum("...d,...d->...", vectors, vectors))
    return lengths
