"""Foresight: a predictor hears units, a future is drawn from what it expects, a tag is opened.

Pure. Chance comes from the generator that is handed in, so that an opening can be made ahead of time and is the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from liveseq.corpus.sounding import lively
from liveseq.corpus.units import UnitTable
from liveseq.runtime.predictor import Condition, Mixture, Predictor, State, sample

PRIMING_UNITS = 12
"""Consecutive units that a predictor hears before it plans: about two seconds."""
REACH = 4.0
"""A drawn future stays within so many standard deviations of the corpus, and so does what is heard from outside."""
NO_BEAT = np.zeros(3, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Beat:
    """Place in the beat at which a step begins."""

    place: float
    """Beats; a whole number is on the beat."""
    period: float
    """Samples per beat; 0 = there is none."""

    def phase(self) -> np.ndarray:
        """Sine and cosine of the phase, and 1 where there is a beat: float32 (3,), see Condition.phase."""
        if not self.period:
            return NO_BEAT
        angle = 2.0 * np.pi * self.place
        return np.array([np.sin(angle), np.cos(angle), 1.0], dtype=np.float32)

    def after(self, n_samples: int) -> "Beat":
        """The same beat, so many samples later."""
        return Beat(self.place + n_samples / self.period, self.period) if self.period else self


@dataclass(frozen=True, kw_only=True)
class Opening:
    """A tag about to begin with a unit like one of its own, with what the predictor expects after that one."""

    state: State
    mixture: Mixture
    beat: Beat
    """Place in the beat of what is expected next."""
    future: np.ndarray
    """Raw features, float32 (horizon, n_features)."""
    temperature: float


class Foresight:
    """A predictor over the units of one corpus. Holds no state between calls, but for a count."""

    def __init__(
        self,
        units: UnitTable,
        predictor: Predictor,
        *,
        mean: np.ndarray,
        std: np.ndarray,
        tag_vectors: Mapping[str, np.ndarray],
    ) -> None:
        """mean, std: of the corpus's raw features, float32 (n_features,). tag_vectors: as the predictor
        takes them, float32 (E,)."""
        self.samples_per_step = predictor.samples_per_step
        self.n_blind = 0
        """Futures that were none of the predictor's, since it said what is no finite number."""
        self._units = units
        self._predictor = predictor
        self._vectors = tag_vectors
        self._lively = lively(units)
        self._before = np.full(units.n_units, -1)  # the unit that naturally comes before each
        follows = np.flatnonzero(units.successor >= 0)
        self._before[units.successor[follows]] = follows
        self._low = mean - REACH * std
        self._high = mean + REACH * std

    def hear(
        self, units: Sequence[int], state: State | None = None, *, tag: str, shift: np.ndarray | None = None
    ) -> tuple[Mixture, State, Beat]:
        """Hear units, at least one: the mixture that is expected after them, the state, and the beat of what comes.

        One that is longer than a step is heard several times. shift: what the macros have bent them by, raw features; a
        predictor hears them straightened, or it would go further astray with every step.
        """
        state = self._predictor.start() if state is None else state
        for unit in units:
            features = self._units.features[unit]
            if shift is not None:
                features = features - shift
            beat = self.beat_of(unit)
            for _ in range(max(1, round(int(self._units.length[unit]) / self.samples_per_step))):
                mixture, state = self._step(features, state, tag=tag, beat=beat)
                beat = beat.after(self.samples_per_step)
        return mixture, state, self.beat_of(units[-1]).after(int(self._units.length[units[-1]]))

    def hear_features(
        self, features: np.ndarray, state: State | None = None, *, tag: str
    ) -> tuple[Mixture, State, Beat]:
        """Hear steps that are no units: the mixture that is expected after them, the state, and no beat.

        features: raw, float32 (n_steps, n_features), n_steps >= 1.
        """
        state = self._predictor.start() if state is None else state
        beat = Beat(0.0, 0.0)
        for row in features:
            mixture, state = self._step(row, state, tag=tag, beat=beat)
        return mixture, state, beat

    def plausible(self, features: np.ndarray) -> np.ndarray:
        """Steps within REACH standard deviations of the corpus, at the rim where they lie beyond: raw features, float32
        (n_steps, n_features)."""
        within: np.ndarray = np.clip(features, self._low, self._high)
        return within

    def imagine(
        self,
        mixture: Mixture,
        state: State,
        *,
        beat: Beat,
        tag: str,
        horizon: int,
        temperature: float,
        rng: np.random.Generator,
        after: int | None = None,
    ) -> np.ndarray:
        """Draw one future: raw features, float32 (horizon, n_features). beat: of its first step.

        after: the unit that sounds before it; where what is expected is no finite number, the future is what follows
        that in its recording.
        """
        future = np.empty((horizon, self._units.features.shape[1]), dtype=np.float32)
        done = 0
        while done < horizon:
            if not mixture.is_finite:
                self.n_blind += 1
                return self.recall(after, tag=tag, horizon=horizon, rng=rng)
            course = self.plausible(sample(mixture, rng, temperature))[: horizon - done]
            future[done : done + len(course)] = course
            done += len(course)
            for row in course if done < horizon else ():
                mixture, state = self._step(row, state, tag=tag, beat=beat)
                beat = beat.after(self.samples_per_step)
        return future

    def recall(self, after: int | None, *, tag: str, horizon: int, rng: np.random.Generator) -> np.ndarray:
        """A future without a predictor: what follows a unit in its recording under this tag, and where nothing does
        what follows a lively one of the tag. Raw features, float32 (horizon, n_features)."""
        course: list[int] = []
        unit = -1 if after is None else after
        while len(course) < horizon:
            unit = -1 if unit < 0 or self.is_over(unit, tag) else int(self._units.successor[unit])
            if unit < 0 or not _is_among(unit, self._units.tag_units[tag]):
                unit = int(self._lively[tag][int(rng.integers(len(self._lively[tag])))])
            course += [unit] * max(1, round(int(self._units.length[unit]) / self.samples_per_step))
        future: np.ndarray = self._units.features[course[:horizon]]
        return future

    def open(self, tag: str, *, horizon: int, temperature: float, rng: np.random.Generator) -> Opening:
        """Begin a tag with one of its lively units: hear what led up to it and the unit itself, and draw the rest."""
        pool = self._lively[tag]
        first = int(pool[int(rng.integers(len(pool)))])
        mixture, state, beat = self.hear(self.leading_to(first), tag=tag)
        future = np.empty((horizon, self._units.features.shape[1]), dtype=np.float32)
        future[0] = self._units.features[first]
        future[1:] = self.imagine(
            mixture, state, beat=beat, tag=tag, horizon=horizon - 1, temperature=temperature, rng=rng, after=first
        )
        return Opening(state=state, mixture=mixture, beat=beat, future=future, temperature=temperature)

    def leading_to(self, unit: int) -> list[int]:
        """A unit and those that naturally come before it, in order: at most PRIMING_UNITS."""
        stretch = [unit]
        while len(stretch) < PRIMING_UNITS and (before := int(self._before[stretch[-1]])) >= 0:
            stretch.append(before)
        return stretch[::-1]

    def is_over(self, unit: int, tag: str) -> bool:
        """Whether nothing follows a unit but silence: its recording has ended, or died away."""
        if self._units.successor[unit] >= 0:
            return False
        return not _is_among(unit, self._lively[tag])

    def beat_of(self, unit: int) -> Beat:
        """Place in the beat of a unit's start."""
        return Beat(float(self._units.beat[unit]), float(self._units.beat_period[unit]))

    def _step(self, features: np.ndarray, state: State, *, tag: str, beat: Beat) -> tuple[Mixture, State]:
        """Let the predictor hear a step. Where it says what is no finite number it begins anew: what is in its memory
        would not leave it."""
        mixture, state = self._predictor.step(features, state, self._condition(tag, beat))
        return mixture, state if mixture.is_finite else self._predictor.start()

    def _condition(self, tag: str, beat: Beat) -> Condition:
        return Condition(tag=self._vectors.get(tag), phase=beat.phase())


def _is_among(unit: int, units: np.ndarray) -> bool:
    """Whether a unit is one of these, which are sorted."""
    place = int(np.searchsorted(units, unit))
    return place < len(units) and int(units[place]) == unit
