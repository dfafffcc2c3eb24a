"""Instruments that play one note at a time into a short mono sound, float32 (n_samples,), peak about `velocity`.

Length and t60 are in seconds. Strings, pianos, bells and bars are banks of decaying modes (oscillators.modes) with the
ratios and dampings of the real thing.
"""

import numpy as np

from liveseq.demo.effects import biquad
from liveseq.demo.envelopes import decay, ramps
from liveseq.demo.oscillators import HIGHEST, cycles, modes, noise

BELLS: dict[str, tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]] = {
    # ratios to the strike note, gains, decays relative to the lowest partial's
    "church": (
        (0.5, 1.0, 1.2, 1.5, 2.0, 2.5, 2.667, 3.0, 4.0, 5.333, 6.67),
        (0.5, 0.9, 0.75, 0.35, 1.0, 0.35, 0.35, 0.4, 0.3, 0.2, 0.12),
        (1.0, 0.6, 0.55, 0.4, 0.35, 0.2, 0.18, 0.16, 0.12, 0.08, 0.06),
    ),
    "glockenspiel": ((1.0, 2.756, 5.404, 8.933), (1.0, 0.35, 0.18, 0.06), (1.0, 0.3, 0.12, 0.05)),
    "tubular": (
        (0.5, 1.0, 1.5, 2.0, 2.67, 3.0, 4.0, 5.0, 6.0),
        (0.15, 0.6, 0.5, 1.0, 0.25, 0.7, 0.45, 0.3, 0.15),
        (0.8, 1.0, 0.8, 0.7, 0.3, 0.5, 0.3, 0.2, 0.15),
    ),
    "bowl": ((1.0, 2.76, 5.15, 8.1, 11.6), (1.0, 0.55, 0.3, 0.12, 0.05), (1.0, 0.6, 0.35, 0.2, 0.1)),
    "vibraphone": ((1.0, 4.0, 10.0), (1.0, 0.28, 0.08), (1.0, 0.25, 0.06)),
}

WOOD_HZ = 170.0
"""Below this a sound board or a guitar's top radiates less and less."""


def _blow(
    y: np.ndarray,
    gain: float,
    *,
    kind: str,
    band_hz: float | tuple[float, float],
    t60: float,
    sample_rate: int,
    rng: np.random.Generator,
) -> None:
    """Add to the start of y the noise of what strikes or plucks it."""
    n_samples = min(len(y), round(1.3 * t60 * sample_rate))
    burst = noise(n_samples, rng=rng) * decay(n_samples, t60=t60, sample_rate=sample_rate)
    y[:n_samples] += gain * biquad(burst, kind, band_hz, sample_rate=sample_rate)


def bell(
    f0_hz: float,
    *,
    kind: str,
    t60: float,
    velocity: float,
    sample_rate: int,
    rng: np.random.Generator,
    major: bool = False,
) -> np.ndarray:
    """A struck bell or bar (n_samples,), each partial a pair that beats slowly. `major` tunes a church bell's third."""
    ratios, gains, decays = (np.array(row) for row in BELLS[kind])
    if major:
        ratios = np.where(ratios == 1.2, 1.25, ratios)
    freqs = f0_hz * ratios
    split = rng.uniform(0.1, 0.5, len(freqs)) * (0.3 if kind == "glockenspiel" else 1.0)
    soft = velocity ** (0.35 * np.log2(np.maximum(ratios, 1.0) + 1.0))  # a soft blow wakes fewer high partials
    n_samples = round(min(1.0 * t60, 7.0) * sample_rate)
    y = modes(
        np.concatenate([freqs - split, freqs + split]),
        t60=np.tile(t60 * decays, 2),
        gains=np.concatenate([gains * soft, 0.6 * gains * soft]) / 3.0,
        n_samples=n_samples,
        sample_rate=sample_rate,
    )
    _blow(
        y,
        0.12 * velocity,
        kind="highpass",
        band_hz=min(3.0 * f0_hz, 5000.0),
        t60=0.012,
        sample_rate=sample_rate,
        rng=rng,
    )
    return velocity * ramps(y, attack=0.001, release=0.15 * t60, sample_rate=sample_rate)


def pluck(
    f0_hz: float,
    *,
    length: float,
    velocity: float,
    sample_rate: int,
    rng: np.random.Generator,
    position: float = 0.18,
    brightness: float = 0.6,
    t60: float = 3.0,
    nail: float = 0.2,
) -> np.ndarray:
    """A string (n_samples,), plucked at `position` of its length, in two planes that die at their own rates."""
    n_partials = int(min(72, HIGHEST * sample_rate / f0_hz))
    k = np.arange(1, n_partials + 1)
    freqs = f0_hz * k * np.sqrt(1.0 + 6e-5 * k**2)
    gains = np.abs(np.sin(np.pi * k * position)) / k ** (1.6 - 0.8 * brightness) * velocity ** (0.12 * k**0.5)
    gains = gains / np.sqrt(1.0 + (WOOD_HZ / freqs) ** 2)
    ring = t60 * (220.0 / f0_hz) ** 0.35 / (1.0 + (freqs / (1200.0 + 3600.0 * brightness)) ** 1.1)
    n_samples = round(length * sample_rate)
    y = modes(
        np.concatenate([freqs, freqs * 1.0006]),
        t60=np.concatenate([ring, 0.35 * ring]),
        gains=np.concatenate([gains, 0.7 * gains]) / 2.5,
        n_samples=n_samples,
        sample_rate=sample_rate,
    )
    _blow(y, nail * velocity, kind="bandpass", band_hz=(700.0, 4500.0), t60=0.02, sample_rate=sample_rate, rng=rng)
    return velocity * ramps(y, attack=0.0008, release=min(0.08, 0.3 * length), sample_rate=sample_rate)


