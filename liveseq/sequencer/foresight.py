"""What a predictor expects: hearing units, drawing a future, opening a tag.

Pure. Chance comes from the generator that is handed in, so that an opening can be made ahead of time and is the same.
"""

from dataclasses import dataclass

import numpy as np

from liveseq.corpus.sounding import lively
from liveseq.corpus.units import UnitTable
from liveseq.runtime.predictor import Mixture, Predictor, State, sample

PRIMING_UNITS = 12
"""Consecutive units that a predictor hears before it plans: about two seconds."""
REACH = 4.0
"""A drawn future stays within so many standard deviations of the corpus."""


@dataclass(frozen=True, kw_only=True)
class Opening:
    """A tag about to begin with a unit like one of its own, with what the predictor expects after that one."""

    state: State
    mixture: Mixture
    future: np.ndarray
    """Raw features, float32 (horizon, n_features)."""
    temperature: float


class Foresight:
    """A predictor over the units of one corpus. Holds no state between calls."""

    def __init__(self, units: UnitTable, predictor: Predictor, *, mean: np.ndarray, std: np.ndarray) -> None:
        """mean, std: of the corpus's raw features, (n_features,)."""
        self.samples_per_step = predictor.samples_per_step
        self._units = units
        self._predictor = predictor
        self._lively = lively(units)
        self._before = np.full(units.n_units, -1)  # the unit that naturally comes before each
        follows = np.flatnonzero(units.successor >= 0)
        self._before[units.successor[follows]] = follows
        self._low = mean - REACH * std
        self._high = mean + REACH * std

    def hear(self, units: list[int], state: State | None = None) -> tuple[Mixture, State]:
        """What is expected after these units; one that is longer than a step is heard several times."""
        state = self._predictor.start() if state is None else state
        for unit in units:
            for _ in range(max(1, round(int(self._units.length[unit]) / self.samples_per_step))):
                mixture, state = self._predictor.step(self._units.features[unit], state)
        return mixture, state

    def imagine(
        self, mixture: Mixture, state: State, *, horizon: int, temperature: float, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw one future: raw features, float32 (horizon, n_features)."""
        future = np.empty((horizon, self._units.features.shape[1]), dtype=np.float32)
        for step in range(horizon):
            if step:
                mixture, state = self._predictor.step(future[step - 1], state)
            future[step] = np.clip(sample(mixture, rng, temperature), self._low, self._high)
        return future

    def open(self, tag: str, *, horizon: int, temperature: float, rng: np.random.Generator) -> Opening:
        """Begin a tag with one of its lively units: hear what led up to it and the unit itself, and draw the rest."""
        pool = self._lively[tag]
        first = int(pool[int(rng.integers(len(pool)))])
        stretch = [first]
        while len(stretch) < PRIMING_UNITS and (before := int(self._before[stretch[-1]])) >= 0:
            stretch.append(before)
        mixture, state = self.hear(stretch[::-1])
        future = np.empty((horizon, self._units.features.shape[1]), dtype=np.float32)
        future[0] = self._units.features[first]
        future[1:] = self.imagine(mixture, state, horizon=horizon - 1, temperature=temperature, rng=rng)
        return Opening(state=state, mixture=mixture, future=future, temperature=temperature)

    def is_over(self, unit: int, tag: str) -> bool:
        """Whether nothing follows a unit but silence: its recording has ended, or died away."""
        if self._units.successor[unit] >= 0:
            return False
        place = int(np.searchsorted(self._lively[tag], unit))
        return place == len(self._lively[tag]) or int(self._lively[tag][place]) != unit
