"""Chords: held, struck in a rhythm, strummed, or broken into figures."""

from collections.abc import Sequence
from dataclasses import replace

from liveseq.demo.ensemble.leading import lead
from liveseq.demo.ensemble.score import Harmony, Note
from liveseq.demo.ensemble.voice import Voice
from liveseq.demo.harmony import near

FIGURES: dict[str, tuple[int, ...]] = {
    "alberti": (0, 2, 1, 2),
    "wave": (0, 1, 2, 3, 4, 3, 2, 1),
    "up": (0, 1, 2, 3),
    "down": (3, 2, 1, 0),
    "rolling": (0, 2, 3, 1, 4, 2),
    "picked": (0, 2, 1, 3, 0, 3, 1, 2),
    "thumbed": (0, 3, 2, 4, 1, 3, 2, 3),
    "waltz": (0, 2, 3, 2, 3, 2),
    "leaping": (0, 3, 1, 4, 2, 4),
    "nocturne": (0, 2, 3, 4, 3, 2),
}
"""Rungs of the chord's ladder, 0 the lowest."""
STRUCK: dict[str, dict[str, tuple[str, ...]]] = {
    "quarters": {
        "4/4": ("9...7...8...7...",),
        "3/4": ("9...7...7...",),
        "6/8": ("9...6.8...6.",),
        "5/4": ("9...7...7...8...7...",),
    },
    "after": {
        "4/4": ("....8.......8...", "....8...7...8..."),
        "3/4": ("....8...7...",),
        "6/8": ("..7.7...7.7.",),
        "5/4": ("....8...7.......8...",),
    },
    "offbeats": {
        "4/4": ("..8...8...8...8.",),
        "3/4": ("..8...8...8.",),
        "6/8": ("..8...8.8...",),
        "5/4": ("..8...8...8...8...8.",),
    },
    "bossa": {"4/4": ("9.....8.....8...", "..8...8.9.....8.")},
    "charleston": {
        "4/4": ("9.....8.........", "......8.......9.", "9.....7...8....."),
        "3/4": ("9.....7.....", "..8.....7..."),
        "5/4": ("9.....8.....8.......",),
    },
    "stabs": {"4/4": ("9..8..8...9..8..", "...9..8....8..9.", "9..9..9..9..8.8.")},
    "funk": {"4/4": ("9.5..4.8.59..4.5", ".49..5.8..9.45..", "9..48.4..59.4.8.")},
    "push": {
        "4/4": ("9.....9.....8.8.", "9...7.8...7.9.7."),
        "3/4": ("9...7.8.7...",),
        "6/8": ("9..7..8..7.7",),
        "5/4": ("9...7.8.....9...7.7.",),
    },
    "pulse": {
        "4/4": ("9.7.8.7.9.7.8.7.",),
        "3/4": ("9.7.8.7.8.7.",),
        "6/8": ("9.7.7.8.7.7.",),
        "5/4": ("9.7.8.7.8.7.9.7.8.7.",),
    },
    "sparse": {
        "4/4": ("9...............", "........7.......", "9.........7....."),
        "3/4": ("9...........", "9.......6..."),
        "6/8": ("9...........",),
        "5/4": ("9...........7.......",),
    },
    "march": {"4/4": ("..8...8...8...8.", "..8...8...8.8.8."), "3/4": ("....8...8...",), "6/8": ("....8.....8.",)},
}
"""Rhythms a bar long in sixteenths: a digit is an accent, a dot a rest."""


def voiced(voice: Voice, size: int) -> list[tuple[Harmony, tuple[int, ...]]]:
    """Every chord of the plan in close position, each led from the one before."""
    harmonies, size = voice.plan.harmonies, min(size, voice.instrument.voices)
    start = _start(voice, harmonies[0], size)
    found, before = [], start
    for harmony in harmonies:
        before = lead(before, harmony.chord.degrees, low=voice.low, high=voice.high)
        found.append((harmony, tuple(sorted(set(before)))))
    return found


