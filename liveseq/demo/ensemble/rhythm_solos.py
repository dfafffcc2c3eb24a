"""Pieces for a bass or a drum kit alone."""

from liveseq.demo.ensemble.alone import EVEN, FREE, SWINGING, TIGHT, grounds, solo
from liveseq.demo.ensemble.instruments import Instrument
from liveseq.demo.ensemble.planning import Grounds
from liveseq.demo.ensemble.score import Feel
from liveseq.demo.ensemble.style import Style, seat


def basses(one: Instrument) -> tuple[Style, ...]:
    name, low, high = one.name, one.low, min(one.high, one.low + 27)
    of = {
        "groove": grounds((84, 130), harmony="loop", modes=("minor", "dorian", "mixolydian", "phrygian")),
        "slow": grounds((66, 100)), "walk": grounds((90, 170), harmony="jazz", modes=("major", "minor", "dorian",
            "mixolydian")),
    }  # fmt: skip
    styles = [
        solo(
            "groove",
            of["groove"],
            (
                seat(
                    "bass", name, line=("funk", "house", "breaks", "dub", "eighths", "sixteenths"), register=(low, high)
                ),
            ),
            (TIGHT, Feel(loose=0.004, touch=0.06, swing=0.15, swing_unit=0.25)),
            ("booth", "room"),
        ),
        solo(
            "slow",
            of["slow"],
            (seat("bass", name, line=("ballad", "two", "bossa"), register=(low, high), legato=True),),
            (EVEN,),
            ("room",),
        ),
        solo(
            "line",
            grounds((66, 112), pentatonic=0.3),
            (seat("melody", name, density=("moving", "busy"), register=(low + 5, one.high), legato=True),),
            (EVEN, FREE),
            ("room", "hall"),
        ),
    ]
    if name in ("double bass", "bass guitar", "fretless bass", "picked bass"):
        styles.append(
            solo("walk", of["walk"], (seat("walk", name, register=(low, high)),), (SWINGING,), ("room", "booth"))
        )
    return tuple(styles)  # fmt: skip


def kits(one: Instrument) -> tuple[Style, ...]:
    by_kit = {
        "drums": ("funk", "rock", "ballad", "latin", "dub", "hip hop", "drum and bass", "folk"),
        "room drums": ("rock", "funk", "trip hop", "hip hop", "dub"),
        "power drums": ("rock", "march"),
        "electronic drums": ("techno", "house", "rock", "drum and bass"),
        "drum machine": ("techno", "house", "hip hop", "trip hop"),
        "jazz drums": ("swing", "bossa", "latin"),
        "brush drums": ("brushes", "bossa", "ballad", "waltz"),
    }
    tempi = {
        "techno": (120, 144), "house": (116, 128), "drum and bass": (160, 174), "trip hop": (72, 98),
            "hip hop": (80, 104),
        "dub": (68, 84), "ballad": (62, 84), "waltz": (96, 160),
    }  # fmt: skip
    machine = one.name in ("electronic drums", "drum machine")
    styles = []
    for groove in by_kit[one.name]:
        metres = {
            "waltz": ("3/4",),
            "rock": ("4/4", "4/4", "6/8", "5/4"),
            "swing": ("4/4", "3/4", "5/4"),
            "folk": ("4/4", "6/8"),
        }
        ground = Grounds(
            modes=("minor",),
            metres=metres.get(groove, ("4/4",)),
            tempo=tempi.get(groove, (88, 140)),
            harmony="loop",
            dynamics=("steady", "growing", "strong", "soft"),
        )
        feel = Feel(
            loose=0.001 if machine else 0.006,
            touch=0.04 if machine else 0.07,
            swing=0.3
            if groove in ("swing", "brushes")
            else 0.12
            if groove in ("funk", "trip hop", "hip hop", "house")
            else 0.0,
            swing_unit=0.5 if groove in ("swing", "brushes") else 0.25,
        )
        styles.append(
            solo(groove, ground, (seat("drums", one.name, groove=groove),), (feel,), ("room", "booth", "club"))
        )
    if one.name == "drums":
        ground = Grounds(
            modes=("minor",),
            metres=("4/4", "6/8", "5/4"),
            tempo=(84, 126),
            harmony="loop",
            dynamics=("steady", "growing"),
        )
        styles.append(
            solo("hand drums", ground, (seat("hand_drums", one.name, n_hits=(3, 5, 7)),), (TIGHT,), ("room", "hall"))
        )
    return tuple(styles)  # fmt: skip
