"""Frames, power spectra and mel filters.

Pure numpy and scipy.fft: no file, no state, no thread. The conventions are librosa's (periodic Hann window, Slaney mel
scale), so that numbers can be compared; librosa itself is not imported, because live processes call this.
"""

from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view

from liveseq.errors import SignalError


def frame(y: np.ndarray, *, frame_length: int, hop_length: int) -> np.ndarray:
    """Overlapping windows of a signal, as a read-only view.

    y: float32, shape (n_samples,); frame_length and hop_length in samples.
    Returns float32, shape (n_frames, frame_length), n_frames = 1 + (n_samples - frame_length) // hop_length.
    Raises SignalError if y is shorter than one frame.

    >>> frame(np.arange(6), frame_length=4, hop_length=2)
    array([[0, 1, 2, 3],
           [2, 3, 4, 5]])
    """
    if len(y) < frame_length:
        raise SignalError(f"a signal of {len(y)} samples is shorter than one frame of {frame_length}; pad it")
    return sliding_window_view(y, frame_length)[::hop_length]


def power_spectrum(frames: np.ndarray) -> np.ndarray:
    """Power of each frequency bin under a periodic Hann window.

    frames: float32, shape (n_frames, frame_length). Returns float32, shape (n_frames, 1 + frame_length // 2).
    """
    # In float64: what a loud sine leaks in float32 lies above the -100 dB floor of the mel bands, so in every MFCC.
    spectrum = scipy.fft.rfft(frames * _hann(frames.shape[-1]), axis=-1)
    return np.asarray(spectrum.real**2 + spectrum.imag**2, dtype=np.float32)


@lru_cache(maxsize=8)
def _hann(n: int) -> np.ndarray:
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n))


@lru_cache(maxsize=8)
def mel_edges(*, n_mels: int, f_min: float, f_max: float) -> tuple[float, ...]:
    """Edges in Hz of n_mels bands that are even on the Slaney mel scale: n_mels + 2, see `triangular_filterbank`."""
    edges = _mel_to_hz(np.linspace(_hz_to_mel(f_min), _hz_to_mel(f_max), n_mels + 2))
    return tuple(edges.tolist())


@lru_cache(maxsize=8)
def triangular_filterbank(edges: tuple[float, ...], *, sample_rate: int, n_fft: int) -> np.ndarray:
    """Triangular filters of equal area, each from an edge in Hz over the next one, its peak, to the one after that.

    Returns float32, shape (n_bands, 1 + n_fft // 2), n_bands = len(edges) - 2, read-only; equal to librosa.filters.mel
    for `mel_edges`.
    """
    bins = np.arange(1 + n_fft // 2) * (sample_rate / n_fft)
    hz = np.array(edges)
    widths = np.diff(hz)
    ramps = hz[:, None] - bins  # (n_bands + 2, n_bins)
    rising = -ramps[:-2] / widths[:-1, None]
    falling = ramps[2:] / widths[1:, None]
    area = 2.0 / (hz[2:] - hz[:-2])
    filters = np.asarray(np.maximum(0.0, np.minimum(rising, falling)) * area[:, None], dtype=np.float32)
    filters.setflags(write=False)
    return filters


def mel_filterbank(
    *, sample_rate: int, n_fft: int, n_mels: int, f_min: float = 0.0, f_max: float | None = None
) -> np.ndarray:
    """Triangular filters on the Slaney mel scale from f_min to f_max.

    f_min, f_max in Hz; None: half the sample rate. Returns float32, shape (n_mels, 1 + n_fft // 2), read-only; equal to
    librosa.filters.mel.
    """
    edges = mel_edges(n_mels=n_mels, f_min=f_min, f_max=sample_rate / 2 if f_max is None else f_max)
    return triangular_filterbank(edges, sample_rate=sample_rate, n_fft=n_fft)


def band_power(power: np.ndarray, edges: tuple[float, ...], *, sample_rate: int) -> np.ndarray:
    """Power in each triangular band: the product with triangular_filterbank, over its few entries that are not zero.

    power: float32, shape (n_frames, n_bins). Returns float32, shape (n_frames, n_bands). Without BLAS on purpose: its
    threads spin beside the audio, and its sums differ in the last bits with the number of frames.
    """
    weights, bins, starts, empty = _entries(edges, sample_rate=sample_rate, n_fft=2 * (power.shape[1] - 1))
    out = np.add.reduceat(power[:, bins] * weights, starts, axis=1)
    out[:, empty] = 0.0  # between two bins: narrower than a bin at high sample rates
    return np.asarray(out)


def mel_power(
    power: np.ndarray, *, sample_rate: int, n_mels: int, f_min: float = 0.0, f_max: float | None = None
) -> np.ndarray:
    """Power in each mel band: float32, (n_frames, n_bins) -> (n_frames, n_mels), see `band_power`."""
    edges = mel_edges(n_mels=n_mels, f_min=f_min, f_max=sample_rate / 2 if f_max is None else f_max)
    return band_power(power, edges, sample_rate=sample_rate)


@lru_cache(maxsize=8)
def _entries(
    edges: tuple[float, ...], *, sample_rate: int, n_fft: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Entries of the filterbank row by row: weights, their bins, first entry of each row, which rows are empty."""
    filters = triangular_filterbank(edges, sample_rate=sample_rate, n_fft=n_fft)
    rows, bins = np.nonzero(filters)
    starts = np.minimum(np.searchsorted(rows, np.arange(len(filters))), len(rows) - 1)
    empty = np.flatnonzero(filters.max(axis=1) == 0.0)
    return filters[rows, bins], bins, starts, empty


# Slaney's Auditory Toolbox: 200/3 Hz per mel up to 1 kHz, then 27 mels per factor of 6.4.
_HZ_PER_MEL = 200.0 / 3.0
_LOG_FROM_HZ = 1000.0
_LOG_FROM_MEL = _LOG_FROM_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


def _hz_to_mel(hz: float) -> float:
    if hz < _LOG_FROM_HZ:
        return hz / _HZ_PER_MEL
    return float(_LOG_FROM_MEL + np.log(hz / _LOG_FROM_HZ) / _LOG_STEP)


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    logarithmic = _LOG_FROM_HZ * np.exp(_LOG_STEP * (mel - _LOG_FROM_MEL))
    return np.asarray(np.where(mel < _LOG_FROM_MEL, mel * _HZ_PER_MEL, logarithmic))
