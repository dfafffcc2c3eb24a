"""What a performer may turn on a layer while it plays."""

from dataclasses import dataclass


@dataclass(kw_only=True)
class Settings:
    """One layer's knobs. The parameter table of the server holds their ranges and checks them."""

    predict_temperature: float = 0.7
    """0 = the most likely future, 1 = the future as the model means it, above = wilder."""
    horizon: int = 6
    """Predictor steps that are planned ahead (170 ms each with the default corpus)."""
    k: int = 32
    """Nearest units that are weighed at each step."""
    query_temperature: float = 0.1
    """Chance in the choice of a unit, in standard deviations of distance; 0 = always the cheapest."""
    stickiness: float = 0.8
    """0 = always the unit that fits best, towards 1 = stay in the recording that sounds."""
    taboo_count: int = 16
    """A unit does not come back before this many others have sounded."""
    taboo_seconds: float = 4.0
    """Nor before this many seconds."""
    crossfade_ms: float = 20.0
    """Milliseconds in which one recording gives way to another."""
    beam: int = 8
    """Plans that are kept side by side."""
