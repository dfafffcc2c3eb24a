"""UNAGAN: mel frames out of noise and a tag, learned by a cycle and an adversary; `liveseq train unagan`.

What makes an hour on a CPU enough: the cycle is an auto-encoder from the first batch on, since its encoder is known in
closed form (unagan_codec) and the generator begins with the draft that this gives; the networks add what the draft
leaves out, and the adversary sharpens it. What the published code leaves to independent noise is learned too: a prior
turns standard normal z into latents that hang together (unagan_prior).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from liveseq.errors import ModelError
from liveseq.train.sound.library import Library
from liveseq.train.sound.loop import SoundConfig, train_sound
from liveseq.train.sound.recipe import Recipe
from liveseq.train.sound.saved import load_recipe, put, unfinished
from liveseq.train.sound.streaming import StepGraph
from liveseq.train.sound.tags import TAG_SIZE
from liveseq.train.sound.unagan.data import MelCrops, Track, make_tracks
from liveseq.train.sound.unagan.generator import UnaganGraph
from liveseq.train.sound.unagan.nets import FRAMES_PER_STEP
from liveseq.train.sound.unagan.published import VARIANTS, Z_SIZE
from liveseq.train.sound.unagan.published_recipe import PublishedRecipe
from liveseq.train.sound.unagan.recipe import StreamingRecipe

_STREAMING = {
    "variant": "streaming",
    "front_end": "music48",
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
_CLASSIC = {"front_end": "demiurge", "objective": "began", "z_size": Z_SIZE, "critic_width": 512}
_CLASSIC_TRAIN = {"steps": 100_000, "save_every": 500, "ema": 0.999}
PRESETS: dict[str, dict[str, Any]] = {
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


def build(about: dict[str, Any], library: Library | None) -> Recipe:
    """library is not needed: `train` sets what is measured of it."""
    settings = about["model"]
    if settings["variant"] == "streaming":
        return StreamingRecipe(settings, n_tags=len(about["tags"]), vocoder=about.get("vocoder"))
    return PublishedRecipe(settings)


def train(
    library: Library, out: Path, about: dict[str, Any], *, config: SoundConfig, resume: bool, wandb: bool
) -> dict[str, Any]:
    """One recipe, but crops of mel frames with a clock instead of crops of sound."""
    torch.manual_seed(config.seed)
    recipe = build(about, library)
    crops = about["crops"]
    own = {"tags": library.tags, "n_frames": crops["n_steps"] * FRAMES_PER_STEP, "seed": config.seed}
    tracks, held_out = (
        make_tracks(recordings, front_end=recipe.front_end, **own) for recordings in (library.train, library.held_out)
    )
    recipe.learn_statistics(tracks, library.tags, seed=config.seed)
    return train_sound(
        recipe,
        MelCrops(tracks, seed=config.seed, **crops),
        MelCrops(held_out or tracks, seed=config.seed, augment=False, **crops),
        out,
        config=config,
        about=about,
        resume=resume,
        wandb=wandb,
        finish=lambda: add_the_rest(out, tracks, seed=config.seed),
    )


def add_the_rest(out: Path, tracks: Sequence[Track], *, seed: int) -> None:
    """Put into the checkpoint what a trained generator leaves out of recordings, grain and loudness.

    Published variants have neither.
    """
    recipe, _ = load_recipe(out)
    if isinstance(recipe, StreamingRecipe):
        recipe.learn_the_rest(tracks, seed=seed)
        put(out, {"generator.grain": recipe.generator.grain, "generator.limits": recipe.generator.limits})


def step_graph(recipe: Recipe) -> StepGraph:
    """Generator and vocoder.

    Raises ModelError for a published variant, which knows whole clips only, and where grain and loudness are not there.
    """
    if not isinstance(recipe, StreamingRecipe):
        raise ModelError(
            "unagan: the published variants hear the whole clip in both directions and cannot stream; "
            "train --preset small or full for a model that plays"
        )
    if recipe.vocoder is None:
        raise ModelError("unagan: no vocoder stands in its config; train with --vocoder models/vocoder")
    if not recipe.generator.grain.scale:
        raise unfinished("unagan")
    from liveseq.train.sound.vocoders.vocoder import load_vocoder

    return UnaganGraph(recipe.generator, load_vocoder(Path(recipe.vocoder)), tag_size=TAG_SIZE)
