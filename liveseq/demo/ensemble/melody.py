"""Melodies: a motif of two bars that returns higher and ornamented, and comes to rest where the phrase does."""

import numpy as np

from liveseq.demo.ensemble.score import Note, Phrase
from liveseq.demo.ensemble.voice import Motif, Voice, nearest

CELLS: dict[str, dict[str, tuple[str, ...]]] = {
    "4/4": {
        "calm": ("2 2", "3 1", "2 1 1", "1 3", "-1 1 2", "1.5 .5 2"),
        "moving": ("1 1 1 1", "1.5 .5 1 1", "1 .5 .5 2", "1 1 .5 .5 1", "-.5 .5 1 1 1", "2 .5 .5 1", ".5 1 .5 1 1"),
        "busy": (
            ".5 .5 .5 .5 1 1",
            "1 .5 .5 .5 .5 1",
            ".75 .25 .5 .5 1 1",
            ".5 .25 .25 .5 .5 1 1",
            "-.5 .5 .5 .5 .5 1 .5",
        ),
        "running": (
            ".5 .5 .5 .5 .5 .5 .5 .5",
            ".25 .25 .5 .25 .25 .5 .5 .5 1",
            "-.25 .25 .25 .25 .5 .5 .25 .25 .25 .25 1",
        ),
        "swung": (
            "-.5 .5 .5 .5 1 -.5 .5",
            ".5 .5 .5 1 .5 1",
            "1 .5 .5 -.5 .5 .5 .5",
            "-1 .5 .5 .5 .5 .5 .5",
            "1.5 .5 .5 .5 -1",
        ),
        "sparse": ("4", "3 -1", "-2 2", "-1 3", "2 -2", "-4"),
    },
    "3/4": {
        "calm": ("2 1", "1 2", "1.5 .5 1"),
        "moving": ("1 1 1", "1.5 .5 1", "1 .5 .5 1", "2 .5 .5"),
        "busy": (".5 .5 .5 .5 1", "1 .5 .5 .5 .5", ".75 .25 1 .5 .5", ".5 .25 .25 1 1"),
        "running": (".5 .5 .5 .5 .5 .5", ".5 .25 .25 .5 .5 .5 .5", "-.5 .5 .5 .5 .5 .5"),
        "swung": ("1 .5 .5 1", "-.5 .5 .5 .5 1", ".5 1 .5 1"),
        "sparse": ("3", "2 -1", "-1 2", "-3"),
    },
    "6/8": {
        "calm": ("1.5 1.5", "1 .5 1.5", "1.5 1 .5"),
        "moving": ("1 .5 1 .5", "1 .5 .5 .5 .5", ".5 .5 .5 1 .5", "1.5 1 .5"),
        "busy": (".5 .5 .5 .5 .5 .5", ".75 .25 .5 1 .5", ".5 .5 .5 .5 .25 .25 .5"),
        "running": (".5 .5 .5 .5 .5 .5", ".5 .25 .25 .5 .5 .25 .25 .5", ".25 .25 .5 .5 .5 .5 .5"),
        "swung": ("1 .5 .5 .5 .5", "-.5 .5 .5 1 .5"),
        "sparse": ("3", "-1.5 1.5", "1.5 -1.5", "-3"),
    },
    "5/4": {
        "calm": ("3 2", "2 1 2", "5", "1 2 2"),
        "moving": ("1 1 1 1 1", "1.5 .5 1 1 1", "1 .5 .5 1 2", "1.5 1.5 1 1"),
        "busy": ("1 .5 .5 1 .5 .5 1", ".5 .5 1 1 .5 .5 1", "1.5 .5 .5 .5 1 1"),
        "running": (".5 .5 .5 .5 .5 .5 .5 .5 .5 .5", "1 .5 .5 .5 .5 .5 .5 .5 .5"),
        "swung": ("1 .5 .5 -.5 .5 1 1", ".5 .5 .5 1 .5 1 1"),
        "sparse": ("5", "-3 2", "3 -2", "-5"),
    },
}
CADENCES: dict[str, tuple[str, ...]] = {
    "4/4": ("4", "1 3", "1 1 2", ".5 .5 1 2", "2 2"),
    "3/4": ("3", "1 2", ".5 .5 2"),
    "6/8": ("3", "1 .5 1.5", "1.5 1.5"),
    "5/4": ("5", "1 1 3", "2 3"),
}
HEIGHTS = ((0, 1, 3, 0), (0, 2, 4, 1), (2, 1, 0, -1), (0, -1, 2, 0), (1, 3, 2, 0), (0, 0, 3, 1), (3, 2, 1, -1))


