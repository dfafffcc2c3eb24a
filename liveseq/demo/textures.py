"""Noise that means something: wind, rain, sea and grains; and glitch, its urban cousin."""

import numpy as np

from liveseq.demo import drums
from liveseq.demo.effects import biquad, highpass_response, master, ping_pong, reverb, room, shape, vary
from liveseq.demo.envelopes import decay, ramps, wander
from liveseq.demo.grid import Grid, Loop, chance
from liveseq.demo.harmony import hertz, midi
from liveseq.demo.oscillators import coloured, cycles, modes, noise, pulse
from liveseq.demo.rhythm import euclid, ghosts, hits


def _wind(rng: np.random.Generator, *, n: int, rate: int) -> np.ndarray:
    """Gusts: noise through resonances that rise with the force of the wind, each side its own air."""
    force = wander(n, n_points=9, rng=rng) * 0.75 + 0.25 * wander(n, n_points=31, rng=rng)
    sides = []
    for _ in range(2):
        centres = [
            base * 2.0 ** (1.0 * force + 0.5 * wander(n, n_points=17, rng=rng)) for base in (260.0, 470.0, 900.0)
        ]

        def whistle(f_hz: np.ndarray, at: np.ndarray, centres: list[np.ndarray] = centres) -> np.ndarray:
            gain = 0.25 / (1.0 + (f_hz / 350.0) ** 2)
            for centre, level, q in zip(centres, (1.0, 0.7, 0.35), (5.0, 9.0, 14.0), strict=True):
                c = centre[at][:, None]
                gain = gain + level / (1.0 + (q * (f_hz / c - c / np.maximum(f_hz, 1.0))) ** 2)
            return np.asarray(gain)

        gusts = vary(coloured(n, rng=rng, slope_db=-3.0), whistle, sample_rate=rate) * (0.12 + force**1.6)
        leaves = shape(noise(n, rng=rng), lambda f: highpass_response(f, 2500.0), sample_rate=rate)
        sides.append(gusts + 0.03 * leaves * (0.3 + force**2))
    return np.stack(sides, axis=1)


def _rain(rng: np.random.Generator, *, n: int, rate: int) -> np.ndarray:
    """Thousands of drops, near and far, on leaves and in puddles, over the hush of those too far to tell apart."""
    loop = Loop(n)
    drops = []
    for _ in range(40):
        f0, t60 = float(np.exp(rng.uniform(np.log(900.0), np.log(7500.0)))), float(rng.uniform(0.008, 0.03))
        size = round(1.2 * t60 * rate) + 64
        tick = noise(size, rng=rng) * decay(size, t60=0.6 * t60, sample_rate=rate)
        tone = modes(
            np.array([f0, 1.7 * f0]),
            t60=np.array([t60, 0.6 * t60]),
            gains=np.array([1.0, 0.5]),
            n_samples=size,
            sample_rate=rate,
        )
        drops.append(ramps(0.6 * tick + tone, attack=0.0004, release=0.005, sample_rate=rate))
    density = 0.5 + wander(n, n_points=7, rng=rng)
    for start in rng.integers(n, size=round(700 * n / rate)):
        if rng.random() < density[start] / 1.5:
            level = float(np.exp(0.9 * rng.standard_normal())) * 0.06
            loop.add(drops[int(rng.integers(40))], int(start), gain=min(level, 0.22), pan=float(rng.uniform(-1, 1)))
    hush = np.stack([coloured(n, rng=rng, slope_db=-1.0) for _ in range(2)], axis=1)
    hush = shape(hush, lambda f: highpass_response(f, 700.0, 1), sample_rate=rate)
    return loop.audio + 0.028 * hush * density[:, None]


