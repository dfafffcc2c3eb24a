"""Short words for pieces of one instrument: grounds, feels and lines that families share."""

from liveseq.demo.ensemble.instruments import Instrument
from liveseq.demo.ensemble.planning import Grounds
from liveseq.demo.ensemble.score import Feel
from liveseq.demo.ensemble.style import Seat, Style, seat

ALL_MODES = ("major", "minor", "dorian", "phrygian", "lydian", "mixolydian", "major", "minor")
ALL_METRES = ("4/4", "4/4", "4/4", "3/4", "6/8", "5/4")
FREE = Feel(loose=0.009, touch=0.07, rubato=0.035, slows=True)
EVEN = Feel(loose=0.006, touch=0.06, rubato=0.01, slows=True)
SWINGING = Feel(loose=0.007, touch=0.08, swing=0.25)
TIGHT = Feel(loose=0.004, touch=0.05)

_PLAIN = ("arch", "growing", "steady", "strong", "soft", "terraced")


def grounds(
    tempo: tuple[float, float], *, harmony: str = "song", pentatonic: float = 0.15, modes: tuple[str, ...] = ALL_MODES
) -> Grounds:
    return Grounds(modes=modes, metres=ALL_METRES, tempo=tempo, harmony=harmony, dynamics=_PLAIN, pentatonic=pentatonic)


def solo(
    name: str, grounds: Grounds, seats: tuple[Seat, ...], feels: tuple[Feel, ...], rooms: tuple[str, ...]
) -> Style:
    return Style(name=name, grounds=grounds, seats=seats, feels=feels, rooms=rooms)


def one_line(one: Instrument, *densities: str, legato: bool, ornament: float = 0.2) -> Seat:
    span = min(one.high, one.low + 31) if one.high - one.low > 36 else one.high
    low = one.low + (one.high - span) // 2
    return seat(
        "melody", one.name, density=densities, legato=legato, ornament=ornament, register=(low, low + span - one.low)
    )
