"""Musika's networks from the settings of a config, and what is exported of them."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from liveseq.dsp.mel import MelFrontEnd
from liveseq.errors import ModelError
from liveseq.train.sound.library import Library
from liveseq.train.sound.musika.codec import Codec
from liveseq.train.sound.musika.coordinates import N_CLOCK, Windows
from liveseq.train.sound.musika.latents import GanConfig, LatentGan, TagGenerator
from liveseq.train.sound.musika.level_one import Level, MelLevel, PointwiseLevel
from liveseq.train.sound.musika.networks import Critic, Generator
from liveseq.train.sound.musika.stream import MusikaGraph
from liveseq.train.sound.recipe import Recipe
from liveseq.train.sound.saved import unfinished
from liveseq.train.sound.streaming import StepGraph
from liveseq.train.sound.tags import TAG_SIZE, tag_table


def make_codec(settings: dict[str, Any], level: Level) -> Codec:
    """Untrained. settings: `model` of a config."""
    return Codec(frame_size=level.frame_size, depth=settings["depth"], widths=settings["widths"])


def make_level(settings: dict[str, Any]) -> Level:
    """Untrained. settings: `model` of a config."""
    front_end = MelFrontEnd.from_dict(settings["front_end"], where="config.yaml")
    return PointwiseLevel(front_end, **settings["level"]) if settings["level"] else MelLevel(front_end)


def make_gan(settings: dict[str, Any], *, codec: Codec, level: Level, vectors: Tensor) -> LatentGan:
    """Untrained, beside a trained codec and level. vectors: of the tags, (n_tags, TAG_SIZE)."""
    windows = Windows(**settings["windows"])
    depth, base = 2 * settings["depth"], settings["base"]
    net = Generator(base=base, length=windows.length, depth=depth, tag=TAG_SIZE, clock=N_CLOCK)
    return LatentGan(
        TagGenerator(net, depth=depth, tag=TAG_SIZE, n_tags=len(vectors)),
        Critic(base=base, length=2 * windows.stride, depth=depth, tag=TAG_SIZE, clock=N_CLOCK),
        codec=codec,
        level=level,
        windows=windows,
        config=GanConfig(**settings["gan"]),
        vectors=vectors,
    )


def build(about: dict[str, Any], library: Library | None) -> Recipe:
    """The latent GAN with its codec, both untrained: weights are loaded into it, or `train` begins."""
    level = make_level(about["model"])
    codec = make_codec(about["model"], level)
    vectors = tag_table(about["tags"]) if library is not None else torch.zeros(len(about["tags"]), TAG_SIZE)
    recipe = make_gan(about["model"], codec=codec, level=level, vectors=vectors)
    recipe.about = about
    return recipe


def step_graph(recipe: Recipe) -> StepGraph:
    """Generator, codec and the vocoder that the config names.

    Raises ModelError where that is for other frames, and where the grain's strength, level and calm are not there.
    """
    assert isinstance(recipe, LatentGan)
    # Imported when it is asked for: the vocoder's training is no part of this one.
    from liveseq.train.sound.vocoders.vocoder import load_vocoder

    if "vocoder" not in recipe.about:
        raise ModelError("musika: no vocoder stands in its config; train with --vocoder models/vocoder")
    # ceilings of mean squares are below 0; those of an older program were sums of bands
    if not recipe.settling.offset.bias.any() or recipe.generator.ceiling.bias > 0:
        raise unfinished("musika")
    folder = Path(recipe.about["vocoder"])
    vocoder = load_vocoder(folder)
    recipe.level.front_end.check(vocoder.front_end, where=str(folder))
    return MusikaGraph(
        recipe.generator,
        recipe.codec,
        recipe.level,
        recipe.grain,
        recipe.settling,
        vocoder,
        windows=recipe.windows,
        tag_size=TAG_SIZE,
    )
