"""Macros: how far a plan is bent in descriptor space, in units that a musician turns. Pure.

Descriptors go together: what is brighter has other MFCC too. Moving one column alone asks for a sound that does not
exist, and the nearest units to that are nobody's intention. So the others go along as they do in the tag's own
material: the shift is the conditional mean of a Gaussian, E[x | x_S = mean_S + delta] = mean + C_{.S} C_{SS}^{-1} delta
(Bishop 2006, "Pattern Recognition and Machine Learning", eq. 2.81).
"""

import dataclasses

import numpy as np

from liveseq.corpus.units import FEATURE_NAMES, UnitTable
from liveseq.sequencer.settings import Steering

LOUDNESS, BRIGHTNESS, NOISINESS, PITCH = (
    FEATURE_NAMES.index(f"{name}_mean") for name in ("loudness_db", "log_centroid", "flatness_db", "log_f0")
)
LIVELINESS = FEATURE_NAMES.index("loudness_db_std")
REACH = 4.0
"""A bent column moves by at most so many standard deviations of the corpus."""
EMPHASIS = 4.0
"""What is bent counts so many times as much in the choice of a unit, or the other columns would outvote it."""
OWN_SHARE = 0.9
"""Of the tag's own covariance; the rest is the corpus's, for tags of few units."""
MOST_UNITS = 4096
"""Units that a covariance is made of."""


class Bend:
    """Shifts of one corpus, by tag and macros."""

    def __init__(self, units: UnitTable, *, mean: np.ndarray, std: np.ndarray) -> None:
        """mean, std: of the corpus's raw features, float32 (n_features,)."""
        self._units = units
        self._mean = mean
        self._std = std
        self._covariances: dict[str, np.ndarray] = {}
        self._shifts: dict[tuple[str, tuple[float, ...]], np.ndarray] = {}
        self._everything = self._covariance(np.arange(units.n_units))

    def shift(self, tag: str, steering: Steering) -> np.ndarray:
        """What is added to each predicted step, raw features, float32 (n_features,)."""
        key = (tag, dataclasses.astuple(steering))
        if key not in self._shifts:
            if len(self._shifts) > 256:  # a fader passes through many values
                self._shifts.clear()
            self._shifts[key] = self._shift(tag, steering)
        return self._shifts[key]

    def _shift(self, tag: str, steering: Steering) -> np.ndarray:
        wanted = self._wanted(tag, steering)
        if not wanted:
            return np.zeros(len(self._std), dtype=np.float32)
        bent = list(wanted)
        delta = np.clip(np.array(list(wanted.values())) / self._std[bent], -REACH, REACH)
        if tag not in self._covariances:
            own = self._covariance(self._units.tag_units[tag])
            self._covariances[tag] = OWN_SHARE * own + (1.0 - OWN_SHARE) * self._everything
        covariance = self._covariances[tag]
        within = covariance[np.ix_(bent, bent)] + 1e-3 * np.eye(len(bent))
        z = covariance[:, bent] @ np.linalg.solve(within, delta)  # (n_features,)
        z[bent] = delta
        shift: np.ndarray = (np.clip(z, -REACH, REACH) * self._std).astype(np.float32)
        return shift

    def _wanted(self, tag: str, steering: Steering) -> dict[int, float]:
        """Column -> how far it is to move, in its own unit; only what is turned."""
        liveliness = float(self._units.features[self._units.tag_units[tag], LIVELINESS].mean())
        moves = {
            LOUDNESS: steering.loudness,
            BRIGHTNESS: steering.brightness,
            NOISINESS: steering.noisiness,
            PITCH: steering.pitch / 12.0,
            LIVELINESS: liveliness * (2.0**steering.density - 1.0),
        }
        return {column: move for column, move in moves.items() if move}

    def _covariance(self, members: np.ndarray) -> np.ndarray:
        """Of z-scored features, float64 (n_features, n_features)."""
        some = members[:: max(1, len(members) // MOST_UNITS)]
        z = (self._units.features[some] - self._mean) / self._std
        z = z - z.mean(axis=0) if len(z) else np.zeros((1, len(self._std)))
        covariance: np.ndarray = (z.T @ z / max(1, len(z))).astype(np.float64)
        return covariance


def emphasis(steering: Steering) -> np.ndarray:
    """Factors on the weights of the search, float32 (n_features,): what is bent counts more."""
    factors = np.ones(len(FEATURE_NAMES), dtype=np.float32)
    for column, turned in (
        (LOUDNESS, steering.loudness),
        (BRIGHTNESS, steering.brightness),
        (NOISINESS, steering.noisiness),
        (PITCH, steering.pitch),
        (LIVELINESS, steering.density),
    ):
        if turned:
            factors[column] = EMPHASIS
    return factors


def travel(anchor: np.ndarray, future: np.ndarray, *, movement: float, horizon: int) -> np.ndarray:
    """The predicted path at another speed: float32 (horizon, n_features).

    anchor: where the path is now, (n_features,); future: at least ceil(movement * horizon) steps.
    """
    if movement == 1.0:
        return future[:horizon]
    path = np.concatenate([anchor[None], future])  # (1 + n_steps, n_features)
    at = movement * np.arange(1, horizon + 1)
    before = np.minimum(at.astype(int), len(path) - 1)
    after = np.minimum(before + 1, len(path) - 1)
    share = (at - before)[:, None]
    along: np.ndarray = ((1.0 - share) * path[before] + share * path[after]).astype(np.float32)
    return along
