"""From paper to hands: velocity, timing, pedal, breath and swell, and the MIDI file that has them all.

Timing is a drift that one moment shares with the next (a first-order walk) and a little looseness of each note.
"""

import math

import numpy as np

from liveseq.demo.ensemble.drums import spread, timing_of
from liveseq.demo.ensemble.score import Note, Part, Score
from liveseq.demo.ensemble.smf import TICKS, Track, write_midi

VOLUME, PAN, EXPRESSION, PEDAL, REVERB, CHORUS, VIBRATO = 7, 10, 11, 64, 91, 93, 1
DRIFT = 0.006
"""Seconds: spread of the slow drift of an unhurried player."""
LATEST = 0.045
"""Seconds: no note is further than this from where it is written, swing and strumming aside."""
TAIL = 3.0
"""Seconds of silence that the last sound may ring in."""
_DRUM_CHANNEL = 9


def perform(score: Score, rng: np.random.Generator) -> tuple[bytes, float]:
    """The MIDI file, and how long it is in seconds."""
    tempi = _tempi(score, rng)
    end = round((score.plan.end + TAIL * tempi[-1][1] / 60.0) * TICKS)
    channels = iter(channel for channel in range(16) if channel != _DRUM_CHANNEL)
    tracks = []
    for part in score.parts:
        track = Track(part.instrument.name, _DRUM_CHANNEL if part.instrument.is_drums else next(channels))
        _set_up(track, part)
        notes = _played(score, part, rng)
        for start, length, pitch, velocity in notes:
            track.note(start, start + length, pitch=pitch, velocity=velocity)
        if part.instrument.pedal:
            _pedal(track, score, part)
        if part.instrument.sustains:
            _swell(track, score, part)
        tracks.append(track)
    seconds = _seconds(tempi, end)
    return write_midi(tracks, tempi=tempi, metre=score.plan.metre.signature, end=end), seconds


def seconds_of(score: Score) -> float:
    """About how long it will be, before anybody plays it."""
    return score.plan.end * 60.0 / score.plan.quarters_per_minute + 1.0


def _seconds(tempi: list[tuple[int, float]], end: int) -> float:
    bounds = [*(tick for tick, _ in tempi), end]
    lengths = zip(bounds, bounds[1:], tempi, strict=False)
    return sum((b - a) / TICKS * 60.0 / bpm for a, b, (_, bpm) in lengths)


def _tempi(score: Score, rng: np.random.Generator) -> list[tuple[int, float]]:
    """The tempo at each pulse. It breathes within phrases (slower at their ends) and slows down at the very end."""
    plan, feel = score.plan, score.feel
    base = plan.quarters_per_minute
    if feel.rubato == 0.0 and not feel.slows:
        return [(0, base)]
    n_pulses = round(plan.end / plan.metre.pulse)
    tempi, wander = [], 0.0
    for index in range(n_pulses):
        at = index * plan.metre.pulse
        phrase = plan.phrase_at(at)
        x = (at / plan.metre.bar - phrase.first_bar) / phrase.n_bars
        wander = 0.8 * wander + 0.3 * feel.rubato * float(rng.standard_normal())
        factor = 1.0 + feel.rubato * (1.2 * math.sin(math.pi * min(1.0, x * 1.15)) - 0.75) + wander
        if feel.slows:
            left = (plan.end - at) / plan.metre.bar
            factor *= 1.0 - 0.22 * max(0.0, 1.0 - left / 1.8) if index else 1.0
        tempi.append((round(at * TICKS), base * float(factor)))
    tempi[0] = (0, base)
    return tempi


def _set_up(track: Track, part: Part) -> None:
    track.program(part.instrument.program)
    gain_db = part.level_db + part.instrument.trim_db
    track.control(0, VOLUME, round(100 * 10.0 ** (gain_db / 40.0)))  # General MIDI: amplitude is the square
    track.control(0, PAN, round(64 + 63 * part.pan))
    track.control(0, REVERB, round(127 * part.send))
    track.control(0, CHORUS, 30 if part.instrument.family in ("pad", "lead", "choir") else 0)
    track.control(0, EXPRESSION, 110)


Played = tuple[int, int, int, int]
"""Start and length in ticks, pitch, velocity."""


def _played(score: Score, part: Part, rng: np.random.Generator) -> list[Played]:
    notes = sorted(part.notes, key=lambda note: (note.start, note.pitch))
    groups: dict[float, list[Note]] = {}
    for note in notes:
        groups.setdefault(round(note.start, 6), []).append(note)
    drift, touch, played, upward = 0.0, 0.0, list[Played](), True
    starts = sorted(groups)
    for index, start in enumerate(starts):
        gap = start - starts[index - 1] if index else 4.0
        keep = 0.92 ** min(gap * 2.0, 8.0)
        drift = keep * drift + (1 - keep**2) ** 0.5 * _drift(score) * float(rng.standard_normal())
        touch = keep * touch + (1 - keep**2) ** 0.5 * score.feel.touch * float(rng.standard_normal())
        group = groups[start]
        upward = not upward if part.role == "strummed" and (start * 2) % 1 == 0 else True
        for place, note in enumerate(group if upward else group[::-1]):
            played.append(_one(score, part, note, place, len(group), drift, touch, rng))
    return _without_overlaps(played)


def clamp(value: float, low: float, high: float) -> float:
    return min(high, max(low, value))


def _drift(score: Score) -> float:
    return DRIFT * min(1.0, score.feel.loose / 0.006)


