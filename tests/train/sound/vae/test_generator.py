"""The walk: a tile is whole on its beat, lasts as long as beats fit, and is where it is held."""

import itertools

import pytest
import torch

from liveseq.train.sound.streaming import Tape
from liveseq.train.sound.vae.generator import AT_ONCE
from tests.train.sound.vae.tiny_vae import TINY, tiny_recipe

N, OVERLAP, SIZE = TINY["n_steps"], TINY["n_overlap"], TINY["z_size"]
FREE = torch.tensor([0.0, 1.0])


def _walk(generator, n_steps, *, rate=0.0, tag=0, latent=None, travel=FREE, seed=1):
    """Streams n_steps: ages of the newer tile, beats since the start, z of both tiles, and the latents that sound."""
    random = torch.Generator().manual_seed(seed)
    birth = torch.randn(SIZE + 1, generator=random)
    rows, memory, tiles = [], None, []
    decode = generator.decoder.forward
    generator.decoder.forward = lambda z, clock: tiles.append(z) or decode(z, clock)
    n = 2 + 2 + 2 + 2 * SIZE
    for _number in range(n_steps):
        tape = Tape(torch.zeros(n) if memory is None else memory)
        told = {"rate": torch.tensor(rate), "beating": torch.tensor(float(rate > 0.0))}
        told |= {"latent": torch.zeros(SIZE) if latent is None else latent, "travel": travel}
        noise = torch.randn(generator.n_noise, generator=random)
        sounding, near = generator.stream(tape, noise, torch.eye(256)[tag], birth, **told)
        before, memory = memory, tape.left()
        position = 0.0 if before is None else float(before[1])
        rows.append((int(memory[2]) - AT_ONCE, position, tiles[-1], sounding, near))
    generator.decoder.forward = decode
    return rows


@torch.no_grad()
@pytest.mark.parametrize(("rate", "beats"), [(1 / 6, 2.0), (1 / 3, 4.0), (0.09, 1.0)])
def test_a_tile_is_whole_on_the_beat_and_as_long_as_beats_fit(rate, beats):
    generator = tiny_recipe().generator
    rows = _walk(generator, 120, rate=rate)
    begun = [position + OVERLAP * rate for age, position, *_ in rows[1:] if age == 0]
    assert len(begun) >= 4
    for place in begun:
        assert (place + 1e-3) % beats < AT_ONCE * rate + 2e-3, "it is whole within a step of the beat"
    lengths = {round((two - one) % 16.0, 3) for one, two in itertools.pairwise(begun)}
    assert all(abs(length - beats) <= AT_ONCE * rate + 1e-3 for length in lengths)
    assert all(age <= N for age, *_ in rows)


@torch.no_grad()
def test_without_a_beat_a_tile_lasts_to_its_end():
    rows = _walk(tiny_recipe().generator, 40, tag=1)
    ages = [age for age, *_ in rows]
    assert ages[0] == OVERLAP, "a stream begins with a tile that is whole"
    assert ages[:6] == [4, 6, 8, 10, 0, 2]
    assert max(ages) == N - OVERLAP - AT_ONCE


@torch.no_grad()
def test_z_moves_a_little_with_each_tile_and_not_between():
    generator = tiny_recipe(leaps=0.0).generator
    rows = _walk(generator, 80, tag=1)
    for (_, _, before, *_), (age, _, now, *_) in itertools.pairwise(rows):
        assert torch.equal(before[0], now[1] if age == 0 else now[0])
        assert torch.equal(before[0], now[0]) == (age != 0)
    newest = torch.stack([z[0] for age, _, z, *_ in rows if age == 0])
    middles = generator.prior.means[2:]
    home = torch.cdist(newest, middles).argmin(dim=1)
    assert len(set(home.tolist())) == 1, "it stays at one place of its tag"


@torch.no_grad()
def test_leaps_go_to_other_places_of_the_tag():
    rows = _walk(tiny_recipe(leaps=1.0, temperature=0.01).generator, 200, tag=1)
    generator = tiny_recipe().generator
    newest = torch.stack([z[0] for _, _, z, *_ in rows])
    assert set(torch.cdist(newest, generator.prior.means).argmin(dim=1).tolist()) == {2, 3}


@torch.no_grad()
def test_a_latent_is_where_it_is_held_and_walks_as_far_as_it_is_told():
    generator, there = tiny_recipe().generator, torch.arange(float(SIZE))
    for held, walk, distance in ((1.0, 0.0, 0.0), (1.0, 1.0, None), (0.0, 0.0, None)):
        rows = _walk(generator, 12, latent=there, travel=torch.tensor([held, walk]), tag=1)
        away = (rows[-1][2][0] - there).norm()
        assert (float(away) < 1e-5) == (distance == 0.0), (held, walk)
    half = _walk(generator, 3, latent=there, travel=torch.tensor([0.5, 0.0]))[-1][2][0]
    own = _walk(generator, 3, travel=torch.tensor([0.0, 0.0]))[-1][2][0]
    torch.testing.assert_close(half, 0.5 * (own + there))


@torch.no_grad()
def test_limits_are_those_of_the_tags_that_sound_whatever_tag_was_told():
    generator = tiny_recipe().generator
    generator.limits.least[1], generator.limits.largest[1] = -0.01, 0.01
    second = generator.prior.means[3]
    *_, sounding, near = _walk(generator, 3, tag=0, latent=second, travel=torch.tensor([1.0, 0.0]))[-1]
    assert float(near[0, 0, 1]) > 0.99
    assert float(sounding.abs().max()) < 0.1
    assert float(_walk(generator, 3, tag=0)[-1][3].abs().max()) > 0.1
