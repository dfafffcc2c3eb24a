"""Training of a recurrent model: one recipe, on crops of frames or of audio, and what is learned last."""

from pathlib import Path
from typing import Any

import torch

from liveseq.train import checkpoint
from liveseq.train.sound.config import SoundTrainConfig
from liveseq.train.sound.family import Train
from liveseq.train.sound.loop import train_recipe
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.recurrent.recipe import Build, Material, RecurrentRecipe
from liveseq.train.sound.weights import halve_weights, load_weights, replace_weights


def training_of(build: Build) -> Train:
    """The training of a model by its `Parts.build`; see `family.Train`."""

    def train(
        library: Library, out: Path, about: dict[str, Any], *, config: SoundTrainConfig, resume: bool, wandb: bool
    ) -> dict[str, Any]:
        torch.manual_seed(config.seed)
        recipe = build(about, library)
        material = recipe.measure(library, about["crops"], seed=config.seed)
        return train_recipe(
            recipe,
            material.crops,
            material.held_out,
            out,
            config=config,
            about=about,
            resume=resume,
            wandb=wandb,
            finish=lambda: finish(out, build, material, seed=config.seed),
        )

    return train


def finish(out: Path, build: Build, material: Material, *, seed: int) -> None:
    """Round the weights, learn what follows from them, and put all that into the checkpoint."""
    about = checkpoint.load_yaml(out / checkpoint.CONFIG)
    halve_weights(out, build(about, None))
    recipe = load_weights(out, about, build)
    assert isinstance(recipe, RecurrentRecipe)
    recipe.learn_last(material, seed=seed)
    replace_weights(out, recipe.last())