def lengths(text: str) -> tuple[float, ...]:
    return tuple(float(one) for one in text.split())


def make_motif(voice: Voice, density: str) -> Motif:
    cells = CELLS[voice.plan.metre.name][density]
    calmer = {"busy": "moving", "running": "busy", "moving": "moving"}.get(density, density)
    first, second = lengths(voice.choose(cells)), lengths(voice.choose(CELLS[voice.plan.metre.name][calmer]))
    return Motif((first, second), _contour(voice.rng, 12), voice.choose(HEIGHTS))


def _contour(rng: np.random.Generator, n: int) -> tuple[int, ...]:
    """Mostly steps; a leap turns back."""
    at, leaped, found = 0, 0, [0]
    way = int(rng.choice([-1, 1]))
    for _ in range(n - 1):
        if leaped:
            move, leaped = (-1 if leaped > 0 else 1), 0
        else:
            move = way * int(rng.choice([0, 1, 1, 1, 1, 2, 3], p=[0.1, 0.17, 0.17, 0.17, 0.17, 0.14, 0.08]))
            leaped = move if abs(move) > 2 else 0
        at = at + move
        if abs(at) > 4 or rng.random() < 0.25:
            way = -1 if at > 0 else 1
        found.append(int(np.clip(at, -5, 5)))
    return tuple(found)


def melody(
    voice: Voice, *, density: str = "moving", ornament: float = 0.15, chromatic: float = 0.0, first: int = 0
) -> list[Note]:
    """One line. first: the phrase that it enters with; chromatic: how often a chord note is led to by a half-tone."""
    notes: list[Note] = []
    previous = voice.middle
    for index, phrase in enumerate(voice.plan.phrases):
        if index < first and index < len(voice.plan.phrases) - 2:
            continue
        sung = _phrase(voice, phrase, density=density, previous=previous)
        if phrase.turn > 0:
            sung = _ornamented(voice, sung, ornament)
        notes += _approached(voice, sung, chromatic) if chromatic else _notes(voice, sung)
        previous = sung[-1][2] if sung else previous
    return notes


Sung = tuple[float, float, int]
"""Start and length in quarter notes, step."""


def _phrase(voice: Voice, phrase: Phrase, *, density: str, previous: int) -> list[Sung]:
    plan, bar_length = voice.plan, voice.plan.metre.bar
    if phrase.n_bars == 1:
        start = phrase.first_bar * bar_length
        return [(start, bar_length, nearest((plan.key.degree,), previous))]
    motif = voice.motifs.setdefault(phrase.letter, make_motif(voice, density))
    cadence = lengths(voice.choose(CADENCES[plan.metre.name][:2] if phrase.closed else CADENCES[plan.metre.name]))
    returned = 1 if phrase.turn % 2 == 1 and not phrase.closed else 0
    sung: list[Sung] = []
    for bar in range(4):
        rhythm = cadence if bar == 3 else motif.rhythms[bar % 2]
        start = (phrase.first_bar + bar) * bar_length
        anchor = (voice.middle + motif.heights[bar] + returned + previous) // 2 if bar else voice.middle + returned
        goal = _goal(voice, phrase, start) if bar == 3 else None
        contour = motif.contour if bar != 1 else motif.contour[3:]
        sung += _bar(voice, rhythm, contour, start=start, anchor=anchor, previous=previous, goal=goal)
        previous = sung[-1][2] if sung else previous
    return sung


def _goal(voice: Voice, phrase: Phrase, start: float) -> tuple[int, ...]:
    """Degrees that a phrase may end on."""
    chord = voice.plan.chord_at(start + voice.plan.metre.bar - 0.01)
    return chord.degrees[:1] if phrase.closed else chord.degrees[1:3]


