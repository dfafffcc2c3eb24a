"""The generator of notes: a stream is what was learned, within its limits, and guided by its tag."""

import pytest
import torch

from liveseq.train.sound.beats import CLOCK_SIZE
from liveseq.train.sound.notes.codec import PER_LATENT
from liveseq.train.sound.notes.generator import REST
from tests.train.sound.notes.tiny_notes import tiny_recipe


def _told(n_steps):
    return torch.eye(256)[:1].expand(n_steps, -1)[None], torch.rand(1, n_steps, CLOCK_SIZE)


@pytest.mark.parametrize("guidance", [1.0, 2.0])
@torch.no_grad()
def test_latents_of_a_stream_are_drawn_under_the_contexts_that_are_learned(guidance):
    generator = tiny_recipe(guidance=guidance).generator
    for extreme, value in ((generator.limits.least, -99.0), (generator.limits.largest, 99.0)):
        extreme.fill_(value)
    tag, clock = _told(14)  # beyond the window
    torch.manual_seed(1)
    latent = generator.roll(tag, clock)
    context = generator.contexts(latent, tag, clock)
    if guidance != 1.0:
        context = torch.cat((context, generator.contexts(latent, torch.zeros_like(tag), clock)))
    torch.manual_seed(1)
    for number in range(14):
        noise = torch.randn(1, generator.n_noise)
        told = generator.codes.choose(context[:, number], noise[:, generator.size :], guidance=guidance)
        drawn = generator.draw(noise[:, : generator.size], told, generator.times())
        torch.testing.assert_close(drawn, latent[:, number], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_flow_that_goes_one_way_comes_where_it_leads():
    generator = tiny_recipe().generator
    torch.nn.init.zeros_(generator.head.leave.weight)
    generator.head.leave.bias[:] = torch.arange(float(generator.size))
    noise = torch.randn(2, generator.size)
    drawn = generator.draw(noise, torch.randn(2, 16), generator.times())
    torch.testing.assert_close(drawn, generator.temperature * noise + torch.arange(float(generator.size)))
    latent, context = torch.randn(2, 5, generator.size), torch.randn(2, 5, 16)
    errors = generator.flow_errors(latent, context, n_draws=3)
    assert errors.shape == (3, 2, 5, generator.size)
    far = (torch.arange(float(generator.size)) ** 2).mean()
    assert 0.8 * far < float(errors.mean()) < 1.2 * far


@torch.no_grad()
def test_nothing_is_stranger_or_louder_than_the_recordings_of_its_tag():
    generator = tiny_recipe().generator
    generator.limits.least[0], generator.limits.largest[0] = -0.1, 0.2
    generator.limits.loudest[0] = -2.0
    latent = generator.roll(*_told(4))
    assert latent.min() >= -0.1 - 1e-6
    assert latent.max() <= 0.2 + 1e-6
    middle, side = generator.frames(latent, _told(4)[0], torch.zeros(1, 4, generator.grain.size))
    assert middle.shape == side.shape == (1, generator.n_mels, 4 * PER_LATENT)
    assert float(middle.max()) <= -2.0 + 1e-5


@torch.no_grad()
def test_a_stream_that_has_fallen_silent_begins_anew():
    generator = tiny_recipe(temperature=0.0).generator
    for head in generator.codes.heads:
        head.bias[0] = 99.0  # nothing is left to chance
    tag, clock = torch.eye(256)[:1].expand(2 * REST, -1)[None], torch.ones(1, 2 * REST, CLOCK_SIZE)
    sounding = generator.roll(tag, clock)[0]
    assert not torch.allclose(sounding[REST : REST + 3], sounding[:3], atol=1e-3)
    generator.limits.loudest.fill_(99.0)  # all of that is silence then
    silent = generator.roll(tag, clock)[0]
    torch.testing.assert_close(silent[:REST], sounding[:REST])
    torch.testing.assert_close(silent[REST:], silent[:REST])


@torch.no_grad()
def test_a_tag_that_is_kept_back_is_another_context():
    recipe = tiny_recipe()
    tag, clock = _told(6)
    latent = torch.randn(1, 6, recipe.generator.size)
    with_tag, without = (recipe.generator.contexts(latent, t, clock) for t in (tag, torch.zeros_like(tag)))
    assert float((with_tag - without).abs().max()) > 1e-3
