"""Notes: an autoregressive transformer over latents in closed form; `liveseq train notes`.

What a note is made of lies in 3,000 numbers a second, too many for a recurrent prior, and averages of them blur. So the
latents are principal components of short stretches of fine bands (codec.py), and each is drawn, by a flow, under the
eight seconds before it (networks.py).
"""

from liveseq.train.sound.family import Parts, Preset, SoundFamily

_MODEL = {
    "front_end": "notes48",
    "z_size": 256,
    "width": 256,
    "n_layers": 6,
    "heads": 4,
    "window": 96,  # 8.2 s; crops are longer, so that a past without a start is learned too
    "n_conditions": 64,
    "head_width": 512,
    "head_blocks": 3,
    "n_books": 3,
    "n_codes": 1024,
    "dropout": 0.1,
    "flow_steps": 6,
    "temperature": 1.0,
    "guidance": 1.0,
}
PRESETS: dict[str, Preset] = {
    "small": {
        "sample_rate": 48_000,
        "model": _MODEL,
        "crops": {"n_steps": 160, "batch_size": 12},
        "train": {
            "steps": 40_000,
            "minutes": 75.0,
            "save_every": 400,
            "n_held_out": 4,
            "ema": 0.998,
            "precision": "bf16-mixed",
        },
    },
    "full": {
        "sample_rate": 48_000,
        "needs_seconds": 600,
        "model": _MODEL | {"width": 512, "n_layers": 10, "heads": 8, "window": 192, "head_width": 1024},
        "crops": {"n_steps": 256, "batch_size": 64},
        "train": {"steps": 100_000, "save_every": 1000, "ema": 0.9995, "precision": "bf16-mixed"},
    },
}


def parts() -> Parts:
    from liveseq.train.sound.notes.graph import step_graph
    from liveseq.train.sound.notes.recipe import build
    from liveseq.train.sound.notes.training import train_notes

    return Parts(build=build, step_graph=step_graph, train=train_notes)


FAMILY = SoundFamily(
    name="notes",
    help="notes: fine bands out of noise and a tag, by a transformer",
    presets=PRESETS,
    parts=parts,
    fine_tunes=True,
    vocoder=True,
)