def _bar(
    voice: Voice,
    rhythm: tuple[float, ...],
    contour: tuple[int, ...],
    *,
    start: float,
    anchor: int,
    previous: int,
    goal: tuple[int, ...] | None,
) -> list[Sung]:
    plan, at, index, found = voice.plan, 0.0, 0, list[Sung]()
    before = previous
    for length in rhythm:
        if length > 0:
            chord = plan.chord_at(start + at)
            step = voice.into_range(anchor + contour[index % len(contour)])
            toward = 1 if step >= previous else -1
            last = at + length > plan.metre.bar - 1e-6
            heavy = plan.metre.weight(at) >= 0.5 or length >= plan.metre.pulse
            degrees = chord.degrees[:3] if heavy else _light(voice)
            if goal and last:
                degrees, step = goal, previous
            step = nearest(degrees, _reached(step, previous), toward=toward)
            moves = index and contour[index % len(contour)] != contour[(index - 1) % len(contour)]
            if step == previous and (moves or before == previous) and not (goal and last):
                step = nearest(degrees, step + toward, toward=toward)
            step = voice.into_range(step)
            found.append((start + at, length, step))
            before, previous, index = previous, step, index + 1
        at += abs(length)
    return found


def _reached(step: int, previous: int) -> int:
    """No leap beyond a sixth: the voice goes in that direction, but not as far."""
    leap = step - previous
    return step if abs(leap) <= 5 else previous + (3 if leap > 0 else -3)


def _light(voice: Voice) -> tuple[int, ...]:
    """Degrees of notes that pass."""
    return _pentatonic(voice) if voice.plan.pentatonic else (0, 1, 2, 3, 4, 5, 6)


def _pentatonic(voice: Voice) -> tuple[int, ...]:
    """The five white keys without half-tones between them (C D E G A)."""
    return (0, 1, 2, 4, 5) if voice.plan.key.mode != "lydian" else (4, 5, 6, 1, 2)


def _ornamented(voice: Voice, sung: list[Sung], often: float) -> list[Sung]:
    """Long notes get a turn, thirds a note between."""
    found: list[Sung] = []
    for index, (start, length, step) in enumerate(sung):
        following = sung[index + 1][2] if index + 1 < len(sung) else step
        if 0.99 < length <= 2.0 and voice.chance(often):
            if abs(following - step) == 2:
                found += [(start, length / 2, step), (start + length / 2, length / 2, (step + following) // 2)]
            else:
                found += [(start, length - 0.5, step), (start + length - 0.5, 0.25, _next(voice, step))]
                found.append((start + length - 0.25, 0.25, step))
        else:
            found.append((start, length, step))
    return found


def _next(voice: Voice, step: int) -> int:
    above = step + 1 if step < voice.high else step - 1
    return nearest(_pentatonic(voice), above, toward=1) if voice.plan.pentatonic else above


def _notes(voice: Voice, sung: list[Sung]) -> list[Note]:
    plan = voice.plan
    return [Note(start, length, plan.key.pitch(step, plan.chord_at(start))) for start, length, step in sung]


def _approached(voice: Voice, sung: list[Sung], often: float) -> list[Note]:
    """A short note before a heavier one may lie a half-tone below it."""
    notes = _notes(voice, sung)
    for index in range(len(notes) - 1):
        short = notes[index].length <= 0.5 and voice.plan.metre.weight(notes[index].start) < 0.5
        target = notes[index + 1].pitch
        if short and abs(notes[index].pitch - target) <= 3 and voice.chance(often):
            below = target - 1
            notes[index] = Note(notes[index].start, notes[index].length, below, notes[index].accent)
    return notes


def countermelody(voice: Voice, *, density: str = "calm", first: int = 1) -> list[Note]:
    """A slower second line, with motifs of its own, that moves where the first rests."""
    own = Voice(instrument=voice.instrument, plan=voice.plan, rng=voice.rng, low=voice.low, high=voice.high)
    return melody(own, density=density, ornament=0.0, first=first)
