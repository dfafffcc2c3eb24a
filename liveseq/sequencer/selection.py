"""Unit selection: a beam search over the predicted horizon.

Target and join costs follow Hunt & Black (1996, "Unit selection in a concatenative speech synthesis system"); the
context term of the join, which compares a jump with what would naturally have followed, follows Schoedl et al. (2000,
"Video textures"). Chance enters by the Gumbel-max trick, so that a plan is a draw from a softmax over its costs.

Pure: arrays in, one choice out. All distances are root mean squares in weighted standard deviations, so that a cost of
1 means "one standard deviation off in every descriptor".

Calibration of the weights: benchmarks/choice/selection.py against greedy search, taboo alone, and Demiurge's procedure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from liveseq.corpus.units import UnitFilter, UnitTable
from liveseq.dsp.descriptors import BASE_NAMES
from liveseq.sequencer.beam import Beam, Ways, units_of
from liveseq.sequencer.repetition import TABOO, Pool, Repetition, Usage
from liveseq.sequencer.settings import Settings
from liveseq.sequencer.steering import step_cost

JUMP = 0.12
"""Cost of leaving a recording at stickiness 0.5, beside the join cost; it grows without bound towards 1."""
LEAST_SURPRISE = 0.25
"""Least surprise that counts for leaving a recording: with less it costs no more."""
LEVEL = BASE_NAMES.index("loudness_db")
OFF_BEAT = 0.25
"""Cost at stickiness 0.5 of a jump from one place in the beat to the opposite one."""


class Scaling(Protocol):
    """Map of raw unit features to standard scores: mean and std float32 (n_features,)."""

    @property
    def mean(self) -> np.ndarray: ...

    @property
    def std(self) -> np.ndarray: ...

    def apply(self, features: np.ndarray) -> np.ndarray: ...


class NeighbourIndex(Protocol):
    """Search for the nearest units in the space that a Scaling makes.

    search: queries_z float32 (n_queries, n_features), weights float32 (n_features,) -> distances and units,
    (n_queries, k) each; unit -1 where there are fewer.
    """

    def search(
        self,
        queries_z: np.ndarray,
        *,
        weights: np.ndarray,
        k: int,
        tags: Sequence[str],
        allowed: UnitFilter | None = None,
    ) -> tuple[np.ndarray, np.ndarray]: ...


@dataclass(frozen=True, kw_only=True)
class Query:
    """A wish of a layer, and under which conditions it is to be met."""

    targets: np.ndarray
    """Raw features, float32 (n_steps, n_features)."""
    weights: np.ndarray
    """float32 (n_features,): how much each counts. Where the vector's length is 1, a distance of 1 is one standard
    deviation off in all; what the macros bend counts on top of that."""
    tag: str
    """Tag of the units that a jump may lead to."""
    after: int | None
    """The unit before, None at a fresh start."""
    follower: int | None
    """The unit that goes on from `after`, at the speed of the plan; None where none does."""
    clock: int
    """Sample at which the chosen unit begins."""
    samples_per_step: int
    allowed: UnitFilter | None = None


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The unit that a plan begins with, and why."""

    unit: int
    distance: float
    join: float
    repetition: float
    rank: int
    continues: bool
    taboo: bool