def _start(voice: Voice, harmony: Harmony, size: int) -> tuple[int, ...]:
    bottom = near(harmony.chord.root, voice.middle - size)
    ladder = [s for s in range(voice.low, voice.high + 1) if s % 7 in harmony.chord.degrees]
    index = min(range(len(ladder)), key=lambda i: abs(ladder[i] - bottom))
    index = max(0, min(index, len(ladder) - size))
    return tuple(ladder[index : index + size])


def held(voice: Voice, *, size: int = 4, tied: bool = True, first: int = 0) -> list[Note]:
    """Chords as long as they last; a note that two chords share is not struck again where they are tied."""
    begin = entry(voice, first)
    open_notes: dict[int, Note] = {}
    notes: list[Note] = []
    for harmony, steps in voiced(voice, size):
        if harmony.start < begin:
            continue
        pitches = [voice.plan.key.pitch(step, harmony.chord) for step in steps]
        new_phrase = voice.plan.phrase_at(harmony.start).first_bar * voice.plan.metre.bar == harmony.start
        for pitch in list(open_notes):
            if pitch not in pitches or not tied or new_phrase:
                notes.append(open_notes.pop(pitch))
        for pitch in pitches:
            old = open_notes.get(pitch)
            start = old.start if old else harmony.start
            open_notes[pitch] = Note(start, harmony.start + harmony.length - start, pitch)
    return _suspended(voice, notes + list(open_notes.values()))


def _suspended(voice: Voice, notes: list[Note]) -> list[Note]:
    """Here and there a note stays for a beat where the next one, a step below it, is already expected."""
    pulse = voice.plan.metre.pulse
    found = list(notes)
    for index, note in enumerate(notes):
        above = [i for i, one in enumerate(notes) if one.end == note.start and 1 <= one.pitch - note.pitch <= 2]
        if above and note.length >= 2 * pulse + 1e-6 and note.start < voice.plan.last_bar and voice.chance(0.3):
            before = found[above[0]]
            found[above[0]] = replace(before, length=note.start + pulse - before.start)
            found[index] = replace(found[index], start=note.start + pulse, length=found[index].end - note.start - pulse)
    return found


def struck(
    voice: Voice, *, size: int = 3, rhythm: str = "quarters", gate: float = 0.8, strummed: bool = False, first: int = 0
) -> list[Note]:
    """Chords in a rhythm. gate: how much of the time to the next one they sound; strummed: up-strokes are light."""
    plan, begin = voice.plan, entry(voice, first)
    patterns = STRUCK[rhythm].get(plan.metre.name) or STRUCK["quarters"][plan.metre.name]
    chosen = by_letter(voice, patterns)
    chords = voiced(voice, size)
    notes: list[Note] = []
    for bar in range(plan.n_bars):
        pattern = chosen[plan.phrase_at(bar * plan.metre.bar).letter][bar % 2]
        hits = [(i * 0.25, int(mark) / 8.0) for i, mark in enumerate(pattern) if mark != "."]
        for index, (at, accent) in enumerate(hits):
            start = bar * plan.metre.bar + at
            if start < begin:
                continue
            until = hits[index + 1][0] if index + 1 < len(hits) else plan.metre.bar
            harmony, steps = _sounding(chords, start)
            light = strummed and (at * 4) % 2 == 1
            played = steps[-3:] if light else steps
            length = min(gate * (until - at), 2.0 * plan.metre.pulse)
            notes += [
                Note(start, length, plan.key.pitch(s, harmony.chord), accent * (0.8 if light else 1.0)) for s in played
            ]
    return notes


