"""Recurrent GAN: an LSTM makes latents of frames out of noise, an LSTM judges them; `liveseq train recurrent`.

The original's plan, waves of LSTMs at 16 kHz, is the preset `original`.
"""

from liveseq.train.sound.family import Parts, Preset, SoundFamily

_MODEL = {
    "form": "latents",
    "front_end": "notes48",
    "z_size": 96,
    "width": 384,
    "n_layers": 2,
    "n_conditions": 64,
    "dropout": 0.1,
    "n_noise": 64,
    "head_width": 512,
    "critic_width": 250,
    "critic_dropout": 0.4,
}
PRESETS: dict[str, Preset] = {
    "small": {
        "sample_rate": 48_000,
        "model": _MODEL,
        "crops": {"n_steps": 96, "batch_size": 24},
        "train": {"steps": 30_000, "minutes": 75.0, "save_every": 400, "n_held_out": 2, "ema": 0.998},
    },
    "full": {
        "sample_rate": 48_000,
        "needs_seconds": 600,
        "model": _MODEL | {"z_size": 160, "width": 768, "head_width": 1024, "critic_width": 512},
        "crops": {"n_steps": 192, "batch_size": 64},
        "train": {"steps": 100_000, "save_every": 1000, "ema": 0.9995, "precision": "bf16-mixed"},
    },
    "original": {
        "sample_rate": 16_000,
        "model": {"form": "original", "widths": [100, 250, 100], "critic_width": 250, "critic_dropout": 0.4},
        "crops": {"n_samples": 500, "batch_size": 32, "augment": False},  # 5,000 were meant, on one card
        "train": {"steps": 20_000, "minutes": 75.0, "save_every": 200, "n_held_out": 1},
    },
}


def parts() -> Parts:
    from liveseq.train.sound.recurrent.gan.original import OriginalGan, OriginalGanGraph
    from liveseq.train.sound.recurrent.gan.recipe import GanRecipe
    from liveseq.train.sound.recurrent.latent_graph import latent_graph
    from liveseq.train.sound.recurrent.parts import parts_of

    return parts_of(GanRecipe, OriginalGan, graph=latent_graph, original_graph=OriginalGanGraph)


FAMILY = SoundFamily(
    name="recurrent-gan",
    model="gan",
    help="recurrent networks: an LSTM on latents against a critic (gan), a GRU on samples, an LSTM on blocks",
    presets=PRESETS,
    parts=parts,
    vocoder=True,
)
