"""Plucked strings: guitar, harp and koto."""

import numpy as np

from liveseq.demo.effects import master, reverb, room
from liveseq.demo.grid import Grid, Loop, chance, human
from liveseq.demo.harmony import PROGRESSIONS, A, B, C, E, F, hertz, midi, near, voicings
from liveseq.demo.instruments import body, pluck


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
        played = [(step, root if step % 8 == 0 else root + 4, 0.6) for step in (0, 4, 8, 12)]
        played += [(step, keys[voice], 0.62) for step, voice in fingers[bar % 2] if chance(rng, 0.92)]
        for step, key, velocity in played:
            length = (1.3 if key < 28 else 0.9) * (0.8 + 0.4 * rng.random())
            y = pluck(
                hertz(midi(key)),
                length=length,
                velocity=human(rng, velocity),
                sample_rate=rate,
                rng=rng,
                position=0.14,
                brightness=1.2,
                t60=2.2,
                nail=0.5,
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
                velocity=human(rng, 0.4 if key < 27 else 0.6),
                sample_rate=rate,
                rng=rng,
                position=0.25,
                brightness=0.9,
                t60=3.6,
                nail=0.4,
            )
            loop.add(y, grid.at(bar) + round(step * grid.step), pan=(key - 38) / 30.0)


def _koto(grid: Grid, rng: np.random.Generator, loop: Loop, tonic: int) -> None:
    """A tune on E F A B C with grace notes, echoed octaves, and a stroke that speeds up."""
    rate, scale = grid.sample_rate, (E, F, A, B, C)
    strings = [key for key in range(26, 45) if key % 7 in scale]
    at = len(strings) // 2
    for bar in range(grid.n_bars):
        played: list[tuple[float, int, float]] = [(0.0, near(tonic if bar % 2 == 0 else A, 28), 0.55)]
        rhythm = [(0, 2, 4, 6, 8, 11, 12), (0, 2, 4, 8, 10, 12, 14), (0, 3, 6, 8, 12), (0, 4, 6, 7, 8, 10, 12, 14)][
            int(rng.integers(4))
        ]
        for step in rhythm:
            at = int(np.clip(at + rng.choice([-2, -1, -1, 1, 1, 2]), 2, len(strings) - 2))
            if chance(rng, 0.25):
                played.append((step - 0.3 if step else 0.0, strings[at + 1], 0.45))
            played.append((float(step), strings[at], 0.75))
            if chance(rng, 0.2):
                played.append((float(step + 1), strings[at] - 7, 0.5))
        if bar % 4 == 3:
            played += [(8.0 + 8.0 * (1 - (1 - i / 12) ** 0.6), strings[at], 0.35 + 0.04 * i) for i in range(12)]
        for at_step, key, velocity in played:
            y = pluck(
                hertz(midi(key)),
                length=1.9,
                velocity=human(rng, velocity),
                sample_rate=rate,
                rng=rng,
                position=0.1,
                brightness=0.95,
                t60=2.0,
                nail=0.5,
            )
            loop.add(y, grid.at(bar) + round(at_step * grid.step), pan=(key - 38) / 24.0)


def plucked(rng: np.random.Generator, *, sample_rate: int, style: str, tonic: int) -> np.ndarray:
    """Plucked strings, float32 (n_samples, 2). style: guitar, harp or koto; tonic: a MIDI number."""
    grid = Grid(sample_rate=sample_rate, units_per_beat=4 if style != "guitar" else 3, swing=0.08)
    loop = Loop(grid.n_samples)
    {"guitar": _guitar, "harp": _harp, "koto": _koto}[style](grid, rng, loop, tonic)
    box = body(rng, sample_rate=sample_rate, lowest_hz={"guitar": 100.0, "harp": 140.0, "koto": 190.0}[style])
    hall = room(t60=1.5, sample_rate=sample_rate, rng=rng, damping=0.5)
    return master(reverb(reverb(loop.audio, box, wet=0.5), hall, wet=0.13), sample_rate=sample_rate)