def _sea(rng: np.random.Generator, *, n: int, rate: int) -> np.ndarray:
    """Waves that gather, break and run out; the foam hisses after the blow."""
    sides, n_waves = [], max(2, round(n / rate / 6.0))
    for _ in range(2):
        turn = (np.arange(n) * (n_waves / n) + 0.12 * wander(n, n_points=5, rng=rng) + 0.35) % 1.0
        run_out = (np.exp(-(turn - 0.45) * 5.0) - np.exp(-2.75)) / (1.0 - np.exp(-2.75))
        swell = np.where(turn < 0.45, (turn / 0.45) ** 2.5, run_out)
        swell = np.asarray(0.25 + 0.75 * swell + 0.08 * wander(n, n_points=90, rng=rng), dtype=np.float32)

        def surf(f_hz: np.ndarray, at: np.ndarray, swell: np.ndarray = swell) -> np.ndarray:
            corner = 250.0 * 2.0 ** (4.6 * swell[at][:, None] ** 0.7)
            return np.asarray(swell[at][:, None] ** 1.2 / (1.0 + (f_hz / corner) ** 2))

        foam = shape(noise(n, rng=rng), lambda f: highpass_response(f, 2500.0), sample_rate=rate)
        sides.append(vary(coloured(n, rng=rng, slope_db=-2.5), surf, sample_rate=rate) + 0.025 * foam * (0.4 + swell))
    return np.stack(sides, axis=1)


def _grains(rng: np.random.Generator, *, n: int, rate: int) -> np.ndarray:
    """A cloud of short grains of glass and breath on the white keys, thick and thin by turns."""
    loop = Loop(n)
    density = wander(n, n_points=9, rng=rng)
    height = wander(n, n_points=6, rng=rng)
    for start in rng.integers(n, size=round(170 * n / rate)):
        if rng.random() > 0.25 + 0.75 * density[start]:
            continue
        size = round(rng.uniform(0.015, 0.09) * rate)
        key = 38 + int(24 * height[start]) + int(rng.integers(-7, 8))
        grain = 0.5 * np.sin(2 * np.pi * cycles(hertz(midi(key)), n_samples=size, sample_rate=rate)).astype(np.float32)
        grain += 0.35 * biquad(noise(size, rng=rng), "bandpass", (1500.0, 9000.0), sample_rate=rate)
        window = np.sin(np.linspace(0, np.pi, size, dtype=np.float32)) ** 2
        loop.add(grain * window, int(start), gain=float(rng.uniform(0.1, 0.5)), pan=float(rng.uniform(-1, 1)))
    dust = np.stack([coloured(n, rng=rng, slope_db=-2.0) for _ in range(2)], axis=1)
    return loop.audio + 0.03 * dust * (0.4 + density[:, None])


def texture(rng: np.random.Generator, *, sample_rate: int, style: str) -> np.ndarray:
    """A texture, float32 (n_samples, 2). style: wind, rain, sea or grains."""
    n = Grid(sample_rate=sample_rate, units_per_beat=4).n_samples
    y = {"wind": _wind, "rain": _rain, "sea": _sea, "grains": _grains}[style](rng, n=n, rate=sample_rate)
    air = room(t60=2.5 if style == "grains" else 1.0, sample_rate=sample_rate, rng=rng, damping=0.3)
    return master(reverb(y, air, wet=0.25), sample_rate=sample_rate)


def _crush(y: np.ndarray, *, bits: int, hold: int) -> np.ndarray:
    """Few bits and few samples: here the aliasing is the point."""
    held = np.repeat(y[::hold], hold)[: len(y)]
    return np.asarray(np.round(held * 2.0**bits) / 2.0**bits, dtype=np.float32)


