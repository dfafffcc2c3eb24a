"""Techno and house: four on the floor, at three units per beat."""

import numpy as np

from liveseq.demo import drums
from liveseq.demo.effects import biquad, drive, lowpass_response, master, ping_pong, reverb, room, shape, sweep
from liveseq.demo.envelopes import duck, gates, pitch_line, ramps, wander, wave
from liveseq.demo.grid import Grid, Loop, Note, chance, human
from liveseq.demo.harmony import PROGRESSIONS, chord, hertz, midi, near, voicings
from liveseq.demo.instruments import electric_piano, organ, piano
from liveseq.demo.oscillators import modes, noise, pulse, saw, sine
from liveseq.demo.rhythm import euclid, ghosts, hits, strike, variants

FLOOR = "9...9...9...9..."
KICK_HZ = 49.0
"""G1: on the white keys like everything else."""


def _kicks(loop: Loop, grid: Grid, rng: np.random.Generator, sound: np.ndarray, *, gain: float) -> list[int]:
    """Four to the bar; the last beat of every fourth bar stumbles or is left out."""
    starts: list[int] = []
    for bar in range(grid.n_bars):
        turning = ["9...9...9..6....", "9...9...9...9.6.", "9...9...9.7...7."][int(rng.integers(3))]
        starts += strike(loop, [sound], turning if bar % 4 == 3 else FLOOR, grid=grid, bar=bar, rng=rng, gain=gain)
    return starts


def _techno_hats(loop: Loop, grid: Grid, rng: np.random.Generator, *, clap: bool, ride: bool) -> None:
    rate = grid.sample_rate
    closed = variants(lambda: drums.hat(sample_rate=rate, rng=rng, t60=0.07, low_hz=7500.0), 4)
    opened = variants(lambda: drums.hat(sample_rate=rate, rng=rng, t60=0.3, low_hz=6000.0), 2)
    bell = variants(lambda: drums.cymbal(sample_rate=rate, rng=rng, t60=0.9), 2)
    claps = variants(lambda: drums.clap(sample_rate=rate, rng=rng))
    rolls = variants(lambda: drums.snare(sample_rate=rate, rng=rng, f0_hz=210.0, t60=0.14))
    for bar in range(grid.n_bars):
        sixteenths = ghosts(rng, "4.3.4.3.4.3.4.3.", density=0.6)
        strike(loop, closed, sixteenths, grid=grid, bar=bar, rng=rng, gain=0.16, pan=0.25)
        strike(loop, opened, "..7...8...7...8.", grid=grid, bar=bar, rng=rng, gain=0.24, pan=-0.12)
        if ride and bar % 8 >= 2:
            strike(loop, bell, "5.3.5.3.5.3.5.3.", grid=grid, bar=bar, rng=rng, gain=0.1, pan=-0.35)
        if clap:
            strike(loop, claps, "....8.......8...", grid=grid, bar=bar, rng=rng, gain=0.32, pan=0.05)
        if bar % 4 == 3:
            strike(loop, rolls, "............3457", grid=grid, bar=bar, rng=rng, gain=0.22, pan=-0.1)


def _acid(grid: Grid, rng: np.random.Generator, tonic: int) -> np.ndarray:
    """A one-voice sixteenth line with accents and slides through a squelching filter, (n,)."""
    root = near(tonic, 23)
    scale = [0, 0, 0, 7, 7, 2, 4, 6, -1]
    line = [(root + int(rng.choice(scale)), chance(rng, 0.3), chance(rng, 0.25), chance(rng, 0.78)) for _ in range(16)]
    notes: list[Note] = []
    for bar in range(grid.n_bars):
        if bar % 4 == 0 and bar:
            line[int(rng.integers(1, 16))] = (root + int(rng.choice(scale)), True, True, True)
        for step, (pitch, accent, slide, on) in enumerate(line):
            if on or step == 0:
                length = round(grid.step * (1.05 if slide else 0.6))
                notes.append(Note(grid.at(bar, step), length, midi(pitch), 1.0 if accent else 0.7))
    n, rate = grid.n_samples, grid.sample_rate
    y = saw(pitch_line(notes, n_samples=n, sample_rate=rate, glide=0.05), n_samples=n, sample_rate=rate)
    squelch = gates(notes, n_samples=n, sample_rate=rate, attack=0.004, fall=0.35, sustain=0.1, release=0.03)
    cutoff = 180.0 * 2.0 ** (1.6 * wave(n, n_cycles=1.0, phase=0.6) + 3.3 * squelch**1.3)
    y = sweep(y, cutoff, sample_rate=rate, resonance=5.0, order=2)
    y *= gates(notes, n_samples=n, sample_rate=rate, attack=0.003, fall=1.2, sustain=0.5, release=0.02)
    return drive(0.8 * y, 1.8)


