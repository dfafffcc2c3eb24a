"""Training of the VAE: tiles of frames, which lie on disk beside the run, or the original's pictures of audio."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from liveseq.train import checkpoint
from liveseq.train.sound.config import SoundTrainConfig
from liveseq.train.sound.frames.crops import MelCrops
from liveseq.train.sound.frames.tracks import Track
from liveseq.train.sound.loop import train_recipe
from liveseq.train.sound.material.crops import train_and_held_out
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.notes.codec import PER_LATENT
from liveseq.train.sound.notes.training import kept_stereo_tracks
from liveseq.train.sound.tags import tag_table
from liveseq.train.sound.vae.recipe import TilesRecipe, build
from liveseq.train.sound.weights import halve_weights, load_weights, replace_weights


def train_vae(
    library: Library, out: Path, about: dict[str, Any], *, config: SoundTrainConfig, resume: bool, wandb: bool
) -> dict[str, Any]:
    """Train, and return the metrics; see `family.Train`."""
    torch.manual_seed(config.seed)
    recipe = build(about, library)
    run = {"config": config, "about": about, "resume": resume, "wandb": wandb}
    if not isinstance(recipe, TilesRecipe):
        return train_recipe(recipe, *train_and_held_out(library, about["crops"], seed=config.seed), out, **run)
    crops = about["crops"] | {"n_steps": recipe.generator.n_steps, "seed": config.seed}
    tracks, held_out = kept_stereo_tracks(library, out, recipe.front_end, n_steps=crops["n_steps"], seed=config.seed)
    recipe.learn_statistics(tracks, tag_table(library), seed=config.seed)
    return train_recipe(
        recipe,
        MelCrops(tracks, **crops, per_step=PER_LATENT, spliced=0.0),
        MelCrops(held_out or tracks, **crops, per_step=PER_LATENT, augment=False),
        out,
        **run,
        finish=lambda: finish(out, tracks, seed=config.seed),
    )


def finish(out: Path, tracks: Sequence[Track], *, seed: int) -> None:
    """Round the weights, learn what is learned last, and put all that into the checkpoint."""
    about = checkpoint.load_yaml(out / checkpoint.CONFIG)
    halve_weights(out, build(about, None))
    recipe = load_weights(out, about, build)
    assert isinstance(recipe, TilesRecipe)
    recipe.finish(tracks, seed=seed)
    generator = recipe.generator
    parts = {"grain": generator.grain, "limits": generator.limits, "prior": generator.prior}
    replace_weights(out, {f"generator.{name}": part for name, part in parts.items()})