def _shards(rng: np.random.Generator, *, rate: int) -> list[np.ndarray]:
    """The vocabulary of a piece: clicks, blips, chirps, crushed tones, bursts of data."""
    shards = []
    for kind in range(28):
        size = round(rng.uniform(0.006, 0.07) * rate)
        t = np.arange(size) / rate
        f0 = hertz(midi(int(rng.integers(35, 66))))
        if kind % 5 == 0:
            y = noise(size, rng=rng) * decay(size, t60=0.012, sample_rate=rate)
        elif kind % 5 == 1:
            y = np.sin(2 * np.pi * f0 * t) * decay(size, t60=0.05, sample_rate=rate)
        elif kind % 5 == 2:
            chirp = f0 * 2.0 ** (float(rng.choice([-3.0, 2.0, 3.0])) * t / t[-1])
            y = np.sin(2 * np.pi * cycles(np.minimum(chirp, 0.4 * rate), n_samples=size, sample_rate=rate))
        elif kind % 5 == 3:
            y = _crush(
                pulse(f0, n_samples=size, sample_rate=rate), bits=2, hold=int(rng.integers(3, 12)) * rate // 48_000 or 1
            )
        else:
            y = np.repeat(rng.choice([-1.0, 1.0], size // 24 + 1), 24)[:size]  # a modem
        y = ramps(np.asarray(y, dtype=np.float32), attack=0.0003, release=0.003, sample_rate=rate)
        shards.append(y * min(1.0 / np.max(np.abs(y)), 0.3 / np.sqrt(np.mean(y**2))))  # data is loud
    return shards


def _stutter(loop: Loop, rng: np.random.Generator, shard: np.ndarray, start: int, *, length: int, pan: float) -> None:
    """One shard again and again, faster or slower, louder or softer, across the field."""
    n_repeats = int(rng.choice([6, 8, 12, 16]))
    bend = float(rng.choice([0.7, 1.0, 1.0, 1.5]))
    fade = float(rng.choice([-0.7, 0.0, 0.6]))
    for i in range(n_repeats):
        part = i / n_repeats
        loop.add(
            shard, start + round(length * part**bend), gain=0.4 * (1.0 + fade * (part - 0.5)), pan=pan * (1 - 2 * part)
        )


def glitch(rng: np.random.Generator, *, sample_rate: int, density: float, n_pulses: int) -> np.ndarray:
    """Broken machines in strict time, float32 (n_samples, 2): shards in an uneven ring of n_pulses, stutters, holes."""
    grid = Grid(sample_rate=sample_rate, units_per_beat=3)
    loop, shards = Loop(grid.n_samples), _shards(rng, rate=sample_rate)
    thump = drums.kick(sample_rate=sample_rate, rng=rng, f0_hz=55.0, punch=6.0, t60=0.16, click=0.5)
    lines = [
        (euclid(n, 16, turn=int(rng.integers(8))), int(rng.integers(28)), float(rng.uniform(-0.9, 0.9)))
        for n in (n_pulses, 5, 7, 3)
    ]
    for bar in range(grid.n_bars):
        for line, (pattern, voice, pan) in enumerate(lines):
            for step, velocity in hits(ghosts(rng, pattern, density=0.3 * density)):
                shard = shards[voice if chance(rng, 0.7) else int(rng.integers(28))]
                if chance(rng, 0.55 + 0.45 * density):
                    loop.add(shard, grid.at(bar, step), gain=0.5 * velocity / (1 + 0.3 * line), pan=pan)
        for step, velocity in hits(["9.....8...7.....", "9..8......8....."][bar % 2]):
            loop.add(thump, grid.at(bar, step), gain=0.6 * velocity)
        for _ in range(int(rng.integers(1, 4))):
            start = grid.at(bar, int(rng.choice([2, 4, 6, 8, 10, 12])))
            _stutter(
                loop,
                rng,
                shards[int(rng.integers(28))],
                start,
                length=int(rng.choice([2, 4])) * grid.step,
                pan=float(rng.uniform(-1, 1)),
            )
        if bar == 0:
            loop.add(shards[0], 0, gain=0.5)
    y = ping_pong(
        loop.audio, delay=grid.step * 5, feedback=0.4, wet=0.12, sample_rate=sample_rate, tone_hz=(600.0, 8000.0)
    )
    box = room(t60=0.25, sample_rate=sample_rate, rng=rng, damping=0.3, predelay=0.001)
    return master(reverb(y, box, wet=0.12), sample_rate=sample_rate)
