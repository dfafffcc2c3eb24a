"""The exported step: equal to one piece, born by its seed, at the tempo that is asked for."""

import pytest
import torch

from liveseq.errors import ModelError
from liveseq.train.report import WHOLE_BOUND
from liveseq.train.sound.beats import clock_features
from liveseq.train.sound.export import difference_from_whole
from liveseq.train.sound.saved import load_vocoder
from liveseq.train.sound.streaming import Tape
from liveseq.train.sound.unagan.family import PRESETS
from liveseq.train.sound.unagan.generator import BIRTH_SIZE
from liveseq.train.sound.unagan.graph import UnaganGraph, step_graph
from liveseq.train.sound.unagan.published_recipe import PublishedRecipe
from tests.train.sound.followed_tempo import follows_tempo
from tests.train.sound.unagan.tiny_unagan import TinyVocoder, tiny_recipe


def test_steps_of_sound_are_the_whole():
    graph = UnaganGraph(tiny_recipe().generator, TinyVocoder(), tag_size=256).eval()
    assert graph.state_shapes()["birth"] == (BIRTH_SIZE,)
    assert difference_from_whole(graph, n_steps=5) <= WHOLE_BOUND


def test_a_stream_is_born_by_its_seed_and_beats_on():
    generator = tiny_recipe().generator
    tag = torch.zeros(256)
    tag[0] = 1.0
    with torch.no_grad():
        tape = Tape()
        beat = dict(zip(("rate", "beating"), generator.tempi(tag, torch.tensor(0.0)), strict=True))
        one, clock = generator.stream(tape, torch.zeros(48), tag, torch.zeros(BIRTH_SIZE), **beat)
        other, _ = generator.stream(Tape(), torch.zeros(48), tag, torch.ones(BIRTH_SIZE), **beat)
        _, later = generator.stream(Tape(tape.left()), torch.zeros(48), tag, torch.zeros(BIRTH_SIZE), **beat)
    assert not torch.equal(one, other)
    third = clock_features(torch.tensor(1 / 3), torch.tensor(1.0))
    torch.testing.assert_close(later[0, 0], third)
    assert clock[0, 0, -1] == 1.0


def test_an_exported_stream_follows_the_tempo_that_is_asked_for_even_where_it_had_no_beat(tmp_path):
    graph = UnaganGraph(tiny_recipe().generator, TinyVocoder(), tag_size=256).eval()
    random = torch.Generator().manual_seed(0)
    z = torch.randn(6, *graph.input_shapes()["z"], generator=random)
    tempo = torch.tensor([0.0, 0.0, 140.0, 140.0, 100.0, 0.0])[:, None]
    for row in range(2):  # a tag with a beat of 1 / 3 a step, and one without
        tag = torch.eye(256)[row].expand(6, -1)
        own = float(graph.generator.tempi(tag[0], torch.tensor(0.0))[0])
        assert (own > 0) == (row == 0)
        follows_tempo(graph, tmp_path, torch.zeros(BIRTH_SIZE), z, tag, tempo, own=own)


def test_published_variants_cannot_stream():
    with pytest.raises(ModelError, match="cannot stream"):
        step_graph(PublishedRecipe(PRESETS["nh"]["model"] | {"critic_width": 16}), load_vocoder)


def test_without_a_vocoder_there_is_no_sound():
    with pytest.raises(ModelError, match="--vocoder"):
        step_graph(tiny_recipe(), load_vocoder)
