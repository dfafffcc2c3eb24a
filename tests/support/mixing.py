"""Mixers under test, and sound for them."""

import numpy as np

from liveseq.engine.events import Play
from liveseq.engine.mixer import Mixer
from tests.support.engine_process import SAMPLE_RATE

LATENCY = Mixer.latency


def playing(*shards: np.ndarray, n_layers: int = 2) -> Mixer:
    mixer = Mixer(dict(enumerate(shards)), sample_rate=SAMPLE_RATE, n_layers=n_layers)
    mixer.push(Play(seconds=0.0))
    return mixer


def sine(frequency: float, *, n_samples: int, amplitude: float = 0.5) -> np.ndarray:
    """float32 (n_samples, 2)."""
    mono = amplitude * np.sin(2 * np.pi * frequency * np.arange(n_samples) / SAMPLE_RATE)
    return np.stack([mono, mono], axis=1).astype(np.float32)


def power_db(y: np.ndarray) -> float:
    # Beside libraries that take the smallest numbers for 0, a fade ends in nothing at all.
    return 10 * np.log10(np.mean(y.astype(np.float64) ** 2) + 1e-30)
