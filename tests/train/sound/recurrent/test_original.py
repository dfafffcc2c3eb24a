"""The presets as published, mended: signed waves, the very next sample, blocks whose transforms are one matrix."""

import torch

from liveseq.train.sound.recurrent.blocks.original import OriginalBlocksGraph, waves
from liveseq.train.sound.recurrent.sample.original import OriginalSamplesGraph
from liveseq.train.sound.streaming import Tape
from tests.train.sound.recurrent.tiny_recurrent import tiny_recipe


@torch.no_grad()
def test_waves_of_the_gan_have_both_signs():
    generator = tiny_recipe("original gan").generator
    for sign in (-1.0, 1.0):
        generator.leave.bias.fill_(sign)
        audio, _ = generator(torch.randn(2, 200))
        assert float((sign * audio).min()) > 0.0


@torch.no_grad()
def test_features_of_blocks_are_waves_again():
    net, audio = tiny_recipe("original blocks").generator, torch.randn(2, 800)
    features = net.features(audio)
    assert features.shape == (2, 2, 800)
    torch.testing.assert_close(waves(features).flatten(1), audio, atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_step_of_blocks_is_the_network_and_its_transform():
    recipe = tiny_recipe("original blocks")
    net = recipe.generator
    net.mean.normal_()
    net.deviation.uniform_(0.5, 2.0)
    audio = 0.1 * torch.randn(1, 1200)
    x = net.scored(audio)
    following, _, _ = net(x)
    more, _, _ = net(torch.cat((x, following[:, -1:]), dim=1))
    expected = [waves(y[:, -1] * net.deviation + net.mean) for y in (following, more)]
    graph, memory = OriginalBlocksGraph(recipe), torch.zeros(2 + net.births.size + 1)
    for block in audio[0].split(400):
        tape = Tape(memory)
        graph.hear(tape, torch.zeros(0), block)
        tape.pass_on()
        memory = tape.left()
    for wave in expected:
        tape = Tape(memory)
        audio, _ = graph.step(tape, torch.zeros(0), torch.zeros(1))
        memory = tape.left()
        assert float((audio - wave).std()) < 1e-4, "but for the offset, which the output takes away"


@torch.no_grad()
def test_a_step_of_samples_is_the_network_that_hears_itself():
    recipe = tiny_recipe("original sample")
    net = recipe.generator
    net.births.table.zero_()
    samples = torch.zeros(1, 1)
    for _ in range(20):
        following, _ = net(samples)
        samples = torch.cat((samples, following[:, None]), dim=1)
    graph = OriginalSamplesGraph(recipe)
    tape = Tape(torch.zeros(2 + net.births.size + 1))
    audio, _ = graph.step(tape, torch.zeros(0), torch.zeros(1))
    offset = audio[0, :20] - samples[0, 1:]
    assert float(offset.diff().abs().max()) < 1e-4


def test_the_sample_that_is_asked_for_is_the_next_one():
    recipe = tiny_recipe("original sample")
    recipe.generator.forward = lambda heard: (heard[:, -1], None)
    audio = torch.arange(6.0).expand(1, 2, 6)
    assert float(recipe._error(audio)) == 1.0
