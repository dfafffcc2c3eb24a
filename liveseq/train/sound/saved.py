"""A trained sound model, from its folder."""

from pathlib import Path
from typing import Any

from torch import nn

from liveseq.errors import ModelError, TrainingError
from liveseq.train import checkpoint
from liveseq.train.sound.families import FAMILIES
from liveseq.train.sound.recipe import Recipe


def load_recipe(folder: Path) -> tuple[Recipe, dict[str, Any]]:
    """The best weights in their networks, ready to be heard, and config.yaml. TrainingError where they do not fit."""
    about = checkpoint.load_yaml(folder / checkpoint.CONFIG)
    family = about.get("family")
    if family not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise TrainingError(f"{folder / checkpoint.CONFIG}: family: expected {known}, found {family!r}")
    tensors, _ = checkpoint.load_tensors(folder / checkpoint.CHECKPOINT)
    try:
        recipe: Recipe = FAMILIES[family].load().build(about, None)
        for name, network in recipe.networks().items():
            network.load_state_dict(checkpoint.unprefixed(tensors, f"{name}."))
    except (KeyError, TypeError, RuntimeError) as error:
        told = " ".join(str(error).split())[:200]
        raise TrainingError(
            f"{folder}: {checkpoint.CHECKPOINT} does not fit {checkpoint.CONFIG} ({told}); train it again"
        ) from error
    return recipe.eval(), about


def put(folder: Path, parts: dict[str, nn.Module]) -> None:
    """Into the checkpoint, in the place of what it has of them. parts: by what names of their tensors begin with."""
    tensors, about = checkpoint.load_tensors(folder / checkpoint.CHECKPOINT)
    for name, part in parts.items():
        tensors |= {f"{name}.{key}": tensor for key, tensor in part.state_dict().items()}
    checkpoint.save_tensors(folder / checkpoint.CHECKPOINT, tensors, about=about)


def unfinished(family: str) -> ModelError:
    """For a checkpoint that lacks what is learned last: without it a model is dull and quiet, and does not say why."""
    return ModelError(
        f"{family}: its training did not come to its end, where grain and loudness are learned; go on with the same "
        "command and --resume, or end it where it is with --resume --steps 1"
    )
