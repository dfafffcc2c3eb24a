"""Demiurge's query and playback, as published, for comparison.

Re-implemented from its description: librosa MFCCs with their deltas (39 columns, hop 1024 at 44.1 kHz), for each wanted
frame the nearest database frame by raw Euclidean distance, and slices joined by a linear crossfade of 22 ms. Its traits
are kept, the known defects too: slices start up to 11 ms early, so that 12 ms of each 23 ms frame are net; a match in
the first 22 ms of a file pastes the whole file. Where the original crashes (a slice shorter than the crossfade) the
slice is skipped, in its favour.
"""

from dataclasses import dataclass

import librosa
import numpy as np
from scipy.spatial.distance import cdist

from benchmarks.choice.seams import Join

SAMPLE_RATE = 44_100
HOP = 1024
CROSSFADE_MS = 22


@dataclass(frozen=True)
class Database:
    """Mono sources and, for each frame, its descriptors (n_frames, 39), source and first sample."""

    sources: list[np.ndarray]
    descriptors: np.ndarray
    source: np.ndarray
    sample: np.ndarray


def describe(y: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """(n_frames, 39): 13 MFCC, their deltas and delta-deltas, as raw as librosa gives them."""
    return with_deltas(librosa.feature.mfcc(y=y, sr=sample_rate, n_mfcc=13, hop_length=HOP).T)


def with_deltas(mfcc: np.ndarray) -> np.ndarray:
    """(n_frames, 13) -> (n_frames, 39)."""
    both = [mfcc.T, librosa.feature.delta(mfcc.T), librosa.feature.delta(mfcc.T, order=2)]
    return np.concatenate(both).T.astype(np.float32)


def database(sources: list[np.ndarray], *, sample_rate: int) -> Database:
    """The database of mono float32 signals; those of fewer than 9 frames are left out, as there."""
    kept = [y for y in sources if len(y) >= 9 * HOP]
    frames = [describe(y, sample_rate=sample_rate) for y in kept]
    return Database(
        sources=kept,
        descriptors=np.concatenate(frames),
        source=np.concatenate([np.full(len(f), i) for i, f in enumerate(frames)]),
        sample=np.concatenate([np.arange(len(f)) * HOP for f in frames]),
    )


def query(wanted: np.ndarray, found: Database) -> np.ndarray:
    """Index of the nearest database frame for each wanted one, (n_frames,)."""
    return np.concatenate([cdist(part, found.descriptors).argmin(axis=1) for part in np.array_split(wanted, 16)])


def play(chosen: np.ndarray, found: Database) -> tuple[np.ndarray, list[Join]]:
    """The joined slices, mono float32 (n_samples,), and their crossfades.

    Milliseconds are those of 44.1 kHz, also where the sources have another rate: at 48 kHz a frame would be shorter
    than its crossfade, and nothing would sound.
    """
    fade = int(CROSSFADE_MS * SAMPLE_RATE / 1000)
    down = np.linspace(1.0, 0.0, fade, dtype=np.float32)
    out = np.zeros(0, dtype=np.float32)
    joins: list[Join] = []
    last = (out, 0)  # recording that sounds, and where its slice ends
    for frame in chosen:
        y = found.sources[found.source[frame]]
        start_ms = int(found.sample[frame] * 1000 / SAMPLE_RATE)  # the original cuts in whole milliseconds
        start = start_ms * SAMPLE_RATE // 1000
        end = min(start + HOP, len(y))
        if not len(out):
            out = y[start:end].copy()
        elif start_ms < CROSSFADE_MS:
            joins.append(Join(len(out), 0, last, (y, 0)))
            out, end = np.concatenate([out, y]), len(y)
        else:
            piece = y[start - fade // 2 : end]
            if len(piece) < fade or len(out) < fade:
                continue
            joins.append(Join(len(out) - fade, fade, (last[0], last[1] - fade), (y, start - fade // 2)))
            mixed = out[-fade:] * down + piece[:fade] * down[::-1]
            out = np.concatenate([out[:-fade], mixed, piece[fade:]])
        last = (y, end)
    return out, joins
