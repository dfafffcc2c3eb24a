"""Synthesiser lines on their own: arpeggios and basses."""

from dataclasses import replace

import numpy as np

from liveseq.demo.effects import biquad, chorus, drive, master, ping_pong, reverb, room, sweep, vary
from liveseq.demo.envelopes import gates, pitch_line, wander, wave
from liveseq.demo.grid import Grid, Note, chance, human
from liveseq.demo.harmony import PROGRESSIONS, midi, near, voicings
from liveseq.demo.oscillators import cycles, pulse, saw, sine
from liveseq.demo.rhythm import hits

ORDERS: dict[str, tuple[int, ...]] = {
    "up": (0, 1, 2, 3, 4, 5, 6, 7),
    "down": (7, 6, 5, 4, 3, 2, 1, 0),
    "up and down": (0, 1, 2, 3, 4, 5, 6, 7, 6, 5, 4, 3, 2, 1),
    "leaping": (0, 4, 1, 5, 2, 6, 3, 7, 2, 5, 1, 4),
    "thumbed": (0, 4, 2, 4, 1, 4, 3, 5),
}


def _arpeggio_notes(grid: Grid, rng: np.random.Generator, *, order: str, tonic: int, around: int) -> list[Note]:
    """Sixteenths through a chord and its octave; the chord moves every bar, every eighth bar runs the other way."""
    roots = PROGRESSIONS[tonic][int(rng.integers(4))]
    start = (around - 4, around - 2, around + 1, around + 3)
    chords = voicings(roots, size=4, start=start, low=around - 6, high=around + 6)
    notes, turn = [], ORDERS[order]
    for bar in range(grid.n_bars):
        ladder = sorted([*chords[bar % 4], *(key + 7 for key in chords[bar % 4])])
        for step in range(16):
            index = turn[step % len(turn)]
            index = 7 - index if bar % 8 == 7 else index
            if step % 4 == 3 and chance(rng, 0.08):
                continue
            velocity = human(rng, 1.0 if step % 4 == 0 else 0.78 if step % 2 == 0 else 0.66, 0.05)
            notes.append(Note(grid.at(bar, step), round(0.7 * grid.step), midi(ladder[index]), velocity))
    return notes


def arpeggio(
    rng: np.random.Generator, *, sample_rate: int, wave_name: str, order: str, tonic: int, around: int
) -> np.ndarray:
    """An arpeggio, float32 (n_samples, 2). wave_name: saw (bright, detuned), square (hollow) or glass (FM)."""
    grid = Grid(sample_rate=sample_rate, units_per_beat=3)
    n = grid.n_samples
    notes = _arpeggio_notes(grid, rng, order=order, tonic=tonic, around=around)
    f0 = pitch_line(notes, n_samples=n, sample_rate=sample_rate, glide=0.001)
    gate = gates(notes, n_samples=n, sample_rate=sample_rate, attack=0.002, fall=0.5, sustain=0.1, release=0.06)
    if wave_name == "saw":
        raw = saw(f0, n_samples=n, sample_rate=sample_rate)
        raw = raw + saw(f0 * 1.004, n_samples=n, sample_rate=sample_rate, start=0.3)
    elif wave_name == "square":
        raw = pulse(f0, n_samples=n, sample_rate=sample_rate, width=0.5)
        raw = raw + 0.5 * pulse(f0 / 2, n_samples=n, sample_rate=sample_rate, width=0.25)
    else:
        turn = 2 * np.pi * cycles(f0, n_samples=n, sample_rate=sample_rate)
        raw = 1.4 * np.sin(turn + 2.8 * gate**2 * np.sin(2.0 * turn) + 1.0 * gate**3 * np.sin(5.0 * turn)).astype(
            np.float32
        )
    opening = wave(n, n_cycles=1.0, phase=0.55)
    cutoff = 500.0 * 2.0 ** (2.2 * opening + 2.6 * gate)
    y = chorus(
        sweep(raw, cutoff, sample_rate=sample_rate, resonance=2.2) * gate,
        depth=0.003,
        n_cycles=9,
        sample_rate=sample_rate,
    )
    y = ping_pong(y, delay=3 * grid.step, feedback=0.5, wet=0.4, sample_rate=sample_rate, tone_hz=(300.0, 5000.0))
    hall = room(t60=1.8, sample_rate=sample_rate, rng=rng, damping=0.4)
    return master(reverb(y, hall, wet=0.18), sample_rate=sample_rate)


