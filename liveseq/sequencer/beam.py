"""Plans that are kept side by side while a horizon is searched. Pure."""

from dataclasses import dataclass

import numpy as np

from liveseq.sequencer.repetition import TABOO


@dataclass
class Ways:
    """Ways to go on from each kept plan, one row a plan; each array (n_plans, n), costs in standard deviations."""

    units: np.ndarray
    distance: np.ndarray
    join: np.ndarray
    cost: np.ndarray
    """Cost of all kinds together."""


def units_of(unit: int | None) -> np.ndarray:
    """A unit, or none, as an array over one plan: int64 (1,); -1 = none, as in the unit table."""
    return np.array([-1 if unit is None else unit])


class Beam:
    """The cheapest plans so far, at most `width`. A plan knows its units, its length and what it has cost."""

    def __init__(self, *, after: int | None, n_steps: int, samples_per_step: int, width: int) -> None:
        """One empty plan, which follows the unit `after`."""
        self.last = units_of(after)
        """Last unit of each plan, (n_plans,); -1 = none."""
        self._offset = np.zeros(1, dtype=np.int64)  # samples planned
        self._cost = np.zeros(1)
        self._path = np.full((1, n_steps), -1, dtype=np.int64)
        self._first = np.zeros(1, dtype=np.int64)  # column of each plan's first choice
        self._depth = 0
        self._n_steps = n_steps
        self._per_step = samples_per_step
        self._end = n_steps * samples_per_step
        self._width = width

    @property
    def complete(self) -> bool:
        """Whether every plan covers the horizon; long units get there in fewer steps, short ones never have more."""
        return self._depth == self._n_steps or bool((self._offset >= self._end).all())

    def steps(self) -> np.ndarray:
        """Step of the horizon at which each plan goes on, int64 (n_plans,)."""
        return np.minimum(self._offset // self._per_step, self._n_steps - 1)

    def grow(self, ways: Ways, lengths: np.ndarray) -> None:
        """Go every way, and keep the cheapest. lengths: samples of every unit of the corpus, int64 (n_units,)."""
        total = ways.cost.copy()
        if self._depth:
            again = (self._path[:, None, : self._depth] == ways.units[:, :, None]).any(axis=2)
            total += np.where(again, TABOO, 0.0)
        done = self._offset >= self._end  # such a plan is carried along, once
        total[done] = np.inf
        total[done, 0] = 0.0
        total += self._cost[:, None]
        keep = np.argsort(total, axis=None, kind="stable")[: self._width]
        plan, column = np.unravel_index(keep, total.shape)
        unit = np.where(done[plan], self.last[plan], ways.units[plan, column])
        self._cost = total[plan, column]
        self._path = self._path[plan]
        self._path[:, self._depth] = unit
        self._offset = self._offset[plan] + np.where(done[plan], 0, lengths[unit])
        self._first = self._first[plan] if self._depth else column
        self.last = unit
        self._depth += 1

    def first_column(self) -> int:
        """Column of the first way that the cheapest plan has gone."""
        return int(self._first[np.argmin(self._cost)])
