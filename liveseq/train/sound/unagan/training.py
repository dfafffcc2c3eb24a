"""Training of UNAGAN: one recipe, but on crops of mel frames with a clock instead of crops of audio."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from liveseq.train import checkpoint
from liveseq.train.sound.config import SoundTrainConfig
from liveseq.train.sound.frames.crops import MelCrops
from liveseq.train.sound.frames.tracks import Framing, Track, make_tracks
from liveseq.train.sound.loop import train_recipe
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.tags import tag_table
from liveseq.train.sound.unagan.networks import FRAMES_PER_STEP
from liveseq.train.sound.unagan.recipe import StreamingRecipe, build
from liveseq.train.sound.weights import load_weights, replace_weights


def train_unagan(
    library: Library, out: Path, about: dict[str, Any], *, config: SoundTrainConfig, resume: bool, wandb: bool
) -> dict[str, Any]:
    """Train, and return the metrics; see `family.Train`."""
    torch.manual_seed(config.seed)
    recipe = build(about, library)
    crops = about["crops"]
    framing = Framing(front_end=recipe.front_end, per_step=FRAMES_PER_STEP)
    shared = {"tags": library.tags, "n_frames": crops["n_steps"] * FRAMES_PER_STEP, "seed": config.seed}
    tracks, held_out = (
        tuple(make_tracks(recordings, framing=framing, **shared)) for recordings in (library.train, library.held_out)
    )
    recipe.learn_statistics(tracks, tag_table(library), seed=config.seed, begin_from=about.get("from"))
    return train_recipe(
        recipe,
        MelCrops(tracks, per_step=FRAMES_PER_STEP, seed=config.seed, **crops),
        MelCrops(held_out or tracks, per_step=FRAMES_PER_STEP, seed=config.seed, augment=False, **crops),
        out,
        config=config,
        about=about,
        resume=resume,
        wandb=wandb,
        finish=lambda: finish(out, tracks, seed=config.seed),
    )


def finish(out: Path, tracks: Sequence[Track], *, seed: int) -> None:
    """Learn grain and loudness, which a trained generator leaves out, and put them into the checkpoint.

    Published variants have neither.
    """
    recipe = load_weights(out, checkpoint.load_yaml(out / checkpoint.CONFIG), build)
    if isinstance(recipe, StreamingRecipe):
        recipe.learn_grain_and_loudness(tracks, seed=seed)
        parts = {"generator.grain": recipe.generator.grain, "generator.limits": recipe.generator.limits}
        replace_weights(out, parts)
