"""Sound out of magnitude frames alone, as they come: phases that are found and not learned.

RTISI-LA (Zhu, Beauregard and Wyse 2007): real-time iterative spectrogram inversion with look-ahead. A frame begins with
the phases that its overlap with what is settled suggests; a few iterations of Griffin and Lim refine it together with
the frames that follow, and then it is settled. It needs no training, so it is what is left where no vocoder fits. Mel
frames become magnitudes first, by non-negative least squares. Pure numpy and scipy; no file, no thread.
"""

from functools import lru_cache

import numpy as np
import scipy.fft

from liveseq.dsp.mel import MelFrontEnd
from liveseq.errors import SignalError

_NNLS_STEPS = 50
_TINY = 1e-12
_FAINT = 1e-4
"""Share of a magnitude with which a bin that has no phase yet begins, at a phase of its own."""


class Rtisi:
    """Magnitude frames in, sound out, `latency` samples late. Frames overlap by three quarters or more."""

    def __init__(self, *, n_fft: int, hop_length: int, look_ahead: int = 2, n_iterations: int = 4) -> None:
        """n_fft, hop_length: samples. look_ahead: frames that are refined together with the one that is settled next.

        Raises SignalError for a hop that is no part of n_fft, or more than a quarter of it.
        """
        if n_fft % hop_length or n_fft < 4 * hop_length:
            raise SignalError(
                f"hop_length: expected a part of n_fft ({n_fft}) and at most a quarter of it, found {hop_length}"
            )
        self.n_fft, self.hop_length = n_fft, hop_length
        self.n_iterations = n_iterations
        self.latency = look_ahead * hop_length
        """Samples by which the sound of a frame's hop comes later than the frame, which is centred at n_fft / 2."""
        self._n_open = look_ahead + 1
        self._window = np.asarray(np.hanning(n_fft + 1)[:-1], dtype=np.float32)
        # Under overlapping Hann windows for analysis and synthesis, what is added up is this many times the signal.
        self._gain = np.float32(np.square(self._window).sum() / hop_length)
        # Phases of what follows silence: any that differ, or it would be a click.
        angles = np.random.default_rng(0).uniform(0, 2 * np.pi, n_fft // 2 + 1)
        self._begin = np.asarray(_FAINT * np.exp(1j * angles), dtype=np.complex64)
        self.reset()

    def reset(self) -> None:
        """Forget all frames: be as before the first."""
        n_bins = self.n_fft // 2 + 1
        self._settled = np.zeros(self.n_fft, dtype=np.float32)
        """Sum of the windowed frames that are settled, from the first sample of the oldest open frame."""
        self._magnitudes = np.zeros((self._n_open, n_bins), dtype=np.float32)
        self._frames = np.zeros((self._n_open, self.n_fft), dtype=np.float32)
        """Windowed estimates of the open frames, the oldest first."""

    def step(self, magnitudes: np.ndarray) -> np.ndarray:
        """Sound of the next magnitude frames, `latency` late.

        magnitudes: float32 (n_frames, 1 + n_fft / 2). Returns float32 (n_frames * hop_length,).
        """
        return np.concatenate([self._one(magnitude) for magnitude in magnitudes])

    def _one(self, magnitude: np.ndarray) -> np.ndarray:
        """Take a frame in, refine the open ones, settle the oldest: the next hop_length samples."""
        self._magnitudes = np.concatenate((self._magnitudes[1:], magnitude[np.newaxis]))
        self._frames = np.concatenate((self._frames[1:], np.zeros((1, self.n_fft), dtype=np.float32)))
        for _ in range(self.n_iterations):
            self._refine()
        sounding = self._settled.copy()
        sounding += self._frames[0]
        out = sounding[: self.hop_length] / self._gain
        self._settled[: -self.hop_length] = sounding[self.hop_length :]
        self._settled[-self.hop_length :] = 0.0
        return np.asarray(out)

    def _refine(self) -> None:
        """One round of Griffin and Lim over the open frames: their phases are those of what all frames add up to."""
        hop, n_fft = self.hop_length, self.n_fft
        whole = np.zeros(n_fft + (self._n_open - 1) * hop, dtype=np.float32)
        whole[:n_fft] = self._settled
        for number, frame in enumerate(self._frames):
            whole[number * hop : number * hop + n_fft] += frame
        windows = np.lib.stride_tricks.sliding_window_view(whole, n_fft)[::hop] * self._window
        spectrum = scipy.fft.rfft(windows, axis=-1) + self._begin * self._magnitudes
        spectrum *= self._magnitudes / np.maximum(np.abs(spectrum), _TINY)
        self._frames = scipy.fft.irfft(spectrum, n=n_fft, axis=-1) * self._window


def mel_to_magnitude(log_mel: np.ndarray, front_end: MelFrontEnd) -> np.ndarray:
    """Magnitude spectrogram whose mel spectrogram this is, as nearly as there is one.

    log_mel: float32 (n_frames, n_mels), log10 of magnitude. Returns float32 (n_frames, 1 + n_fft / 2). Non-negative
    least squares by multiplicative steps (Lee and Seung 2001), begun from the pseudo-inverse: what is negative there
    would be noise, what is nought could never grow.
    """
    bands = np.power(10.0, log_mel, dtype=np.float32)
    filters, inverse = _filters(front_end)
    found = np.maximum(bands @ inverse.T, bands.max(axis=1, initial=0.0, keepdims=True) * 1e-3)
    wanted = bands @ filters
    for _ in range(_NNLS_STEPS):
        found *= wanted / np.maximum(found @ filters.T @ filters, _TINY)
    return np.asarray(found, dtype=np.float32)


@lru_cache(maxsize=4)
def _filters(front_end: MelFrontEnd) -> tuple[np.ndarray, np.ndarray]:
    """The filter bank (n_mels, n_bins), and its pseudo-inverse (n_bins, n_mels)."""
    filters = front_end.filterbank()
    return filters, np.linalg.pinv(filters).astype(np.float32)
