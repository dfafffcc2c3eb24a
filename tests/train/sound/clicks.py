"""Recordings for the tests of generators: a click now and then over a hum."""

import numpy as np

from liveseq.dsp.mel import PRESETS as FRONT_ENDS
from liveseq.train.sound.material.library import Library

RATE = 48_000
FRONT_END = FRONT_ENDS["music48"]


def clicks(seconds, *, period, seed=0):
    """A click every `period` samples over a quiet hum, (n, 2)."""
    y = 0.01 * np.sin(np.arange(int(seconds * RATE)) * 0.03).astype(np.float32)
    rng = np.random.default_rng(seed)
    for start in range(0, len(y) - 2000, period):
        y[start : start + 2000] += 0.5 * rng.standard_normal(2000) * np.exp(-np.arange(2000) / 300)
    return np.repeat(y[:, None], 2, axis=1).astype(np.float32)


def clicks_library(recordings):
    """A library of a few recordings, under two tags."""
    return Library(
        train=recordings,
        held_out=recordings[:1],
        tags=("bd", "techno"),
        sample_rate=RATE,
        description="clicks",
        notes=(),
        fingerprint="x",
    )
