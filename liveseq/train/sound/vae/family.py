"""VAE: tiles of frames out of one latent each, under a prior of Gaussians that tags choose; `liveseq train vae`.

The original learned pictures of 12 s, without phases, with a Bernoulli in each pixel, and made dark blots of them. Here
a tile is some seconds of codec latents (those of notes), its z is told apart from the beat, which the decoder knows,
its likelihood has an adversary, and its components are places on stage: tags lead there, `/liveseq/layer/n/latent`
anywhere between.
"""

from liveseq.train.sound.family import Parts, Preset, SoundFamily

_MODEL = {
    "variant": "tiles",
    "front_end": "notes48",
    "codec_size": 256,
    "z_size": 64,
    "n_steps": 32,  # 2.7 s: a bar at 120 beats per minute, and what fades in before it
    "n_overlap": 8,
    "width": 256,
    "encoder_width": 192,
    "n_components": 24,
    "beta": 6.0,
    "temperature": 0.8,
    "steadiness": 0.8,
    "leaps": 0.125,
    "critic_width": 12,
}
PRESETS: dict[str, Preset] = {
    "small": {
        "sample_rate": 48_000,
        "model": _MODEL,
        "crops": {"batch_size": 24},
        "train": {"steps": 40_000, "minutes": 60.0, "save_every": 400, "n_held_out": 2, "ema": 0.998},
    },
    "full": {
        "sample_rate": 48_000,
        "needs_seconds": 600,
        "model": _MODEL | {"z_size": 96, "width": 512, "encoder_width": 384, "n_components": 32, "critic_width": 32},
        "crops": {"batch_size": 64},
        "train": {"steps": 100_000, "save_every": 1000, "ema": 0.9995, "precision": "bf16-mixed"},
    },
    "original": {
        "sample_rate": 44_100,
        "model": {"variant": "original", "size": 512, "z_size": 100, "n_components": 2},
        "crops": {"n_samples": 573_300, "batch_size": 16},  # 13 s
        "train": {"steps": 14_000, "save_every": 70, "n_held_out": 2, "ema": 0.0},  # 200 rounds of 1,100 pieces
    },
}
"""small, full: tiles, which stream. original: as it was; it is trained and measured, and does not stream."""


def parts() -> Parts:
    from liveseq.train.sound.vae.graph import step_graph
    from liveseq.train.sound.vae.recipe import build
    from liveseq.train.sound.vae.training import train_vae

    return Parts(build=build, step_graph=step_graph, train=train_vae)


FAMILY = SoundFamily(
    name="vae",
    help="tiles of frames out of a latent each, and a walk through the latents",
    presets=PRESETS,
    parts=parts,
    vocoder=True,
)
