"""MelGAN as a family: the published training, and one that learns on two CPU cores.

full is the published training: hinge and feature matching alone, no loss on spectra, for a week on a GPU. small is
multi-band MelGAN with spectral losses, in both the bands and the sum: an adversary alone teaches nothing within an
hour, spectra do from the first minute, and four bands at a quarter of the rate are three times as many steps.
"""

from liveseq.dsp import mel
from liveseq.train.sound.family import Parts, Preset, SoundFamily

PUBLISHED_TRAINING = {"judge": {"base": 16, "most": 1024}, "learning_rate": 1e-4}
"""Published settings of a training; an imported generator could go on with them."""
PRESETS: dict[str, Preset] = {
    "small": {
        "sample_rate": 48_000,
        "needs_seconds": 60,
        "model": {
            "net": "multiband",
            "front_end": mel.PRESETS["music48"].as_dict(),
            "sizes": {"width": 192, "ratios": [8, 4, 4], "latency": 1536},
            "judge": {"base": 8, "most": 256},
            "judge_from": 0.8,
            "learning_rate": 1e-3,
        },
        "crops": {"n_samples": 16_384, "batch_size": 8},
        "train": {"steps": 20_000, "minutes": 60.0, "save_every": 250, "ema": 0.995},
    },
    "full": {
        "sample_rate": 44_100,
        "needs_seconds": 600,
        "model": {
            "net": "published",
            "front_end": mel.PRESETS["demiurge"].as_dict(),
            "sizes": {"base": 32, "ratios": [8, 8, 2, 2], "n_residuals": 3, "recurrent": False},
            **PUBLISHED_TRAINING,
        },
        "crops": {"n_samples": 8192, "batch_size": 16},
        "train": {"steps": 2_500_000, "save_every": 1000},
    },
}
PRESETS["gru"] = PRESETS["full"] | {
    "model": PRESETS["full"]["model"] | {"sizes": PRESETS["full"]["model"]["sizes"] | {"recurrent": True}}
}


def parts() -> Parts:
    from liveseq.train.sound.vocoders.melgan.recipe import build, step_graph

    return Parts(build=build, step_graph=step_graph)


FAMILY = SoundFamily(
    name="melgan", help="mel frames to sound: MelGAN as published, or multi-band", presets=PRESETS, parts=parts
)
