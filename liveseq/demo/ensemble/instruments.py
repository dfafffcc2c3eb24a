"""The instruments: General MIDI programs, the names that musicians call them, their ranges, and how they are played.

Pure data. Ranges are MIDI numbers that the instrument really plays, without the last extremes.
"""

from dataclasses import dataclass, replace

DRUMS = "drums"


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """One sound of the soundfont."""

    name: str
    """As a musician says it; a tag."""
    family: str
    """One of FAMILIES."""
    program: int
    """General MIDI program, counted from 0; of a drum kit its number among the kits."""
    low: int
    high: int
    """Lowest and highest MIDI number that is written for it."""
    voices: int = 1
    """Notes at once."""
    sustains: bool = False
    """Whether a note sounds on while it is held, so that it can swell."""
    breathes: bool = False
    """Whether its phrases are parted by a breath."""
    pedal: bool = False
    """Whether it has a sustaining pedal."""
    strums: float = 0.0
    """Seconds from one note of a chord to the next."""
    octaves_low: int = 0
    """How far below the written note FluidR3 sounds it (drawbars of 16 and 32 feet)."""
    also: tuple[str, ...] = ()
    """Broader names, tags too."""
    trim_db: float = 0.0
    """Makes all instruments about equally loud (measured with FluidR3)."""

    @property
    def is_drums(self) -> bool:
        return self.family == DRUMS

    @property
    def tags(self) -> tuple[str, ...]:
        return (self.name, *self.also)


def _piano(name: str, program: int, low: int, high: int, *also: str, pedal: bool = True) -> Instrument:
    return Instrument(
        name=name, family="piano", program=program, low=low, high=high, voices=8, pedal=pedal, also=also, strums=0.004
    )


def _bells(
    name: str, program: int, low: int, high: int, *also: str, voices: int = 4, pedal: bool = False
) -> Instrument:
    return Instrument(
        name=name, family="bells", program=program, low=low, high=high, voices=voices, pedal=pedal, also=also
    )


def _organ(name: str, program: int, low: int, high: int, *also: str, voices: int = 6) -> Instrument:
    return Instrument(
        name=name, family="organ", program=program, low=low, high=high, voices=voices, sustains=True, also=also
    )


def _guitar(name: str, program: int, low: int, high: int, *also: str, strums: float = 0.014) -> Instrument:
    return Instrument(
        name=name, family="guitar", program=program, low=low, high=high, voices=6, strums=strums, also=("guitar", *also)
    )


def _bass(name: str, program: int, low: int, high: int) -> Instrument:
    return Instrument(name=name, family="bass", program=program, low=low, high=high, also=("bass",))


def _strings(name: str, program: int, low: int, high: int, voices: int = 1, sustains: bool = True) -> Instrument:
    also = () if name == "strings" else ("strings",)
    return Instrument(
        name=name, family="strings", program=program, low=low, high=high, voices=voices, sustains=sustains, also=also
    )


def _choir(name: str, program: int, low: int, high: int) -> Instrument:
    also = () if name == "choir" else ("choir",)
    return Instrument(
        name=name,
        family="choir",
        program=program,
        low=low,
        high=high,
        voices=6,
        sustains=True,
        breathes=True,
        also=also,
    )


def _wind(family: str, name: str, program: int, low: int, high: int, *also: str, voices: int = 1) -> Instrument:
    return Instrument(
        name=name,
        family=family,
        program=program,
        low=low,
        high=high,
        voices=voices,
        sustains=True,
        breathes=True,
        also=also,
    )


def _plucked(name: str, program: int, low: int, high: int, voices: int = 3, strums: float = 0.02) -> Instrument:
    return Instrument(
        name=name,
        family="plucked",
        program=program,
        low=low,
        high=high,
        voices=voices,
        strums=strums,
        also=("plucked",),
    )


def _synth(
    name: str, program: int, low: int, high: int, *also: str, voices: int = 1, family: str = "lead"
) -> Instrument:
    return Instrument(
        name=name,
        family=family,
        program=program,
        low=low,
        high=high,
        voices=voices,
        sustains=True,
        also=("synth", *also),
    )


