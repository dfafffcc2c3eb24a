"""Drum kits: grooves of two bars, ghost notes, fills into the next phrase, and a last stroke."""

import numpy as np

from liveseq.demo.ensemble.score import Note
from liveseq.demo.ensemble.voice import Voice

DRUM_NOTES: dict[str, int] = {
    "kick": 36, "rim": 37, "snare": 38, "clap": 39, "hat": 42, "pedal": 44, "open": 46,
    "low tom": 45, "mid tom": 47, "high tom": 50, "crash": 49, "ride": 51, "bell": 53,
    "tambourine": 54, "cowbell": 56, "shaker": 70, "high conga": 63, "low conga": 64, "mute conga": 62, "clave": 75,
    "brush": 40,
}  # fmt: skip
"""General MIDI, channel 10. In the brush kit 40 is a swept brush."""

Groove = dict[str, tuple[str, ...]]
GROOVES: dict[str, dict[str, Groove]] = {
    "techno": {"4/4": {"kick": ("9...9...9...9...",), "hat": ("4.3.4.3.4.3.4.3.", "43.443.443.443.4"),
        "open": ("..7...7...7...7.",), "clap": ("....7.......7...", "................"), "rim": ("...5..5....5....",
        ".......4..5....5"), "low tom": ("................", "...........6..5.")}},
    "house": {"4/4": {"kick": ("9...9...9...9...",), "clap": ("....8.......8...",), "open": ("..7...7...7...7.",),
        "hat": ("4.3.4.3.4.3.4.34",), "shaker": ("4242424242424242", "................"),
        "high conga": ("...5......5..4..", "................")}},
    "drum and bass": {"4/4": {"kick": ("9.........9.....", "9..8......9.....", "9.8.......8..8.."),
        "snare": ("....9.......9...", "....9..3.3..9..3", "....9..3....9.3."), "hat": ("6.4.6.4.6.4.6.4.",
        "6.446.4.6.446.44"), "ride": ("................", "6...5...6...5...")}},
    "trip hop": {"4/4": {"kick": ("9......8..8.....", "9..7......8....."), "snare": ("....9.......9...",
        "....9..3....9..3"), "hat": ("6.4.6.4.6.4.6.4.", "6.4.6.4464.46.4."), "open": ("..............5.",
        "................")}},
    "funk": {"4/4": {"kick": ("9..8..8...9..8..", "9.8....8..8.....", "9......8.89....."),
        "snare": ("....9..3.3..9..3", "....9.3..3..9.3."), "hat": ("7.5.7.5.7.5.7.5.", "7555755575557555"),
        "open": ("................", "......6.........")}},
    "rock": {"4/4": {"kick": ("9.......9.8.....", "9.....8.9......."), "snare": ("....9.......9...",),
        "hat": ("7.6.7.6.7.6.7.6.",)}, "3/4": {"kick": ("9.......8...", "9..........."), "snare": ("....8...8...",
        "........9..."), "hat": ("7.5.6.5.6.5.",)}, "6/8": {"kick": ("9.....8...8.", "9.....8....."),
        "snare": ("......9.....",), "hat": ("7.5.5.7.5.5.",)}, "5/4": {"kick": ("9.....8.....9.......",),
        "snare": ("....9.......9...3...", "........9.......9..."), "ride": ("7.5.7.5.7.5.7.5.7.5.",)}},
    "ballad": {"4/4": {"kick": ("9.......8.......", "9.....7.8......."), "rim": ("....7.......7...",),
        "hat": ("5.4.5.4.5.4.5.4.",)}, "3/4": {"kick": ("8...........",), "rim": ("....5...5...",),
        "hat": ("5.4.5.4.5.4.",)}, "6/8": {"kick": ("9.........6.",), "rim": ("......7.....",),
        "hat": ("5.4.4.5.4.4.",)}},
    "bossa": {"4/4": {"kick": ("8.....67......67", "8.....68......68"), "rim": ("7.....7...7.....",
        "..7...7.....7..."), "hat": ("5.4.5.4.5.4.5.4.",), "shaker": ("4242424242424242",)}},
    "swing": {"4/4": {"ride": ("8...7..67...7..6", "8...7.67" + "8...7.67"), "pedal": ("....7.......7...",),
        "snare": ("......3.........", "..........4...3.", "................"), "kick": ("4...4...4...4...",
        "5...........4...")}, "3/4": {"ride": ("8...7.6.7...", "8...6...7.6."), "pedal": ("....6...6...",),
        "kick": ("6...........",), "snare": ("......3.....", "............")},
        "5/4": {"ride": ("8...7.6.7...8...7.6.",), "pedal": ("....6.......6...6...",),
        "kick": ("8.....6.....7.......",), "snare": ("......3...4.........", "....................")}},
    "brushes": {"4/4": {"brush": ("6...4...6...4...",), "pedal": ("....6.......6...",),
        "kick": ("5.......4.......",), "ride": ("................", "5...5..45...5..4")},
        "3/4": {"brush": ("6...4...4...",), "pedal": ("....5...5...",), "kick": ("6...........",)}},
    "waltz": {"3/4": {"kick": ("8...........",), "rim": ("....5...5...",), "hat": ("....5...5...", "5...5.4.5...")}},
    "march": {"4/4": {"kick": ("8.......8.......",), "snare": ("6..35.355...6.33", "6...5.336..35.55",
        "6.335.336.335555"), "crash": ("................",)}, "6/8": {"kick": ("8.....7.....",),
        "snare": ("6...356...35", "6.3.5.6.5.5.")}},
    "dub": {"4/4": {"kick": ("........9.......", "........9.....6."), "rim": ("........8.......",),
        "hat": ("4.6.4.6.4.6.4.6.", "..6...6...6.4.6."), "open": ("................", "..............5.")}},
    "hip hop": {"4/4": {"kick": ("9.....8..8......", "9..7..8...8....."), "clap": ("....8.......8...",),
        "hat": ("6.5.6.5.6.5.6565", "6.5.6.5.6.666.5.")}},
    "latin": {"4/4": {"clave": ("7..7..7...7.7...", "..7.7...7..7..7."), "high conga": ("..5...56..5...56",),
        "low conga": ("......6.......66", "...........6..6."), "cowbell": ("6...6...6...6...", "................"),
        "kick": ("......6.......7.",), "shaker": ("5353535353535353",)}},
    "folk": {"4/4": {"kick": ("7.......6.......",), "tambourine": ("....6.......6...", "..4.6.4...4.6.4.")},
        "3/4": {"kick": ("7...........",), "tambourine": ("....5...5...",)}, "6/8": {"kick": ("7.....6.....",),
        "tambourine": ("....4.5...4.", "..4.4.5.4.4.")}},
}  # fmt: skip
"""Sixteenths of a bar for each drum: a digit is an accent, a dot a rest; the first variant is the plainest."""

