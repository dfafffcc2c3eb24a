"""The latent GAN: the colour it begins with, R1, and every preset."""

import numpy as np
import pytest
import torch

from liveseq.train.sound.musika.coordinates import N_CLOCK, clock_of
from liveseq.train.sound.musika.family import PRESETS
from liveseq.train.sound.musika.level_one import MelLevel
from liveseq.train.sound.musika.networks import Critic
from liveseq.train.sound.musika.recipe import GanConfig, LatentGan, build
from tests.train.sound.musika.tiny_musika import DEPTH, FRONT_END, TAG, WINDOWS


def test_a_generator_begins_with_the_colour_of_each_tag(generator):
    vectors = torch.nn.functional.normalize(torch.randn(3, TAG), dim=1)
    latents = [torch.randn(2 * DEPTH, 4000) * (1 + k) + 5.0 * k for k in range(3)]
    clock = clock_of(torch.arange(4000.0)[None] / 7.3, torch.ones(1, 4000))[0]
    pulse = torch.randn(2 * DEPTH, N_CLOCK)
    pulse[:, -1] = 0.0  # what is always there is the mean's
    latents[2] += pulse @ clock
    generator.begin_from(vectors, latents, [clock] * 3)
    with torch.no_grad():
        means, spreads = generator.mean(vectors), generator.spread(vectors).exp()
        pulses = generator.pulse(vectors).reshape(3, 2 * DEPTH, N_CLOCK)
    assert float((pulses[2] - pulse).abs().mean()) < 0.15
    assert float(pulses[0].abs().mean()) < 0.1
    for k in range(3):
        assert float(means[k].mean()) == pytest.approx(5.0 * k, abs=0.3)
        assert float(spreads[k].mean()) == pytest.approx(1.0 + k, rel=0.1)


def small_gan(generator, codec):
    torch.manual_seed(2)
    return LatentGan(
        generator,
        Critic(base=2, length=2 * WINDOWS.stride, depth=2 * DEPTH, tag=TAG, clock=N_CLOCK),
        codec=codec,
        level=MelLevel(FRONT_END),
        windows=WINDOWS,
        config=GanConfig(r1_step=0.25, noise=0.1),
        vectors=torch.nn.functional.normalize(torch.randn(3, TAG), dim=1),
    )


def test_r1_fades_while_the_critic_is_unsure(generator, codec):
    from lightning_fabric import Fabric

    fabric = Fabric(accelerator="cpu", devices=1)
    recipe = small_gan(generator.train(), codec.requires_grad_(False))
    recipe.set_up(fabric)
    clocks = torch.rand(4, 2 * WINDOWS.stride + WINDOWS.overlap, 2)
    batch = torch.randn(4, 2 * DEPTH, 2 * WINDOWS.stride), torch.tensor([0, 1, 2, 0]), clocks
    for number in range(3):
        told = recipe.train_step(fabric, batch, number)
    assert float(told["critic"]) > 0
    assert float(told["r1"]) == pytest.approx(2.5)
    assert np.isfinite(recipe.score([batch])["distance"])


def test_every_preset_builds():
    for name, preset in PRESETS.items():
        with torch.device("meta"):
            recipe = build({"tags": ["a"], "model": preset["model"], "vocoder": "v"}, None)
        assert {"generator", "codec"} <= recipe.networks().keys(), name