def _one(
    score: Score, part: Part, note: Note, place: int, size: int, drift: float, touch: float, rng: np.random.Generator
) -> Played:
    feel, instrument = score.feel, part.instrument
    late = drift + feel.loose * 0.6 * float(rng.standard_normal())
    if instrument.is_drums:
        late = 0.4 * late + timing_of(note.pitch)
    late = clamp(late, -LATEST, LATEST) + (place * instrument.strums if size > 1 else 0.0)
    start = _swung(score, note.start) + late * score.plan.quarters_per_minute / 60.0
    length = _length(score, part, note)
    velocity = _velocity(score, part, note, place == size - 1 and size > 2, touch, rng)
    begin = max(0, round(start * TICKS))
    return begin, max(30, round(length * TICKS)), note.pitch + 12 * instrument.octaves_low, velocity


def _swung(score: Score, start: float) -> float:
    """Where an odd eighth (or sixteenth) lies when it swings."""
    unit, swing = score.feel.swing_unit, score.feel.swing
    place = start / unit
    if swing and abs(place - round(place)) < 1e-6 and round(place) % 2 == 1:
        return start + swing * unit
    return start


def _length(score: Score, part: Part, note: Note) -> float:
    per_second = score.plan.quarters_per_minute / 60.0
    if part.instrument.is_drums:
        return note.length
    if part.legato:
        breath = 0.12 * per_second if part.instrument.breathes and _ends_phrase(score, note) else -0.03 * per_second
        return max(0.1, note.length - min(breath, 0.4 * note.length))
    return max(0.1, note.length * 0.92)


def _ends_phrase(score: Score, note: Note) -> bool:
    phrase = score.plan.phrase_at(max(0.0, note.end - 0.01))
    return note.end >= (phrase.first_bar + phrase.n_bars) * score.plan.metre.bar - 0.01


def _velocity(score: Score, part: Part, note: Note, top: bool, touch: float, rng: np.random.Generator) -> int:
    """Level of the moment, weight in the bar, accent, hand."""
    base = 0.42 + 0.46 * level_at(score, note.start)
    if part.instrument.is_drums:
        return round(clamp(127 * (0.25 + 0.75 * base) * spread(rng, note.accent), 12, 127))
    weight = 0.92 + 0.12 * score.plan.metre.weight(note.start)
    lift = 1.06 if top else 1.0
    hand = 1.0 + touch + 0.4 * score.feel.touch * float(rng.standard_normal())
    return round(clamp(127 * base * weight * lift * hand * note.accent, 20, 124))


def level_at(score: Score, start: float) -> float:
    """0 to 1: the phrase's own level, on its way to the next one's, swelling towards its middle."""
    plan = score.plan
    phrase = plan.phrase_at(start)
    x = (start / plan.metre.bar - phrase.first_bar) / phrase.n_bars
    following = plan.phrase_at((phrase.first_bar + phrase.n_bars) * plan.metre.bar).level
    moving = score.dynamics not in ("terraced", "steady")
    level = phrase.level + (following - phrase.level) * max(0.0, x - 0.4) / 0.6 if moving else phrase.level
    return clamp(level + 0.09 * math.sin(math.pi * clamp(x, 0.0, 1.0)), 0.0, 1.0)


def _without_overlaps(played: list[Played]) -> list[Played]:
    """A key that is struck again is let go before."""
    found: list[Played] = []
    last: dict[int, int] = {}
    for note in sorted(played, key=lambda one: (one[0], one[2])):
        start, length, pitch, velocity = note
        index = last.get(pitch)
        if index is not None:
            before = found[index]
            if start - before[0] < 12:
                continue  # the same key twice at one moment
            if before[0] + before[1] >= start:
                found[index] = (before[0], start - 6 - before[0], before[2], before[3])
        last[pitch] = len(found)
        found.append((start, length, pitch, velocity))
    return found


def _pedal(track: Track, score: Score, part: Part) -> None:
    """Down with each chord, lifted as the next one comes; the left foot knows only whole chords."""
    ticks = round(0.06 * score.plan.quarters_per_minute / 60.0 * TICKS)
    if part.role not in ("broken", "held", "melody", "rolled", "drifting", "chorale"):
        return
    for harmony in score.plan.harmonies:
        start = round(harmony.start * TICKS)
        track.control(max(0, start - ticks // 3), PEDAL, 0)
        track.control(start + ticks, PEDAL, 127)
        if part.role == "melody" and harmony.length > 2.0:
            track.control(start + round(harmony.length / 2 * TICKS), PEDAL, 0)
            track.control(start + round(harmony.length / 2 * TICKS) + ticks, PEDAL, 127)
    track.control(round(score.plan.end * TICKS), PEDAL, 0)


def _swell(track: Track, score: Score, part: Part) -> None:
    """Sustained sound follows the phrase, opens on long notes, and ducks under the beat where the style pumps."""
    plan = score.plan
    long_notes = [note for note in part.notes if note.length >= 1.5 * plan.metre.pulse]
    for index in range(int(plan.end * 4)):
        at = index / 4
        value = 72.0 + 42.0 * level_at(score, at)
        inside = next((note for note in long_notes if note.start <= at < note.end), None)
        if inside is not None:
            x = (at - inside.start) / inside.length
            value *= 0.9 + 0.16 * math.sin(math.pi * x) ** 1.5
            if part.legato and part.instrument.voices == 1:
                track.control(round(at * TICKS), VIBRATO, round(45 * clamp((x - 0.25) * 2.0, 0.0, 1.0)))
        elif part.legato and part.instrument.voices == 1:
            track.control(round(at * TICKS), VIBRATO, 0)
        if score.feel.pump and part.role in ("held", "drone"):
            value *= (0.55, 0.8, 1.0, 1.0)[index % 4]
        track.control(round(at * TICKS), EXPRESSION, round(value))
