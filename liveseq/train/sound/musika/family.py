"""Musika: stereo sound out of a latent space of its own, streamed without end; `liveseq train musika`.

The autoencoder (autoencoder.py; level_one.py where level 1 is learned) is trained first, then the latent GAN
(recipe.py), whose checkpoint holds both. Earlier stages leave their files in folders of the model's own.
"""

from liveseq.dsp import mel
from liveseq.train.sound.family import Parts, Preset, SoundFamily

_MUSIKA_FRONT_END = {
    "sample_rate": 44_100,
    "n_fft": 1024,
    "hop_length": 256,
    "n_mels": 128,
    "f_min": 0.0,
    "f_max": 22_050.0,
    "padding": "causal",
}
PRESETS: dict[str, Preset] = {
    # Mel frames as level 1: a vocoder that was taught for an hour sounds better than a level 1 that was taught for
    # minutes, and the first 32 principal components of eight frames are already within 3.3 dB of them.
    "small": {
        "sample_rate": 48_000,
        "model": {
            "front_end": mel.PRESETS["notes48"].as_dict(),
            "level": None,
            "depth": 32,
            "widths": [128, 160, 192, 256],
            "base": 24,
            "windows": {"length": 64, "overlap": 16, "per_anchor": 3},
            "gan": {"learning_rate": 3e-4, "r1_step": 1e-3, "r1_every": 4, "noise": 0.1},
        },
        "crops": {"frames": {"length": 128, "batch_size": 8}, "latents": {"batch_size": 10}},
        "train": {"steps": 20_000, "minutes": 75.0, "save_every": 250, "ema": 0.995},
    },
    # Musika's sizes and settings.
    "full": {
        "sample_rate": 44_100,
        "needs_seconds": 600.0,
        "model": {
            "front_end": _MUSIKA_FRONT_END,
            "level": {"depth": 64, "width": 1024},
            "vocoder": {
                "front_end": _MUSIKA_FRONT_END,
                "net": {
                    "width": 512,
                    "n_blocks": 8,
                    "expansion": 3,
                    "registers": [[1024, 22_050.0]],
                    "clock_hz": 8000.0,
                    "clock_width": 96,
                    "look_ahead": 2,
                },
                "learning_rate": 5e-4,
                "judge": {"width": 32, "period_width": 8},
                "judge_from": 0.1,
            },
            "depth": 64,
            "widths": [256, 384, 512, 640, 768],
            "base": 128,
            "windows": {"length": 128, "overlap": 16, "per_anchor": 3},
            "gan": {"learning_rate": 1e-4, "r1_step": 1e-4, "r1_every": 1, "noise": 0.0},
        },
        "crops": {
            "audio": {"n_samples": 24_576, "batch_size": 32, "balance": "seconds"},
            "frames": {"length": 256, "batch_size": 32},
            "latents": {"batch_size": 32},
        },
        "train": {"steps": 300_000, "save_every": 2000, "ema": 0.999},
    },
}


def parts() -> Parts:
    from liveseq.train.sound.musika.graph import step_graph
    from liveseq.train.sound.musika.recipe import build
    from liveseq.train.sound.musika.training import train_musika

    return Parts(build=build, step_graph=step_graph, train=train_musika)


FAMILY = SoundFamily(
    name="musika",
    help="stereo sound out of noise and a tag, through a latent space",
    presets=PRESETS,
    parts=parts,
    stereo=True,
    vocoder=True,
)