def piano(
    f0_hz: float, *, length: float, velocity: float, sample_rate: int, rng: np.random.Generator, felt: float = 0.0
) -> np.ndarray:
    """A piano note (n_samples,): three stiff strings, fast then slow decay, hammer, wood. felt: 0 to 1, mutes it."""
    n_partials = int(min(64, HIGHEST * sample_rate / f0_hz))
    k = np.arange(1, n_partials + 1)
    stiffness = 1.5e-4 * (f0_hz / 261.6) ** 1.4 + 5e-5
    freqs = f0_hz * k * np.sqrt(1.0 + stiffness * k**2)
    knee = (1600.0 - 900.0 * felt) * (0.35 + 1.3 * velocity)
    gains = (
        np.abs(np.sin(np.pi * k / 8.3)) ** 0.5
        / (1.0 + (freqs / knee) ** 2) ** 0.75
        / k**0.55
        / np.sqrt(1.0 + (WOOD_HZ / freqs) ** 2)
    )
    slow = 11.0 * (110.0 / f0_hz) ** 0.55 / (1.0 + (freqs / 1800.0) ** 0.9)
    n_samples = round(length * sample_rate)
    cents = rng.uniform(-0.9, 0.9, 3)
    y = modes(
        np.concatenate([freqs * 2.0 ** (c / 1200.0) for c in cents]),
        t60=np.concatenate([0.22 * slow, slow, 0.5 * slow]),
        gains=np.concatenate([1.2 * gains, 0.5 * gains, 0.6 * gains]) / 2.0,
        n_samples=n_samples,
        sample_rate=sample_rate,
    )
    knock = 0.12 * (1.0 - 0.4 * felt)
    _blow(y, knock, kind="bandpass", band_hz=(90.0, 1300.0), t60=0.05, sample_rate=sample_rate, rng=rng)
    return velocity * ramps(y, attack=0.0012 + 0.003 * felt, release=min(0.25, 0.4 * length), sample_rate=sample_rate)


def electric_piano(f0_hz: float, *, length: float, velocity: float, sample_rate: int, bark: float = 1.0) -> np.ndarray:
    """Tine piano (n_samples,) by frequency modulation: a body that darkens as it dies, and the tine's ping."""
    n_samples = round(length * sample_rate)
    turn = 2 * np.pi * cycles(f0_hz, n_samples=n_samples, sample_rate=sample_rate)
    index = bark * velocity * (0.3 + 1.2 * decay(n_samples, t60=0.9, sample_rate=sample_rate))
    y = np.sin(turn + index * np.sin(turn)) * decay(n_samples, t60=3.2, sample_rate=sample_rate)
    ping = np.sin(7.0 * turn) if 7.0 * f0_hz < HIGHEST * sample_rate else 0.0
    y = y + 0.1 * velocity * ping * decay(n_samples, t60=0.35, sample_rate=sample_rate)
    return velocity * ramps(
        y.astype(np.float32), attack=0.002, release=min(0.06, 0.4 * length), sample_rate=sample_rate
    )


def organ(
    f0_hz: float, *, length: float, velocity: float, sample_rate: int, rng: np.random.Generator, bars: str = "888400002"
) -> np.ndarray:
    """Drawbar organ (n_samples,): nine steady partials and a click. bars: 0 to 8 for 16', 5 1/3', 8', 4', ... 1'."""
    ratios = np.array([0.5, 1.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0])
    pulled = np.array([int(digit) for digit in bars], dtype=np.float64)
    n_samples = round(length * sample_rate)
    y = modes(
        f0_hz * ratios,
        t60=np.full(9, 1e6),
        gains=np.where(pulled > 0, 10.0 ** (-3.0 * (8.0 - pulled) / 20.0), 0.0) / 4.0,
        phases=rng.uniform(0, 2 * np.pi, 9),
        n_samples=n_samples,
        sample_rate=sample_rate,
    )
    y += 0.2 * noise(n_samples, rng=rng) * decay(n_samples, t60=0.012, sample_rate=sample_rate)
    return velocity * ramps(y, attack=0.003, release=min(0.02, 0.3 * length), sample_rate=sample_rate)


def body(rng: np.random.Generator, *, sample_rate: int, lowest_hz: float) -> np.ndarray:
    """Impulse response of a wooden body, float32 (n_samples, 2): a dozen resonances and a little wood."""
    n = round(0.12 * sample_rate)
    sides = []
    freqs = lowest_hz * np.array([1.0, 1.95, 2.5, 3.9, 4.6, 5.8, 7.7, 9.9, 12.5, 16.0, 21.0])
    for _ in range(2):
        gains = rng.uniform(0.4, 1.0, len(freqs)) / np.arange(1, len(freqs) + 1) ** 0.25
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
