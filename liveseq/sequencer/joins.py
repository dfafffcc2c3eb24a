"""Where one sound gives way to another: the shift at which their waveforms fit. Pure numpy."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Join:
    """How to enter a source."""

    shift: int
    """Samples to begin later in the source than planned; below 0 earlier."""
    correlation: float
    """Of what fades out and what fades in, 0 to 1, after the shift."""


def align(outgoing: np.ndarray, incoming: np.ndarray, *, search: int) -> Join:
    """The shift of at most `search` samples at which the normalised cross-correlation is greatest.

    outgoing: mono float32 (n,), what would sound during the fade. incoming: mono float32 (n + 2 * search,), of the
    destination from `search` samples before the fade's place to `search` after it.
    """
    n = len(outgoing)
    windows = np.lib.stride_tricks.sliding_window_view(incoming, n)  # (2 * search + 1, n)
    products = windows @ outgoing
    energy = np.cumsum(np.concatenate([[0.0], incoming.astype(np.float64) ** 2]))
    norms = np.sqrt(np.maximum(energy[n:] - energy[:-n], 1e-12) * max(float(outgoing @ outgoing), 1e-12))
    correlation = products / norms
    best = int(np.argmax(correlation))
    return Join(best - search, float(np.clip(correlation[best], 0.0, 1.0)))
