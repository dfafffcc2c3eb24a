"""Pitch of frames by YIN (de Cheveigné and Kawahara 2002), all frames at once.

The same variant as librosa.yin 0.11 (autocorrelation by FFT, trough threshold 0.1, else the deepest trough), so that
voiced frames give its numbers. librosa gives every frame a pitch; here noise and silence have none.
"""

import numpy as np
import scipy.fft

F0_MIN_HZ = 50.0
"""Lowest pitch looked for: two periods of it fit into 2048 samples at 48 kHz."""
F0_MAX_HZ = 2000.0
_TROUGH = 0.1
_VOICED = 0.5
"""Largest normalised difference of a pitched frame: at 48 kHz sines stay below 0.25, white noise above 0.75."""
_SILENT_POWER = 1e-10  # per sample: -100 dBFS, where loudness_db ends too


def yin(frames: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """Fundamental frequency of each frame.

    frames: float32, shape (n_frames, frame_length), without a window; sample_rate in Hz.
    Returns float32, shape (n_frames,), in Hz, 0 where no pitch is heard: the difference function is nowhere below 0.5.
    """
    frame_length = frames.shape[-1]
    shortest = max(1, int(sample_rate / F0_MAX_HZ))
    longest = min(int(np.ceil(sample_rate / F0_MIN_HZ)), frame_length - 1)
    difference = _normalised_difference(frames, longest)[:, shortest - 1 :]  # (n_frames, n_lags) from lag `shortest`
    chosen = _first_trough(difference)
    depth = np.take_along_axis(difference, chosen[:, None], axis=1)[:, 0]
    period = shortest + chosen + _parabolic_shift(difference, chosen)
    silent = np.einsum("ij,ij->i", frames, frames) <= _SILENT_POWER * frame_length
    return np.where((depth < _VOICED) & ~silent, sample_rate / period, 0.0).astype(np.float32)


def _normalised_difference(frames: np.ndarray, longest: int) -> np.ndarray:
    """Equation 8 of the paper, within the frame: float32 (n_frames, longest), for lags 1 to `longest`."""
    n_fft = scipy.fft.next_fast_len(2 * frames.shape[-1] - 1, real=True)
    spectrum = scipy.fft.rfft(frames, n=n_fft, axis=-1)
    autocorrelation = scipy.fft.irfft(spectrum.real**2 + spectrum.imag**2, n=n_fft, axis=-1)[:, : longest + 1]
    energy = np.cumsum(frames[:, :longest] ** 2, axis=-1)
    difference = 2 * (autocorrelation[:, :1] - autocorrelation[:, 1:]) - energy
    mean = np.cumsum(difference, axis=-1) / np.arange(1, longest + 1, dtype=np.float32)
    # Below one part in 10^7 of the energy float32 knows only noise, and a quotient of noise may overflow.
    return np.asarray(difference / np.maximum(mean, autocorrelation[:, :1] * 1e-7 + 1e-30))


def _first_trough(difference: np.ndarray) -> np.ndarray:
    """Index of the first local minimum below the threshold, else of the global minimum: (n_frames,)."""
    trough = np.empty(difference.shape, dtype=bool)
    trough[:, 1:-1] = (difference[:, 1:-1] < difference[:, :-2]) & (difference[:, 1:-1] <= difference[:, 2:])
    trough[:, 0] = difference[:, 0] < difference[:, 1]
    trough[:, -1] = difference[:, -1] < difference[:, -2]
    trough &= difference < _TROUGH
    first = trough.argmax(axis=1)
    found = np.take_along_axis(trough, first[:, None], axis=1)[:, 0]
    return np.asarray(np.where(found, first, difference.argmin(axis=1)))


def _parabolic_shift(difference: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Offset of the true minimum from the chosen lag, in lags within (-1, 1): (n_frames,)."""
    last = difference.shape[1] - 1
    rows = np.arange(len(chosen))
    before, here, after = (difference[rows, np.clip(chosen + step, 0, last)] for step in (-1, 0, 1))
    curvature = after + before - 2 * here
    slope = (after - before) / 2
    usable = (np.abs(slope) < np.abs(curvature)) & (chosen > 0) & (chosen < last)
    return np.where(usable, -slope / np.where(usable, curvature, 1.0), 0.0)
