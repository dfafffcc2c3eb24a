"""LSTM on blocks of spectra: overlapped frames of log magnitudes, drawn from a mixture; `liveseq train recurrent`.

The original's blocks of a Fourier transform, averaged and joined with clicks, are the preset `original`.
"""

from liveseq.train.sound.family import Parts, Preset, SoundFamily

_MODEL = {
    "form": "latents",
    "front_end": "notes48",
    "z_size": 96,
    "width": 512,
    "n_layers": 2,
    "n_conditions": 64,
    "dropout": 0.15,
    "n_components": 16,
    "temperature": 0.9,
}
PRESETS: dict[str, Preset] = {
    "small": {
        "sample_rate": 48_000,
        "model": _MODEL,
        "crops": {"n_steps": 160, "batch_size": 16},
        "train": {"steps": 40_000, "minutes": 75.0, "save_every": 400, "n_held_out": 4, "ema": 0.998},
    },
    "full": {
        "sample_rate": 48_000,
        "needs_seconds": 600,
        "model": _MODEL | {"z_size": 160, "width": 1024, "n_components": 32},
        "crops": {"n_steps": 256, "batch_size": 64},
        "train": {"steps": 100_000, "save_every": 1000, "ema": 0.9995, "precision": "bf16-mixed"},
    },
    "original": {
        "sample_rate": 16_000,
        "model": {"form": "original", "block": 16_000, "hidden": 1024},  # 74 million weights
        "crops": {"n_samples": 176_000, "batch_size": 5, "augment": False},  # ten blocks, and the one after
        "train": {"steps": 2_000, "minutes": 75.0, "save_every": 100, "n_held_out": 2},
    },
}


def parts() -> Parts:
    from liveseq.train.sound.recurrent.blocks.original import OriginalBlocks, OriginalBlocksGraph
    from liveseq.train.sound.recurrent.blocks.recipe import BlocksRecipe
    from liveseq.train.sound.recurrent.latent_graph import latent_graph
    from liveseq.train.sound.recurrent.parts import parts_of

    return parts_of(BlocksRecipe, OriginalBlocks, graph=latent_graph, original_graph=OriginalBlocksGraph)


FAMILY = SoundFamily(
    name="recurrent-blocks",
    model="blocks",
    help="blocks of spectra, by an LSTM and a mixture",
    presets=PRESETS,
    parts=parts,
    vocoder=True,
)
