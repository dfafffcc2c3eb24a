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
from liveseq.sequencer.beam import Beam, Ways
from liveseq.sequencer.repetition import TABOO, Repetition, Usage
from liveseq.sequencer.settings import Settings

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
        repetition = Repetition.under(usage, settings, self.units, tag=tag, clock=clock)
        price = distance + repetition.cost(found)
        scaled *= self._per_distance

        beam = Beam(after=after, n_steps=len(targets), samples_per_step=samples_per_step, width=settings.beam)
        first: Ways | None = None
        while not beam.complete:
            step = beam.steps()  # (n_plans,)
            ways = self._ways(beam.last, scaled[step], found[step], distance[step], price[step], settings.stickiness)
            follower = ways.units[:, -1]
            ways.cost[:, -1] += np.where(follower < 0, TABOO * 100, repetition.cost(np.maximum(follower, 0)))
            if first is None:
                ways.cost += settings.query_temperature * rng.gumbel(size=ways.cost.shape)
                first = ways
            beam.grow(ways, self.units.length)
        assert first is not None
        return self._describe(first, beam.first_column(), after=after)

    def _ways(
        self,
        last: np.ndarray,
        target: np.ndarray,
        units: np.ndarray,
        distance: np.ndarray,
        price: np.ndarray,
        stickiness: float,
    ) -> Ways:
        """Every way to go on from each plan: its step's candidates, then (last column) the natural successor."""
        successor = np.where(last < 0, -1, self.units.successor[last])  # (n_plans,)
        known = np.maximum(successor, 0)
        natural = _length(self._features[known] - target)[:, None]  # (n_plans, 1)
        leaving = JUMP * stickiness / max(1.0 - stickiness, 1e-3)
        join = 2.0 * stickiness * self._join(last, known, successor >= 0, units) + leaving
        join = np.where((units == successor[:, None]) | (last < 0)[:, None], 0.0, join)
        return Ways(
            units=np.concatenate([units, successor[:, None]], axis=1),
            distance=np.concatenate([distance, natural], axis=1),
            join=np.concatenate([join, np.zeros_like(natural)], axis=1),
            cost=np.concatenate([price + join, natural], axis=1),
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

    def _describe(self, ways: Ways, column: int, *, after: int | None) -> Selection:
        unit = int(ways.units[0, column])
        distance = float(ways.distance[0, column])
        continues = after is not None and unit == self.units.successor[after]
        return Selection(
            unit=unit,
            distance=distance,
            join=0.0 if continues else float(ways.join[0, column]),
            rank=int((ways.distance[0, :-1] < distance).sum()),
            continues=continues,
            taboo=bool(ways.cost[0, column] >= TABOO / 2),
        )


def _length(vectors: np.ndarray) -> np.ndarray:
    """Euclidean length along the last axis; on these small arrays three times as fast as np.linalg.norm."""
    lengths: np.ndarray = np.sqrt(np.einsum("...d,...d->...", vectors, vectors))
    return lengths