_TOMS = ("snare", "high tom", "mid tom", "low tom")


def drums(voice: Voice, *, groove: str, first: int = 0, breaks: bool = True) -> list[Note]:
    """first: the phrase that the kit enters with. breaks: whether kick and snare rest in one phrase of a long piece."""
    plan = voice.plan
    table = GROOVES[groove].get(plan.metre.name) or GROOVES["rock"][plan.metre.name]
    bars = [{drum: voice.choose(options) for drum, options in table.items()} for _ in range(2)]
    entry = min(first, max(0, len(plan.phrases) - 3))
    resting = voice.choose(range(2, len(plan.phrases) - 2)) if breaks and len(plan.phrases) > 6 else None
    notes: list[Note] = []
    for index, phrase in enumerate(plan.phrases):
        if index < entry or phrase.n_bars == 1:
            continue
        for bar in range(phrase.first_bar, phrase.first_bar + phrase.n_bars):
            last = bar == phrase.first_bar + phrase.n_bars - 1
            if bar == plan.n_bars - 1:
                continue  # the last stroke is added below
            quiet = ("kick", "snare", "clap") if index == resting else ()
            skipped = int(voice.rng.integers(1, 3)) if last and voice.chance(0.75) else 0
            notes += _bar(voice, bars[bar % 2], bar, quiet=quiet, until=plan.metre.bar - skipped * plan.metre.pulse)
            if skipped:
                notes += _fill(voice, bar, groove, skipped)
        if index > entry and voice.chance(0.7) and "ride" not in table:
            notes.append(_hit("crash", phrase.first_bar * plan.metre.bar, 0.75))
    return _once([*notes, *_ending(plan.last_bar, groove)])


