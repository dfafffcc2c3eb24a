"""The guard between the mix and a listener's ears: no NaN, no DC, nothing above the ceiling.

Pure numpy and scipy. Every stage carries its state in such a way that the same samples come out for every block size:
the filter is a recursion over samples, and the limiter computes its gain in integers, where sums and minima are exact.
"""

import numpy as np
from scipy.signal import lfilter

CEILING_DB = -1.0
CEILING = float(np.nextafter(np.float32(10.0 ** (CEILING_DB / 20.0)), np.float32(0.0)))
"""Linear; exact in float32, so that comparing samples with it is."""
LOOK_AHEAD = 32
"""Samples (0.7 ms at 48 kHz) over which the limiter turns down before a peak. A power of two."""
RELEASE_SECONDS = 0.25
"""Seconds from silence back to full gain."""
DC_CUTOFF_HZ = 5.0
LOUDEST = 32.0
"""Linear (30 dB). What is louder in a mix is no sound, and would leave a thump and seconds of silence behind."""
_ONE = 1 << 30
"""Gain 1.0 as the integer in which the limiter computes."""


class DcBlock:
    """One-pole high-pass over both channels; NaN and Inf become 0 first, and nothing is louder than LOUDEST."""

    def __init__(self, *, sample_rate: int, n_channels: int = 2) -> None:
        pole = 1.0 - 2.0 * np.pi * DC_CUTOFF_HZ / sample_rate
        self._b = np.array([1.0, -1.0])
        self._a = np.array([1.0, -pole])
        self._state = np.zeros((1, n_channels))
        self.n_bad = 0
        """Blocks that held what is no sound."""

    def process(self, block: np.ndarray) -> None:
        """In place. block: float32 (n_samples, n_channels)."""
        flat = block.reshape(-1)
        if not np.dot(flat, flat) < LOUDEST**2:  # one pass over the block; also where squares overflow
            self._clean(block)
        filtered, self._state = lfilter(self._b, self._a, block, axis=0, zi=self._state)
        block[:] = filtered

    def _clean(self, block: np.ndarray) -> None:
        """In place, where there may be something to clean: many loud samples have a great sum of squares too."""
        finite = bool(np.isfinite(block).all())
        if not finite:
            np.nan_to_num(block, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        self.n_bad += not finite or float(np.abs(block).max()) > LOUDEST
        np.clip(block, -LOUDEST, LOUDEST, out=block)


class Limiter:
    """Look-ahead peak limiter, both channels alike: the input, LOOK_AHEAD - 1 samples later, times a gain.

    The gain is the one that the loudest sample ahead needs, released linearly, smoothed over the look-ahead. Where
    nothing has exceeded the ceiling for a while it is exactly 1, and the samples pass unchanged.
    """

    latency = LOOK_AHEAD - 1
    """Samples."""

    def __init__(self, *, sample_rate: int, n_channels: int = 2, max_block: int = 4096) -> None:
        self._step = max(1, int(_ONE / (RELEASE_SECONDS * sample_rate)))
        self._line = np.zeros((self.latency + max_block, n_channels), dtype=np.float32)  # delay line + block
        self._needed = np.full(LOOK_AHEAD - 1, _ONE, dtype=np.int64)  # gain that each of the last samples needs
        self._gains = np.full(LOOK_AHEAD - 1, _ONE, dtype=np.int64)  # gains before smoothing
        self._ramp = self._step * np.arange(1, max_block + 1, dtype=np.int64)
        self._idle = 2 * LOOK_AHEAD
        """Samples since the gain was last below 1."""

    def process(self, block: np.ndarray) -> None:
        """In place. block: float32 (n_samples, n_channels), finite, at most max_block long."""
        n = len(block)
        line = self._line[: self.latency + n]
        line[self.latency :] = block
        if self._idle >= 2 * LOOK_AHEAD and block.max() <= CEILING and block.min() >= -CEILING:
            block[:] = line[:n]
        else:
            np.multiply(line[:n], self._gain(block)[:, np.newaxis], out=block)
        line[: self.latency] = line[n:].copy()  # they overlap where the block is short

    def _gain(self, block: np.ndarray) -> np.ndarray:
        """Gain for each delayed sample, float32 (n_samples,)."""
        n = len(block)
        peak = np.abs(block).max(axis=1).astype(np.float64)
        needed = np.concatenate(
            [self._needed, (np.minimum(1.0, CEILING / np.maximum(peak, 1e-9)) * _ONE).astype(np.int64)]
        )
        self._needed = needed[n:]
        lowest = needed
        width = 1
        while width < LOOK_AHEAD:  # minimum over the last LOOK_AHEAD samples, by doubling
            lowest = np.minimum(lowest[width:], lowest[:-width])
            width *= 2
        # released[t] = min(lowest[t], released[t - 1] + step), as one running minimum
        falling = np.concatenate([self._gains[-1:], lowest - self._ramp[:n]])
        released = np.minimum(np.minimum.accumulate(falling)[1:] + self._ramp[:n], _ONE)
        gains = np.concatenate([self._gains, released])
        self._gains = gains[n:]
        low = np.flatnonzero(gains < _ONE)
        self._idle = len(gains) - 1 - int(low[-1]) if len(low) else self._idle + n
        sums = np.concatenate([[0], np.cumsum(gains)])
        smooth = (sums[LOOK_AHEAD:] - sums[:-LOOK_AHEAD]) / (LOOK_AHEAD * _ONE)
        result: np.ndarray = smooth.astype(np.float32)
        return result
