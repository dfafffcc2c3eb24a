"""Unit selection: a beam search over the predicted horizon.

Target and join costs follow Hunt & Black (1996, "Unit selection in a concatenative speech synthesis system"); the
context term of the join, which compares a jump with what would naturally have followed, follows Schoedl et al. (2000,
"Video textures"). Chance enters by the Gumbel-max trick, so that a plan is a draw from a softmax over its costs.

Pure: arrays in, one choice out. All distances are root mean squares in weighted standard deviations, so that a cost of 1
means "one standard deviation off in every descriptor".
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
"""Cost of leaving a recording at stickiness 0.5."""
LEAST_TAG_TEMPERATURE = 0.15
"""Tag weights keep their meaning (shares of time) down to this query temperature."""


class Scaling(Protocol):
    """Raw unit features to weighted standard scores."""

    mean: np.ndarray
    std: np.ndarray

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
class Candidates:
    """Per step of the horizon: units (n_steps, n), their distance to the target and the cost of their tag."""

    units: np.ndarray
    distance: np.ndarray
    tag_cost: np.ndarray


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

    def cost(self, units: np.ndarray, *, clock: int, taboo_count: int, taboo_samples: int, sample_rate: int) -> np.ndarray:
        """Repetition cost of each unit, same shape as `units`."""
        age = clock - self._clock[units]
        taboo = (self.n_choices - self._choice[units] < taboo_count) | (age < taboo_samples)
        fading = REPEAT * np.exp2(-age / (REPEAT_HALF_LIFE * sample_rate))
        return np.where(taboo, TABOO, fading)


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
        weights: dict[str, float],
        usage: Usage,
        settings: Settings,
        rng: np.random.Generator,
    ) -> Selection:
        """Plan the whole horizon, return its first unit.

        targets: raw features, float32 (n_steps, n_features). after: the unit before, None at a fresh start.
        clock: sample at which the chosen unit begins. weights: share of each tag, all above 0.
        """
        scaled = self._scaling.apply(targets).astype(np.float32)  # (n_steps, n_features)
        candidates = self._candidates(scaled, weights, settings.k)
        repeat = self._repeat_cost(candidates.units, clock, weights, usage, settings)
        scaled *= self._per_distance
        jump = JUMP * settings.stickiness / max(1.0 - settings.stickiness, 1e-3)
        tag_scale = max(settings.query_temperature, LEAST_TAG_TEMPERATURE)
        static = candidates.distance + candidates.tag_cost * tag_scale + repeat  # (n_steps, n)

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
            units, target, join, total = self._expand(last, scaled[step], candidates.units[step], static[step], candidates.distance[step], jump)
            total[:, -1] += self._continuation_cost(units[:, -1], clock, weights, usage, settings)
            total += np.where((path[:, None, :depth] == units[:, :, None]).any(axis=2), TABOO, 0.0) if depth else 0.0
            if depth == 0:
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

    def _candidates(self, scaled: np.ndarray, weights: dict[str, float], k: int) -> Candidates:
        """Nearest units per step and tag; a tag's share of the k is its weight, at least 4."""
        units, distances, costs = [], [], []
        for tag, weight in weights.items():
            share = max(4, round(k * weight))
            distance, found = self._index.search(scaled, k=share, tags=[tag])  # (n_steps, share) each
            units.append(np.maximum(found, 0))
            distances.append(np.where(found < 0, TABOO * 10, distance * self._per_distance))
            costs.append(np.full(found.shape, -np.log(weight)))
        return Candidates(np.concatenate(units, axis=1), np.concatenate(distances, axis=1), np.concatenate(costs, axis=1))

    def _taboo(self, weights: dict[str, float], settings: Settings) -> tuple[int, int]:
        """Taboo in choices and in samples, never more than half of what the tags have to offer."""
        pool = sum(len(self.units.tag_units[tag]) for tag in weights)
        heard = min(settings.taboo_count, pool // 2)
        typical = int(self.units.length[self.units.tag_units[next(iter(weights))]].mean())
        return heard, min(int(settings.taboo_seconds * self.units.sample_rate), pool * typical // 2)

    def _repeat_cost(
        self, units: np.ndarray, clock: int, weights: dict[str, float], usage: Usage, settings: Settings
    ) -> np.ndarray:
        count, samples = self._taboo(weights, settings)
        return usage.cost(units, clock=clock, taboo_count=count, taboo_samples=samples, sample_rate=self.units.sample_rate)

    def _continuation_cost(
        self, units: np.ndarray, clock: int, weights: dict[str, float], usage: Usage, settings: Settings
    ) -> np.ndarray:
        """Repetition cost of natural successors; without one the column is closed."""
        cost = self._repeat_cost(np.maximum(units, 0), clock, weights, usage, settings)
        return np.where(units < 0, TABOO * 100, cost)

    def _expand(
        self, last: np.ndarray, target: np.ndarray, units: np.ndarray, static: np.ndarray, distance: np.ndarray, jump: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Every way to go on from each plan: its step's candidates, then (last column) the natural successor.

        Returns units, target distances, join costs and totals, each (n_plans, n + 1).
        """
        successor = np.where(last < 0, -1, self.units.successor[last])  # (n_plans,)
        known = np.maximum(successor, 0)
        natural = np.linalg.norm(self._features[known] - target, axis=1)  # (n_plans,)
        join = self._join(last, known, successor >= 0, units) + jump
        join = np.where((units == successor[:, None]), 0.0, join)
        join = np.where((last < 0)[:, None], 0.0, join)
        zero = np.zeros((last.shape[0], 1))
        return (
            np.concatenate([units, successor[:, None]], axis=1),
            np.concatenate([distance, natural[:, None]], axis=1),
            np.concatenate([join, zero], axis=1),
            np.concatenate([static + join, natural[:, None]], axis=1),
        )

    def _join(self, last: np.ndarray, successor: np.ndarray, has_successor: np.ndarray, units: np.ndarray) -> np.ndarray:
        """Join cost of each candidate, (n_plans, n): how the frames at the boundary differ, and how the unit differs
        from the one that would have come (where one would have)."""
        edge = np.linalg.norm(self._last[last][:, None] - self._first[units], axis=2)
        context = np.linalg.norm(self._features[successor][:, None] - self._features[units], axis=2)
        return np.where(has_successor[:, None], 0.5 * (edge + context), edge)

    def _describe(
        self, column: int, units: np.ndarray, target: np.ndarray, join: np.ndarray, total: np.ndarray, *, after: int | None
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
