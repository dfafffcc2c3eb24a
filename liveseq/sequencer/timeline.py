"""Events on the engine's sample clock: what a sequencer decides and an engine plays.

Pure data. A *sample clock* is the count of samples that the engine has rendered since it first started;
it never goes back, also when the engine process is replaced.
"""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

STREAM_SHARD = 1 << 30
"""Shards from this number on are rings, one for each layer: the sound in them is made while it is played, and what is
its end now is not its end a moment later."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayUnit:
    """Sound this unit from `start` on, and go on in its source until something else is said.

    A layer is one line of sound: a later PlayUnit fades the earlier one out over its own `fade`. Where the earlier one
    is just about to read the very sample that the later one begins with, nothing is faded: the sound plays on.
    """

    layer: int
    start: int
    """Sample clock. 0 means now; a unit that comes after its start begins as much further in."""
    length: int
    """Samples until the sequencer means to have sent the next event of this layer."""
    unit: int
    """Index in the unit table; for meters and logs only."""
    shard: int
    """Number of the audio file of the corpus, or of a stream's ring."""
    position: int
    """First sample of the unit in the shard."""
    source_start: int
    """First sample of its source in the shard: a loop never goes before it."""
    source_end: int
    """One past the last sample of its source in the shard: nothing is read from there on."""
    fade: int
    """Samples of equal-power crossfade that begin at `start`."""
    gain: float
    """Linear, for loudness matching; it moves to its new value during the fade, or over 10 ms where there is none."""
    ratio: float = 1.0
    """Samples of the source per sample of output: 2 is an octave up. The unit still lasts `length`."""
    reverse: bool = False
    """Read backwards, from `position` on down."""
    correlation: float = 0.0
    """Correlation of what fades out with what fades in, 0 to 1: the fade keeps their sum's power (dsp.crossfade)."""


class GrainShape(IntEnum):
    """Envelope of a grain between its attack and its release."""

    HANN = 0
    """Rises and falls with half a cosine each."""
    TRAPEZOID = 1
    """Straight lines."""
    EXPONENTIAL = 2
    """Strikes and dies away: -60 dB at the end of the release."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grain:
    """A short piece with an envelope of its own, over whatever else its layer sounds; it takes nothing away.

    A layer of grains has no line that goes on by itself: where the next grain is late, the last one is sounded again.
    """

    layer: int
    start: int
    """Sample clock. In the past means now, and whole."""
    length: int
    """Samples that it sounds."""
    interval: int
    """Samples until the sequencer means to have sent the next grain."""
    unit: int
    """Index in the unit table; for meters and logs only."""
    shard: int
    position: int
    """First sample that is read; backwards it goes down from there, by `(length - 1) * ratio` samples."""
    source_start: int
    source_end: int
    """Nothing is read outside of these."""
    attack: int
    release: int
    """Samples; together at most `length`."""
    shape: GrainShape
    gain: float
    """Linear."""
    pan: float = 0.0
    """-1 left, 0 centre, 1 right, within the layer."""
    ratio: float = 1.0
    reverse: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CutLayer:
    """Forget every event of this layer that starts at or after `start`."""

    layer: int
    start: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StopLayer:
    """Fade this layer to silence from `start` on, on purpose: no ladder, nothing counted as late.

    Its later events are forgotten.
    """

    layer: int
    start: int
    """Sample clock. In the past means now."""
    fade: int
    """Samples of fade-out."""


Event = PlayUnit | Grain | CutLayer | StopLayer


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A unit that was taken, and why: sent to subscribers, written to the log, drawn by `render --explain`."""

    layer: int
    start: int
    unit: int
    """Index in the unit table; the step of a stream."""
    tag: str
    """The tag whose turn it is."""
    tags: tuple[tuple[str, float], ...]
    """Every tag of the layer with its share."""
    source: str
    seconds: float
    """Seconds from the beginning of its source to the unit."""
    duration: float
    """Seconds until the next choice of the layer."""
    target: np.ndarray = field(compare=False)
    """Prediction, bent by the macros: raw features, float32 (n_features,)."""
    features: np.ndarray = field(compare=False)
    """Raw features of the unit, float32 (n_features,)."""
    distance: float
    """Target cost: weighted distance of the two, in standard deviations."""
    join: float
    """Join cost to the unit before it; 0 for a natural continuation."""
    repetition: float
    """Cost of having been heard lately; below 0 where memory draws it back."""
    rank: int
    """Number of the nearest units that were nearer to the prediction."""
    reason: str
    """start, continue, jump, fallback (the taboo had to be broken), or rest (it does not sound)."""
    mode: str
    """Mode of the layer: continuous, beat, cloud, freeze or generate."""
