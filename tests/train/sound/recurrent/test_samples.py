"""The generator of samples: squeezed and back, likelihood where samples are, and as if what it heard were its own."""

import pytest
import torch

from liveseq.train.sound.recurrent.sample.graph import SampleGraph
from liveseq.train.sound.recurrent.sample.networks import FRAME, PARTS
from liveseq.train.sound.streaming import Tape
from tests.train.sound.recurrent.tiny_recurrent import tiny_recipe


@torch.no_grad()
def test_samples_are_squeezed_and_widened_again():
    generator = tiny_recipe("sample").generator
    generator.loudest[:] = torch.tensor([0.8, 0.2, 0.1, 0.05])
    bands = generator.loudest[:, None] * torch.linspace(-1.0, 1.0, 9)
    samples = generator.squeezed(bands[None])
    assert float(samples.abs().max()) == pytest.approx(1.0)
    assert float(samples[0, 5].min()) > 0.6, "a quarter of the loudest is more than half of the way"
    torch.testing.assert_close(generator.widened(samples), bands[None])


def test_likelihood_is_learned():
    generator = tiny_recipe("sample").generator.train()
    phase = torch.arange(3 * FRAME) * 0.4 + torch.rand(8, 1)
    samples = torch.stack([(phase * n).sin() * 0.5 for n in (1, 2, 3, 4)], dim=-1)
    conditions = torch.zeros(8, 3 * PARTS, 8)
    optimizer, nats = torch.optim.Adam(generator.parameters(), lr=0.01), []
    for _ in range(40):
        nats.append(generator.nats(samples, conditions, n_left_out=FRAME))
        optimizer.zero_grad()
        nats[-1].backward()
        optimizer.step()
    assert nats[-1].item() < nats[0].item() - 0.5


@torch.no_grad()
def test_what_was_heard_is_as_if_it_had_been_played():
    recipe = tiny_recipe("sample")
    generator, tag = recipe.generator, torch.eye(256)[0]
    generator.births.table.zero_()
    graph, memory = SampleGraph(recipe), torch.zeros(1, generator.births.size)
    frame, carried, frames = graph._frame(generator.told(tag)[None]), list(generator.parts_of(memory)), []
    for _ in range(3):
        carried, samples = frame(carried, (torch.randn(FRAME, 4, 3),))
        frames.append(samples)
    heard = generator.after(torch.cat(frames)[None], generator.told(tag)[None])
    torch.testing.assert_close(heard, torch.cat(carried, dim=1), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_recording_is_heard_alike_in_one_piece_and_in_steps():
    recipe = tiny_recipe("sample")
    graph, generator = SampleGraph(recipe), recipe.generator
    n, tag = graph.samples_per_step, torch.eye(256)[1]
    audio = 0.3 * torch.randn(2 * n, generator=torch.Generator().manual_seed(0))
    padded, memory = torch.nn.functional.pad(audio, (graph.n_before, 0)), torch.zeros(2 + generator.births.size)
    for number in range(2):
        tape = Tape(memory)
        graph.hear(tape, torch.zeros(0), padded[number * n : (number + 1) * n + graph.n_before], tag)
        memory = tape.left()
    samples = generator.squeezed(generator.bank.analysis(audio[None]))
    whole = generator.after(samples, generator.told(tag)[None])
    torch.testing.assert_close(memory[2:], whole[0], atol=1e-5, rtol=1e-4)
