"""Bells, plucked strings and piano: instruments whose notes begin and then die away by themselves."""

import numpy as np

from liveseq.demo.effects import master, reverb, room
from liveseq.demo.envelopes import decay
from liveseq.demo.grid import Grid, Loop, chance, human
from liveseq.demo.harmony import PROGRESSIONS, A, B, C, E, F, chord, hertz, midi, near, voicings
from liveseq.demo.instruments import bell, piano, pluck
from liveseq.demo.oscillators import modes, noise

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
                velocity=human(rng, 0.45),
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
        low = near(int(rng.choice([tonic, tonic + 4, tonic + 2])) % 7, 28)
        _ring(loop, rng, low, grid.at(bar), kind="bowl", t60=9.0, velocity=0.9, rate=grid.sample_rate)
        for step in (4, 6, 8, 11, 12, 14):
            if chance(rng, 0.6):
                key = near(chord(tonic, 5)[int(rng.integers(5))], 38 + int(rng.integers(-3, 6)))
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


def bells(rng: np.random.Generator, *, sample_rate: int, style: str, tonic: int) -> np.ndarray:
    """style: peal (church bells), music box (glockenspiel) or chimes (bowls and tubular bells)."""
    grid = Grid(sample_rate=sample_rate, units_per_beat={"peal": 4, "music box": 3, "chimes": 6}[style])
    loop = Loop(grid.n_samples)
    {"peal": _peal, "music box": _music_box, "chimes": _chimes}[style](grid, rng, loop, tonic)
    tower = room(t60=2.6, sample_rate=sample_rate, rng=rng, damping=0.4, predelay=0.02)
    return master(reverb(loop.audio, tower, wet=0.22), sample_rate=sample_rate)


def _body(rng: np.random.Generator, *, sample_rate: int, lowest_hz: float) -> np.ndarray:
    """Impulse response of a wooden body: a dozen resonances and a little wood, stereo."""
    n = round(0.12 * sample_rate)
    sides = []
    freqs = lowest_hz * np.array([1.0, 1.95, 2.5, 3.9, 4.6, 5.8, 7.7, 9.9, 12.5, 16.0, 21.0])
    for _ in range(2):
        gains = rng.uniform(0.4, 1.0, len(freqs)) / np.arange(1, len(freqs) + 1) ** 0.6
        y = modes(
            freqs * rng.uniform(0.98, 1.02, len(freqs)),
            t60=0.12 / (freqs / lowest_hz) ** 0.5,
            gains=gains,
            n_samples=n,
            sample_rate=sample_rate,
        )
        y += 0.5 * noise(n, rng=rng) * decay(n, t60=0.03, sample_rate=sample_rate)
        sides.append(y / np.sqrt(np.sum(y**2)))
    return np.stack(sides, axis=1).astype(np.float32)


def _guitar(grid: Grid, rng: np.random.Generator, loop: Loop, tonic: int) -> None:
    """Travis picking: the thumb keeps the beat on two bass strings, the fingers syncopate above."""
    rate, roots = grid.sample_rate, PROGRESSIONS[tonic][int(rng.integers(4))]
    chords = voicings(roots, size=3, start=(31, 33, 35, 37), low=28, high=40)
    fingers = [
        ((2, 3), (3, 2), (6, 3), (7, 1), (10, 3), (11, 2), (14, 3)),
        ((0, 3), (3, 2), (5, 3), (6, 1), (10, 2), (13, 3)),
    ]
    for bar in range(grid.n_bars):
        keys, root = chords[bar % 4], near(roots[bar % 4], 24)
        played = [(step, root if step % 8 == 0 else root + 4, 0.75) for step in (0, 4, 8, 12)]
        played += [(step, keys[voice], 0.62) for step, voice in fingers[bar % 2] if chance(rng, 0.92)]
        for step, key, velocity in played:
            length = (2.2 if key < 28 else 1.5) * (0.8 + 0.4 * rng.random())
            y = pluck(
                hertz(midi(key)),
                length=length,
                velocity=human(rng, velocity),
                sample_rate=rate,
                rng=rng,
                position=0.2,
                brightness=0.55,
                t60=3.0,
                nail=0.14,
            )
            loop.add(y, grid.at(bar, step) + round(0.004 * rng.random() * rate), pan=(key - 31) / 24.0)


def _harp(grid: Grid, rng: np.random.Generator, loop: Loop, tonic: int) -> None:
    """Broken chords over three octaves, up and back, and a glissando before every fourth bar."""
    rate, roots = grid.sample_rate, PROGRESSIONS[tonic][int(rng.integers(4))]
    chords = voicings(roots, size=4, start=(30, 32, 35, 37), low=27, high=40)
    for bar in range(grid.n_bars):
        ladder = sorted(key + 7 * octave for key in chords[bar % 4] for octave in (0, 1, 2))[:9]
        played = [(float(step), ladder[step if step < 9 else 16 - step]) for step in range(16)]
        if bar % 4 == 3:
            played = played[:8] + [(8.0 + i / 2.5, 33 + i) for i in range(20)]
        played.append((0.0, near(roots[bar % 4], 22)))
        for step, key in played:
            y = pluck(
                hertz(midi(key)),
                length=2.4,
                velocity=human(rng, 0.55 + 0.15 * (step == 0)),
                sample_rate=rate,
                rng=rng,
                position=0.42,
                brightness=0.4,
                t60=3.6,
                nail=0.04,
            )
            loop.add(y, grid.at(bar) + round(step * grid.step), pan=(key - 38) / 30.0)


