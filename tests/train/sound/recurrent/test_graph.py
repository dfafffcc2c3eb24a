"""Exported steps: equal to one piece and to torch, at the tempo that is asked for, with a graph that listens."""

import numpy as np
import pytest
import torch

from liveseq.errors import ModelError
from liveseq.runtime.generator import OnnxGenerator, Stream
from liveseq.runtime.hearing import HEARING, Hearing
from liveseq.train import report as reports
from liveseq.train.report import WHOLE_BOUND
from liveseq.train.sound import export
from liveseq.train.sound.recurrent.sample import graph as of_samples
from liveseq.train.sound.recurrent.sample import original
from liveseq.train.sound.saved import load_vocoder
from tests.train.sound.followed_tempo import follows_tempo
from tests.train.sound.notes.tiny_notes import TinyVocoder
from tests.train.sound.recurrent.tiny_recurrent import FORMS, about, parts, tiny_recipe

TRAINING = {"data": "none", "licence": "MIT", "command": "none"}


def _graph(form):
    recipe = tiny_recipe(form)
    return parts(form).step_graph(recipe, lambda folder: TinyVocoder()).eval()


@pytest.mark.parametrize("form", ["gan", "blocks", "original gan"])
def test_steps_of_sound_are_the_whole(form):
    graph = _graph(form)
    assert export.difference_from_whole(graph, n_steps=4) <= WHOLE_BOUND


@pytest.mark.parametrize("form", FORMS)
def test_an_export_equals_torch_goes_on_and_listens(form, tmp_path, monkeypatch):
    monkeypatch.setattr(reports, "BENCHMARK_RUNS", 20)
    monkeypatch.setattr(reports, "BENCHMARK_ROUNDS", 2)
    monkeypatch.setattr(export, "PARITY_STEPS", 4)
    monkeypatch.setattr(of_samples, "N_FRAMES", 2)
    monkeypatch.setattr(original, "STEP_SECONDS", 0.02)
    report = export.export_graph(_graph(form), tmp_path, about(form) | {"training": TRAINING})
    assert report.parity < 1e-4
    generator = OnnxGenerator(tmp_path)
    tag = np.eye(256, dtype=np.float32)[0] if generator.tag_size else None
    plain = Stream(generator, seed=1).next(tag)
    if form == "original gan":
        assert not (tmp_path / HEARING).exists()
        with pytest.raises(ModelError, match=r"listens to no recording; take one that does .* leave --seed-file out"):
            Hearing(generator)
        return
    hearing = Hearing(generator)
    n, rng = 3 * generator.samples_per_step, np.random.default_rng(0)
    heard = []
    for _ in range(2):
        states = hearing.states(0.2 * rng.standard_normal(n, dtype=np.float32), seed=1, tag=tag)
        heard.append(Stream(generator, seed=1, states=states).next(tag))
    assert not np.allclose(heard[0], plain, atol=1e-4), "it goes on from what it heard"
    assert not np.allclose(heard[0], heard[1], atol=1e-5), "and from that very recording"


def test_an_exported_stream_follows_the_tempo_that_is_asked_for_even_where_it_had_no_beat(tmp_path):
    graph = _graph("blocks")
    graph.generator.births.table[..., 0] = 0.0  # births on the first beat
    random = torch.Generator().manual_seed(0)
    z = torch.randn(6, *graph.input_shapes()["z"], generator=random)
    tempo = torch.tensor([0.0, 0.0, 140.0, 140.0, 100.0, 0.0])[:, None]
    for row in range(2):  # a tag with a beat of 1 / 6 a latent, and one without
        tag = torch.eye(256)[row].expand(6, -1)
        own = 2.0 * float(graph.generator.tempi(tag[0], torch.tensor(0.0))[0])
        assert (own > 0) == (row == 0)
        follows_tempo(graph, tmp_path, torch.zeros(1), z, tag, tempo, own=own, place=0)


def test_without_a_vocoder_there_is_no_sound():
    recipe = tiny_recipe("blocks")
    recipe.vocoder = None
    with pytest.raises(ModelError, match="--vocoder"):
        parts("blocks").step_graph(recipe, load_vocoder)
