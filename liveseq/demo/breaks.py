"""Breakbeat at two units per beat, and dub at four."""

import numpy as np

from liveseq.demo import drums
from liveseq.demo.effects import (
    biquad,
    drive,
    highpass_response,
    lowpass_response,
    master,
    ping_pong,
    reverb,
    room,
    shape,
    sweep,
)
from liveseq.demo.envelopes import gates, pitch_line, ramps, wander
from liveseq.demo.grid import Grid, Loop, Note, chance, human
from liveseq.demo.harmony import PROGRESSIONS, chord, hertz, midi, near, voicings
from liveseq.demo.instruments import organ, pluck
from liveseq.demo.oscillators import pulse, saw, sine, spread
from liveseq.demo.rhythm import ghosts, hits, strike, variants

Bar = tuple[str, str, str]
"""Kick, snare, hat or ride."""
BREAKS: dict[str, tuple[Bar, Bar, Bar, Bar]] = {
    "jungle": (
        ("9.8.......87....", "....9..5.4..9..5", "7.6.7.6.7.6.7.6."),
        ("9.8.......87....", "....9..5.4..9..4", "7.6.7.6.7.6.7.6."),
        ("9.8.......8.....", "....9..5.4....9.", "7.6.7.6.7.6.7.6."),
        ("..98......8.....", ".5..9..5.4....9.", "7.6.7.6.7.8.6.6."),
    ),
    "two-step": (
        ("9.........8.....", "....9......39..3", "7.5.7.5.7.5.7.57"),
        ("9.....7...8.....", "....9..3....9...", "7.5.7.5.7.5.7.5."),
        ("9.........8.....", "....9......39..3", "7.5.7.5.7.5.7.57"),
        ("9..7......8..7..", "....9..3....9.35", "7.5.7.5.7.5.7755"),
    ),
    "funky": (
        ("9..7..8...7.....", "....9..4.5..9...", "7.7575.77.7575.7"),
        ("9..7......79....", "....9..4.5..9.4.", "7.7575.77.7575.7"),
        ("9..7..8...7.....", "....9..4.5..9...", "7.7575.77.7575.7"),
        ("9.7....8..7.....", "....9.45..9.4.9.", "7.7575.77.75.577"),
    ),
}


def _fill(rng: np.random.Generator) -> Bar:
    """A bar that turns: the snare rolls towards the next one."""
    roll = ["....9..5.7.79798", "....9.9.7.7.8899", "9..9..9.55667789"][int(rng.integers(3))]
    return ("9.8.....8.......", roll, "7...7...7.......")


def _break(grid: Grid, rng: np.random.Generator, *, style: str) -> np.ndarray:
    """A drummer in a small room, recorded hot, stereo."""
    rate = grid.sample_rate
    loop = Loop(grid.n_samples)
    pitch = {"jungle": 1.12, "two-step": 1.0, "funky": 1.2}[style]
    kick = variants(lambda: drums.kick(sample_rate=rate, rng=rng, f0_hz=58.0 * pitch, punch=2.2, t60=0.24, click=0.5))
    snare = variants(lambda: drums.snare(sample_rate=rate, rng=rng, f0_hz=200.0 * pitch, t60=0.24), 4)
    if style == "two-step":
        top = variants(lambda: drums.hat(sample_rate=rate, rng=rng, t60=0.08, low_hz=7000.0), 4)
    else:
        top = variants(lambda: drums.cymbal(sample_rate=rate, rng=rng, t60=0.5, bell=0.22), 4)
    crash = drums.cymbal(sample_rate=rate, rng=rng, t60=2.2, bell=0.0)
    for bar in range(grid.n_bars):
        pattern = _fill(rng) if bar % 8 == 7 else BREAKS[style][bar % 4]
        strike(loop, kick, pattern[0], grid=grid, bar=bar, rng=rng, gain=0.8)
        snares = ghosts(rng, pattern[1], density=0.06, loudest=3)
        strike(loop, snare, snares, grid=grid, bar=bar, rng=rng, gain=0.85, pan=0.06, loose=0.0015)
        strike(loop, top, pattern[2], grid=grid, bar=bar, rng=rng, gain=0.3, pan=-0.25, loose=0.001)
        if bar % 8 == 0:
            loop.add(crash, grid.at(bar), gain=0.22, pan=0.4)
    booth = room(t60=0.35, sample_rate=rate, rng=rng, damping=0.5, predelay=0.002)
    hot = drive(reverb(loop.audio, booth, wet=0.22), 1.4)
    return shape(hot, lambda f: 1.0 + 0.8 * highpass_response(f, 1600.0, 1), sample_rate=rate)


