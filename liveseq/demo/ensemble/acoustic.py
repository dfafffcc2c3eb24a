"""Styles that are played without electricity: songs, dances, chorales, chamber music and orchestras."""

from liveseq.demo.ensemble.planning import Grounds
from liveseq.demo.ensemble.score import Feel
from liveseq.demo.ensemble.style import ACOUSTIC, PADS, STEADY, Seat, Style, seat

LEADS_SOFT = ("flute", "violin", "clarinet", "oboe", "cello", "soprano saxophone", "english horn", "harmonica", "piano")


def _voices(*sections: tuple[str, ...], legato: bool = True) -> tuple[Seat, ...]:
    """Four players of one kind, bass first, from left to right as they sit."""
    pans = (0.35, 0.15, -0.15, -0.35)
    return tuple(
        seat("chorale", *players, part=i, pan=pans[i], legato=legato, send=0.55, level_db=1.0 if i in (0, 3) else -1.0)
        for i, players in enumerate(sections)
    )


_QUARTETS = {
    "string quartet": _voices(("cello",), ("viola",), ("violin",), ("violin",)),
    "brass quartet": _voices(
        ("tuba", "trombone"), ("trombone", "french horn"), ("french horn", "trumpet"), ("trumpet",)
    ),
    "choir": _voices(("choir",), ("choir",), ("choir",), ("choir",)),
    "saxophone quartet": _voices(
        ("baritone saxophone",), ("tenor saxophone",), ("alto saxophone",), ("soprano saxophone",)
    ),
    "woodwind quartet": _voices(("bassoon",), ("clarinet",), ("english horn", "clarinet"), ("flute", "oboe")),
}

CHORALES = tuple(
    Style(
        name="chorale",
        tags=(name,),
        grounds=Grounds(
            modes=("major", "minor", "dorian", "mixolydian"), metres=("4/4", "4/4", "3/4"), tempo=(66, 104),
            harmony="hymn", dynamics=("arch", "growing", "soft", "terraced", "strong"),
        ),
        seats=seats, feels=(ACOUSTIC,), rooms=("hall", "church"),
    )
    for name, seats in _QUARTETS.items()
)  # fmt: skip