class Selector:
    """Chooses units of one corpus. Holds no state between calls."""

    def __init__(self, units: UnitTable, index: NeighbourIndex, scaling: Scaling) -> None:
        self.units = units
        self._index = index
        self._scaling = scaling
        self._z = scaling.apply(units.features)
        spread = np.concatenate([units.first, units.last]).std(axis=0) + 1e-6
        per_frame = 1.0 / (spread * np.sqrt(units.first.shape[1]))
        self._first = (units.first * per_frame).astype(np.float32)
        self._last = (units.last * per_frame).astype(np.float32)
        self._beat_end = units.beat + units.length / np.maximum(units.beat_period, 1.0)

    def hold(self, query: Query) -> Selection:
        """Choose the unit that sounds, again."""
        assert query.after is not None
        off = (self._z[query.after] - self._scaling.apply(query.targets[0])) * query.weights
        return Selection(
            unit=query.after,
            distance=float(_length(off)),
            join=0.0,
            repetition=0.0,
            rank=0,
            continues=False,
            taboo=False,
        )

    def select(
        self, query: Query, *, usage: Usage, pool: Pool, settings: Settings, rng: np.random.Generator
    ) -> Selection:
        """Plan the whole horizon, and choose its first unit."""
        weights = query.weights
        targets = self._scaling.apply(query.targets)  # (n_steps, n_features)
        distance, found = self._index.search(
            targets, weights=weights, k=settings.k, tags=[query.tag], allowed=query.allowed
        )  # (n_steps, k) each
        missing = found < 0
        found = np.maximum(found, 0)
        if settings.radius:
            far = distance > settings.radius
            missing |= far & ~far.all(axis=1, keepdims=True)
        distance = np.where(missing, TABOO * 10, distance)
        repetition = Repetition.under(usage, settings, pool, clock=query.clock, sample_rate=self.units.sample_rate)
        price = distance + repetition.cost(found)
        surprise, stickiness = settings.steering.surprise, settings.stickiness
        temperature = settings.query_temperature * surprise
        leaving = JUMP * stickiness / max(1.0 - stickiness, 1e-3) / max(surprise, LEAST_SURPRISE)

        beam = Beam(
            after=query.after,
            n_steps=len(targets),
            samples_per_step=query.samples_per_step,
            width=settings.beam,
        )
        first: Ways | None = None
        while not beam.complete:
            step = beam.steps()  # (n_plans,)
            ways = self._ways(
                beam.last,
                successor=units_of(query.follower) if first is None else self._successors(beam.last),
                target=targets[step],
                units=found[step],
                distance=distance[step],
                price=price[step],
                weights=weights,
                stickiness=stickiness,
                leaving=leaving,
                density=settings.steering.density,
            )
            follower = ways.units[:, -1]
            barred = follower < 0
            if query.allowed is not None:
                barred |= ~query.allowed.mask[follower]
            again = repetition.cost(np.maximum(follower, 0))
            if first is None and settings.steering.movement < 1.0:
                again[:] = 0.0  # a plan that lingers is to hear the same unit again
            ways.cost[:, -1] += np.where(barred, TABOO * 100, again)
            if first is None:
                ways.cost += temperature * rng.gumbel(size=ways.cost.shape)
                # A taboo that is broken now is broken; one that the plan breaks later may be over by then.
                ways.cost += np.where(ways.cost >= TABOO / 2, TABOO * len(targets), 0.0)
                first = ways
            beam.grow(ways, self.units.length)
        assert first is not None
        return self._describe(first, beam.first_column(), query, repetition)

    def _successors(self, last: np.ndarray) -> np.ndarray:
        """Unit that naturally follows the last one of each plan, int64 (n_plans,); -1 = none."""
        return np.where(last < 0, -1, self.units.successor[last])

    def _ways(
        self,
        last: np.ndarray,
        *,
        successor: np.ndarray,
        target: np.ndarray,
        units: np.ndarray,
        distance: np.ndarray,
        price: np.ndarray,
        weights: np.ndarray,
        stickiness: float,
        leaving: float,
        density: float,
    ) -> Ways:
        """Every way to go on from each plan: its step's candidates, then (last column) what goes on from it."""
        known = np.maximum(successor, 0)
        natural = _length((self._z[known] - target) * weights)[:, None]  # (n_plans, 1)
        join = 2.0 * stickiness * self._join(last, known, successor >= 0, units, weights) + leaving
        join = np.where((units == successor[:, None]) | (last < 0)[:, None], 0.0, join)
        units = np.concatenate([units, successor[:, None]], axis=1)
        cost = np.concatenate([price + join, natural], axis=1)
        if density:
            step = step_cost(
                self.units.last[last, LEVEL][:, None], self.units.first[units, LEVEL], density=density
            )  # of what goes on where nothing does, it is some number: that way is barred
            cost += np.where((last < 0)[:, None], 0.0, step)
        return Ways(
            units=units,
            distance=np.concatenate([distance, natural], axis=1),
            join=np.concatenate([join, np.zeros_like(natural)], axis=1),
            cost=cost,
        )

    def _join(
        self, last: np.ndarray, successor: np.ndarray, has_successor: np.ndarray, units: np.ndarray, weights: np.ndarray
    ) -> np.ndarray:
        """Join cost of each candidate, (n_plans, n): how the frames at the boundary differ, how the unit differs from
        the one that would have come (where one would have), and whether the beat goes on."""
        edge = _length(self._last[last][:, None] - self._first[units])
        context = _length((self._z[successor][:, None] - self._z[units]) * weights)
        cost: np.ndarray = np.where(has_successor[:, None], 0.5 * (edge + context), edge)
        period = self.units.beat_period
        off = self._beat_end[last][:, None] - self.units.beat[units]  # beats
        both = (period[last][:, None] > 0) & (period[units] > 0)
        return cost + np.where(both, OFF_BEAT * 0.5 * (1.0 - np.cos(2.0 * np.pi * off)), 0.0)

    def _describe(self, ways: Ways, column: int, query: Query, repetition: Repetition) -> Selection:
        unit = int(ways.units[0, column])
        distance = float(ways.distance[0, column])
        continues = unit == query.follower
        again = float(repetition.cost(np.array([unit]))[0])
        return Selection(
            unit=unit,
            distance=distance,
            join=0.0 if continues else float(ways.join[0, column]),
            repetition=again,
            rank=int((ways.distance[0, :-1] < distance).sum()),
            continues=continues,
            taboo=bool(ways.cost[0, column] >= TABOO / 2),
        )


def _length(vectors: np.ndarray) -> np.ndarray:
    """Euclidean length along the last axis; on these small arrays three times as fast as np.linalg.norm."""
    lengths: np.ndarray = np.sqrt(np.einsum("...d,...d->...", vectors, vectors))
    return lengths
