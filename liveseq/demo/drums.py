"""Drums, each a short mono sound, float32 (n_samples,), of velocity 1 that starts at its first sample.

Call one again with the same generator for a second hit that is not a copy of the first.
"""

import numpy as np

from liveseq.demo.effects import biquad, drive
from liveseq.demo.envelopes import decay, ramps
from liveseq.demo.oscillators import cycles, modes, noise


def _finish(y: np.ndarray, *, sample_rate: int, attack: float = 0.0003, release: float = 0.02) -> np.ndarray:
    """Peak 1 and clean ends."""
    y = ramps(y, attack=attack, release=release, sample_rate=sample_rate)
    return np.asarray(y / np.max(np.abs(y)), dtype=np.float32)


def kick(
    *,
    sample_rate: int,
    rng: np.random.Generator,
    f0_hz: float = 50.0,
    punch: float = 4.0,
    t60: float = 0.45,
    click: float = 0.25,
    dirt: float = 1.5,
) -> np.ndarray:
    """Bass drum (n_samples,): a sine that falls from f0 * (1 + punch) to f0, and the beater. t60 in seconds."""
    n_samples = round(t60 * 0.9 * sample_rate)
    t = np.arange(n_samples) / sample_rate
    falling = f0_hz * (1.0 + punch * np.exp(-t / 0.022) + 1.6 * punch * np.exp(-t / 0.004))
    body = np.sin(2 * np.pi * cycles(falling, n_samples=n_samples, sample_rate=sample_rate))
    body *= np.minimum(1.0, np.exp(-(t - 0.04) * 6.9 / t60))
    beater = noise(n_samples, rng=rng) * decay(n_samples, t60=0.025, sample_rate=sample_rate)
    beater = biquad(beater, "bandpass", (1200.0, 6000.0), sample_rate=sample_rate)
    return _finish(drive((body + click * beater).astype(np.float32) * dirt, 1.0), sample_rate=sample_rate, release=0.06)


def snare(
    *, sample_rate: int, rng: np.random.Generator, f0_hz: float = 185.0, wires: float = 1.0, t60: float = 0.28
) -> np.ndarray:
    """Snare drum (n_samples,): the head's modes, which fall a little in pitch, and the wires."""
    n_samples = round(1.1 * t60 * sample_rate)
    ratios = np.array([1.0, 1.59, 1.78, 2.14, 2.3, 2.65, 2.92, 3.5, 4.06])
    freqs = f0_hz * ratios * rng.uniform(0.99, 1.01, len(ratios))
    head = modes(
        freqs,
        t60=t60 * 0.75 / ratios**0.6,
        gains=ratios**-0.9 * rng.uniform(0.7, 1.3, len(ratios)),
        n_samples=n_samples,
        sample_rate=sample_rate,
    )
    thump = np.sin(
        2
        * np.pi
        * cycles(
            f0_hz * (1 + 1.2 * decay(n_samples, t60=0.04, sample_rate=sample_rate)),
            n_samples=n_samples,
            sample_rate=sample_rate,
        )
    )
    thump = thump * decay(n_samples, t60=0.11, sample_rate=sample_rate)
    hiss = noise(n_samples, rng=rng)
    bright = biquad(hiss, "highpass", 4200.0, sample_rate=sample_rate) * decay(
        n_samples, t60=t60, sample_rate=sample_rate
    )
    rattle = biquad(hiss, "bandpass", (1300.0, 5200.0), sample_rate=sample_rate)
    rattle *= decay(n_samples, t60=t60 * 0.7, sample_rate=sample_rate)
    return _finish(
        drive(0.3 * head + 0.6 * thump + wires * (0.55 * bright + 0.9 * rattle), 1.2), sample_rate=sample_rate
    )


def hat(
    *, sample_rate: int, rng: np.random.Generator, t60: float = 0.09, low_hz: float = 6500.0, metal: float = 0.6
) -> np.ndarray:
    """Hi-hat (n_samples,): dense metal partials and air. Closed with a t60 of 0.06 to 0.1 s, open with 0.4."""
    n_samples = round(1.05 * t60 * sample_rate) + 256
    freqs = np.sort(rng.uniform(2800.0, 15_000.0, 70))
    ring = modes(
        freqs,
        t60=t60 * rng.uniform(0.6, 1.2, 70),
        gains=rng.uniform(0.4, 1.0, 70) / 8.0,
        phases=rng.uniform(0, 2 * np.pi, 70),
        n_samples=n_samples,
        sample_rate=sample_rate,
    )
    air = noise(n_samples, rng=rng) * decay(n_samples, t60=t60 * 0.9, sample_rate=sample_rate)
    stick = noise(n_samples, rng=rng) * decay(n_samples, t60=0.012, sample_rate=sample_rate)
    y = biquad(metal * ring + (1.0 - metal) * air + 0.3 * stick, "highpass", low_hz, sample_rate=sample_rate)
    return _finish(y, sample_rate=sample_rate, release=0.02)


