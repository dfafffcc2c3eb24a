"""Sounds without attacks: drones, pads and choirs."""

import numpy as np

from liveseq.demo.effects import (
    chorus,
    drive,
    highpass_response,
    lowpass_response,
    master,
    reverb,
    room,
    shape,
    sweep,
    vary,
)
from liveseq.demo.envelopes import pitch_line, ramps, wander
from liveseq.demo.grid import Grid, Loop, Note
from liveseq.demo.harmony import PROGRESSIONS, hertz, midi, near, voicings
from liveseq.demo.oscillators import coloured, saw, sine, spread


def _swept(
    y: np.ndarray, rng: np.random.Generator, *, low_hz: float, octaves: float, n_points: int, rate: int
) -> np.ndarray:
    """Stereo through a filter that wanders, each side its own way."""
    curves = [low_hz * 2.0 ** (octaves * wander(len(y), n_points=n_points, rng=rng)) for _ in range(2)]
    return np.stack([sweep(y[:, i], curve, sample_rate=rate, resonance=1.6) for i, curve in enumerate(curves)], axis=1)


def whole(f0_hz: float, n_samples: int, sample_rate: int) -> float:
    """The nearest frequency, in Hz, with a whole number of cycles in the loop, so that it goes on without a step."""
    return round(f0_hz * n_samples / sample_rate) * sample_rate / n_samples


def _partials(rng: np.random.Generator, *, f0_hz: float, n_partials: int, n_samples: int, rate: int) -> np.ndarray:
    """Harmonics that come and go one by one, each in its own place, stereo."""
    loop = Loop(n_samples)
    for k in range(2, n_partials + 2):
        y = sine(
            whole(k * f0_hz * (1.0 + 0.0006 * rng.standard_normal()), n_samples, rate),
            n_samples=n_samples,
            sample_rate=rate,
        )
        gain = wander(n_samples, n_points=int(rng.integers(5, 11)), rng=rng) ** 2.5 / k**0.75
        loop.add(y * gain, 0, pan=float(rng.uniform(-0.8, 0.8)) if k * f0_hz > 150.0 else 0.0)
    return loop.audio


def drone(rng: np.random.Generator, *, sample_rate: int, style: str, tonic: int) -> np.ndarray:
    """One pitch that never moves, though all inside it does: float32 (n_samples, 2). style: dark, overtones or grit."""
    grid = Grid(sample_rate=sample_rate, units_per_beat=4)
    n, root = grid.n_samples, near(tonic, 19)
    octave = root
    k = np.arange(1, 40)
    gains = 1.0 / k ** {"dark": 1.2, "overtones": 1.1, "grit": 0.9}[style]
    y = np.zeros((n, 2), dtype=np.float32)
    for key, level in ((octave, 1.0), (octave + 4, 0.4), (octave + 7, 0.35)):
        y += level * spread(hertz(midi(key)), gains=gains, cents=7.0, n_samples=n, sample_rate=sample_rate, rng=rng)
    if style == "grit":
        y = drive(0.5 * y, 2.5)
    low, octaves = {"dark": (170.0, 2.6), "overtones": (200.0, 2.4), "grit": (200.0, 2.8)}[style]
    y = _swept(y, rng, low_hz=low, octaves=octaves, n_points=9, rate=sample_rate)
    level = {"dark": 0.7, "overtones": 1.0, "grit": 0.6}[style]
    y += level * _partials(rng, f0_hz=hertz(midi(octave)), n_partials=16, n_samples=n, rate=sample_rate)
    wind = np.stack([coloured(n, rng=rng, slope_db=-5.0) for _ in range(2)], axis=1)
    y += 0.1 * _swept(wind, rng, low_hz=200.0, octaves=2.0, n_points=7, rate=sample_rate)
    y += (
        0.5
        * (
            sine(whole(hertz(midi(root)), n, sample_rate), n_samples=n, sample_rate=sample_rate)
            * (0.6 + 0.4 * wander(n, n_points=11, rng=rng))
        )[:, None]
    )
    cave = room(t60=5.0, sample_rate=sample_rate, rng=rng, damping=0.7)
    return master(reverb(y, cave, wet=0.5, dry=0.8), sample_rate=sample_rate)