def _kit(name: str, program: int) -> Instrument:
    also = () if name == "drums" else ("drums",)
    return Instrument(name=name, family=DRUMS, program=program, low=35, high=81, voices=4, also=also)


_ALL = (
    _piano("piano", 0, 28, 100),
    _piano("bright piano", 1, 28, 100, "piano"),
    _piano("honky tonk piano", 3, 33, 96, "piano"),
    _piano("electric piano", 4, 36, 91),
    _piano("fm electric piano", 5, 36, 91, "electric piano"),
    _piano("harpsichord", 6, 36, 88, pedal=False),
    _piano("clavinet", 7, 36, 84, pedal=False),
    _bells("celesta", 8, 60, 100, "bells"),
    _bells("glockenspiel", 9, 72, 103, "bells", voices=2),
    _bells("music box", 10, 60, 96, "bells"),
    _bells("vibraphone", 11, 53, 89, "mallets", pedal=True),
    _bells("marimba", 12, 45, 91, "mallets"),
    _bells("xylophone", 13, 65, 101, "mallets", voices=2),
    _bells("tubular bells", 14, 60, 77, "bells", voices=2),
    _bells("steel drums", 114, 60, 86, "mallets", voices=2),
    _organ("organ", 16, 36, 91),
    _organ("percussive organ", 17, 36, 91, "organ"),
    _organ("rock organ", 18, 36, 91, "organ"),
    _organ("church organ", 19, 36, 93, "organ"),
    _organ("accordion", 21, 48, 89, voices=4),
    _organ("harmonica", 22, 60, 91, voices=2),
    _guitar("nylon guitar", 24, 40, 83),
    _guitar("steel guitar", 25, 40, 83),
    _guitar("jazz guitar", 26, 40, 83),
    _guitar("clean guitar", 27, 40, 84, "electric guitar"),
    _guitar("muted guitar", 28, 40, 76, "electric guitar"),
    _guitar("overdriven guitar", 29, 40, 86, "electric guitar", strums=0.006),
    _guitar("distortion guitar", 30, 40, 86, "electric guitar", strums=0.004),
    _bass("double bass", 32, 28, 60),
    _bass("bass guitar", 33, 28, 62),
    _bass("picked bass", 34, 28, 62),
    _bass("fretless bass", 35, 28, 62),
    _bass("slap bass", 36, 28, 60),
    _bass("synth bass", 38, 28, 60),
    _bass("acid bass", 39, 28, 60),
    _strings("violin", 40, 55, 93),
    _strings("viola", 41, 48, 84),
    _strings("cello", 42, 36, 74),
    _strings("tremolo strings", 44, 40, 91, voices=5),
    _strings("pizzicato strings", 45, 40, 86, voices=4, sustains=False),
    _strings("strings", 48, 36, 93, voices=6),
    _strings("slow strings", 49, 36, 91, voices=6),
    _strings("fiddle", 110, 55, 91),
    _choir("choir", 52, 45, 81),
    _choir("voices", 53, 48, 79),
    _wind("brass", "trumpet", 56, 55, 82, "brass"),
    _wind("brass", "trombone", 57, 42, 70, "brass"),
    _wind("brass", "tuba", 58, 29, 55, "brass"),
    _wind("brass", "muted trumpet", 59, 55, 80, "brass"),
    _wind("brass", "french horn", 60, 41, 74, "brass", voices=2),
    _wind("brass", "brass section", 61, 43, 79, "brass", voices=4),
    _wind("reeds", "soprano saxophone", 64, 57, 86, "saxophone"),
    _wind("reeds", "alto saxophone", 65, 50, 80, "saxophone"),
    _wind("reeds", "tenor saxophone", 66, 45, 75, "saxophone"),
    _wind("reeds", "baritone saxophone", 67, 38, 68, "saxophone"),
    _wind("reeds", "oboe", 68, 58, 88, "woodwind"),
    _wind("reeds", "english horn", 69, 52, 81, "woodwind"),
    _wind("reeds", "bassoon", 70, 35, 68, "woodwind"),
    _wind("reeds", "clarinet", 71, 50, 89, "woodwind"),
    _wind("flutes", "piccolo", 72, 74, 100, "flute"),
    _wind("flutes", "flute", 73, 60, 94, "woodwind"),
    _wind("flutes", "recorder", 74, 65, 93, "flute"),
    _wind("flutes", "pan flute", 75, 60, 91, "flute"),
    _wind("flutes", "shakuhachi", 77, 55, 84, "flute"),
    _wind("flutes", "ocarina", 79, 60, 86, "flute"),
    _plucked("harp", 46, 36, 96, voices=6, strums=0.03),
    _plucked("sitar", 104, 48, 79),
    _plucked("banjo", 105, 48, 84, voices=4),
    _plucked("shamisen", 106, 50, 79, voices=2),
    _plucked("koto", 107, 48, 86, voices=4),
    _plucked("kalimba", 108, 55, 86, voices=2),
    _synth("square lead", 80, 48, 91),
    _synth("saw lead", 81, 48, 91),
    _synth("glass pad", 88, 45, 88, "pads", voices=5, family="pad"),
    _synth("warm pad", 89, 40, 84, "pads", voices=6, family="pad"),
    _synth("polysynth", 90, 43, 88, "pads", voices=6, family="pad"),
    _synth("bowed pad", 92, 43, 86, "pads", voices=5, family="pad"),
    _synth("halo pad", 94, 40, 84, "pads", voices=5, family="pad"),
    _synth("sweep pad", 95, 40, 84, "pads", voices=5, family="pad"),
    _kit("drums", 0),
    _kit("room drums", 8),
    _kit("power drums", 16),
    _kit("electronic drums", 24),
    _kit("drum machine", 25),
    _kit("jazz drums", 32),
    _kit("brush drums", 40),
)