def broken(
    voice: Voice,
    *,
    size: int = 4,
    figure: str | Sequence[str] = "up",
    unit: float = 0.5,
    ring: bool = True,
    octaves: int = 0,
    first: int = 0,
) -> list[Note]:
    """Chords one note after the other. ring: notes sound until the chord changes; octaves: the ladder goes on above."""
    plan, begin = voice.plan, entry(voice, first)
    turn = FIGURES[figure if isinstance(figure, str) else voice.choose(tuple(figure))]
    notes: list[Note] = []
    for harmony, steps in voiced(voice, size):
        ladder = sorted({*steps, *(s + 7 * o for o in range(1, octaves + 1) for s in steps if s + 7 * o <= voice.high)})
        n = round(harmony.length / unit)
        phrase = plan.phrase_at(harmony.start)
        turned = phrase.turn % 2 == 1 and octaves > 0
        for i in range(n):
            start = harmony.start + i * unit
            if start < begin:
                continue
            rung = turn[i % len(turn)] + (len(ladder) // 3 if turned and (i // len(turn)) % 2 else 0)
            step = ladder[min(rung, len(ladder) - 1)]
            length = min(harmony.start + harmony.length - start, 3.0) if ring else unit
            accent = 1.08 if i == 0 else 0.94 if turn[i % len(turn)] else 1.0
            notes.append(Note(start, length, plan.key.pitch(step, harmony.chord), accent))
    return notes


def rolled(voice: Voice, *, size: int = 5, unit: float = 0.25) -> list[Note]:
    """Each chord spread upwards and left to ring, now and then down again."""
    plan, notes = voice.plan, list[Note]()
    for harmony, steps in voiced(voice, size):
        ladder = sorted({*steps, *(s + 7 for s in steps if s + 7 <= voice.high)})
        if voice.chance(0.4):
            ladder = ladder + ladder[-2:0:-1]
        n = min(len(ladder), max(3, int(harmony.length / unit) - 2))
        for i, step in enumerate(ladder[:n]):
            start = harmony.start + i * unit
            pitch = plan.key.pitch(step, harmony.chord)
            notes.append(Note(start, harmony.start + harmony.length - start, pitch, 0.9 + 0.2 * i / n))
    return notes


def by_letter(voice: Voice, patterns: Sequence[str]) -> dict[str, tuple[str, str]]:
    """A pattern for even and one for odd bars, in each kind of phrase."""
    letters = dict.fromkeys(phrase.letter for phrase in voice.plan.phrases)
    return {letter: (voice.choose(patterns), voice.choose(patterns)) for letter in letters}


def _sounding(chords: list[tuple[Harmony, tuple[int, ...]]], start: float) -> tuple[Harmony, tuple[int, ...]]:
    return [one for one in chords if one[0].start <= start + 1e-6][-1]


def entry(voice: Voice, first: int) -> float:
    """Where a part begins that enters with a phrase; pieces of few phrases have everybody sooner."""
    phrases = voice.plan.phrases
    index = min(first, max(0, len(phrases) - 3))
    return phrases[index].first_bar * voice.plan.metre.bar


def strummed(voice: Voice, *, size: int = 4, rhythm: str = "push", gate: float = 0.95, first: int = 0) -> list[Note]:
    """A plectrum down on the beat, up and lighter between."""
    return struck(voice, size=size, rhythm=rhythm, gate=gate, strummed=True, first=first)


def power(voice: Voice, *, rhythm: str = "pulse", gate: float = 0.85, first: int = 0) -> list[Note]:
    """Root and fifth, with the octave where there is room: what distortion leaves clear."""
    plan, begin = voice.plan, entry(voice, first)
    patterns = STRUCK[rhythm].get(plan.metre.name) or STRUCK["pulse"][plan.metre.name]
    pattern = voice.choose(patterns)
    hits = [(i * 0.25, int(mark) / 8.0) for i, mark in enumerate(pattern) if mark != "."]
    notes: list[Note] = []
    for bar in range(plan.n_bars):
        for index, (at, accent) in enumerate(hits):
            start = bar * plan.metre.bar + at
            if start < begin:
                continue
            until = hits[index + 1][0] if index + 1 < len(hits) else plan.metre.bar
            chord = plan.chord_at(start)
            root = voice.into_range(near(chord.root, voice.low + 4))
            fifth = plan.key.pitch(root, chord) + 7
            if index == len(hits) - 1 and bar % 2 == 1 and len(hits) > 2:  # on the way to the next chord
                root = root + 1 if root < voice.high else root - 1
                fifth = plan.key.pitch(root, chord) + 7
            pitches = [plan.key.pitch(root, chord), fifth]
            notes += [
                Note(start, gate * (until - at), pitch, accent) for pitch in pitches if pitch <= voice.instrument.high
            ]
    return notes
