"""Envelopes: decays, gates, slow wandering, duck curves. float32 (n_samples,)."""

from collections.abc import Sequence

import numpy as np

from liveseq.demo.grid import Note
from liveseq.demo.oscillators import LOG_60_DB


def decay(n_samples: int, *, t60: float, sample_rate: int) -> np.ndarray:
    """Exponential fall from 1, -60 dB after t60 seconds: (n_samples,)."""
    rate = np.float32(-LOG_60_DB / (t60 * sample_rate))
    return np.asarray(np.exp(np.arange(n_samples, dtype=np.float32) * rate))


def ramps(y: np.ndarray, *, attack: float, release: float, sample_rate: int) -> np.ndarray:
    """y (n, ...) with raised-cosine ends of `attack` and `release` seconds, so that neither end clicks."""
    n_samples = y.shape[0]
    n_in, n_out = (min(n_samples, max(2, round(s * sample_rate))) for s in (attack, release))
    gain = np.ones(n_samples, dtype=np.float32)
    gain[:n_in] *= np.sin(np.linspace(0, np.pi / 2, n_in, dtype=np.float32)) ** 2
    gain[n_samples - n_out :] *= np.cos(np.linspace(0, np.pi / 2, n_out, dtype=np.float32)) ** 2
    return y * (gain if y.ndim == 1 else gain[:, None])


def wander(n_samples: int, *, n_points: int, rng: np.random.Generator) -> np.ndarray:
    """Slow random curve (n_samples,) in [0, 1] through n_points levels; it ends where it starts: pieces are loops."""
    levels = rng.permutation(np.linspace(0.0, 1.0, n_points))
    levels = np.append(levels, levels[0])
    n_coarse = 64 * n_points  # smooth enough to be joined by straight lines
    left, part = np.divmod(np.arange(n_coarse + 1), 64)
    blend = 0.5 - 0.5 * np.cos(np.pi * part / 64)
    coarse = levels[left] * (1 - blend) + levels[np.minimum(left + 1, n_points)] * blend
    at = np.arange(n_samples) * (n_coarse / n_samples)
    return np.asarray(np.interp(at, np.arange(n_coarse + 1), coarse), dtype=np.float32)


def wave(n_samples: int, *, n_cycles: float, phase: float = 0.0) -> np.ndarray:
    """Slow cosine (n_samples,) in [0, 1], n_cycles over the whole length, its top at `phase` cycles."""
    turn = np.arange(n_samples) * (n_cycles / n_samples) - phase
    return np.asarray(0.5 + 0.5 * np.cos(2 * np.pi * turn), dtype=np.float32)


def duck(n_samples: int, hits: Sequence[int], *, depth: float, length: int) -> np.ndarray:
    """Gain (n_samples,) that dips by `depth` at every hit, in samples, and is back after `length`: a side chain."""
    gain = np.ones(n_samples, dtype=np.float32)
    shape = (1.0 - depth * (0.5 + 0.5 * np.cos(np.linspace(0, np.pi, length))) ** 1.5).astype(np.float32)
    rise = min(length, 96)
    for hit in hits:
        end = min(n_samples, hit + length)
        gain[hit:end] = np.minimum(gain[hit:end], shape[: end - hit])
        start = max(0, hit - rise)  # down before the hit, not at it: a step would click
        gain[start:hit] = np.minimum(gain[start:hit], np.linspace(1.0, 1.0 - depth, hit - start, dtype=np.float32))
    return gain


def pitch_line(notes: Sequence[Note], *, n_samples: int, sample_rate: int, glide: float) -> np.ndarray:
    """Frequency in Hz of a one-voice line at every sample, (n_samples,).

    It slides for `glide` seconds into a note that touches the one before.
    """
    midi = np.full(n_samples, notes[0].pitch, dtype=np.float32)
    n_glide = max(1, round(glide * sample_rate))
    for earlier, note in zip([notes[0], *notes], notes, strict=False):
        midi[note.start :] = note.pitch
        if earlier.start + earlier.length >= note.start:
            curve = np.linspace(earlier.pitch, note.pitch, n_glide, dtype=np.float32)
            midi[note.start : note.start + n_glide] = curve[: max(0, n_samples - note.start)]
    return np.asarray(440.0 * 2.0 ** ((midi - 69.0) / 12.0), dtype=np.float32)


def gates(
    notes: Sequence[Note],
    *,
    n_samples: int,
    sample_rate: int,
    attack: float,
    fall: float,
    sustain: float,
    release: float,
) -> np.ndarray:
    """Gain (n_samples,) of a one-voice line: attack, decay (t60 `fall`) to `sustain`, release, scaled by velocity.

    Times in seconds. No step anywhere: a note that is cut short by the next releases in its last samples.
    """
    gain = np.zeros(n_samples, dtype=np.float32)
    following = [note.start for note in notes[1:]] + [n_samples]
    for note, end in zip(notes, following, strict=True):
        n_tail = round(release * sample_rate)
        length = min(note.length + n_tail, end - note.start, n_samples - note.start)
        if length <= 2:
            continue
        shape = sustain + (1.0 - sustain) * decay(length, t60=fall, sample_rate=sample_rate)
        n_release = min(n_tail, length) / sample_rate
        gain[note.start : note.start + length] = note.velocity * ramps(
            shape, attack=attack, release=n_release, sample_rate=sample_rate
        )
    return gain