def _sub(grid: Grid, rng: np.random.Generator, *, roots: tuple[int, ...], reese: float) -> np.ndarray:
    """Long low notes that answer the drums: a sine, and two saws that beat against each other, (n,)."""
    rhythm = [("9.......", "..8...7."), ("9..8....", "....7..8"), ("9.....8.", "........")][int(rng.integers(3))]
    notes = []
    for bar in range(grid.n_bars):
        root = near(roots[(bar // 2) % 4], 19)
        marks = hits(rhythm[0] + rhythm[1])
        ends = [step for step, _ in marks[1:]] + [16]
        for (step, velocity), end in zip(marks, ends, strict=True):
            pitch = midi(root + (int(rng.choice([0, 4, 7, -1])) if step > 9 else 0))
            notes.append(Note(grid.at(bar, step), round(0.9 * (end - step) * grid.step), pitch, velocity))
    n, rate = grid.n_samples, grid.sample_rate
    f0 = pitch_line(notes, n_samples=n, sample_rate=rate, glide=0.06)
    gate = gates(notes, n_samples=n, sample_rate=rate, attack=0.006, fall=4.0, sustain=0.7, release=0.05)
    growl = saw(f0 * 1.006, n_samples=n, sample_rate=rate) + saw(f0 * 0.994, n_samples=n, sample_rate=rate, start=0.4)
    growl = sweep(growl, 140.0 * 2.0 ** (2.5 * wander(n, n_points=14, rng=rng)), sample_rate=rate, resonance=2.0)
    return np.asarray((0.8 * sine(f0, n_samples=n, sample_rate=rate) + reese * growl) * gate)


def _haze(grid: Grid, rng: np.random.Generator, *, roots: tuple[int, ...]) -> np.ndarray:
    """Chords far behind the drums, stereo."""
    loop = Loop(grid.n_samples)
    chords = voicings(roots, size=4, start=(30, 33, 36, 38), low=28, high=41)
    gains = 1.0 / np.arange(1, 12) ** 1.6
    for bar in range(0, grid.n_bars, 2):
        for key in chords[(bar // 2) % 4]:
            y = spread(
                hertz(midi(key)), gains=gains, cents=14.0, n_samples=2 * grid.bar, sample_rate=grid.sample_rate, rng=rng
            )
            loop.add(ramps(y, attack=0.4, release=0.6, sample_rate=grid.sample_rate), grid.at(bar))
    return loop.audio


def breakbeat(rng: np.random.Generator, *, sample_rate: int, style: str, tonic: int) -> np.ndarray:
    """A break and its bass, float32 (n_samples, 2). style: jungle, two-step or funky; tonic: a MIDI number."""
    grid = Grid(sample_rate=sample_rate, units_per_beat=2, swing=0.12 if style == "funky" else 0.0)
    roots = PROGRESSIONS[tonic][int(rng.integers(4))]
    low = Loop(grid.n_samples)
    low.add(_sub(grid, rng, roots=roots, reese={"jungle": 0.08, "two-step": 0.4, "funky": 0.2}[style]), 0, gain=0.27)
    hall = room(t60=2.4, sample_rate=sample_rate, rng=rng, damping=0.6)
    haze = reverb(_haze(grid, rng, roots=roots), hall, wet=0.7, dry=0.5)
    mix = _break(grid, rng, style=style) + low.audio + {"jungle": 0.022, "two-step": 0.01, "funky": 0.012}[style] * haze
    return master(drive(mix, 0.7), sample_rate=sample_rate)


def _dub_drums(grid: Grid, rng: np.random.Generator, throws: Loop, *, steppers: bool) -> np.ndarray:
    """One drop (kick and rim together on three) or steppers (kick on every beat), stereo."""
    rate, loop = grid.sample_rate, Loop(grid.n_samples)
    kick = [drums.kick(sample_rate=rate, rng=rng, f0_hz=47.0, punch=2.0, t60=0.4, click=0.3)]
    rim = variants(lambda: drums.rim(sample_rate=rate, rng=rng))
    hat = variants(lambda: drums.hat(sample_rate=rate, rng=rng, t60=0.07, low_hz=7000.0, metal=0.4), 4)
    opened = variants(lambda: drums.hat(sample_rate=rate, rng=rng, t60=0.3, low_hz=6000.0), 2)
    snare = variants(lambda: drums.snare(sample_rate=rate, rng=rng, f0_hz=230.0, t60=0.2))
    timbale = [drums.tom(sample_rate=rate, rng=rng, f0_hz=f0, t60=0.3, slap=0.5) for f0 in (330.0, 262.0)]
    for bar in range(grid.n_bars):
        strike(
            loop, kick, "9...9...9...9..." if steppers else "........9.......", grid=grid, bar=bar, rng=rng, gain=0.75
        )
        strike(
            loop,
            rim,
            "........8......." if bar % 2 else "........8.....4.",
            grid=grid,
            bar=bar,
            rng=rng,
            gain=0.4,
            pan=0.1,
        )
        closed = ghosts(rng, "6.4.6.4.6.4.6.4.", density=0.25, loudest=3)
        strike(loop, hat, closed, grid=grid, bar=bar, rng=rng, gain=0.3, pan=0.3, loose=0.003)
        strike(loop, opened, "......5.......5.", grid=grid, bar=bar, rng=rng, gain=0.25, pan=0.3)
        if bar % 2 == 1:
            strike(
                throws,
                snare,
                "............8..." if bar % 4 == 1 else "......7.........",
                grid=grid,
                bar=bar,
                rng=rng,
                gain=0.4,
            )
        if bar % 4 == 3:
            strike(loop, timbale, "..........7.7.98", grid=grid, bar=bar, rng=rng, gain=0.3, pan=-0.3)
    return loop.audio


def _riddim(grid: Grid, rng: np.random.Generator, *, roots: tuple[int, ...]) -> np.ndarray:
    """The bass line: heavy, round, with holes in it, (n,)."""
    figures = [
        ((0, 0, 3), (3, 0, 2), (6, 4, 3), (10, 0, 2), (13, 2, 2)),
        ((0, 0, 4), (6, 0, 2), (8, 2, 2), (10, 4, 3)),
        ((2, 0, 2), (4, 0, 2), (6, 2, 2), (9, 4, 2), (12, 0, 3)),
    ]
    a, b = (figures[int(i)] for i in rng.permutation(3)[:2])
    notes = []
    for bar in range(grid.n_bars):
        root = near(roots[(bar // 2) % 4], 19)
        for step, up, length in a if bar % 2 == 0 else b:
            notes.append(
                Note(grid.at(bar, step), round(0.85 * length * grid.step), midi(root + up), human(rng, 0.9, 0.06))
            )
    n, rate = grid.n_samples, grid.sample_rate
    f0 = pitch_line(notes, n_samples=n, sample_rate=rate, glide=0.03)
    gate = gates(notes, n_samples=n, sample_rate=rate, attack=0.008, fall=2.5, sustain=0.5, release=0.08)
    warm = sweep(saw(f0, n_samples=n, sample_rate=rate), 130.0 + 260.0 * gate, sample_rate=rate, resonance=1.2)
    return drive((sine(f0, n_samples=n, sample_rate=rate) + 0.5 * warm) * gate, 0.9)


def _skank(grid: Grid, rng: np.random.Generator, throws: Loop, *, roots: tuple[int, ...]) -> np.ndarray:
    """Chopped chords on two and four, the organ bubbling between; now and then one is thrown into the echo. Stereo."""
    loop, rate = Loop(grid.n_samples), grid.sample_rate
    chords = voicings(roots, size=3, start=(33, 35, 37), low=31, high=41)
    for bar in range(grid.n_bars):
        keys = chords[(bar // 2) % 4]
        thrown = int(rng.choice([4, 12])) if chance(rng, 0.6) else -1
        for step in (4, 12):
            for i, key in enumerate(keys):
                y = pluck(
                    hertz(midi(key)), length=0.16, velocity=0.9, sample_rate=rate, rng=rng, t60=0.7, brightness=0.8
                )
                y = biquad(y, "highpass", 350.0, sample_rate=rate)
                start = grid.at(bar, step) + round(0.004 * i * rate)
                loop.add(y, start, gain=0.4, pan=-0.35)
                if step == thrown:
                    throws.add(y, start, gain=0.4)
        for step in (2, 3, 6, 7, 10, 11, 14, 15):
            for key in keys:
                y = organ(hertz(midi(key)), length=0.11, velocity=human(rng, 0.5), sample_rate=rate, rng=rng)
                loop.add(y, grid.at(bar, step), gain=0.1, pan=0.35)
    return loop.audio


def _melodica(grid: Grid, rng: np.random.Generator, *, roots: tuple[int, ...]) -> np.ndarray:
    """A few breathy notes that leave room for their echoes, (n,)."""
    notes = []
    for bar in range(0, grid.n_bars, 2):
        scale = [near(degree, 38) for degree in chord(roots[(bar // 2) % 4], 4)]
        step = 2
        for _ in range(int(rng.integers(3, 6))):
            length = int(rng.choice([2, 3, 4]))
            notes.append(
                Note(grid.at(bar, step), round(0.8 * length * grid.step), midi(int(rng.choice(scale))), human(rng, 0.8))
            )
            step += length
    n, rate = grid.n_samples, grid.sample_rate
    f0 = pitch_line(notes, n_samples=n, sample_rate=rate, glide=0.03)
    f0 *= (1.0 + 0.006 * np.sin(2 * np.pi * 5.2 * np.arange(n) / rate)).astype(np.float32)
    gate = gates(notes, n_samples=n, sample_rate=rate, attack=0.03, fall=3.0, sustain=0.7, release=0.06)
    reed = pulse(f0, n_samples=n, sample_rate=rate, width=0.3)
    return np.asarray(shape(reed, lambda f: lowpass_response(f, 2200.0), sample_rate=rate) * gate)


def dub(rng: np.random.Generator, *, sample_rate: int, tonic: int, steppers: bool, melodica: bool) -> np.ndarray:
    """Drums and bass in front, chords, snare and melodica in the echo: float32 (n_samples, 2). tonic: a MIDI number."""
    grid = Grid(sample_rate=sample_rate, units_per_beat=4, swing=0.18)
    roots = PROGRESSIONS[tonic][int(rng.integers(4))]
    throws, low = Loop(grid.n_samples), Loop(grid.n_samples)
    kit = _dub_drums(grid, rng, throws, steppers=steppers)
    skank = _skank(grid, rng, throws, roots=roots)
    if melodica:
        throws.add(_melodica(grid, rng, roots=roots), 0, gain=0.08)
    low.add(_riddim(grid, rng, roots=roots), 0, gain=0.5)
    tape = ping_pong(
        throws.audio + 0.25 * skank,
        delay=3 * grid.step,
        feedback=0.72,
        wet=0.7,
        sample_rate=sample_rate,
        tone_hz=(250.0, 2400.0),
    )
    spring = room(t60=2.2, sample_rate=sample_rate, rng=rng, damping=0.4, predelay=0.03)
    mix = 0.85 * kit + 0.85 * low.audio + 1.3 * skank + 1.5 * reverb(tape, spring, wet=0.3)
    return master(drive(mix, 0.6), sample_rate=sample_rate)