def _stabs(grid: Grid, rng: np.random.Generator, tonic: int) -> np.ndarray:
    """Minor chords in threes against the four, their filter opening and closing over the piece, (n,)."""
    n, rate = grid.n_samples, grid.sample_rate
    pitches = [midi(near(degree, 31)) for degree in chord(tonic, 4)]
    y = np.zeros(n, dtype=np.float32)
    for pitch in pitches:
        for cents in (-7.0, 6.0):
            y += 0.15 * saw(hertz(pitch + cents / 100.0), n_samples=n, sample_rate=rate, start=float(rng.random()))
    marks = ["8..6..8..5..7...", "8..6..8..5..7.4."][int(rng.integers(2))]
    notes = [
        Note(grid.at(bar, step), grid.step, 0.0, velocity)
        for bar in range(grid.n_bars)
        for step, velocity in hits(marks)
    ]
    gate = gates(notes, n_samples=n, sample_rate=rate, attack=0.003, fall=0.22, sustain=0.0, release=0.05)
    cutoff = 300.0 * 2.0 ** (2.5 * wave(n, n_cycles=1.0, phase=0.5) + 1.8 * gate)
    return np.asarray(sweep(y, cutoff, sample_rate=rate, resonance=2.0) * gate)


def _metal(grid: Grid, rng: np.random.Generator, tonic: int) -> np.ndarray:
    """Struck iron in a long-short pattern, and a low pulse on the tonic, (n,)."""
    rate = grid.sample_rate
    loop = Loop(grid.n_samples)
    plates = []
    for base in (210.0, 340.0, 560.0):
        freqs = base * np.sort(rng.uniform(1.0, 12.0, 26))
        gains, t60 = rng.uniform(0.3, 1.0, 26) / 6.0, rng.uniform(0.1, 0.5, 26)
        plate = modes(freqs, t60=t60, gains=gains, n_samples=round(0.45 * rate), sample_rate=rate)
        plates.append(ramps(drive(plate, 2.5), attack=0.001, release=0.2, sample_rate=rate))
    patterns = [euclid(5, 16, turn=int(rng.integers(4))), euclid(7, 16, turn=2, velocity=6), "......7.......6."]
    pulse_note = pulse(hertz(midi(near(tonic, 20))), n_samples=grid.step, sample_rate=rate)
    pulse_note = ramps(
        biquad(pulse_note, "lowpass", 500.0, sample_rate=rate), attack=0.003, release=0.06, sample_rate=rate
    )
    for bar in range(grid.n_bars):
        for index, (plate, pattern) in enumerate(zip(plates, patterns, strict=True)):
            if (bar // 2 + index) % 4 != 3:
                strike(loop, [plate], pattern, grid=grid, bar=bar, rng=rng, gain=0.32)
        strike(loop, [pulse_note], "..76..76..76.676", grid=grid, bar=bar, rng=rng, gain=0.7)
    return loop.audio[:, 0]


def _riser(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Noise that rises towards every eighth bar, (n,)."""
    n = grid.n_samples
    climb = (np.arange(n) % (8 * grid.bar)) / (8.0 * grid.bar)
    y = sweep(noise(n, rng=rng), 200.0 * 2.0 ** (5.0 * climb), sample_rate=grid.sample_rate, resonance=3.0)
    return np.asarray(y * climb.astype(np.float32) ** 2)


def techno(rng: np.random.Generator, *, sample_rate: int, style: str, tonic: int) -> np.ndarray:
    """Techno, float32 (n_samples, 2). style: acid, hypnotic or industrial; tonic: a MIDI number."""
    grid = Grid(sample_rate=sample_rate, units_per_beat=3, swing=0.05)
    beat, hat = Loop(grid.n_samples), Loop(grid.n_samples)
    dirt = {"acid": 1.6, "hypnotic": 1.2, "industrial": 3.0}[style]
    kick = drums.kick(sample_rate=sample_rate, rng=rng, f0_hz=KICK_HZ, dirt=dirt, t60=0.36)
    starts = _kicks(beat, grid, rng, kick, gain=0.8)
    _techno_hats(hat, grid, rng, clap=style != "hypnotic", ride=style == "hypnotic")
    dip = duck(grid.n_samples, starts, depth=0.75, length=round(0.8 * grid.beat))[:, None]
    hall = room(t60=1.6, sample_rate=sample_rate, rng=rng, damping=0.8)
    rumble = shape(
        reverb(beat.audio, hall, wet=0.9, dry=0.0), lambda f: lowpass_response(f, 120.0, 3), sample_rate=sample_rate
    )
    voice = {"acid": _acid, "hypnotic": _stabs, "industrial": _metal}[style](grid, rng, tonic)
    synth = Loop(grid.n_samples)
    synth.add(voice, 0, gain={"acid": 0.65, "hypnotic": 2.3, "industrial": 1.0}[style])
    synth.add(_riser(grid, rng), 0, gain=0.05)
    echo = ping_pong(
        synth.audio, delay=3 * grid.step, feedback=0.5, wet=0.35, sample_rate=sample_rate, tone_hz=(300.0, 4000.0)
    )
    space = room(t60=0.9, sample_rate=sample_rate, rng=rng, damping=0.6)
    mix = (
        0.75 * beat.audio
        + 0.5 * rumble * dip
        + (5.5 if style == "industrial" else 3.0) * reverb(hat.audio, space, wet=0.14)
        + dip * reverb(echo, space, wet=0.2)
    )
    return master(drive(mix, 0.7), sample_rate=sample_rate)


def _house_drums(beat: Loop, top: Loop, grid: Grid, rng: np.random.Generator) -> list[int]:
    rate = grid.sample_rate
    kick = drums.kick(sample_rate=rate, rng=rng, f0_hz=51.0, punch=3.0, t60=0.3, click=0.18, dirt=1.1)
    closed = variants(lambda: drums.hat(sample_rate=rate, rng=rng, t60=0.06, low_hz=8000.0, metal=0.4), 4)
    opened = variants(lambda: drums.hat(sample_rate=rate, rng=rng, t60=0.26, low_hz=6500.0), 3)
    claps = variants(lambda: drums.clap(sample_rate=rate, rng=rng, t60=0.22))
    shakers = variants(lambda: drums.shaker(sample_rate=rate, rng=rng), 4)
    congas = [drums.tom(sample_rate=rate, rng=rng, f0_hz=f0, t60=0.25) for f0 in (196.0, 262.0)]
    starts = _kicks(beat, grid, rng, kick, gain=0.7)
    for bar in range(grid.n_bars):
        strike(
            top,
            claps,
            "....8.......8..." if bar % 4 != 3 else "....8.......8..5",
            grid=grid,
            bar=bar,
            rng=rng,
            gain=0.36,
        )
        strike(top, opened, "..8...8...8...8.", grid=grid, bar=bar, rng=rng, gain=0.2, pan=0.15)
        closed_marks = ghosts(rng, "................", density=0.45, loudest=5)
        strike(top, closed, closed_marks, grid=grid, bar=bar, rng=rng, gain=0.15, pan=-0.2)
        strike(top, shakers, "4364436443644364", grid=grid, bar=bar, rng=rng, gain=0.1, pan=0.4, loose=0.002)
        strike(top, congas, "...5..6....5.64.", grid=grid, bar=bar, rng=rng, gain=0.16, pan=-0.4, loose=0.003)
    return starts


def _house_keys(grid: Grid, rng: np.random.Generator, *, keys: str, roots: tuple[int, ...]) -> np.ndarray:
    """Sevenths and ninths in syncopation, each chord led from the last, stereo."""
    loop, rate = Loop(grid.n_samples), grid.sample_rate
    start = tuple(near(degree, around) for degree, around in zip(chord(roots[0], 4), (33, 35, 37, 39), strict=True))
    chords = voicings(roots, size=5, start=sorted(start), low=30, high=43)
    marks = ["9..7..8...7..6..", "9..6...8..7...5.", "..8..7..9..6..7."][int(rng.integers(3))]
    for bar in range(grid.n_bars):
        for step, velocity in hits(marks):
            length = grid.step * (2.6 if velocity > 0.7 else 1.3) / rate
            for index, key in enumerate(chords[bar % 4]):
                f0, level = hertz(midi(key)), human(rng, 0.75 * velocity)
                if keys == "rhodes":
                    y = electric_piano(f0, length=length * 1.4, velocity=level, sample_rate=rate)
                elif keys == "piano":
                    y = piano(f0, length=length, velocity=level, sample_rate=rate, rng=rng)
                else:
                    y = organ(f0, length=length * 0.7, velocity=level, sample_rate=rate, rng=rng, bars="888804026")
                loop.add(y, grid.at(bar, step) + round(0.001 * index * rate), gain=0.25, pan=-0.3 + 0.2 * index)
    return loop.audio


def _house_bass(grid: Grid, rng: np.random.Generator, *, roots: tuple[int, ...]) -> np.ndarray:
    marks = ["..9..7....9..6.7", "..8...9...8..79.", "...8..9...8..6.9"][int(rng.integers(3))]
    notes = []
    for bar in range(grid.n_bars):
        root = near(roots[bar % 4], 19)
        for step, velocity in hits(marks):
            leap = int(rng.choice([0, 0, 0, 7, 4])) if step > 8 else 0
            notes.append(Note(grid.at(bar, step), round(1.1 * grid.step), midi(root + leap), velocity))
    n, rate = grid.n_samples, grid.sample_rate
    f0 = pitch_line(notes, n_samples=n, sample_rate=rate, glide=0.012)
    gate = gates(notes, n_samples=n, sample_rate=rate, attack=0.004, fall=0.8, sustain=0.3, release=0.04)
    y = sweep(saw(f0, n_samples=n, sample_rate=rate), 110.0 * 2.0 ** (2.6 * gate), sample_rate=rate, resonance=1.3)
    return np.asarray((0.6 * y + 0.7 * sine(f0, n_samples=n, sample_rate=rate)) * gate)


def house(rng: np.random.Generator, *, sample_rate: int, keys: str, tonic: int) -> np.ndarray:
    """House, float32 (n_samples, 2). keys: rhodes, piano or organ; tonic: a MIDI number."""
    grid = Grid(sample_rate=sample_rate, units_per_beat=3, swing=0.24)
    roots = PROGRESSIONS[tonic][int(rng.integers(4))]
    beat, top, low = Loop(grid.n_samples), Loop(grid.n_samples), Loop(grid.n_samples)
    starts = _house_drums(beat, top, grid, rng)
    dip = duck(grid.n_samples, starts, depth=0.5, length=round(0.7 * grid.beat))[:, None]
    low.add(_house_bass(grid, rng, roots=roots), 0, gain=0.38)
    chords = _house_keys(grid, rng, keys=keys, roots=roots)
    tremble = 0.75 + 0.25 * wander(grid.n_samples, n_points=16, rng=rng)[:, None]
    space = room(t60=1.3, sample_rate=sample_rate, rng=rng, damping=0.5)
    chords = ping_pong(
        chords, delay=3 * grid.step, feedback=0.35, wet=0.2, sample_rate=sample_rate, tone_hz=(400.0, 3500.0)
    )
    mix = 0.75 * beat.audio + dip * (low.audio + 1.75 * tremble * reverb(chords, space, wet=0.25))
    return master(drive(mix + 2.4 * reverb(top.audio, space, wet=0.12), 0.6), sample_rate=sample_rate)
