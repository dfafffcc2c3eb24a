"""Sound descriptors of mono signals.

Pure numpy and scipy.fft: no file, no model, no thread. A signal is float32 in [-1, 1], shape (n_samples,). Descriptors
are float32, shape (n_frames, 43), columns DESCRIPTOR_NAMES. Frames are centred on multiples of the hop with zeros
beyond both ends, as in librosa 0.11, whose numbers these are (Demiurge's settings: 2048-sample Hann, 128 Slaney mels).
Every value is finite, for silence, DC and clipping too.
"""

from collections.abc import Iterator

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view

from liveseq.dsp.pitch import F0_MAX_HZ, F0_MIN_HZ, yin
from liveseq.dsp.spectral import frame, mel_power, power_spectrum
from liveseq.errors import SignalError

HOP_LENGTH = 1024
"""Samples from one frame to the next: 21.3 ms at 48 kHz."""
FRAME_LENGTH = 2048
"""Samples of one analysis window."""
N_MELS = 128
N_MFCC = 13
DELTA_WIDTH = 9
"""Frames under one delta: four before, four after."""

MFCC_NAMES: tuple[str, ...] = tuple(f"mfcc{i}" for i in range(3 * N_MFCC))
"""mfcc0..12 coefficients, mfcc13..25 their first and mfcc26..38 their second derivative per frame, as in Demiurge."""
DESCRIPTOR_NAMES: tuple[str, ...] = (*MFCC_NAMES, "loudness_db", "centroid_hz", "flatness", "f0_hz")
"""Columns that are stored per frame.

loudness_db: mean power of the frame in dBFS, -100 for silence, -3.01 for a full-scale sine.
centroid_hz: mean of the magnitude spectrum, 0 for silence. flatness: 0 (tone) to 1 (noise, and silence).
f0_hz: YIN between 50 and 2000 Hz; 0 where no pitch is heard (noise, DC, silence).
"""
BASE_NAMES: tuple[str, ...] = (*MFCC_NAMES[:N_MFCC], "loudness_db", "log_centroid", "flatness_db", "log_f0")
"""Columns of `base_descriptors`, on scales where equal steps sound about equal. A unit has mean and spread of each."""

_POWER_FLOOR = 1e-10  # librosa's amin: -100 dB
_CENTROID_FLOOR_HZ = 20.0
_F0_UNPITCHED_HZ = (F0_MIN_HZ * F0_MAX_HZ) ** 0.5  # the middle of the range: no pitch is far from no tone in particular
_N_RAW = N_MFCC + 4
_FRAMES_AT_ONCE = 64  # their spectra (0.5 MB each array) stay in cache; memory does not grow with the signal


def describe(
    y: np.ndarray, *, sample_rate: int, hop_length: int = HOP_LENGTH, top_db: float | None = None
) -> np.ndarray:
    """Descriptors of a whole signal.

    y: float32, shape (n_samples,), sample_rate in Hz, hop_length in samples (at most FRAME_LENGTH). top_db lifts mel
    bands that lie further than this below the signal's loudest one: 80 is librosa's default and Demiurge's setting;
    with None a frame does not depend on the rest of its file. Returns float32, (1 + n_samples // hop_length, 43).
    Raises SignalError if y is empty, not mono, or holds NaN or infinity, or for a hop out of range.
    """
    _check_hop(hop_length)
    _check(y)
    if y.size == 0:
        raise SignalError("a signal without samples has no descriptors")
    floor_db = -np.inf
    if top_db is not None:
        blocks = _blocks(y, hop_length=hop_length)
        floor_db = max(float(_log_mel(power_spectrum(b), sample_rate=sample_rate).max()) for b in blocks) - top_db
    raw = [_describe_frames(b, sample_rate=sample_rate, floor_db=floor_db) for b in _blocks(y, hop_length=hop_length)]
    return _with_deltas(np.concatenate(raw))


