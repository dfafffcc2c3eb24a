"""Pieces for one instrument: what each family plays when it is alone."""

from liveseq.demo.ensemble.alone import EVEN, FREE, SWINGING, TIGHT, grounds, one_line, solo
from liveseq.demo.ensemble.instruments import INSTRUMENTS, Instrument
from liveseq.demo.ensemble.rhythm_solos import basses, kits
from liveseq.demo.ensemble.style import Style, seat


def _keyboard(one: Instrument) -> tuple[Style, ...]:
    name, legato = one.name, one.sustains
    right = seat(
        "melody", name, density=("calm", "moving", "moving", "busy"), register=(60, 88), legato=True, level_db=1.5
    )
    return (
        solo("nocturne", grounds((60, 96)), (right, seat("broken", name, figure=("nocturne", "wave", "rolling",
            "alberti"), register=(40, 64), level_db=-3.0)), (FREE,), ("room", "hall")),
        solo("chords", grounds((60, 100)), (seat("held", name, size=(4, 5), register=(43, 76), legato=legato),
            seat("bass", name, line="held", register=(33, 50), level_db=-2.0)), (FREE, EVEN), ("room", "hall")),
        solo("hymn", grounds((66, 96), harmony="hymn"), tuple(seat("chorale", name, part=i,
            legato=legato) for i in range(4)), (FREE,), ("room", "hall")),
        solo("arpeggios", grounds((76, 132), harmony="loop"), (seat("broken", name, figure=("wave", "up",
            "rolling", "leaping"), unit=(0.25, 0.5), octaves=1, register=(48, 86)), seat("bass", name, line="held",
            register=(33, 50), level_db=-2.0)), (EVEN,), ("room", "hall")),
        solo("line", grounds((66, 150)), (one_line(one, "moving", "busy", "running", legato=legato),), (FREE, EVEN,
            SWINGING), ("room", "booth")),
        solo("two voices", grounds((72, 120)), (seat("invention", name, part=0, register=(60, 86)),
            seat("invention", name, part=1, register=(40, 64), level_db=-1.0)), (EVEN,), ("room",)),
        solo("ostinato", grounds((100, 150), harmony="drone"), (seat("ostinato", name, length=(5, 6, 7),
            register=(57, 84)), seat("held", name, size=3, first=1, register=(40, 62), level_db=-3.0)), (TIGHT,
            EVEN), ("room", "hall")),
        solo("comping", grounds((90, 140), harmony="jazz", modes=("major", "minor", "dorian", "mixolydian")),
            (seat("struck", name, size=4, rhythm=("charleston", "push", "sparse"), gate=0.6, register=(50, 77)),
            seat("walk", name, register=(33, 55), level_db=-1.0)), (SWINGING,), ("room", "booth")),
        solo("drifting", grounds((60, 76), harmony="drone", pentatonic=0.6), (seat("drifting", name,
            register=(52, 93)), seat("held", name, size=3, register=(40, 60), level_db=-5.0)), (FREE,), ("church",
            "hall")),
    )  # fmt: skip


def _guitars(one: Instrument) -> tuple[Style, ...]:
    name = one.name
    picked = seat("broken", name, figure=("picked", "thumbed", "rolling", "wave"), unit=(0.5, 0.25), register=(45, 76))
    strummed = seat("strummed", name, size=(4, 5), rhythm=("push", "quarters", "pulse"), register=(43, 72))
    styles = [
        solo(
            "line",
            grounds((66, 144), pentatonic=0.35),
            (one_line(one, "moving", "busy", "running", "swung", legato=True),),
            (FREE, EVEN, SWINGING),
            ("room", "hall", "booth"),
        )
    ]
    if name in ("overdriven guitar", "distortion guitar"):
        power = seat("power", name, rhythm=("pulse", "push", "stabs"), register=(40, 60))
        return (
            *styles,
            solo(
                "riff",
                grounds((84, 160), harmony="loop", modes=("minor", "phrygian", "mixolydian", "dorian")),
                (power,),
                (TIGHT,),
                ("room", "booth"),
            ),
        )
    styles += [
        solo(
            "fingerpicking",
            grounds((60, 110)),
            (picked, seat("bass", name, line=("two", "held"), register=(40, 55))),
            (FREE, EVEN),
            ("room", "hall"),
        ),
        solo("strumming", grounds((76, 132), harmony="loop"), (strummed,), (EVEN, TIGHT), ("room",)),
        solo(
            "chord melody",
            grounds((66, 110)),
            (
                seat("melody", name, density=("calm", "moving"), register=(59, 81), legato=True, level_db=2.0),
                seat("broken", name, figure=("up", "alberti"), size=3, register=(42, 62), level_db=-3.0),
            ),
            (FREE,),
            ("room", "hall"),
        ),
        solo(
            "rhythm",
            grounds((90, 140), harmony="jazz", modes=("major", "minor", "dorian", "mixolydian")),
            (seat("struck", name, size=4, rhythm=("bossa", "charleston", "quarters"), gate=0.7, register=(47, 72)),),
            (SWINGING, EVEN),
            ("room", "booth"),
        ),
    ]
    return tuple(styles)  # fmt: skip


