"""Musika: stereo sound out of a latent space of its own, streamed without end; `liveseq train musika`.

Two trainings, one after the other: the autoencoder (autoencoder.py), whose weights lie in the folder `autoencoder`
afterwards, and the latent GAN (latents.py), whose checkpoint holds both.
"""

from typing import Any

from liveseq.train.sound.musika.family import build, step_graph
from liveseq.train.sound.musika.training import train

__all__ = ["PRESETS", "build", "step_graph", "train"]

PRESETS: dict[str, dict[str, Any]] = {
    # Mel frames as level 1: a vocoder that was taught for an hour sounds better than what a learned level 1 can be
    # taught in minutes, and the first 32 principal components of eight frames are already within 3.3 dB of them.
    "small": {
        "sample_rate": 48_000,
        "model": {
            "front_end": "music48",
            "depth": 32,
            "widths": [128, 160, 192, 256],
            "critic_width": 12,
            "base": 24,
            "windows": {"length": 64, "overlap": 16, "per_anchor": 3},
            "gan": {"learning_rate": 3e-4, "r1_step": 1e-3, "r1_every": 4, "noise": 0.1},
        },
        "crops": {"frames": {"length": 128, "batch_size": 8}, "latents": {"batch_size": 16}},
        "train": {"steps": 9000, "minutes": 60.0, "save_every": 250, "ema": 0.995},
    },
}
