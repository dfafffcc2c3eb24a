"""Gains that hand one sound over to another without a dip or a bump. Pure numpy."""

import numpy as np


def equal_power(n: int, *, correlation: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Gains (fade_in, fade_out) over n samples: the sum of two equally loud sounds stays as loud as each.

    correlation: of the two sounds over the fade, as correlation() measures it. Unlike sounds (0) add in power, like
    ones (1) in amplitude, where a plain equal-power fade would bump by 3 dB. Below 0 counts as 0, since to lift what
    cancels lifts noise. Returns float32, shape (n,) each; fade_out is fade_in reversed.
    """
    phase = (np.arange(n) + 0.5) * (np.pi / 2 / max(n, 1))
    rising, falling = np.sin(phase), np.cos(phase)
    level = np.sqrt(1.0 + 2.0 * min(max(correlation, 0.0), 1.0) * rising * falling)
    return (rising / level).astype(np.float32), (falling / level).astype(np.float32)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Normalised correlation of two sounds of one shape, in [-1, 1]; 0 if either is silent."""
    x, y = np.ravel(a).astype(np.float64), np.ravel(b).astype(np.float64)
    power = float(np.sqrt(np.dot(x, x) * np.dot(y, y)))
    return float(np.clip(np.dot(x, y) / power, -1.0, 1.0)) if power > 0.0 else 0.0