def base_descriptors(descriptors: np.ndarray) -> np.ndarray:
    """Base descriptors of frames, on even scales: float32 (n_frames, 43) -> float32 (n_frames, 17), columns BASE_NAMES.

    MFCC and loudness_db as they are; log_centroid and log_f0 in octaves (log2 of Hz), flatness_db in dB from 0 down to
    -100. A centroid below 20 Hz counts as 20 Hz; a frame without pitch counts as 316 Hz, the middle of YIN's range.
    """
    out = np.empty((len(descriptors), len(BASE_NAMES)), dtype=np.float32)
    out[:, :N_MFCC] = descriptors[:, :N_MFCC]
    loudness_db, centroid_hz, flatness, f0_hz = descriptors[:, len(MFCC_NAMES) :].T
    out[:, N_MFCC] = loudness_db
    out[:, N_MFCC + 1] = np.log2(np.maximum(centroid_hz, _CENTROID_FLOOR_HZ))
    out[:, N_MFCC + 2] = _db(flatness)
    out[:, N_MFCC + 3] = np.log2(np.where(f0_hz > 0, f0_hz, _F0_UNPITCHED_HZ))
    return out


class StreamingDescriptors:
    """Descriptors of a signal that is still going on, equal to describe() on the whole for every way of cutting it.

    A frame comes out when the samples under it and the four frames after it (for its deltas) are there: 107 ms
    after its centre at 48 kHz; the first four come with the fifth. One thread at a time.
    """

    def __init__(self, *, sample_rate: int, hop_length: int = HOP_LENGTH) -> None:
        """sample_rate in Hz, hop_length in samples. Raises SignalError for a hop out of range."""
        _check_hop(hop_length)
        self._sample_rate = sample_rate
        self._hop_length = hop_length
        self._reset()

    def _reset(self) -> None:
        self._samples = np.zeros(FRAME_LENGTH // 2, dtype=np.float32)  # from the start of the next frame
        self._raw = np.empty((0, _N_RAW), dtype=np.float32)  # frames that still count for a delta
        self._n_out = 0  # leading frames of _raw that came out already

    def push(self, y: np.ndarray) -> np.ndarray:
        """Take more samples, float32 (n_samples,); return the frames that are now complete, float32 (n_frames, 43).

        Raises SignalError if they are not mono, or hold NaN or infinity.
        """
        _check(y)
        self._take(y)
        if len(self._raw) < DELTA_WIDTH:
            return np.empty((0, len(DESCRIPTOR_NAMES)), dtype=np.float32)
        return self._out(len(self._raw) - DELTA_WIDTH // 2)

    def flush(self) -> np.ndarray:
        """End the signal: return its remaining frames, float32 (n_frames, 43), and be ready for another one."""
        if len(self._samples) > FRAME_LENGTH // 2 or len(self._raw):
            self._take(np.zeros(FRAME_LENGTH // 2, dtype=np.float32))
        out = self._out(len(self._raw))
        self._reset()
        return out

    def _take(self, y: np.ndarray) -> None:
        self._samples = np.concatenate((self._samples, y), dtype=np.float32)
        if len(self._samples) < FRAME_LENGTH:
            return
        frames = frame(self._samples, frame_length=FRAME_LENGTH, hop_length=self._hop_length)
        starts = range(0, len(frames), _FRAMES_AT_ONCE)
        raw = [_describe_frames(frames[i : i + _FRAMES_AT_ONCE], sample_rate=self._sample_rate) for i in starts]
        self._raw = np.concatenate((self._raw, *raw))
        self._samples = self._samples[len(frames) * self._hop_length :]

    def _out(self, end: int) -> np.ndarray:
        out = _with_deltas(self._raw)[self._n_out : end]
        kept = max(0, len(self._raw) - DELTA_WIDTH)  # the last nine hold every later delta, also at the end
        self._raw = self._raw[kept:]
        self._n_out = end - kept
        return out


def _check_hop(hop_length: int) -> None:
    if not 1 <= hop_length <= FRAME_LENGTH:
        raise SignalError(f"hop_length must be 1 to {FRAME_LENGTH} samples, got {hop_length}")


def _check(y: np.ndarray) -> None:
    if y.ndim != 1:
        raise SignalError(f"descriptors need a mono signal of shape (n_samples,), got {y.shape}; mix it down first")
    if not np.isfinite(y).all():
        raise SignalError(f"sample {int(np.argmin(np.isfinite(y)))} of the signal is not finite; clean it first")


def _blocks(y: np.ndarray, *, hop_length: int) -> Iterator[np.ndarray]:
    """Centred frames of y, some at a time: float32 (n, FRAME_LENGTH)."""
    n_frames = 1 + len(y) // hop_length
    for first in range(0, n_frames, _FRAMES_AT_ONCE):
        n = min(_FRAMES_AT_ONCE, n_frames - first)
        start = first * hop_length - FRAME_LENGTH // 2
        end = start + (n - 1) * hop_length + FRAME_LENGTH
        part = y[max(start, 0) : end].astype(np.float32)
        padded = np.pad(part, (max(-start, 0), max(end - len(y), 0)))
        yield frame(padded, frame_length=FRAME_LENGTH, hop_length=hop_length)


def _describe_frames(frames: np.ndarray, *, sample_rate: int, floor_db: float = -np.inf) -> np.ndarray:
    """MFCC, loudness, centroid, flatness and f0 of frames (n, FRAME_LENGTH): float32 (n, 17)."""
    power = power_spectrum(frames)
    log_mel = np.maximum(_log_mel(power, sample_rate=sample_rate), floor_db)
    out = np.empty((len(frames), _N_RAW), dtype=np.float32)
    out[:, :N_MFCC] = scipy.fft.dct(log_mel, norm="ortho", axis=-1)[:, :N_MFCC]
    out[:, N_MFCC] = _db(np.einsum("ij,ij->i", frames, frames) / FRAME_LENGTH)
    out[:, N_MFCC + 1] = _centroid(np.sqrt(power), sample_rate=sample_rate)
    out[:, N_MFCC + 2] = _flatness(power)
    out[:, N_MFCC + 3] = yin(frames, sample_rate=sample_rate)
    return out


def _db(power: np.ndarray) -> np.ndarray:
    return np.asarray(10.0 * np.log10(np.maximum(power, _POWER_FLOOR)))


def _log_mel(power: np.ndarray, *, sample_rate: int) -> np.ndarray:
    return _db(mel_power(power, sample_rate=sample_rate, n_mels=N_MELS))


def _centroid(magnitude: np.ndarray, *, sample_rate: int) -> np.ndarray:
    hz = np.arange(magnitude.shape[1], dtype=np.float32) * np.float32(sample_rate / FRAME_LENGTH)
    total = magnitude.sum(axis=1)
    return np.asarray(np.einsum("ij,j->i", magnitude, hz) / np.maximum(total, np.finfo(np.float32).tiny))


def _flatness(power: np.ndarray) -> np.ndarray:
    power = np.maximum(power, _POWER_FLOOR)
    return np.asarray(np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1))


# Savitzky-Golay, width 9: slope of the best line (per frame), second derivative of the best parabola (per frame^2).
_SLOPE = np.arange(-4, 5) / 60.0
_CURVATURE = np.array([28, 7, -8, -17, -20, -17, -8, 7, 28]) / 462.0
_DELTA_WEIGHTS = np.stack((_SLOPE, _CURVATURE), axis=1).astype(np.float32)  # (9, 2)


def _with_deltas(raw: np.ndarray) -> np.ndarray:
    """float32 (n_frames, 17) -> float32 (n_frames, 43).

    The line (or parabola) through the first nine frames holds for the first four too, and alike at the end: there a
    delta repeats its neighbour's (librosa's mode "interp"). With fewer than nine frames the last mfcc is held, where
    librosa raises: drum hits are that short.
    """
    n_frames = len(raw)
    out = np.empty((n_frames, len(DESCRIPTOR_NAMES)), dtype=np.float32)
    if n_frames == 0:
        return out
    mfcc = np.pad(raw[:, :N_MFCC], ((0, max(0, DELTA_WIDTH - n_frames)), (0, 0)), mode="edge")
    windows = sliding_window_view(mfcc, DELTA_WIDTH, axis=0)  # (n_frames - 8, 13, 9)
    deltas = np.einsum("nck,kd->ncd", windows, _DELTA_WEIGHTS)
    deltas = np.pad(deltas, ((4, 4), (0, 0), (0, 0)), mode="edge")[:n_frames]
    out[:, :N_MFCC] = raw[:, :N_MFCC]
    out[:, N_MFCC : 2 * N_MFCC] = deltas[:, :, 0]
    out[:, 2 * N_MFCC : 3 * N_MFCC] = deltas[:, :, 1]
    out[:, 3 * N_MFCC :] = raw[:, N_MFCC:]
    return out
