"""A trained sound model of any family, from its folder."""

from pathlib import Path
from typing import Any

from liveseq.errors import TrainingError
from liveseq.train import checkpoint
from liveseq.train.sound.families import FAMILIES
from liveseq.train.sound.family import Parts
from liveseq.train.sound.recipe import Recipe
from liveseq.train.sound.vocoders.vocoder import Vocoder
from liveseq.train.sound.weights import load_weights


def load_recipe(folder: Path) -> tuple[Recipe, dict[str, Any]]:
    """The best weights in their networks, in evaluation mode, and config.yaml. TrainingError where they do not fit."""
    about = checkpoint.load_yaml(folder / checkpoint.CONFIG)
    return load_weights(folder, about, parts_of(about, folder).build), about


def parts_of(about: dict[str, Any], folder: Path) -> Parts:
    """Functions of the family that config.yaml names. Raises TrainingError where there is no such family."""
    family = about.get("family")
    if family not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise TrainingError(f"{folder / checkpoint.CONFIG}: family: expected {known}, found {family!r}")
    return FAMILIES[family].parts()


def load_vocoder(folder: Path) -> Vocoder:
    """A trained vocoder, in evaluation mode. Raises TrainingError where the folder holds something else."""
    recipe, about = load_recipe(folder)
    for network in recipe.networks().values():
        if isinstance(network, Vocoder):
            return network
    raise TrainingError(f"{folder}: expected a vocoder, found a {about['family']}; give the folder of a vocoder")
