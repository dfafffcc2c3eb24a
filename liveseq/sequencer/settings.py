"""The knobs that a performer may turn on a layer while it plays."""

from dataclasses import dataclass, field
from enum import StrEnum

from liveseq.dsp.descriptors import BASE_NAMES

WEIGHT_NAMES = (*BASE_NAMES, "spread")
"""Everything that can be weighed in the choice of a unit: each descriptor, and how much it moves inside the unit."""


class Mode(StrEnum):
    """Ways in which a layer turns its plan into sound."""

    CONTINUOUS = "continuous"
    """One unit after the other, without a gap."""
    BEAT = "beat"
    """Slices of a beat, each landing on the beat."""
    CLOUD = "cloud"
    """Overlapping grains around the planned unit."""
    FREEZE = "freeze"
    """Grains of the very place that sounded when it was frozen."""
    GENERATE = "generate"
    """No units: what a generator makes while it is played; the corpus, as in continuous, until there is something."""


@dataclass(kw_only=True)
class Steering:
    """Macros: how the prediction is bent before a unit is looked for. Neutral by default."""

    loudness: float = 0.0
    """dB."""
    brightness: float = 0.0
    """Octaves of the spectral centroid."""
    density: float = 0.0
    """Octaves of liveliness: 1 = twice as much spread inside the units, and more steps in level between them; in a
    cloud, twice as many grains."""
    noisiness: float = 0.0
    """dB of spectral flatness."""
    pitch: float = 0.0
    """Semitones."""
    movement: float = 1.0
    """Speed at which the plan travels: 0 stays where it is, 2 is twice as fast."""
    surprise: float = 1.0
    """Factor on both temperatures; leaving a recording costs so many times less."""
    memory: float = 0.0
    """0 to 1: how strongly it returns to what was heard before."""


@dataclass(kw_only=True)
class Settings:
    """One layer's knobs. The parameter table of the server holds their ranges and checks them."""

    predict_temperature: float = 0.7
    """0 = the most likely future, 1 = the future as the model means it, above = wilder."""
    horizon: int = 6
    """Predictor steps that are planned ahead (170 ms each with the default corpus)."""
    k: int = 32
    """Nearest units that are weighed at each step."""
    radius: float = 0.0
    """Units further than this from the prediction, in standard deviations, are left out; 0 = none is."""
    query_temperature: float = 0.1
    """Chance in the choice of a unit, in standard deviations of distance; 0 = always the cheapest."""
    weights: tuple[float, ...] = (1.0,) * len(WEIGHT_NAMES)
    """Factors on how much each of WEIGHT_NAMES counts; not all 0."""
    stickiness: float = 0.6
    """0 = always the unit that fits best, towards 1 = stay in the recording that sounds."""
    taboo_count: int = 16
    """A unit does not come back before this many others have sounded."""
    taboo_seconds: float = 4.0
    """A unit does not come back before this many seconds either."""
    pitch_match: float = 0.0
    """Semitones by which a unit may be resampled towards the predicted pitch."""
    loudness_match: float = 0.0
    """dB by which a unit may be raised or lowered towards the predicted loudness."""
    mode: Mode = Mode.CONTINUOUS
    crossfade_ms: float = 20.0
    """Milliseconds in which one recording gives way to another."""
    align_ms: float = 5.0
    """Milliseconds by which a join may move to where the waveforms fit; 0 = none."""
    grain_ms: float = 180.0
    """Length of a grain in a cloud or freeze."""
    grain_density: float = 12.0
    """Grains per second."""
    grain_spread: float = 0.5
    """0 to 1: how far grains scatter, in place around the unit and between left and right."""
    grain_shape: str = "hann"
    attack_ms: float = 60.0
    release_ms: float = 90.0
    """A grain's attack and release; together they are fitted into it."""
    reverse: float = 0.0
    """Chance that a unit is read backwards."""
    trigger: float = 1.0
    """Chance that a unit sounds at all."""
    beam: int = 8
    """Plans that are kept side by side."""
    steering: Steering = field(default_factory=Steering)

    def turn(self, name: str, value: object) -> None:
        """Turn a knob, here or of the steering, by the name of its field. value: checked."""
        place = self.steering if hasattr(self.steering, name) else self
        assert hasattr(place, name), name
        setattr(place, name, value)