# fmt: off
_TRIM_DB = {
    "piano": 4, "bright piano": 5, "honky tonk piano": 5, "electric piano": -2, "fm electric piano": -1,
    "harpsichord": 1, "clavinet": 1, "celesta": 2, "glockenspiel": 1, "music box": 2, "vibraphone": 5, "marimba": 2,
    "xylophone": 13, "tubular bells": -0, "steel drums": 1, "organ": 0, "percussive organ": -2, "rock organ": -0,
    "church organ": -0, "accordion": 4, "harmonica": -0, "nylon guitar": 0, "steel guitar": 2, "jazz guitar": -4,
    "clean guitar": -4, "muted guitar": 5, "overdriven guitar": -3, "distortion guitar": -6, "double bass": 1,
    "bass guitar": 1, "picked bass": 2, "fretless bass": -3, "slap bass": 5, "synth bass": -1, "acid bass": -6,
    "violin": -1, "viola": 1, "cello": 1, "tremolo strings": 1, "pizzicato strings": 1, "strings": 2,
    "slow strings": -1, "fiddle": -1, "choir": 3, "voices": -1, "trumpet": 0, "trombone": -3, "tuba": -1,
    "muted trumpet": -1, "french horn": -1, "brass section": 0, "soprano saxophone": -3, "alto saxophone": -2,
    "tenor saxophone": -2, "baritone saxophone": 0, "oboe": -2, "english horn": 2, "bassoon": -1, "clarinet": -4,
    "piccolo": -3, "flute": -3, "recorder": -3, "pan flute": -1, "shakuhachi": -4, "ocarina": -3, "harp": 2,
    "sitar": 0, "banjo": 3, "shamisen": 6, "koto": 4, "kalimba": 6, "square lead": -13, "saw lead": -16,
    "glass pad": -14, "warm pad": 3, "polysynth": -7, "bowed pad": -8, "halo pad": -10, "sweep pad": -13, "drums": 4,
    "room drums": 3, "power drums": 0, "electronic drums": 2, "drum machine": -4, "jazz drums": 4, "brush drums": 5,
}
# fmt: on
"""Brings each to the same loudness at velocity 90 (measured with FluidR3)."""

_OCTAVES_LOW = {"organ": 2, "percussive organ": 1, "rock organ": 1}

INSTRUMENTS: dict[str, Instrument] = {
    one.name: replace(one, trim_db=float(_TRIM_DB[one.name]), octaves_low=_OCTAVES_LOW.get(one.name, 0)) for one in _ALL
}
FAMILIES: tuple[str, ...] = tuple(dict.fromkeys(one.family for one in _ALL))