def _koto(grid: Grid, rng: np.random.Generator, loop: Loop, tonic: int) -> None:
    """A tune on E F A B C with grace notes, echoed octaves, and a stroke that speeds up."""
    rate, scale = grid.sample_rate, (E, F, A, B, C)
    strings = [key for key in range(28, 49) if key % 7 in scale]
    at = len(strings) // 2
    for bar in range(grid.n_bars):
        played: list[tuple[float, int, float]] = [(0.0, near(tonic if bar % 2 == 0 else A, 26), 0.8)]
        rhythm = [(0, 4, 6, 8, 11, 12), (0, 2, 4, 8, 12, 14), (0, 3, 6, 8), (0, 4, 7, 8, 10, 12)][int(rng.integers(4))]
        for step in rhythm:
            at = int(np.clip(at + rng.choice([-2, -1, -1, 1, 1, 2]), 2, len(strings) - 2))
            if chance(rng, 0.25):
                played.append((step - 0.3 if step else 0.0, strings[at + 1], 0.45))
            played.append((float(step), strings[at], 0.75))
            if chance(rng, 0.2):
                played.append((step + 1.0, strings[at] - 7, 0.5))
        if bar % 4 == 3:
            played += [(8.0 + 8.0 * (1 - (1 - i / 12) ** 0.6), strings[at], 0.35 + 0.04 * i) for i in range(12)]
        for step, key, velocity in played:
            y = pluck(
                hertz(midi(key)),
                length=1.9,
                velocity=human(rng, velocity),
                sample_rate=rate,
                rng=rng,
                position=0.07,
                brightness=0.8,
                t60=1.7,
                nail=0.35,
            )
            loop.add(y, grid.at(bar) + round(step * grid.step), pan=(key - 38) / 24.0)


def plucked(rng: np.random.Generator, *, sample_rate: int, style: str, tonic: int) -> np.ndarray:
    """style: guitar, harp or koto."""
    grid = Grid(sample_rate=sample_rate, units_per_beat=4 if style != "guitar" else 3, swing=0.08)
    loop = Loop(grid.n_samples)
    {"guitar": _guitar, "harp": _harp, "koto": _koto}[style](grid, rng, loop, tonic)
    box = _body(rng, sample_rate=sample_rate, lowest_hz={"guitar": 100.0, "harp": 140.0, "koto": 190.0}[style])
    hall = room(t60=1.5, sample_rate=sample_rate, rng=rng, damping=0.5)
    return master(reverb(reverb(loop.audio, box, wet=0.5), hall, wet=0.13), sample_rate=sample_rate)


def _nocturne(
    grid: Grid, rng: np.random.Generator, roots: tuple[int, ...]
) -> list[tuple[int, float, float, int, float]]:
    """Left hand in wide broken chords, a singing melody above: (bar, step, length in steps, key, velocity)."""
    played, melody = [], near(roots[0], 41)
    for bar in range(grid.n_bars):
        root, tones = near(roots[bar % 4], 22), chord(roots[bar % 4], 3)
        for step, up in zip(range(0, 16, 2), (0, 4, 7, 9, 11, 9, 7, 4), strict=True):
            played.append((bar, float(step), 16.0 - step, root + up, 0.42 if step else 0.55))
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
        played.append((bar, 0.0, 15.0, near(roots[bar % 4], 21), 0.65))
        played += [(bar, 4.0, 11.0, key, 0.42) for key in keys]
        if bar % 2 == 1:
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
    played, chords = [], voicings(roots, size=3, start=(35, 37, 39), low=33, high=43)
    for bar in range(grid.n_bars):
        keys = chords[bar % 4]
        for step in range(16):
            group = step % 8
            accent = group in (0, 3, 6)
            played.append((bar, float(step), 2.0, keys[(0, 1, 2, 0, 1, 2, 1, 2)[group]], 0.6 if accent else 0.42))
            if accent:
                played.append((bar, float(step), 3.0, near(roots[bar % 4], 24) + (7 if group == 3 else 0), 0.55))
        if bar % 4 >= 2:
            played += [(bar, float(step), 4.0, keys[2] + 7, 0.6) for step in (0, 6, 8, 14) if chance(rng, 0.8)]
    return played


def piano_piece(rng: np.random.Generator, *, sample_rate: int, style: str, tonic: int, felt: float) -> np.ndarray:
    """style: nocturne, chorale or minimal. Higher notes to the right; the lid, then a hall."""
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
    case = _body(rng, sample_rate=sample_rate, lowest_hz=85.0)
    hall = room(t60=2.0, sample_rate=sample_rate, rng=rng, damping=0.5)
    return master(reverb(reverb(loop.audio, case, wet=0.25), hall, wet=0.14), sample_rate=sample_rate)
