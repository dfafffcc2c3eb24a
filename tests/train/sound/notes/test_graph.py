"""The exported step: equal to one piece, at the tempo that is asked for, mono where its recordings are."""

import pytest
import torch

from liveseq.dsp.mel import PRESETS as FRONT_ENDS
from liveseq.errors import ModelError
from liveseq.train.report import WHOLE_BOUND
from liveseq.train.sound.export import difference_from_whole
from liveseq.train.sound.notes.codec import NARROWEST
from liveseq.train.sound.notes.graph import NotesGraph, step_graph
from liveseq.train.sound.saved import load_vocoder
from liveseq.train.sound.streaming import Tape
from tests.train.sound.followed_tempo import follows_tempo
from tests.train.sound.notes.tiny_notes import TinyVocoder, tiny_recipe


def _graph(**changes):
    recipe = tiny_recipe(**changes)
    recipe.generator.grain.scale.fill_(0.3)
    return NotesGraph(recipe.generator, TinyVocoder(), tag_size=256).eval()


@pytest.mark.parametrize("guidance", [1.0, 1.5])
def test_steps_of_sound_are_the_whole(guidance):
    graph = _graph(guidance=guidance)
    assert graph.samples_per_step == 8192
    assert graph.output_shapes() == {"audio": (2, 8192)}
    assert difference_from_whole(graph, n_steps=5) <= WHOLE_BOUND


def test_an_exported_stream_follows_the_tempo_that_is_asked_for_even_where_it_had_no_beat(tmp_path):
    graph = _graph(n_layers=1, flow_steps=1)
    random = torch.Generator().manual_seed(0)
    z = torch.randn(6, *graph.input_shapes()["z"], generator=random)
    tempo = torch.tensor([0.0, 0.0, 140.0, 140.0, 100.0, 0.0])[:, None]
    for row in range(2):  # a tag with a beat of 1 / 6 a latent, and one without
        tag = torch.eye(256)[row].expand(6, -1)
        own = 2.0 * float(graph.generator.tempi(tag[0], torch.tensor(0.0))[0])
        assert (own > 0) == (row == 0)
        follows_tempo(graph, tmp_path, torch.zeros(1), z, tag, tempo, own=own)


@torch.no_grad()
def test_a_stream_is_as_wide_as_its_recordings():
    graph = _graph()
    z = torch.randn(graph.input_shapes()["z"], generator=torch.Generator().manual_seed(0))
    shares = []
    for width in (NARROWEST, 0.0):
        graph.generator.codec.width_mean.fill_(width)
        graph.generator.codec.width_deviation.fill_(0.01)
        left, right = graph.step(Tape(), torch.zeros(1), z, torch.eye(256)[0], torch.zeros(1))[0]
        shares.append(float((left - right).square().mean() / (left + right).square().mean()))
    assert shares[0] < 1e-3, "40 dB below the middle"
    assert 0.1 < shares[1] < 10.0


def test_without_a_vocoder_there_is_no_sound():
    with pytest.raises(ModelError, match="--vocoder"):
        step_graph(tiny_recipe(), load_vocoder)


def test_a_vocoder_of_other_frames_is_refused_by_what_differs(tmp_path):
    recipe, vocoder = tiny_recipe(), TinyVocoder()
    recipe.vocoder = str(tmp_path / "old")
    recipe.generator.grain.scale.fill_(1.0)
    vocoder.front_end = FRONT_ENDS["music48"]
    with pytest.raises(ModelError, match="old: front end: n_fft: expected 4096, found 2048"):
        step_graph(recipe, lambda folder: vocoder)
