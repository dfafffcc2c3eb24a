"""The smallest musika: sizes, recordings and a config that its tests share."""

import dataclasses

import numpy as np

from liveseq.dsp.mel import MelFrontEnd
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.material.reading import Recording
from liveseq.train.sound.musika.coordinates import Windows

RATE = 48_000
WINDOWS = Windows(length=16, overlap=4, per_anchor=3)
DEPTH = 4
TAG = 8
FRONT_END = MelFrontEnd(sample_rate=RATE, n_fft=2048, hop_length=512, n_mels=6, f_max=24_000.0)
TINY = {
    "sample_rate": RATE,
    "model": {
        "front_end": dataclasses.asdict(FRONT_END),
        "level": None,
        "depth": 4,
        "widths": [8, 8, 8, 8],
        "base": 2,
        "windows": {"length": 16, "overlap": 4, "per_anchor": 3},
        "gan": {"noise": 0.1},
    },
    "crops": {"frames": {"length": 16, "batch_size": 2}, "latents": {"batch_size": 2}},
}


def clicks(n_beats, *, period, first=0):
    """Noise that dies away on each beat, (n, 2)."""
    y = np.zeros((first + n_beats * period, 2), dtype=np.float32)
    burst = np.random.default_rng(0).standard_normal((2000, 1)) * np.exp(-np.arange(2000) / 300)[:, None]
    for start in range(first, len(y) - 2000, period):
        y[start : start + 2000] += 0.5 * burst
    return y


def library():
    rng = np.random.default_rng(0)
    recordings = tuple(
        Recording(name=f"{tag} {k}", tag=tag, audio=0.1 * rng.standard_normal((int(3.2 * RATE), 2)).astype(np.float32))
        for tag in ("drone", "techno")
        for k in range(2)
    )
    return Library(
        train=recordings[::2],
        held_out=recordings[1::2],
        tags=("drone", "techno"),
        sample_rate=RATE,
        description="noise",
        notes=(),
        fingerprint="f",
    )


def about(**model):
    return {
        "family": "musika",
        "preset": "small",
        **TINY,
        "model": TINY["model"] | model,
        "tags": ["drone", "techno"],
        "vocoder": "models/vocoder",
        "training": {"data": "noise", "licence": "none", "command": "none"},
        "fingerprint": "f",
    }