def _chords(
    grid: Grid, rng: np.random.Generator, chords: list[tuple[int, ...]], *, gains: np.ndarray, cents: float, bars: int
) -> np.ndarray:
    """Ensemble chords that melt into each other, `bars` bars each, stereo."""
    loop, rate = Loop(grid.n_samples), grid.sample_rate
    length, overlap = bars * grid.bar, round(0.9 * rate)
    for index, start in enumerate(range(0, grid.n_samples, length)):
        for voice, key in enumerate(chords[index % len(chords)]):
            y = spread(
                hertz(midi(key)), gains=gains, cents=cents, n_samples=length + overlap, sample_rate=rate, rng=rng
            )
            y = ramps(y, attack=0.9, release=1.2, sample_rate=rate)
            loop.add(y, start - overlap // 2, gain=0.2 if voice else 0.26)
    return loop.audio


def pads(rng: np.random.Generator, *, sample_rate: int, style: str, tonic: int) -> np.ndarray:
    """Pads, float32 (n_samples, 2). style: warm (analogue), glass (high and airy) or strings; tonic: a MIDI number."""
    grid = Grid(sample_rate=sample_rate, units_per_beat=4)
    roots = PROGRESSIONS[tonic][int(rng.integers(4))]
    around = {"warm": 33, "glass": 36, "strings": 34}[style]
    start = (around - 9, around - 3, around, around + 2, around + 4)
    chords = voicings(roots, size=4, start=start, low=around - 10, high=around + 7, bass=True)
    k = np.arange(1, 36)
    gains = {
        "warm": 1.0 / k,
        "glass": np.where(k % 2 == 1, 1.0, 0.35) / k**1.4,
        "strings": 1.0 / k**0.9 / (1 + (k / 14.0) ** 2),
    }
    y = _chords(
        grid, rng, chords, gains=gains[style], cents={"warm": 9.0, "glass": 16.0, "strings": 22.0}[style], bars=2
    )
    low, octaves = {"warm": (700.0, 2.4), "glass": (900.0, 2.2), "strings": (900.0, 2.2)}[style]
    y = _swept(y, rng, low_hz=low, octaves=octaves, n_points=6, rate=sample_rate)
    y = chorus(y, depth=0.004, n_cycles=7, sample_rate=sample_rate)
    if style == "glass":
        y += 0.6 * shape(
            _chords(
                grid, rng, [tuple(key + 7 for key in c[2:]) for c in chords], gains=gains["glass"], cents=10.0, bars=2
            ),
            lambda f: 0.25 * highpass_response(f, 900.0),
            sample_rate=sample_rate,
        )
    hall = room(t60=3.2, sample_rate=sample_rate, rng=rng, damping=0.4)
    return master(reverb(y, hall, wet=0.4), sample_rate=sample_rate)


VOWELS: dict[str, tuple[tuple[float, float, float], ...]] = {
    # formants of a singer: frequency in Hz, gain, bandwidth in Hz
    "ah": ((700.0, 1.0, 110.0), (1150.0, 0.6, 120.0), (2800.0, 0.4, 200.0), (3400.0, 0.25, 250.0)),
    "oh": ((450.0, 1.0, 90.0), (800.0, 0.5, 100.0), (2750.0, 0.3, 200.0), (3300.0, 0.2, 250.0)),
    "oo": ((330.0, 1.0, 80.0), (650.0, 0.3, 90.0), (2600.0, 0.22, 200.0), (3200.0, 0.15, 250.0)),
    "eh": ((530.0, 1.0, 100.0), (1750.0, 0.4, 140.0), (2600.0, 0.25, 200.0), (3400.0, 0.16, 250.0)),
    "mm": ((260.0, 1.0, 80.0), (900.0, 0.04, 150.0), (2400.0, 0.12, 200.0), (3000.0, 0.08, 250.0)),
}


def _throat(y: np.ndarray, vowels: list[str], *, size: float, rate: int) -> np.ndarray:
    """Mono through a mouth that goes through the vowels in turn; size above 1 is a smaller head (higher formants)."""
    table = np.array([VOWELS[vowel] for vowel in vowels])  # (n_vowels, formants, 3)

    def response(f_hz: np.ndarray, at: np.ndarray) -> np.ndarray:
        where = at * (len(vowels) / len(y))
        index, part = where.astype(np.int64), where % 1.0
        blend = np.clip((part - 0.75) / 0.25, 0.0, 1.0)[:, None, None]
        now = table[index] * (1 - blend) + table[(index + 1) % len(vowels)] * blend  # (n_frames, formants, 3)
        gain = 0.01 + np.zeros((len(at), f_hz.shape[1]))
        for formant in range(now.shape[1]):
            centre, level, width = (now[:, formant, i][:, None] for i in range(3))
            gain += level / (1.0 + ((f_hz - centre * size) / width) ** 2)
        return gain

    return vary(y, response, sample_rate=rate)


def _section(grid: Grid, rng: np.random.Generator, keys: list[int], *, n_singers: int, length: int) -> np.ndarray:
    """One part sung by several people: own tuning, own vibrato, own moment of changing the note; mono."""
    n, rate = grid.n_samples, grid.sample_rate
    y = np.zeros(n, dtype=np.float32)
    t = np.arange(n, dtype=np.float32) / rate
    for _ in range(n_singers):
        notes = []
        for index, start in enumerate(range(0, n, length)):
            early = start - round(rng.uniform(0.0, 0.09) * rate) if index else 0
            notes.append(Note(early, length + rate, midi(keys[index % len(keys)]) + 0.07 * rng.standard_normal()))
        f0 = pitch_line(notes, n_samples=n, sample_rate=rate, glide=float(rng.uniform(0.06, 0.14)))
        vibrato = np.sin(2 * np.pi * (rng.uniform(4.8, 5.9) * t + rng.random() + 0.6 * wander(n, n_points=30, rng=rng)))
        depth = 0.006 + 0.009 * wander(n, n_points=23, rng=rng)
        drift = 0.004 * (wander(n, n_points=60, rng=rng) - 0.5)
        y += saw(
            (f0 * (1.0 + depth * vibrato + drift)).astype(np.float32),
            n_samples=n,
            sample_rate=rate,
            start=float(rng.random()),
        )
    breath = (
        0.02
        * n_singers**0.5
        * shape(coloured(n, rng=rng, slope_db=-1.5), lambda f: highpass_response(f, 500.0), sample_rate=rate)
    )
    tilt = shape(y / n_singers**0.5, lambda f: lowpass_response(f, 900.0, 1), sample_rate=rate)
    return np.asarray(tilt + breath, dtype=np.float32)


def choir(rng: np.random.Generator, *, sample_rate: int, style: str, tonic: int) -> np.ndarray:
    """A choir, float32 (n_samples, 2). style: full (four parts, ah, oh), monks (low, oo, mm) or altos (ah, eh)."""
    grid = Grid(sample_rate=sample_rate, units_per_beat=4)
    n, length = grid.n_samples, 2 * grid.bar
    roots = PROGRESSIONS[tonic][int(rng.integers(4))]
    start = {"full": (23, 30, 33, 37), "monks": (23, 28, 31), "altos": (30, 33, 37)}[style]
    chords = voicings(roots, size=3, start=start, low=start[0] - 3, high=start[-1] + 4, bass=style == "full")
    vowels = {
        "full": ["ah", "oh", "ah", "eh"],
        "monks": ["oo", "oh", "mm", "oh"],
        "altos": ["oo", "ah", "eh", "ah"],
    }[style]
    loop = Loop(n)
    for part in range(len(start)):
        sung = _section(grid, rng, [voicing[part] for voicing in chords], n_singers=5, length=length)
        y = _throat(sung, vowels, size=0.9 + 0.012 * (start[part] - 20), rate=sample_rate)
        swell = 0.55 + 0.45 * np.sin(np.pi * ((np.arange(n) % length) / length)).astype(np.float32) ** 0.7
        y = y * swell / np.sqrt(np.mean(y**2))
        breathed = ramps(y, attack=0.25, release=0.35, sample_rate=sample_rate)  # the end of the loop: they breathe
        loop.add(breathed, 0, gain=0.3, pan=-0.55 + 1.1 * part / (len(start) - 1))
    church = room(t60=3.4, sample_rate=sample_rate, rng=rng, damping=0.5, predelay=0.03)
    return master(reverb(loop.audio, church, wet=0.45), sample_rate=sample_rate)
