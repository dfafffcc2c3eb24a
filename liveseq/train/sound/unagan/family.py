"""UNAGAN: mel frames out of noise and a tag, learned by a cycle and an adversary; `liveseq train unagan`.

An hour on a CPU is enough since the cycle is an auto-encoder from the first batch on: its encoder is known in closed
form (codec.py) and the generator begins with the draft that this gives; the networks add the rest, and the adversary
sharpens it. The published code's latents are independent noise; here a prior is learned that turns standard normal z
into latents that hang together (prior.py).
"""

from liveseq.train.sound.family import Parts, Preset, SoundFamily

VARIANTS = ("hc", "h", "nh")
"""Published variants: hierarchical with cycle, hierarchical, not hierarchical (a latent for each frame)."""
_STREAMING = {
    "variant": "streaming",
    "front_end": "notes48",
    "objective": "hinge",
    "z_size": 48,  # 281 numbers per second, as published: 215
    "widths": [128, 112, 96, 80, 64],
    "n_recurrent": 3,
    "n_conditions": 64,
    "prior_width": 320,
    "n_couplings": 4,
    "dropout": 0.2,
    "temperature": 0.9,
    "critic_width": 12,
}
_CLASSIC = {"front_end": "demiurge", "objective": "began", "z_size": 20, "critic_width": 512}
_CLASSIC_TRAIN = {"steps": 100_000, "save_every": 500, "ema": 0.999}
PRESETS: dict[str, Preset] = {
    "small": {
        "sample_rate": 48_000,
        "model": _STREAMING,
        "crops": {"n_steps": 96, "batch_size": 16},
        "train": {"steps": 20_000, "minutes": 75.0, "save_every": 400, "n_held_out": 2, "ema": 0.998},
    },
    "full": {
        "sample_rate": 48_000,
        "model": _STREAMING | {"widths": [512] * 5, "n_recurrent": 5, "prior_width": 512, "critic_width": 32},
        "crops": {"n_steps": 192, "batch_size": 32},
        "train": {"steps": 100_000, "save_every": 1000, "ema": 0.9995, "precision": "bf16-mixed"},
    },
    **{
        variant: {
            "sample_rate": 44_100,
            "model": _CLASSIC | {"variant": variant},
            "crops": {"n_steps": 107, "batch_size": 5},  # the published 10 s, in whole steps
            "train": _CLASSIC_TRAIN,
        }
        for variant in VARIANTS
    },
}
"""small, full: the streaming form, full in the published sizes. hc, h, nh: as published, whole clips without a tag."""


def parts() -> Parts:
    from liveseq.train.sound.unagan.graph import step_graph
    from liveseq.train.sound.unagan.recipe import build
    from liveseq.train.sound.unagan.training import train_unagan

    return Parts(build=build, step_graph=step_graph, train=train_unagan)


FAMILY = SoundFamily(
    name="unagan", help="mel frames out of noise and a tag", presets=PRESETS, parts=parts, fine_tunes=True, vocoder=True
)
