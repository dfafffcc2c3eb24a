"""Weights of a sound model in and out of its checkpoint, for those who know its family."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from torch import nn

from liveseq.errors import ModelError, TrainingError, one_line
from liveseq.train import checkpoint
from liveseq.train.sound.recipe import Recipe


def load_weights(folder: Path, about: dict[str, Any], build: Callable[[dict[str, Any], None], Recipe]) -> Recipe:
    """The best weights of a folder in their networks, in evaluation mode.

    about: its config.yaml; build: `Parts.build` of its family. Raises TrainingError where they do not fit.
    """
    tensors, _ = checkpoint.load_tensors(folder / checkpoint.CHECKPOINT)
    try:
        recipe = build(about, None)
        for name, network in recipe.networks().items():
            network.load_state_dict(checkpoint.unprefixed(tensors, f"{name}."))
    except (KeyError, TypeError, RuntimeError) as error:
        raise TrainingError(
            f"{folder}: {checkpoint.CHECKPOINT} does not fit {checkpoint.CONFIG} ({one_line(error)}); train it again"
        ) from error
    return recipe.eval()


def take_over(recipe: Recipe, folder: Path, *, but: Collection[str] = ()) -> None:
    """Put the weights of a trained model of the same family into a recipe that is about to be trained.

    Measures of other tags, which may be more or fewer, stay as they are, and so do the parameters named in `but`.
    Raises TrainingError where weights do not fit.
    """
    tensors, _ = checkpoint.load_tensors(folder / checkpoint.CHECKPOINT)
    for name, network in recipe.networks().items():
        own = network.state_dict()
        found = checkpoint.unprefixed(tensors, f"{name}.")
        fitting = {k: t for k, t in found.items() if k in own and own[k].shape == t.shape and k not in but}
        strange = [key for key, _ in network.named_parameters() if key not in fitting and key not in but]
        if strange:
            raise TrainingError(f"{folder}: {name}.{strange[0]} is not there in this shape; give a model of this kind")
        network.load_state_dict(own | fitting)


def replace_weights(folder: Path, parts: dict[str, nn.Module]) -> None:
    """Put the weights of some parts into the checkpoint. parts: by the beginning of their tensors' names."""
    tensors, about = checkpoint.load_tensors(folder / checkpoint.CHECKPOINT)
    for name, part in parts.items():
        tensors |= {f"{name}.{key}": tensor for key, tensor in part.state_dict().items()}
    checkpoint.save_tensors(folder / checkpoint.CHECKPOINT, tensors, about=about)


def halve_weights(folder: Path, recipe: Recipe) -> None:
    """Round what a trained recipe learned to float16 in its checkpoint, half the size. What was measured stays."""
    tensors, about = checkpoint.load_tensors(folder / checkpoint.CHECKPOINT)
    for name, network in recipe.networks().items():
        for key, _ in network.named_parameters():
            tensors[f"{name}.{key}"] = tensors[f"{name}.{key}"].half()
    checkpoint.save_tensors(folder / checkpoint.CHECKPOINT, tensors, about=about)


def unfinished(family: str) -> ModelError:
    """For a checkpoint that lacks what is learned last: without it a model is dull and quiet, and does not say why."""
    return ModelError(
        f"{family}: its training did not come to its end, where grain and loudness are learned; go on with the same "
        "command and --resume, or end it where it is with --resume --steps 1"
    )
