"""Bells and piano: hammers on bronze, on bars and on strings."""

import numpy as np

from liveseq.demo.effects import master, reverb, room
from liveseq.demo.grid import Grid, Loop, chance, human
from liveseq.demo.harmony import PROGRESSIONS, C, F, chord, hertz, midi, near, voicings
from liveseq.demo.instruments import bell, body, piano

MAJOR = (C, F, 4)
"""Degrees with a major third above them on the white keys: a bell's own third follows."""


def _ring(
    loop: Loop, rng: np.random.Generator, key: int, start: int, *, kind: str, t60: float, velocity: float, rate: int
) -> None:
    y = bell(hertz(midi(key)), kind=kind, t60=t60, velocity=velocity, sample_rate=rate, rng=rng, major=key % 7 in MAJOR)
    loop.add(y, start, pan=float(np.clip((key - 40) / 18.0, -0.6, 0.6)))


def _peal(grid: Grid, rng: np.random.Generator, loop: Loop, tonic: int) -> None:
    """Change ringing: eight church bells in rounds, then plain hunt: neighbours swap places with every row."""
    bells = [near(tonic, 39) - i for i in range(8)]
    row = list(range(8))
    interval = 2 * grid.step
    for index in range(grid.n_samples // interval):
        place = index % 8
        if place == 0 and index >= 16:
            for i in range((index // 8) % 2, 7, 2):
                row[i], row[i + 1] = row[i + 1], row[i]
        velocity = human(rng, 0.9 if place == 0 else 0.75, 0.06)
        _ring(
            loop,
            rng,
            bells[row[place]],
            index * interval,
            kind="church",
            t60=5.0,
            velocity=velocity,
            rate=grid.sample_rate,
        )


def _music_box(grid: Grid, rng: np.random.Generator, loop: Loop, tonic: int) -> None:
    """Glockenspiel: a tune of stepwise motion and small leaps over broken chords."""
    roots = PROGRESSIONS[tonic][int(rng.integers(4))]
    key = near(tonic, 54)
    motif = [int(rng.choice([-2, -1, 1, 1, 2])) for _ in range(7)]
    for bar in range(grid.n_bars):
        tones = chord(roots[bar % 4], 3)
        for step in (0, 4, 8, 12):
            low = near(tones[(step // 4) % 3], 45)
            _ring(
                loop,
                rng,
                low,
                grid.at(bar, step),
                kind="glockenspiel",
                t60=2.2,
                velocity=human(rng, 0.6),
                rate=grid.sample_rate,
            )
        steps = [(0, 3, 6, 8, 12), (0, 2, 4, 8, 10, 14), (0, 6, 8, 11, 14), (0, 8)][bar % 4]
        for index, step in enumerate(steps):
            key = near(tones[int(rng.integers(3))], key) if step in (0, 8) else key + motif[index % 7]
            key = key if 48 <= key <= 59 else near(tones[0], 53)
            _ring(
                loop,
                rng,
                key,
                grid.at(bar, step),
                kind="glockenspiel",
                t60=2.6,
                velocity=human(rng, 0.8),
                rate=grid.sample_rate,
            )


def _chimes(grid: Grid, rng: np.random.Generator, loop: Loop, tonic: int) -> None:
    """Singing bowls far apart, tubular bells above them."""
    for bar in range(grid.n_bars):
        low = near(int(rng.choice([tonic, tonic + 4, tonic + 2])) % 7, 42)
        _ring(loop, rng, low, grid.at(bar), kind="bowl", t60=6.0, velocity=0.3, rate=grid.sample_rate)
        for step in (4, 6, 8, 11, 12, 14):
            if chance(rng, 0.6):
                key = near(chord(tonic, 5)[int(rng.integers(5))], 41 + int(rng.integers(-3, 6)))
                _ring(
                    loop,
                    rng,
                    key,
                    grid.at(bar, step),
                    kind="tubular",
                    t60=5.0,
                    velocity=human(rng, 0.5),
                    rate=grid.sample_rate,
                )


def _sparkle(grid: Grid, rng: np.random.Generator, loop: Loop, tonic: int) -> None:
    """Glockenspiel above the rest: a few notes of the chord on the tonic in every bar."""
    for bar in range(grid.n_bars):
        for step in range(0, 16, 2):
            if chance(rng, 0.5):
                key = near(chord(tonic, 5)[int(rng.integers(5))], 50)
                velocity = human(rng, 0.65)
                _ring(
                    loop,
                    rng,
                    key,
                    grid.at(bar, step),
                    kind="glockenspiel",
                    t60=2.2,
                    velocity=velocity,
                    rate=grid.sample_rate,
                )


def _toll(grid: Grid, rng: np.random.Generator, loop: Loop, tonic: int) -> None:
    """One church bell on every second beat, by turns the tonic, the fifth and the third above."""
    for bar in range(grid.n_bars):
        for step, up in ((0, 0), (8, (4, 2, 4, 1)[bar % 4])):
            velocity = human(rng, 0.45)
            _ring(
                loop,
                rng,
                near(tonic, 36) + up,
                grid.at(bar, step),
                kind="church",
                t60=5.0,
                velocity=velocity,
                rate=grid.sample_rate,
            )


def bells(rng: np.random.Generator, *, sample_rate: int, style: str, tonic: int) -> np.ndarray:
    """Bells, float32 (n_samples, 2). style: peal (church bells), music box (glockenspiel) or chimes (bowls, tubes)."""
    grid = Grid(sample_rate=sample_rate, units_per_beat={"peal": 4, "music box": 3, "chimes": 4}[style])
    loop = Loop(grid.n_samples)
    {"peal": _peal, "music box": _music_box, "chimes": _chimes}[style](grid, rng, loop, tonic)
    if style != "music box":
        _sparkle(grid, rng, loop, tonic)
    if style != "peal":
        _toll(grid, rng, loop, tonic)
    tower = room(t60=2.6, sample_rate=sample_rate, rng=rng, damping=0.4, predelay=0.02)
    return master(reverb(loop.audio, tower, wet=0.22), sample_rate=sample_rate)


def _nocturne(
    grid: Grid, rng: np.random.Generator, roots: tuple[int, ...]
) -> list[tuple[int, float, float, int, float]]:
    """Left hand in wide broken chords, a singing melody above: (bar, step, length in steps, key, velocity)."""
    played, melody = [], near(roots[0], 41)
    for bar in range(grid.n_bars):
        root, tones = near(roots[bar % 4], 22), chord(roots[bar % 4], 3)
        for step, up in zip(range(0, 16, 2), (0, 4, 7, 9, 11, 9, 7, 4), strict=True):
            played.append((bar, float(step), 16.0 - step, root + up, 0.4 if step else 0.46))
        for step, length in [((0, 6), (6, 2), (8, 8)), ((0, 4), (4, 4), (8, 3), (11, 1), (12, 4)), ((0, 12), (12, 4))][
            bar % 3
        ]:
            melody = near(tones[int(rng.integers(3))], melody + int(rng.integers(-2, 3)))
            melody = melody if 37 <= melody <= 47 else near(tones[0], 41)
            played.append((bar, float(step), length + 2.0, melody, 0.82))
    return played


def _chorale(
    grid: Grid, rng: np.random.Generator, roots: tuple[int, ...]
) -> list[tuple[int, float, float, int, float]]:
    """A bass note, then the chord, as in a slow waltz without the third beat; a tune on top."""
    played, chords = [], voicings(roots, size=4, start=(33, 35, 37, 39), low=31, high=43)
    for bar in range(grid.n_bars):
        keys = chords[bar % 4]
        played.append((bar, 0.0, 15.0, near(roots[bar % 4], 21), 0.5))
        played += [(bar, 4.0, 5.0, key, 0.42) for key in keys] + [(bar, 8.0, 6.0, key, 0.36) for key in keys[1:]]
        played += [(bar, 12.0, 5.0, key, 0.35) for key in keys[:3]]
        for step in (0, 6, 8, 10) if bar % 4 != 3 else (0,):
            if chance(rng, 0.85):
                played.append(
                    (bar, float(step), 8.0, near(chord(roots[bar % 4], 4)[int(rng.integers(4))], 44), human(rng, 0.7))
                )
    return played


def _minimal(
    grid: Grid, rng: np.random.Generator, roots: tuple[int, ...]
) -> list[tuple[int, float, float, int, float]]:
    """Both hands in steady patterns of three, three and two that shift one note at a time."""
    played, chords = [], voicings(roots, size=3, start=(33, 35, 37), low=31, high=41)
    for bar in range(grid.n_bars):
        keys = chords[bar % 4]
        for step in range(16):
            group = step % 8
            accent = group in (0, 3, 6)
            played.append((bar, float(step), 6.0, keys[(0, 1, 2, 0, 1, 2, 1, 2)[group]], 0.6 if accent else 0.42))
            if accent:
                played.append((bar, float(step), 6.0, near(roots[bar % 4], 24) + (7 if group == 3 else 0), 0.55))
        if bar % 4 >= 2:
            played += [(bar, float(step), 4.0, keys[2] + 7, 0.6) for step in (0, 6, 8, 14) if chance(rng, 0.8)]
    return played


def piano_piece(rng: np.random.Generator, *, sample_rate: int, style: str, tonic: int, felt: float) -> np.ndarray:
    """A piano, its lid and a hall, float32 (n_samples, 2), high notes right. style: nocturne, chorale or minimal."""
    grid = Grid(sample_rate=sample_rate, units_per_beat=3 if style == "minimal" else 4)
    loop, roots = Loop(grid.n_samples), PROGRESSIONS[tonic][int(rng.integers(4))]
    played = {"nocturne": _nocturne, "chorale": _chorale, "minimal": _minimal}[style](grid, rng, roots)
    for bar, step, length, key, velocity in played:
        seconds = length * grid.step / sample_rate + 0.15
        y = piano(
            hertz(midi(key)),
            length=seconds,
            velocity=human(rng, velocity, 0.07),
            sample_rate=sample_rate,
            rng=rng,
            felt=felt,
        )
        loop.add(
            y, grid.at(bar) + round((step * grid.step) + 0.006 * rng.random() * sample_rate), pan=(key - 35) / 26.0
        )
    case = body(rng, sample_rate=sample_rate, lowest_hz=85.0)
    hall = room(t60=2.0, sample_rate=sample_rate, rng=rng, damping=0.5)
    return master(reverb(reverb(loop.audio, case, wet=0.25), hall, wet=0.14), sample_rate=sample_rate)
