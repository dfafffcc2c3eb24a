"""Predictors of a live set: one that fails, or takes too long, costs its foresight and nothing else."""

import time
from collections.abc import Mapping

import numpy as np

from liveseq.corpus.units import FEATURE_NAMES
from liveseq.errors import ModelError
from liveseq.runtime.predictor import MOST_LOAD, Condition, Mixture, OnnxPredictor, State
from liveseq.runtime.watch import Watch

SLOW = 4.0
"""Times the longest step that a model may take when it is loaded: beyond it one is slow."""
MOST_SLOW_SECONDS = 0.5
"""Time that slow steps may take, one after the other; then it is given up."""
MOST_OF_ONE = 0.25
"""Seconds of a step that count: the process may have been suspended in the middle of it."""


class LivePredictor:
    """A predictor that foretells nothing (NaN) from the moment on at which it was given up. One thread at a time."""

    def __init__(self, predictor: OnnxPredictor, *, name: str, watch: Watch) -> None:
        """name: by which it is chosen."""
        self.feature_names = predictor.feature_names
        self.samples_per_step = predictor.samples_per_step
        self.sample_rate = predictor.sample_rate
        self._predictor: OnnxPredictor | None = predictor
        self._start = predictor.start()
        self._name = name
        self._watch = watch
        self._slow_seconds = SLOW * MOST_LOAD * self.samples_per_step / self.sample_rate
        self._slow_for = 0.0  # seconds
        self._nothing = _nothing()

    def tag_vectors(self, vectors: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Vectors of a corpus's tags as the model takes them; any thread."""
        predictor = self._predictor
        return {} if predictor is None else predictor.tag_vectors(vectors)

    def start(self) -> State:
        """Memory of a predictor that has heard nothing yet."""
        return self._start

    def step(self, features: np.ndarray, state: State, condition: Condition) -> tuple[Mixture, State]:
        """Distribution of the steps after one of float32 features (D,), and the memory after it."""
        if self._predictor is None:
            return self._nothing, self._start
        began = time.perf_counter()
        try:
            answer = self._predictor.step(features, state, condition)
        except ModelError as error:
            self._give_up(str(error))
            return self._nothing, self._start
        seconds = time.perf_counter() - began
        self._slow_for = self._slow_for + min(seconds, MOST_OF_ONE) if seconds > self._slow_seconds else 0.0
        if self._slow_for >= MOST_SLOW_SECONDS:
            self._give_up(f"a step takes {seconds * 1e3:.0f} ms to compute")
        return answer

    def _give_up(self, why: str) -> None:
        self._predictor = None
        self._watch.given_up[self._name] = why


class NoPredictor:
    """The place of a predictor that cannot be used: it foretells nothing."""

    feature_names = FEATURE_NAMES

    def __init__(self, *, samples_per_step: int, sample_rate: int) -> None:
        self.samples_per_step = samples_per_step
        self.sample_rate = sample_rate
        self._nothing = _nothing()

    def tag_vectors(self, vectors: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """None: it is told nothing."""
        return {}

    def start(self) -> State:
        """Nothing."""
        return ()

    def step(self, features: np.ndarray, state: State, condition: Condition) -> tuple[Mixture, State]:
        """Nothing, whatever is heard."""
        return self._nothing, ()


def _nothing() -> Mixture:
    """A mixture from which nothing can be drawn."""
    steps = np.full((1, 1, len(FEATURE_NAMES)), np.nan, dtype=np.float32)
    return Mixture(np.full(1, np.nan, dtype=np.float32), steps, steps)
