"""Macros: they bend a plan in descriptor space, in units that a musician turns. Pure.

Descriptors go together: what is brighter has other MFCC too. Moving one column alone asks for a sound that does not
exist, and the nearest units to that are nobody's intention. So the others go along as they do in the tag's own
material: the shift is the conditional mean of a Gaussian, E[x | x_S = mean_S + delta] = mean + C_{.S} C_{SS}^{-1} delta
(Bishop 2006, "Pattern Recognition and Machine Learning", eq. 2.81).
"""

import numpy as np

from liveseq.corpus.units import FEATURE_NAMES, UnitTable
from liveseq.sequencer.settings import Steering

LOUDNESS, BRIGHTNESS, NOISINESS, PITCH = (
    FEATURE_NAMES.index(f"{name}_mean") for name in ("loudness_db", "log_centroid", "flatness_db", "log_f0")
)
LIVELINESS = FEATURE_NAMES.index("loudness_db_std")
REACH = 4.0
"""A bent column moves by at most so many standard deviations of the corpus."""
OFFER = (5.0, 95.0)
"""Percentiles of a tag's units between which a bent column stays."""
EMPHASIS = 6.0
"""Factor on how much a bent column counts in the choice of a unit, or the others would outvote it: leaving a recording
for a unit that is one of the tag's own standard deviations brighter is then worth its join cost."""
OWN_SHARE = 0.9
"""Share of the tag's own covariance; the rest is the corpus's, for tags of few units."""
MOST_UNITS = 4096
"""Units that tell what a tag is like, about: a macro is turned in the event loop."""
STEP = 0.07
"""Reward of a step in level of one dB from one unit to the next, per octave of density."""
MOST_STEP_DB = 12.0
"""A larger step is worth no more: it would be a hole."""


class Bend:
    """Bends the plans of one corpus, by tag and macros."""

    def __init__(self, units: UnitTable, *, mean: np.ndarray, std: np.ndarray) -> None:
        """mean, std: of the corpus's raw features, float32 (n_features,)."""
        self._units = units
        self._mean = mean
        self._std = std
        self._own: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self._liveliness: dict[str, float] = {}
        self._everything = self._covariance(np.arange(units.n_units))

    def apply(self, targets: np.ndarray, *, tag: str, steering: Steering) -> np.ndarray:
        """Predicted steps, bent: raw features, float32 (n_steps, n_features).

        A bent column goes no further than the tag has material for: what lies beyond would pull the others astray.
        """
        moves = self._moves(tag, steering)
        if not moves:
            return targets
        covariance, low, high = self._tag(tag)
        bent = list(moves)
        asked = targets[:, bent] + np.array(list(moves.values()))
        delta = np.clip(asked, low[bent], high[bent]) - targets[:, bent]
        towards = np.sign(list(moves.values()))
        delta = towards * np.maximum(towards * delta, 0.0) / self._std[bent]  # (n_steps, n_bent), standard deviations
        within = covariance[np.ix_(bent, bent)] + 1e-3 * np.eye(len(bent))
        along = delta @ np.linalg.solve(within, covariance[bent])  # (n_steps, n_features)
        along[:, bent] = delta
        moved: np.ndarray = (targets + np.clip(along, -REACH, REACH) * self._std).astype(np.float32)
        return moved

    def emphasis(self, tag: str, steering: Steering) -> np.ndarray:
        """Factors on the weights of the search, float32 (n_features,): what is bent counts more, the more alike the
        tag's own units are in it."""
        factors = np.ones(len(self._std), dtype=np.float32)
        bent = list(self._moves(tag, steering))
        if bent:
            own = np.sqrt(np.diag(self._tag(tag)[0])[bent])  # in standard deviations of the corpus
            factors[bent] = EMPHASIS / np.clip(own, 0.1, 1.0)
        return factors

    def _moves(self, tag: str, steering: Steering) -> dict[int, float]:
        """Column -> how far it is asked to move, in its own unit; only what is turned."""
        moves = {
            LOUDNESS: steering.loudness,
            BRIGHTNESS: steering.brightness,
            NOISINESS: steering.noisiness,
            PITCH: steering.pitch / 12.0,
        }
        if steering.density:
            if tag not in self._liveliness:
                self._liveliness[tag] = float(self._units.features[self._units.tag_units[tag], LIVELINESS].mean())
            moves[LIVELINESS] = self._liveliness[tag] * (2.0**steering.density - 1.0)
        return {column: move for column, move in moves.items() if move}

    def _tag(self, tag: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Covariance of z-scored features, and lowest and highest value of each that the tag has to offer."""
        if tag not in self._own:
            members = self._units.tag_units[tag]
            covariance = OWN_SHARE * self._covariance(members) + (1.0 - OWN_SHARE) * self._everything
            low, high = np.percentile(self._units.features[_some(members)], OFFER, axis=0)
            self._own[tag] = (covariance, low, high)
        return self._own[tag]

    def _covariance(self, members: np.ndarray) -> np.ndarray:
        """Covariance of the z-scored features of these units, float64 (n_features, n_features)."""
        z = (self._units.features[_some(members)] - self._mean) / self._std
        z = z - z.mean(axis=0) if len(z) else np.zeros((1, len(self._std)))
        covariance: np.ndarray = (z.T @ z / max(1, len(z))).astype(np.float64)
        return covariance


def _some(members: np.ndarray) -> np.ndarray:
    """At most about MOST_UNITS of these units, spread evenly."""
    return members[:: max(1, len(members) // MOST_UNITS)]


def step_cost(before_db: np.ndarray, after_db: np.ndarray, *, density: float) -> np.ndarray:
    """Cost of the step in level from one unit's end to the next one's beginning, in standard deviations, broadcast:
    below 0 where more density is asked for, above where less is.

    What a unit is like inside says nothing of an attack it begins with. In what rings on that is where all attacks
    are, and a plan that goes by the inside alone picks the tails between them.
    """
    cost: np.ndarray = -density * STEP * np.minimum(np.abs(after_db - before_db), MOST_STEP_DB)
    return cost


def achieved(found: np.ndarray, *, expected: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Distance by which bending has really moved what sounds, per column, between nothing and what was asked: raw
    features, float32 (n_features,), as all arguments are.

    A predictor hears what sounds without this. Without all that was asked, it would hear what the corpus could not give
    as a move to the other side, and follow it there.
    """
    asked = target - expected
    moved: np.ndarray = np.sign(asked) * np.clip(np.sign(asked) * (found - expected), 0.0, np.abs(asked))
    return moved


def travel(anchor: np.ndarray, future: np.ndarray, *, movement: float, horizon: int) -> np.ndarray:
    """The predicted path at another speed: raw features, float32 (horizon, n_features).

    anchor: where the path is now, float32 (n_features,). future: float32 (n_steps, n_features), n_steps at least
      ceil(movement * horizon).
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
