"""Events on the engine's sample clock: what a sequencer decides and an engine plays.

Pure data. A *sample clock* is the count of samples that the engine has rendered since it first started;
it never goes back, also when the engine process is replaced.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayUnit:
    """From `start` on, this layer sounds this unit, and goes on in its source until something else is said.

    A layer is one line of sound: a later PlayUnit fades the earlier one out over its own `fade`. Where the earlier one
    is just about to read the very sample that the later one begins with, nothing is faded: the sound plays on.
    """

    layer: int
    start: int
    """Sample clock. In the past means now."""
    length: int
    """Samples until the sequencer means to have sent the next event of this layer."""
    unit: int
    """Index in the unit table; for meters and logs only."""
    shard: int
    """Number of the audio file of the corpus."""
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


@dataclass(frozen=True, kw_only=True, slots=True)
class CutLayer:
    """Forget every event of this layer that starts at or after `start`."""

    layer: int
    start: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StopLayer:
    """From `start` on this layer fades to silence, on purpose: no ladder, nothing counted as late.

    Its later events are forgotten.
    """

    layer: int
    start: int
    """Sample clock. In the past means now."""
    fade: int
    """Samples of fade-out."""


Event = PlayUnit | CutLayer | StopLayer


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Why a unit was taken: sent to subscribers, written to the log."""

    layer: int
    start: int
    unit: int
    tag: str
    source: str
    seconds: float
    """Where the unit begins in its source."""
    distance: float
    """Target cost: weighted distance to the predicted features, in standard deviations."""
    join: float
    """Join cost to the unit before it; 0 for a natural continuation."""
    rank: int
    """How many of the nearest units were nearer to the prediction; 0 = none."""
    reason: str
    """start, continue, jump, or fallback."""
