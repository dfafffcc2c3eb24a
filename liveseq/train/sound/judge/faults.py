"""Faults that a listener would call broken: silence, clipping, DC, a whistle, pulsing, a loop that is stuck."""

from typing import Any

import numpy as np
import scipy.ndimage
import scipy.signal

from liveseq.dsp.loudness import integrated_loudness

LUFS = (-40.0, -10.0)
CREST_DB = (3.0, 30.0)
MAX_DC = 1e-3
CLIPPED = 0.999
STUCK = 0.98
"""Autocorrelation of ten seconds at some lag beyond which they count as a loop that is stuck."""
STUCK_SECONDS = 10.0
STUCK_LAGS = (0.05, 5.0)
"""Seconds."""
_HIT_HOP = 0.01
"""Seconds; a hit is as loud as two of them are in the mean."""


def faults(audio: np.ndarray, *, sample_rate: int) -> dict[str, float]:
    """Numbers of one take, float32 (n_samples, n_channels), by name."""
    power = float(np.mean(np.square(audio, dtype=np.float64)))
    peak = float(np.abs(audio).max(initial=0.0))
    return {
        "lufs": integrated_loudness(audio, sample_rate=sample_rate),
        "crest_db": 20.0 * float(np.log10(max(peak, 1e-9) / max(power, 1e-18) ** 0.5)),
        "dc": float(np.abs(audio.mean(axis=0)).max()),
        "clipped": float((np.abs(audio) >= CLIPPED).mean()),
        "stuck": stuck(audio.mean(axis=1), sample_rate=sample_rate),
        "width_db": width_db(audio),
    }


def gates(found: dict[str, float]) -> list[str]:
    """Faults of a take in words, by its numbers; none where it is sound."""
    wrong = []
    if not np.isfinite(list(found.values())).all():
        wrong.append("not finite")
    if not LUFS[0] <= found["lufs"] <= LUFS[1]:
        wrong.append(f"{found['lufs']:.0f} LUFS")
    if not CREST_DB[0] <= found["crest_db"] <= CREST_DB[1]:
        wrong.append(f"crest {found['crest_db']:.0f} dB")
    if found["dc"] > MAX_DC:
        wrong.append(f"DC {found['dc']:.4f}")
    if found["clipped"] > 1e-4:
        wrong.append(f"{found['clipped']:.2%} clipped")
    return wrong


def stuck(y: np.ndarray, *, sample_rate: int) -> float:
    """Share of stretches of ten seconds that repeat themselves to 98 % at some lag. y: float32 (n_samples,)."""
    n = int(STUCK_SECONDS * sample_rate)
    first, last = (int(seconds * sample_rate) for seconds in STUCK_LAGS)
    pieces = y[: len(y) // n * n].reshape(-1, n).astype(np.float64)
    found = [_repeats(piece, first=first, last=last) for piece in pieces]
    return float(np.mean(found)) if found else 0.0


def _repeats(piece: np.ndarray, *, first: int, last: int) -> bool:
    piece = piece - piece.mean()
    products = scipy.signal.fftconvolve(piece, piece[::-1])[len(piece) - 1 :]  # (n,): lag 0, 1 ...
    energy = np.concatenate(([0.0], np.cumsum(piece**2)))
    lags = np.arange(first, last)
    both = np.sqrt(energy[len(piece) - lags] * (energy[-1] - energy[lags]))
    return bool((products[lags] / np.maximum(both, 1e-9) >= STUCK).any())


def hit_db(audio: np.ndarray, *, sample_rate: int) -> float:
    """Level of the loudest 20 ms above the take's, float32 (n_samples, n_channels), in dB. A short take has 0."""
    n = int(_HIT_HOP * sample_rate)
    blocks = np.square(audio[: len(audio) // n * n], dtype=np.float64).reshape(-1, n * audio.shape[1]).mean(axis=1)
    if len(blocks) < 2:
        return 0.0
    loudest = (0.5 * (blocks[1:] + blocks[:-1])).max()
    return 10.0 * float(np.log10((loudest + 1e-12) / (blocks.mean() + 1e-12)))


def width_db(audio: np.ndarray) -> float:
    """Level of the side beside the mid, in dB, of audio (n_samples, n_channels); -60 or less is mono."""
    if audio.shape[1] == 1:
        return -100.0
    mid, side = audio.sum(axis=1), audio[:, 0] - audio[:, 1]
    return 10.0 * float(np.log10((np.mean(side**2) + 1e-12) / (np.mean(mid**2) + 1e-12)))


def whistle_db(takes: list[np.ndarray], *, sample_rate: int) -> float:
    """The largest narrow line that all takes share, above its surroundings, in dB. Music has few, a bad decoder has.

    takes: float32 (n_samples, n_channels) each, of different tags.
    """
    lines = [_excess(take.mean(axis=1), sample_rate=sample_rate) for take in takes]
    return float(np.median(lines, axis=0).max())


def _excess(y: np.ndarray, *, sample_rate: int) -> np.ndarray:
    _, power = scipy.signal.welch(y, fs=sample_rate, nperseg=4096)
    level = 10.0 * np.log10(power + 1e-14)
    excess = np.asarray(level - scipy.ndimage.median_filter(level, size=41))
    return excess[40:]  # from 470 Hz on: below, music has lines


def pulsing_db(audio: np.ndarray, rate_hz: float, *, sample_rate: int) -> float:
    """Rise of the envelope's spectrum at a rate in Hz above its surroundings, in dB; audio: (n_samples, n_channels)."""
    hop = sample_rate // 200
    mono = audio.mean(axis=1)
    envelope = np.log(np.sqrt(np.mean(mono[: len(mono) // hop * hop].reshape(-1, hop) ** 2, axis=1)) + 1e-5)
    frequencies, power = scipy.signal.welch(
        np.diff(envelope), fs=sample_rate / hop, nperseg=min(1024, len(envelope) - 1)
    )
    there = np.abs(frequencies - rate_hz) <= 2 * frequencies[1]
    near = (np.abs(frequencies / rate_hz - 1.0) < 0.4) & ~there
    return 10.0 * float(np.log10((power[there].max() + 1e-12) / (np.median(power[near]) + 1e-12)))


def summary(takes: dict[str, np.ndarray], *, sample_rate: int, rates_hz: tuple[float, ...]) -> dict[str, Any]:
    """Medians over the takes of all tags, (n_samples, n_channels) each; faults by tag; whistle and pulsing."""
    found = {tag: faults(take, sample_rate=sample_rate) for tag, take in takes.items()}
    medians = {key: float(np.median([each[key] for each in found.values()])) for key in next(iter(found.values()))}
    pulses = [[pulsing_db(take, rate, sample_rate=sample_rate) for rate in rates_hz] for take in takes.values()]
    return medians | {
        "wrong": {tag: wrong for tag, each in found.items() if (wrong := gates(each))},
        "whistle_db": whistle_db(list(takes.values()), sample_rate=sample_rate),
        "pulsing_db": float(np.median(pulses, axis=0).max()),
    }