def _lines(one: Instrument) -> tuple[Style, ...]:
    """Whoever plays one note at a time: slow, singing, quick; or two of them against each other."""
    name = one.name
    middle = (one.low + one.high) // 2
    return (
        solo("song", grounds((60, 96), pentatonic=0.25), (one_line(one, "calm", "moving", legato=True),), (FREE,),
            ("hall", "church", "room")),
        solo("line", grounds((80, 150), pentatonic=0.25), (one_line(one, "busy", "running", "moving", legato=True,
            ornament=0.35),), (FREE, EVEN), ("room", "hall")),
        solo("dance", grounds((96, 160)), (one_line(one, "moving", "busy", legato=False, ornament=0.3),), (EVEN,),
            ("room", "booth")),
        solo("duet", grounds((66, 116)), (seat("melody", name, density=("moving", "calm"), register=(middle - 4,
            one.high), legato=True, pan=-0.25), seat("countermelody", name, density="calm", first=0,
            register=(one.low, middle + 6), legato=True, pan=0.25, level_db=-2.0)), (FREE,), ("hall", "room")),
        solo("two voices", grounds((72, 112)), (seat("invention", name, part=0, register=(middle - 5, one.high),
            pan=-0.2), seat("invention", name, part=1, register=(one.low, middle + 5), pan=0.2)), (EVEN,), ("room",
            "hall")),
    )  # fmt: skip


def _sections(one: Instrument) -> tuple[Style, ...]:
    """Whoever holds chords: strings, choirs, pads, brass sections."""
    name = one.name
    low, high = max(one.low, 43), min(one.high, 82)
    chords = seat("held", name, size=(4, 5) if one.voices > 4 else 4, register=(low + 5, high), legato=True)
    return (
        solo("held chords", grounds((60, 96)), (chords,), (FREE, EVEN), ("hall", "church")),
        solo("slow chords", grounds((60, 80), harmony="drone"), (chords, seat("drone", name, register=(low,
            low + 17), level_db=-3.0, legato=True)), (FREE,), ("church", "hall")),
        solo("hymn", grounds((66, 100), harmony="hymn"), tuple(seat("chorale", name, part=i, legato=True,
            pan=(0.3, 0.1, -0.1, -0.3)[i]) for i in range(4)), (FREE,), ("hall", "church")),
        solo("song", grounds((60, 104)), (seat("melody", name, density=("calm", "moving"), register=(60, high),
            legato=True, level_db=1.0), seat("held", name, size=3, register=(low, 64), legato=True, level_db=-3.0)),
            (FREE,), ("hall", "church")),
    )  # fmt: skip


def _struck(one: Instrument) -> tuple[Style, ...]:
    """Bells, mallets, harps and other plucked strings: lines, figures, ringing chords."""
    name = one.name
    pentatonic = 0.6 if one.family == "plucked" else 0.25
    span = (one.low, one.high)
    styles = [
        solo(
            "line",
            grounds((66, 132), pentatonic=pentatonic),
            (one_line(one, "moving", "busy", "calm", legato=True, ornament=0.35),),
            (FREE, EVEN),
            ("hall", "room"),
        ),
        solo(
            "ostinato",
            grounds((96, 144), harmony="drone", pentatonic=pentatonic),
            (
                seat("ostinato", name, length=(5, 6, 7, 8), register=(one.low, one.low + 24), pan=-0.2),
                seat(
                    "ostinato",
                    name,
                    length=(3, 4, 5, 7),
                    first=1,
                    register=(one.high - 19, one.high),
                    pan=0.2,
                    level_db=-2.0,
                ),
            ),
            (TIGHT, EVEN),
            ("room", "hall"),
        ),
    ]
    if one.voices > 2:
        styles += [
            solo(
                "arpeggios",
                grounds((66, 120)),
                (
                    seat(
                        "broken",
                        name,
                        figure=("wave", "up", "rolling", "leaping", "thumbed"),
                        unit=(0.25, 0.5),
                        octaves=1,
                        register=span,
                    ),
                ),
                (FREE, EVEN),
                ("hall", "room"),
            ),
            solo(
                "song",
                grounds((60, 100), pentatonic=pentatonic),
                (
                    seat(
                        "melody",
                        name,
                        density=("calm", "moving"),
                        register=(max(one.low, one.high - 26), one.high),
                        level_db=2.0,
                    ),
                    seat(
                        "broken",
                        name,
                        size=3,
                        figure=("up", "alberti", "wave"),
                        register=(one.low, max(one.low + 19, one.high - 19)),
                        level_db=-3.0,
                    ),
                ),
                (FREE,),
                ("hall", "room"),
            ),
            solo(
                "drifting",
                grounds((60, 80), harmony="drone", pentatonic=pentatonic),
                (seat("drifting", name, register=span),),
                (FREE,),
                ("church", "hall"),
            ),
        ]
    if name == "harp":
        styles.append(
            solo("rolled chords", grounds((60, 90)), (seat("rolled", name, register=(40, 84)),), (FREE,), ("hall",))
        )
    if one.voices == 2:
        styles.append(
            solo(
                "song",
                grounds((60, 96), pentatonic=pentatonic),
                (one_line(one, "calm", "moving", legato=True),),
                (FREE,),
                ("hall", "church"),
            )
        )
    return tuple(styles)  # fmt: skip


_SECTIONS = ("strings", "slow strings", "tremolo strings", "choir", "voices", "brass section")


def solos(name: str) -> tuple[Style, ...]:
    """The piece of an instrument that plays alone."""
    one = INSTRUMENTS[name]
    if one.is_drums:
        return kits(one)
    if name in _SECTIONS or one.family == "pad":
        return _sections(one)
    by_family = {
        "piano": _keyboard,
        "organ": _keyboard,
        "guitar": _guitars,
        "bass": basses,
        "bells": _struck,
        "plucked": _struck,
    }
    if name == "pizzicato strings":
        return _struck(one)
    if name == "harmonica":
        return _lines(one)
    return by_family.get(one.family, _lines)(one)
