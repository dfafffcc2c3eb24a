"""Functions of a recurrent family that need torch, out of its default and of its original."""

from collections.abc import Callable
from typing import Any

from liveseq.train.sound.family import OpenVocoder, Parts
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.recipe import Recipe
from liveseq.train.sound.recurrent.recipe import RecurrentRecipe
from liveseq.train.sound.recurrent.training import training_of
from liveseq.train.sound.streaming import StepGraph

New = Callable[[dict[str, Any]], RecurrentRecipe]
"""Untrained recipe of a config."""


def parts_of(
    default: New,
    original: New,
    *,
    graph: Callable[[Any, OpenVocoder], StepGraph],
    original_graph: Callable[[Any], StepGraph],
) -> Parts:
    """graph, original_graph: one step of each. A config's `model` says by `form` which one it is of."""

    def build(about: dict[str, Any], library: Library | None) -> RecurrentRecipe:
        recipe = (original if about["model"]["form"] == "original" else default)(about)
        recipe.is_original = about["model"]["form"] == "original"
        return recipe

    def step_graph(recipe: Recipe, open_vocoder: OpenVocoder) -> StepGraph:
        assert isinstance(recipe, RecurrentRecipe)
        return original_graph(recipe) if recipe.is_original else graph(recipe, open_vocoder)

    return Parts(build=build, step_graph=step_graph, train=training_of(build))
