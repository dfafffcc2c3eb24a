"""The generator of latents: within its limits, on when it was silent, and as if what it heard were its own."""

import pytest
import torch

from liveseq.train.sound.beats import CLOCK_SIZE
from liveseq.train.sound.recurrent.latents import REST
from liveseq.train.sound.streaming import Tape
from tests.train.sound.recurrent.tiny_recurrent import tiny_recipe


@pytest.mark.parametrize("form", ["gan", "blocks"])
@torch.no_grad()
def test_what_was_heard_is_as_if_it_had_been_played(form):
    generator = tiny_recipe(form).generator
    generator.births.table.zero_()
    generator.limits.loudest.fill_(-9.0)  # nothing is silent
    tag, beat = torch.eye(256)[0], {"rate": torch.tensor(1 / 6), "beating": torch.tensor(1.0)}
    played, listening = Tape(torch.zeros(400)), Tape(torch.zeros(400))
    latents = generator.stream(played, torch.randn(5, generator.n_noise), torch.zeros(1), tag, **beat)
    generator.hear(listening, latents[0], tag, **beat)
    torch.testing.assert_close(played.left(), listening.left())


@torch.no_grad()
def test_nothing_is_stranger_than_the_recordings_of_its_tag():
    generator = tiny_recipe("blocks").generator
    generator.limits.least[0], generator.limits.largest[0] = -0.1, 0.2
    tag, clock = torch.eye(256)[:1].expand(6, -1)[None], torch.ones(1, 6, CLOCK_SIZE)
    latent = generator.roll(tag, clock)
    assert latent.min() >= -0.1 - 1e-6
    assert latent.max() <= 0.2 + 1e-6


@torch.no_grad()
def test_a_stream_that_has_been_silent_begins_anew_and_keeps_the_beat():
    generator = tiny_recipe("blocks").generator
    tag, beat = torch.eye(256)[0], {"rate": torch.tensor(1 / 6), "beating": torch.tensor(1.0)}
    latents = {}
    for loudest in (-9.0, 9.0):  # never silent, always silent
        generator.limits.loudest.fill_(loudest)
        memory, latents[loudest] = torch.zeros(400), []
        torch.manual_seed(0)
        for _ in range(REST + 2):
            tape = Tape(memory)
            noise = torch.randn(1, generator.n_noise)
            latents[loudest].append(generator.stream(tape, noise, torch.zeros(1), tag, **beat)[0, 0])
            memory = tape.left()
        assert float(memory[0]) == pytest.approx((REST + 2) / 6 + float(generator.births.table[0, 4, 0]), abs=1e-4)
    awake, silent = (torch.stack(some) for some in latents.values())
    torch.testing.assert_close(silent[:REST], awake[:REST])
    assert not torch.allclose(silent[REST:], awake[REST:], atol=1e-3)


@torch.no_grad()
def test_a_tag_is_told_and_taught_ones_are_told_apart():
    generator = tiny_recipe("gan").generator
    first, second = generator.condition(torch.eye(256)[:2], torch.ones(2, CLOCK_SIZE))
    assert not torch.allclose(first, second, atol=1e-2)