def _bass_notes(grid: Grid, rng: np.random.Generator, *, tonic: int, marks: tuple[str, str]) -> list[Note]:
    """A riff of two bars on four roots; the last note before a change leads into it by step."""
    roots = PROGRESSIONS[tonic][int(rng.integers(4))]
    notes = []
    for bar in range(grid.n_bars):
        root, following = (near(roots[(b // 2) % 4], 19) for b in (bar, bar + 1))
        pattern = hits(marks[bar % 2])
        for index, (step, velocity) in enumerate(pattern):
            end = pattern[index + 1][0] if index + 1 < len(pattern) else 16
            key = root + int(rng.choice([0, 0, 0, 7, 4, 6])) if index else root
            if bar % 2 == 1 and index == len(pattern) - 1:
                key = following - 1 if chance(rng, 0.5) else following + 1
            notes.append(Note(grid.at(bar, step), round(0.92 * (end - step) * grid.step), midi(key), velocity))
    return notes


def _reese(grid: Grid, rng: np.random.Generator, notes: list[Note]) -> np.ndarray:
    """Detuned saws that grind against each other under a slowly moving filter, stereo above, a sine in the middle."""
    n, rate = grid.n_samples, grid.sample_rate
    f0 = pitch_line(notes, n_samples=n, sample_rate=rate, glide=0.09)
    gate = gates(notes, n_samples=n, sample_rate=rate, attack=0.006, fall=2.0, sustain=0.5, release=0.05)
    cutoff = 240.0 * 2.0 ** (2.0 * wander(n, n_points=12, rng=rng) + 1.4 * gate)
    sides = []
    for cents in ((-13.0, 5.0), (12.0, -6.0)):
        waves = [saw(f0 * 2.0 ** (c / 1200.0), n_samples=n, sample_rate=rate, start=float(rng.random())) for c in cents]
        sides.append(drive(sweep(waves[0] + waves[1], cutoff, sample_rate=rate, resonance=2.5) * gate, 1.6))
    middle = sine(f0, n_samples=n, sample_rate=rate) * gate
    return np.asarray(np.stack(sides, axis=1) + middle[:, None])


def _wobble(grid: Grid, rng: np.random.Generator, notes: list[Note]) -> np.ndarray:
    """A filter that opens one to six times per beat, a new rate with every note, with the mouth of a vowel; stereo."""
    n, rate = grid.n_samples, grid.sample_rate
    f0 = pitch_line(notes, n_samples=n, sample_rate=rate, glide=0.05)
    gate = gates(notes, n_samples=n, sample_rate=rate, attack=0.006, fall=8.0, sustain=0.85, release=0.04)
    rates = np.zeros(n)
    for note in notes:
        rates[note.start :] = rng.choice([1, 2, 2, 3, 4, 6]) / grid.beat
    wobble = (0.5 - 0.5 * np.cos(2 * np.pi * np.cumsum(rates))).astype(np.float32)
    raw = saw(f0, n_samples=n, sample_rate=rate) + 0.8 * pulse(f0 * 1.004, n_samples=n, sample_rate=rate, width=0.35)

    def mouth(f_hz: np.ndarray, at: np.ndarray) -> np.ndarray:
        opened = wobble[at][:, None]
        first, second = 300.0 + 500.0 * opened, 800.0 + 1200.0 * opened
        low = 1.0 / np.sqrt((1 - (f_hz / (130.0 * 2.0 ** (3.6 * opened))) ** 2) ** 2 + 0.3)
        bumps = 1.5 * np.exp(-(((f_hz - first) / 120.0) ** 2)) + 0.9 * np.exp(-(((f_hz - second) / 200.0) ** 2))
        return np.asarray(low + opened * bumps)

    y = drive(vary(raw, mouth, sample_rate=rate) * gate, 1.4)
    high = biquad(y, "highpass", 500.0, sample_rate=rate)
    wide = chorus(high, depth=0.002, n_cycles=13, sample_rate=rate) - high[:, None]
    return np.asarray(y[:, None] + 0.5 * wide + 0.9 * (sine(f0, n_samples=n, sample_rate=rate) * gate)[:, None])


def _punch(grid: Grid, rng: np.random.Generator, notes: list[Note]) -> np.ndarray:
    """Short notes, octaves popped, the filter snapping shut behind each of them; stereo."""
    n, rate = grid.n_samples, grid.sample_rate
    played = [replace(note, pitch=note.pitch + 12.0 * (note.velocity > 0.95 and chance(rng, 0.35))) for note in notes]
    f0 = pitch_line(played, n_samples=n, sample_rate=rate, glide=0.015)
    gate = gates(played, n_samples=n, sample_rate=rate, attack=0.004, fall=1.4, sustain=0.4, release=0.04)
    cutoff = 240.0 * 2.0 ** (3.6 * gate**1.5 + 0.6 * wander(n, n_points=9, rng=rng))
    sides = []
    for cents in (-6.0, 6.0):
        raw = saw(f0 * 2.0 ** (cents / 1200.0), n_samples=n, sample_rate=rate, start=float(rng.random()))
        raw = raw + 0.7 * pulse(f0, n_samples=n, sample_rate=rate, width=0.4)
        sides.append(drive(sweep(raw, cutoff, sample_rate=rate, resonance=2.5) * gate, 1.6))
    middle = sine(f0, n_samples=n, sample_rate=rate) * gate
    return np.asarray(np.stack(sides, axis=1) + middle[:, None])


RIFFS: dict[str, tuple[str, str]] = {
    "reese": ("9..7..8...9...8.", "9..7..8.....8.7."),
    "wobble": ("9...8...7...9...", "9.....8...7.8..."),
    "punch": ("9..7..9.5.8..79.", "9..7..9...8.97.6"),
}


def bass(rng: np.random.Generator, *, sample_rate: int, style: str, tonic: int) -> np.ndarray:
    """A bass alone, float32 (n_samples, 2). style: reese, wobble or punch; tonic: a MIDI number."""
    grid = Grid(
        sample_rate=sample_rate, units_per_beat=4 if style == "wobble" else 3, swing=0.15 if style == "punch" else 0.0
    )
    notes = _bass_notes(grid, rng, tonic=tonic, marks=RIFFS[style])
    y = {"reese": _reese, "wobble": _wobble, "punch": _punch}[style](grid, rng, notes)
    booth = room(t60=0.5, sample_rate=sample_rate, rng=rng, damping=0.5)
    return master(reverb(y.astype(np.float32), booth, wet=0.09), sample_rate=sample_rate)
