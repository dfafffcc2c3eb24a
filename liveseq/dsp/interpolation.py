"""Signals at places between their samples: windowed-sinc interpolation, for sound that is played faster or slower.

Pure numpy. Smith & Gossett, "A flexible sampling-rate conversion method", ICASSP 1984: a table of a Kaiser-windowed
sinc at PHASES places between two samples, and a straight line between its entries. What is read depends on the place
alone, not on what else is read with it, so that a rendering is the same for every block size, bit for bit.

Played faster, a recording would hold more than the output's sample rate can: the cutoff comes down with the ratio, in
semitones, and from 2 on the sinc is twice as long. Sines come out 88 dB and more above the error, up to 15 kHz.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from liveseq.errors import SignalError

PHASES = 512
N_TAPS = 32
LEAST_RATIO, GREATEST_RATIO = 0.25, 4.0
_BETA = 9.0  # of the Kaiser window: a stop band 90 dB down, and a transition of 9 kHz at 48 kHz around the cutoff
_STEPS_PER_OCTAVE = 12
# Number of taps -> the steps by which its cutoffs come down.
_STEPS = {N_TAPS: range(_STEPS_PER_OCTAVE + 1), 2 * N_TAPS: range(_STEPS_PER_OCTAVE + 1, 2 * _STEPS_PER_OCTAVE + 1)}
_AT_A_TIME = 512  # places: what is gathered for them stays in the cache


@dataclass(frozen=True, slots=True)
class Kernel:
    """A windowed sinc to read with."""

    n_taps: int
    first_row: int
    """Row in the tables of all kernels with as many taps."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Part of a signal to read from: around it is silence."""

    audio: np.ndarray
    """float32 (n_samples, n_channels)."""
    start: int
    """First sample that may be read."""
    end: int
    """One past the last."""
    kernel: Kernel


def prepare() -> None:
    """Make the tables (5 MB, 20 ms), so that they are not made while sound depends on them."""
    for n_taps in _STEPS:
        _tables(n_taps)


def kernel(ratio: float) -> Kernel:
    """The kernel for reading at `ratio` samples of source per sample of output.

    Raises SignalError where the ratio is not between LEAST_RATIO and GREATEST_RATIO.
    """
    if not LEAST_RATIO <= ratio <= GREATEST_RATIO:
        raise SignalError(f"ratio: expected {LEAST_RATIO:g} to {GREATEST_RATIO:g}, found {ratio}")
    step = max(0, math.ceil(_STEPS_PER_OCTAVE * math.log2(ratio) - 1e-9))
    n_taps = next(n_taps for n_taps, steps in _STEPS.items() if step in steps)
    return Kernel(n_taps, _STEPS[n_taps].index(step) * PHASES)


def interpolate(excerpts: Sequence[Excerpt], *, origins: Sequence[int], offsets: np.ndarray) -> np.ndarray:
    """The signal of each excerpt at its places `origin + offsets`, float32 (n_excerpts, n, n_channels).

    offsets: float64 (n_excerpts, n), rising along n: samples, apart from the origins, which may be so large that
    fractions would suffer. The kernels of all excerpts have as many taps, and their audio as many channels.
    """
    n_taps = excerpts[0].kernel.n_taps
    floors = np.floor(offsets)
    phases = (offsets - floors) * PHASES
    rows = phases.astype(np.intp)
    phases -= rows
    places = floors.astype(np.intp)
    parts, begin = [], 0
    for n, excerpt in enumerate(excerpts):
        rows[n] += excerpt.kernel.first_row
        first = int(places[n, 0])
        part = _around(excerpt, origins[n] + first, int(places[n, -1]) - first, n_taps=n_taps)
        places[n] += begin - first
        begin += part.shape[1]
        parts.append(part)
    signal = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)  # (n_channels, begin)
    windows = np.lib.stride_tricks.as_strided(
        signal, shape=(len(signal), begin - n_taps + 1, n_taps), strides=(*signal.strides, signal.strides[1])
    )
    found = np.empty((offsets.size, len(signal)), dtype=np.float32)
    tables, sequence = _tables(n_taps), (places.reshape(-1), rows.reshape(-1), phases.reshape(-1, 1))
    for begin in range(0, len(found), _AT_A_TIME):
        place, row, phase = (values[begin : begin + _AT_A_TIME] for values in sequence)
        sinc = np.take(tables[1], row, axis=0, mode="clip")  # (n, n_taps)
        sinc *= phase.astype(np.float32)
        sinc += np.take(tables[0], row, axis=0, mode="clip")
        np.einsum("cnk,nk->nc", windows[:, place], sinc, out=found[begin : begin + _AT_A_TIME])
    return found.reshape(*offsets.shape, -1)


def _around(excerpt: Excerpt, first: int, way: int, *, n_taps: int) -> np.ndarray:
    """Samples under the kernel from `first` to `way` samples further on: float32 (n_channels, way + n_taps)."""
    low = first - (n_taps // 2 - 1)
    n = way + n_taps
    begin, stop = max(low, excerpt.start), min(low + n, excerpt.end)
    if stop - begin == n:
        return np.ascontiguousarray(excerpt.audio[begin:stop].T)
    around = np.zeros((excerpt.audio.shape[1], n), dtype=np.float32)
    if stop > begin:
        around[:, begin - low : stop - low] = excerpt.audio[begin:stop].T
    return around


@cache
def _tables(n_taps: int) -> np.ndarray:
    """For every cutoff and every phase, the sinc, and the way to the next phase: float32 (2, n_rows, n_taps)."""
    places = np.arange(n_taps) - (n_taps // 2 - 1) - np.linspace(0.0, 1.0, PHASES + 1)[:, np.newaxis]
    inside = np.maximum(1.0 - np.square(2.0 * places / n_taps), 0.0)
    window = np.i0(_BETA * np.sqrt(inside)) / np.i0(_BETA)
    tables = np.empty((2, len(_STEPS[n_taps]), PHASES, n_taps), dtype=np.float32)
    for row, step in enumerate(_STEPS[n_taps]):
        taps = np.sinc(places * 2.0 ** (-step / _STEPS_PER_OCTAVE)) * window
        taps /= taps.sum(axis=1, keepdims=True)  # a constant stays as it is at every phase
        tables[0, row] = taps[:-1]
        tables[1, row] = np.diff(taps, axis=0)
    return tables.reshape(2, -1, n_taps)
