"""Recurrent network of single samples, in four bands, drawn from mixtures; `liveseq train recurrent --model sample`.

24 kHz: twice the rate costs twice the time, at play and in training, and a server brings a generator to its own rate.
The original, one sample at a time by squared error, is the preset `original`.
"""

from liveseq.train.sound.family import Parts, Preset, SoundFamily

_MODEL = {
    "form": "bands",
    "frame_width": 384,
    "n_layers": 2,
    "n_conditions": 96,
    "width": 224,
    "n_components": 4,
    "dropout": 0.1,
    "temperature": 0.95,
}
PRESETS: dict[str, Preset] = {
    "small": {
        "sample_rate": 24_000,
        "model": _MODEL,
        "crops": {"n_samples": 96_000, "batch_size": 8},
        "train": {"steps": 40_000, "minutes": 75.0, "save_every": 250, "n_held_out": 4, "ema": 0.998},
    },
    "full": {
        "sample_rate": 24_000,
        "needs_seconds": 600,
        "model": _MODEL | {"frame_width": 768, "width": 320, "n_components": 8},
        "crops": {"n_samples": 192_000, "batch_size": 64},
        "train": {"steps": 200_000, "save_every": 1000, "ema": 0.9995},
    },
    "original": {
        "sample_rate": 22_050,
        "model": {"form": "original", "widths": [100, 50, 25, 12]},
        "crops": {"n_samples": 201, "batch_size": 500, "augment": False},
        "train": {"steps": 20_000, "minutes": 75.0, "save_every": 200, "n_held_out": 4},
    },
}


def parts() -> Parts:
    from liveseq.train.sound.recurrent.parts import parts_of
    from liveseq.train.sound.recurrent.sample.graph import sample_graph
    from liveseq.train.sound.recurrent.sample.original import OriginalSamples, OriginalSamplesGraph
    from liveseq.train.sound.recurrent.sample.recipe import SampleRecipe

    return parts_of(SampleRecipe, OriginalSamples, graph=sample_graph, original_graph=OriginalSamplesGraph)


FAMILY = SoundFamily(
    name="recurrent-sample",
    model="sample",
    help="samples of four bands, by a GRU under frames",
    presets=PRESETS,
    parts=parts,
)
