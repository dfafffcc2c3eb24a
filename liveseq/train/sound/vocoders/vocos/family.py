"""The default vocoder as a family to train: its presets, and where its parts are."""

from liveseq.dsp import mel
from liveseq.train.sound.family import Parts, Preset, SoundFamily

_FRONT_END = mel.PRESETS["notes48"].as_dict()
_REGISTERS = [[4096, 2000.0], [2048, 24_000.0]]
PRESETS: dict[str, Preset] = {
    "small": {
        "sample_rate": 48_000,
        "model": {
            "front_end": _FRONT_END,
            "net": {
                "width": 256,
                "n_blocks": 6,
                "expansion": 3,
                "registers": _REGISTERS,
                "clock_hz": 9000.0,
                "clock_width": 48,
                "look_ahead": 2,
            },
            "learning_rate": 8e-4,
            "judge": {"width": 12, "period_width": 6},
            "judge_from": 0.8,
        },
        "crops": {"n_samples": 32_768, "batch_size": 4, "balance": "tag"},
        "train": {"steps": 40_000, "minutes": 75.0, "save_every": 250, "ema": 0.998, "precision": "bf16-mixed"},
    },
    "full": {
        "sample_rate": 48_000,
        "needs_seconds": 600,
        "model": {
            "front_end": _FRONT_END,
            "net": {
                "width": 256,
                "n_blocks": 8,
                "expansion": 3,
                "registers": _REGISTERS,
                "clock_hz": 9000.0,
                "clock_width": 96,
                "look_ahead": 2,
            },
            "learning_rate": 5e-4,
            "judge": {"width": 32, "period_width": 8},
            "judge_from": 0.1,
        },
        "crops": {"n_samples": 32_768, "batch_size": 32, "balance": "seconds"},
        "train": {"steps": 300_000, "save_every": 2000, "ema": 0.9995, "precision": "bf16-mixed"},
    },
}


def parts() -> Parts:
    from liveseq.train.sound.vocoders.vocos.recipe import build, step_graph

    return Parts(build=build, step_graph=step_graph)


FAMILY = SoundFamily(
    name="vocoder",
    help="mel frames to sound: causal, with an inverse Fourier transform as head",
    presets=PRESETS,
    parts=parts,
    fine_tunes=True,
)