def _bar(voice: Voice, patterns: dict[str, str], bar: int, *, quiet: tuple[str, ...], until: float) -> list[Note]:
    notes = []
    for drum, pattern in patterns.items():
        for index, mark in enumerate(pattern):
            at = index * 0.25
            if mark == "." or drum in quiet or (at >= until and drum not in ("kick", "hat")):
                continue
            if int(mark) <= 3 and voice.chance(0.3):
                continue  # ghosts come and go
            notes.append(_hit(drum, bar * voice.plan.metre.bar + at, int(mark) / 8.0))
    return notes


def _fill(voice: Voice, bar: int, groove: str, n_beats: int) -> list[Note]:
    plan = voice.plan
    length = n_beats * plan.metre.pulse
    start = (bar + 1) * plan.metre.bar - length
    n = round(length / 0.25)
    drums = ("snare",) if groove in ("techno", "house", "march", "trip hop", "hip hop", "brushes") else _TOMS
    density = float(voice.rng.uniform(0.45, 0.9))
    notes = []
    for index in range(n):
        if index % 2 == 0 or voice.chance(density):
            drum = drums[min(len(drums) - 1, index * len(drums) // n)]
            notes.append(_hit(drum, start + index * 0.25, 0.55 + 0.4 * index / n))
    return notes


def _ending(start: float, groove: str) -> list[Note]:
    if groove in ("brushes", "bossa", "ballad", "waltz", "folk", "latin"):
        return [_hit("kick", start, 0.8), _hit("ride", start, 0.7)]
    return [_hit("kick", start, 1.0), _hit("crash", start, 0.9)]


def _hit(drum: str, start: float, accent: float) -> Note:
    length = 1.5 if drum in ("crash", "ride", "open", "brush") else 0.2
    return Note(start, length, DRUM_NOTES[drum], accent)


def _once(notes: list[Note]) -> list[Note]:
    """The louder of two strokes on one drum at one moment; an open hat is cut by a closed one."""
    found: dict[tuple[int, int], Note] = {}
    for note in notes:
        place = (round(note.start * 96), note.pitch)
        if place not in found or found[place].accent < note.accent:
            found[place] = note
    return [found[place] for place in sorted(found)]


def hand_drums(voice: Voice, *, n_hits: int = 5) -> list[Note]:
    """Congas, shaker and clave on rhythms spread evenly over the bar (Toussaint 2005), each bar a little other."""
    plan = voice.plan
    steps = round(plan.metre.bar * 4)
    notes: list[Note] = []
    for bar in range(plan.n_bars - 1):
        start = bar * plan.metre.bar
        turn = 0 if bar % 4 != 3 else 2
        for index in range(steps):
            at = start + index * 0.25
            if ((index - turn) * n_hits) % steps < n_hits:
                notes.append(_hit("low conga" if index % 8 == 0 else "high conga", at, 0.95 if index == 0 else 0.75))
            elif voice.chance(0.35):
                notes.append(_hit("mute conga", at, 0.4))
            if index % 2 == 0:
                notes.append(_hit("shaker", at, 0.6 if index % 4 == 0 else 0.4))
            if (index * 3) % steps < 3:
                notes.append(_hit("clave", at, 0.5))
    return [*notes, _hit("low conga", plan.last_bar, 1.0), _hit("clave", plan.last_bar, 0.6)]


def timing_of(pitch: int) -> float:
    """Seconds that a drum is played after the beat: backbeats a little behind, rides a little ahead."""
    return {38: 0.004, 39: 0.005, 37: 0.004, 51: -0.003}.get(pitch, 0.0)


def spread(rng: np.random.Generator, accent: float) -> float:
    """Velocity of one stroke: no two are the same."""
    return min(1.2, max(0.1, accent * (1.0 + 0.06 * float(rng.standard_normal()))))
