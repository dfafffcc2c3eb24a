"""Musika's networks from the settings of a config, and what is exported of them."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from liveseq.dsp.mel import PRESETS as FRONT_ENDS
from liveseq.errors import ModelError
from liveseq.train.sound.library import Library
from liveseq.train.sound.musika.codec import Codec, Level, MelLevel
from liveseq.train.sound.musika.coordinates import Windows
from liveseq.train.sound.musika.latents import GanConfig, LatentGan, TagGenerator
from liveseq.train.sound.musika.networks import Critic, Generator
from liveseq.train.sound.musika.stream import MusikaGraph
from liveseq.train.sound.recipe import Recipe
from liveseq.train.sound.streaming import StepGraph
from liveseq.train.sound.tags import TAG_SIZE, tag_table


def make_codec(settings: dict[str, Any], level: Level) -> Codec:
    """Untrained. settings: `model` of a config."""
    return Codec(frame_size=level.frame_size, depth=settings["depth"], widths=settings["widths"])


def make_level(about: dict[str, Any], *, audible: bool) -> Level:
    """audible: with the vocoder that the config names. Raises LiveseqError where it is not there or does not fit."""
    vocoder = None
    if audible:
        # Loaded when it is asked for: the vocoder's family is no part of a training here.
        from liveseq.train.sound.vocoder import load_vocoder

        if "vocoder" not in about:
            raise ModelError("musika: no vocoder stands in its config; train with --vocoder models/vocoder")
        vocoder = load_vocoder(Path(about["vocoder"]))
    return MelLevel(FRONT_ENDS[about["model"]["front_end"]], vocoder)


def make_gan(settings: dict[str, Any], *, codec: Codec, vectors: Tensor) -> LatentGan:
    """Untrained, beside a trained codec. vectors: of the tags, (n_tags, TAG_SIZE)."""
    windows = Windows(**settings["windows"])
    depth, base = 2 * settings["depth"], settings["base"]
    net = Generator(base=base, length=windows.length, depth=depth, tag=TAG_SIZE)
    return LatentGan(
        TagGenerator(net, depth=depth, tag=TAG_SIZE),
        Critic(base=base, length=2 * windows.stride, depth=depth, tag=TAG_SIZE),
        codec=codec,
        windows=windows,
        config=GanConfig(**settings["gan"]),
        vectors=vectors,
    )


def build(about: dict[str, Any], library: Library | None) -> Recipe:
    """The latent GAN with its codec, both untrained: weights are loaded into it, or `train` begins."""
    level = make_level(about, audible=False)
    vectors = tag_table(about["tags"]) if library is not None else torch.zeros(len(about["tags"]), TAG_SIZE)
    recipe = make_gan(about["model"], codec=make_codec(about["model"], level), vectors=vectors)
    recipe.about = about
    return recipe


def step_graph(recipe: Recipe) -> StepGraph:
    assert isinstance(recipe, LatentGan)
    level = make_level(recipe.about, audible=True)
    return MusikaGraph(recipe.generator, recipe.codec, level, windows=recipe.windows, tag_size=TAG_SIZE)
