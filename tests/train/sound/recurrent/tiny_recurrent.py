"""The smallest recurrent models, in all their forms: configs, recordings and recipes that their tests share."""

import numpy as np
import torch

from liveseq.train.sound.families import FAMILIES
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.material.reading import Recording
from tests.train.sound.clicks import clicks

TAGS = ("bd", "techno")
_LATENTS = {"form": "latents", "front_end": "notes48", "z_size": 16, "width": 24, "n_layers": 2, "n_conditions": 8}
_LATENTS |= {"dropout": 0.1}
FORMS = {
    "gan": _LATENTS | {"n_noise": 8, "head_width": 24, "critic_width": 12, "critic_dropout": 0.4},
    "blocks": _LATENTS | {"n_components": 3, "temperature": 0.9},
    "sample": {"form": "bands", "frame_width": 24, "n_layers": 2, "n_conditions": 8, "width": 24}
    | {"n_components": 2, "dropout": 0.1, "temperature": 0.95},
    "original gan": {"form": "original", "widths": [6, 8, 6], "critic_width": 8, "critic_dropout": 0.4},
    "original blocks": {"form": "original", "block": 400, "hidden": 24},
    "original sample": {"form": "original", "widths": [12, 8, 4]},
}
RATES = {"gan": 48_000, "blocks": 48_000, "sample": 24_000}
_FRAMES = {"n_steps": 40, "batch_size": 4}
CROPS = {
    "gan": _FRAMES,
    "blocks": _FRAMES,
    "sample": {"n_samples": 6144, "batch_size": 4},
    "original gan": {"n_samples": 100, "batch_size": 8, "augment": False},
    "original blocks": {"n_samples": 4400, "batch_size": 4, "augment": False},
    "original sample": {"n_samples": 101, "batch_size": 16, "augment": False},
}


def about(form, **model):
    """config.yaml of a form."""
    return {
        "family": f"recurrent-{form.split()[-1]}",
        "sample_rate": RATES.get(form, 8_000),
        "model": FORMS[form] | model,
        "crops": CROPS[form],
        "tags": list(TAGS),
        "vocoder": "models/vocoder",
        "fingerprint": "x",
    }


def parts(form):
    return FAMILIES[f"recurrent-{form.split()[-1]}"].parts()


def tiny_recipe(form, **model):
    """Untrained, its births drawn at random, with a beat of 1 / 6 a latent for the first of two tags."""
    torch.manual_seed(0)
    recipe = parts(form).build(about(form, **model), None).eval()
    generator = recipe.generator
    if hasattr(generator, "births"):
        generator.births.table.normal_(std=0.3)
    if hasattr(generator, "tempi"):
        generator.tempi.teach(torch.eye(2, 256))
    if hasattr(generator, "grain"):
        generator.grain.scale.fill_(0.3)
        generator.codec.mean.fill_(-1.0)
        generator.tempi.shares.zero_()
        generator.tempi.shares[0, 0] = generator.tempi.shares[1, -1] = 1.0
        generator.tempi.beats_per_step[0] = 1 / 6
    return recipe


def library(form):
    """A beat of clicks, and single hits, at the rate of a form."""
    rate = RATES.get(form, 8_000)
    n = 48_000 // rate
    audio = [clicks(6, period=24_576), clicks(1.4, period=100_000, seed=1), clicks(1.7, period=100_000, seed=2)]
    recordings = tuple(
        Recording(name=name, tag=tag, audio=np.ascontiguousarray(y[::n]))
        for name, tag, y in zip("abc", ("techno", "bd", "bd"), audio, strict=True)
    )
    return Library(
        train=recordings,
        held_out=recordings[:1],
        tags=TAGS,
        sample_rate=rate,
        description="clicks",
        notes=(),
        fingerprint="x",
    )