ACOUSTIC_STYLES: tuple[Style, ...] = (
    Style(
        name="ballad",
        grounds=Grounds(modes=("major", "minor", "dorian"), metres=("4/4", "4/4", "6/8"), tempo=(60, 88),
            harmony="song", dynamics=("arch", "growing", "soft")),
        seats=(
            seat("melody", *LEADS_SOFT, "nylon guitar", "voices", density=("calm", "moving"), register=(58, 86),
                legato=True, level_db=2.0, send=0.55),
            seat("broken", "piano", "electric piano", "nylon guitar", "steel guitar", "harp", figure=("nocturne",
                "wave", "rolling", "picked"), register=(43, 74), level_db=-3.0, pan=-0.25),
            seat("bass", "fretless bass", "double bass", "bass guitar", line="ballad", register=(28, 52),
                level_db=-1.0, send=0.15),
            seat("held", "strings", "slow strings", "warm pad", "choir", size=4, first=1, register=(50, 79),
                level_db=-8.0, pan=0.2, legato=True, send=0.6, chance=0.7),
            seat("drums", "brush drums", "drums", groove="ballad", first=1, level_db=-6.0, chance=0.6),
        ),
        feels=(ACOUSTIC, STEADY), rooms=("hall", "room"),
    ),
    Style(
        name="waltz",
        grounds=Grounds(modes=("major", "minor"), metres=("3/4",), tempo=(96, 172), harmony="song",
            dynamics=("arch", "steady", "growing", "terraced")),
        seats=(
            seat("melody", "violin", "accordion", "clarinet", "flute", "piano", "music box", "fiddle",
                density=("moving", "busy"), register=(60, 88), legato=True, level_db=2.0, pan=0.15),
            seat("struck", "piano", "accordion", "nylon guitar", "pizzicato strings", "strings", rhythm="after",
                gate=0.6, register=(52, 74), level_db=-4.0, pan=-0.25),
            seat("bass", "double bass", "tuba", "bassoon", "cello", line=("two", "march"), register=(28, 55),
                level_db=-1.0, send=0.25),
            seat("countermelody", "cello", "clarinet", "french horn", "viola", register=(48, 69), level_db=-4.0,
                pan=0.35, legato=True, chance=0.5),
            seat("drums", "brush drums", groove=("waltz", "brushes"), level_db=-8.0, chance=0.3),
        ),
        feels=(ACOUSTIC,), rooms=("hall", "room"),
    ),
    Style(
        name="folk",
        grounds=Grounds(modes=("major", "dorian", "mixolydian", "minor"), metres=("4/4", "6/8", "3/4", "6/8"),
            tempo=(84, 132), harmony="song", dynamics=("steady", "arch", "growing"), pentatonic=0.5),
        seats=(
            seat("melody", "fiddle", "flute", "recorder", "accordion", "harmonica", "pan flute", "banjo",
                density=("moving", "busy"), ornament=0.35, register=(60, 88), level_db=1.0, pan=0.15),
            seat("strummed", "steel guitar", "nylon guitar", "banjo", rhythm=("push", "quarters"), register=(45,
                72), level_db=-4.0, pan=-0.3),
            seat("bass", "double bass", "cello", line=("two", "march"), register=(28, 55), level_db=-1.0, send=0.2),
            seat("countermelody", "cello", "clarinet", "viola", "accordion", register=(50, 72), level_db=-4.0,
                pan=0.4, legato=True, chance=0.4),
            seat("drums", "drums", groove="folk", first=1, level_db=-8.0, chance=0.5),
        ),
        feels=(STEADY, ACOUSTIC), rooms=("room", "hall"),
    ),
    Style(
        name="ambient",
        grounds=Grounds(modes=("major", "minor", "dorian", "lydian", "mixolydian"), metres=("4/4", "5/4"),
            tempo=(60, 76), harmony="drone", dynamics=("soft", "arch", "fading", "growing"), pentatonic=0.7),
        seats=(
            seat("held", *PADS, "choir", size=5, register=(45, 79), level_db=-3.0, legato=True, send=0.8),
            seat("drifting", "piano", "vibraphone", "celesta", "harp", "glass pad", "kalimba", "electric piano",
                register=(60, 93), level_db=-2.0, pan=0.2, send=0.9),
            seat("drone", "cello", "warm pad", "bowed pad", "strings", fifth=True, register=(33, 57), level_db=-6.0,
                pan=-0.15, legato=True, send=0.6, chance=0.7),
            seat("melody", "shakuhachi", "flute", "voices", "english horn", "soprano saxophone", density="sparse",
                first=1, register=(57, 81), level_db=-3.0, pan=-0.25, legato=True, send=0.9, chance=0.5),
        ),
        feels=(Feel(loose=0.012, touch=0.08, rubato=0.02, slows=True),), rooms=("church",),
    ),
    Style(
        name="march",
        grounds=Grounds(modes=("major", "minor", "mixolydian"), metres=("4/4", "4/4", "6/8"), tempo=(96, 132),
            harmony="song", dynamics=("strong", "growing", "terraced")),
        seats=(
            seat("melody", "trumpet", "brass section", "piccolo", "clarinet", density=("moving", "busy"),
                register=(58, 88), level_db=1.0, pan=0.1),
            seat("struck", "french horn", "brass section", "trombone", "accordion", size=3, rhythm="march",
                gate=0.5, register=(50, 70), level_db=-4.0, pan=-0.3),
            seat("bass", "tuba", "trombone", "baritone saxophone", line="march", register=(29, 55), level_db=-1.0,
                send=0.3),
            seat("drums", "power drums", "drums", "room drums", groove="march", level_db=-4.0, send=0.35),
            seat("countermelody", "trombone", "french horn", "clarinet", density="moving", register=(50, 72),
                level_db=-3.0, pan=0.35, chance=0.5),
        ),
        feels=(STEADY,), rooms=("hall", "room"),
    ),
    Style(
        name="minimalism", tags=("minimal",),
        grounds=Grounds(modes=("major", "dorian", "lydian", "mixolydian", "minor"), metres=("4/4", "5/4", "6/8",
            "3/4"), tempo=(104, 152), harmony="drone", dynamics=("growing", "arch", "steady", "fading"),
            pentatonic=0.5),
        seats=(
            seat("ostinato", "marimba", "piano", "vibraphone", "pizzicato strings", "clarinet", length=(5, 6, 7),
                register=(57, 81), level_db=-1.0, pan=-0.4),
            seat("ostinato", "marimba", "piano", "xylophone", "harp", "glockenspiel", "flute", length=(3, 4, 7),
                first=1, register=(64, 91), level_db=-3.0, pan=0.4),
            seat("held", "strings", "choir", "clarinet", "warm pad", "brass section", size=3, first=1, register=(50,
                76), level_db=-6.0, legato=True, send=0.6),
            seat("bass", "double bass", "cello", "bassoon", "synth bass", line=("held", "two"), first=2,
                register=(28, 52), level_db=-3.0, chance=0.6),
        ),
        feels=(Feel(loose=0.004, touch=0.05), STEADY), rooms=("room", "hall"),
    ),
    Style(
        name="baroque",
        grounds=Grounds(modes=("minor", "major"), metres=("4/4", "3/4"), tempo=(76, 116), harmony="song",
            dynamics=("terraced", "steady", "strong")),
        seats=(
            seat("invention", "violin", "oboe", "recorder", "flute", part=0, parts=2, register=(62, 88),
                level_db=1.0, pan=-0.3),
            seat("invention", "cello", "bassoon", "viola", part=1, parts=2, register=(45, 69), level_db=0.0, pan=0.3),
            seat("struck", "harpsichord", size=4, rhythm=("quarters", "sparse"), gate=0.9, register=(50, 76),
                level_db=-6.0),
            seat("bass", "double bass", "church organ", line="held", register=(31, 50), level_db=-6.0, legato=True,
                chance=0.5),
        ),
        feels=(STEADY,), rooms=("room", "hall"),
    ),
    Style(
        name="orchestra", tags=("cinematic",),
        grounds=Grounds(modes=("minor", "major", "lydian", "dorian"), metres=("4/4", "3/4", "6/8", "5/4"),
            tempo=(66, 120), harmony="song", dynamics=("growing", "arch", "strong")),
        seats=(
            seat("melody", "french horn", "trumpet", "strings", "oboe", "flute", "choir", density=("calm",
                "moving"), register=(55, 84), legato=True, level_db=2.0, pan=0.1, send=0.6),
            seat("held", "strings", "tremolo strings", "slow strings", size=5, register=(48, 79), level_db=-4.0,
                pan=-0.2, legato=True, send=0.6),
            seat("bass", "cello", "tuba", "bassoon", line=("held", "two"), register=(29, 52), level_db=-1.0,
                pan=0.3, legato=True, send=0.5),
            seat("broken", "harp", "pizzicato strings", "celesta", figure=("up", "wave", "rolling"), octaves=1,
                first=1, register=(55, 88), level_db=-5.0, pan=-0.4, send=0.6, chance=0.7),
            seat("countermelody", "cello", "clarinet", "english horn", "viola", first=1, register=(48, 72),
                level_db=-2.0, pan=0.3, legato=True, send=0.6, chance=0.6),
            seat("drums", "power drums", groove="march", first=2, level_db=-9.0, send=0.6, chance=0.25),
        ),
        feels=(ACOUSTIC,), rooms=("hall", "church"),
    ),
    Style(
        name="lullaby",
        grounds=Grounds(modes=("major", "lydian"), metres=("6/8", "3/4"), tempo=(60, 80), harmony="song",
            dynamics=("soft", "fading")),
        seats=(
            seat("melody", "music box", "celesta", "flute", "voices", "ocarina", "nylon guitar", density=("calm",
                "moving"), register=(65, 91), level_db=2.0, pan=0.1, send=0.6),
            seat("broken", "harp", "nylon guitar", "piano", "kalimba", figure=("waltz", "wave", "up"), register=(48,
                76), level_db=-3.0, pan=-0.25, send=0.5),
            seat("held", "slow strings", "warm pad", "voices", size=3, first=1, register=(52, 74), level_db=-9.0,
                legato=True, send=0.6, chance=0.6),
        ),
        feels=(ACOUSTIC,), rooms=("hall",),
    ),
    Style(
        name="eastern",
        grounds=Grounds(modes=("phrygian", "dorian", "minor", "mixolydian"), metres=("4/4", "3/4", "5/4"),
            tempo=(66, 108), harmony="drone", dynamics=("arch", "growing", "soft"), pentatonic=0.6),
        seats=(
            seat("melody", "koto", "sitar", "shamisen", density=("moving", "busy"), ornament=0.5, register=(55, 84),
                level_db=2.0, pan=-0.15, send=0.5),
            seat("drone", "sitar", "cello", "bowed pad", fifth=True, register=(36, 62), level_db=-7.0, send=0.5),
            seat("melody", "shakuhachi", "pan flute", "ocarina", density=("calm", "sparse"), first=1, register=(60,
                84), legato=True, level_db=-1.0, pan=0.3, send=0.8, chance=0.7),
            seat("hand_drums", "drums", n_hits=(5, 7, 3), level_db=-6.0, send=0.5, chance=0.6),
        ),
        feels=(ACOUSTIC, STEADY), rooms=("hall", "room"),
    ),
)  # fmt: skip