def cymbal(*, sample_rate: int, rng: np.random.Generator, t60: float = 1.6, bell: float = 0.3) -> np.ndarray:
    """Ride (with bell) or crash (long, without), (n_samples,): 160 partials, the high ones die first. t60 in s."""
    n_samples = round(t60 * sample_rate)
    freqs = np.sort(np.exp(rng.uniform(np.log(420.0), np.log(14_500.0), 160)))
    wash = modes(
        freqs,
        t60=t60 * rng.uniform(0.5, 1.0, 160) * (freqs / 420.0) ** -0.25,
        gains=rng.uniform(0.3, 1.0, 160) * np.clip(freqs / 5000.0, 0.08, 1.0),
        phases=rng.uniform(0, 2 * np.pi, 160),
        n_samples=n_samples,
        sample_rate=sample_rate,
    )
    ping = modes(
        np.array([612.0, 1270.0, 2190.0, 3325.0, 4870.0]),
        t60=np.array([0.5, 0.45, 0.4, 0.3, 0.2]) * t60,
        gains=np.array([0.5, 0.8, 1.0, 1.0, 0.7]) * 9.0 * bell,
        n_samples=n_samples,
        sample_rate=sample_rate,
    )
    stick = 14.0 * noise(n_samples, rng=rng) * decay(n_samples, t60=0.02, sample_rate=sample_rate)
    y = biquad(wash + ping + stick, "highpass", 500.0, sample_rate=sample_rate)
    return _finish(y, sample_rate=sample_rate, release=0.3 * t60)


def clap(*, sample_rate: int, rng: np.random.Generator, t60: float = 0.25) -> np.ndarray:
    """Hands (n_samples,): four bursts a hundredth of a second apart, and the room they are in."""
    n_samples = round(1.2 * t60 * sample_rate)
    envelope = 0.5 * decay(n_samples, t60=t60, sample_rate=sample_rate)
    for start in (0.0, 0.0105, 0.0198, 0.0302):
        first = round(start * rng.uniform(0.95, 1.05) * sample_rate)
        envelope[first:] += decay(n_samples - first, t60=0.022, sample_rate=sample_rate)
    y = biquad(noise(n_samples, rng=rng) * envelope, "bandpass", (900.0, 2600.0), sample_rate=sample_rate)
    return _finish(drive(y, 1.5), sample_rate=sample_rate)


def rim(*, sample_rate: int, rng: np.random.Generator, f0_hz: float = 480.0) -> np.ndarray:
    """Rim shot (n_samples,), or a wood block at higher f0."""
    ratios = np.array([1.0, 1.73, 3.56, 5.31, 7.9])
    y = modes(
        f0_hz * ratios * rng.uniform(0.995, 1.005, 5),
        t60=np.array([0.09, 0.07, 0.05, 0.035, 0.02]),
        gains=np.array([0.6, 1.0, 0.9, 0.5, 0.4]),
        n_samples=round(0.12 * sample_rate),
        sample_rate=sample_rate,
    )
    snap = noise(len(y), rng=rng) * decay(len(y), t60=0.008, sample_rate=sample_rate)
    return _finish(y + 0.5 * snap, sample_rate=sample_rate)


def tom(*, sample_rate: int, rng: np.random.Generator, f0_hz: float, t60: float = 0.5, slap: float = 0.3) -> np.ndarray:
    """Tom, conga or tabla-like drum (n_samples,): a membrane whose pitch sinks as it rests, and the hand on it."""
    n_samples = round(t60 * sample_rate)
    y = np.zeros(n_samples, dtype=np.float32)
    bend = 1.0 + 0.18 * decay(n_samples, t60=0.12, sample_rate=sample_rate)
    for ratio, gain in ((1.0, 1.0), (1.59, 0.45), (2.14, 0.3), (2.3, 0.2), (2.92, 0.12)):
        phase = cycles(f0_hz * ratio * bend, n_samples=n_samples, sample_rate=sample_rate)
        y += gain * np.sin(2 * np.pi * phase) * decay(n_samples, t60=t60 / ratio**1.5, sample_rate=sample_rate)
    hand = biquad(noise(n_samples, rng=rng), "bandpass", (800.0, 5000.0), sample_rate=sample_rate)
    return _finish(y + slap * hand * decay(n_samples, t60=0.04, sample_rate=sample_rate), sample_rate=sample_rate)


def shaker(*, sample_rate: int, rng: np.random.Generator, length: float = 0.09) -> np.ndarray:
    """Shaker (n_samples,): the beads swell, then hit. length in seconds."""
    n_samples = round(length * sample_rate)
    t = np.linspace(0.0, 1.0, n_samples, dtype=np.float32)
    y = biquad(noise(n_samples, rng=rng), "bandpass", (5000.0, 11_000.0), sample_rate=sample_rate)
    return _finish(y * np.minimum((t / 0.35) ** 2, np.exp(-5.0 * (t - 0.35))), sample_rate=sample_rate)
