"""The exported step: equal to one piece, to torch, at the tempo that is asked for, and where its latent is held."""

import numpy as np
import onnxruntime
import pytest
import torch

from liveseq.errors import ModelError
from liveseq.train.graph import write_graph
from liveseq.train.report import WHOLE_BOUND
from liveseq.train.sound.export import difference_from_whole
from liveseq.train.sound.saved import load_vocoder
from liveseq.train.sound.trial import random_inputs
from liveseq.train.sound.vae.graph import VaeGraph, step_graph
from liveseq.train.sound.vae.published_recipe import PublishedRecipe
from tests.train.sound.notes.tiny_notes import TinyVocoder
from tests.train.sound.vae.tiny_vae import TAGS, tiny_recipe


def _graph(**changes):
    recipe = tiny_recipe(**changes)
    recipe.generator.grain.scale.fill_(0.3)
    return VaeGraph(recipe.generator, TinyVocoder(), tag_size=256, tags=TAGS).eval()


def test_steps_of_sound_are_the_whole():
    graph = _graph()
    assert graph.samples_per_step == 8192
    assert graph.output_shapes() == {"audio": (2, 8192)}
    assert difference_from_whole(graph, n_steps=12) <= WHOLE_BOUND


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    graph = _graph()
    path = tmp_path_factory.mktemp("vae") / "step.onnx"
    states = graph.state_shapes()
    outputs = ["audio", *(f"{name}_next" for name in states)]
    write_graph(graph, path, inputs=graph.input_shapes() | states, outputs=outputs)
    return graph, onnxruntime.InferenceSession(path)


def _play(session, graph, inputs):
    """Audio of a stream whose steps have these inputs, and the memory after each."""
    birth = torch.randn(graph.birth_size(), generator=torch.Generator().manual_seed(0)).numpy()
    memory, names = np.zeros(graph.state_shapes()["memory"], np.float32), list(graph.input_shapes())
    for arrays in inputs:
        feed = dict(zip(names, arrays, strict=True)) | {"memory": memory, "birth": birth}
        audio, memory, birth = session.run(None, feed)
        yield audio, memory


@torch.no_grad()
def test_what_is_exported_is_what_torch_plays(exported):
    graph, session = exported
    inputs = list(random_inputs(graph.input_shapes(), n_steps=40, n_tags=3))
    birth = torch.randn(graph.birth_size(), generator=torch.Generator().manual_seed(0))
    states = [torch.zeros(graph.state_shapes()["memory"]), birth]
    for arrays, (found, memory) in zip(inputs, _play(session, graph, inputs), strict=True):
        audio, *states = graph(*(torch.from_numpy(array) for array in arrays), *states)
        np.testing.assert_allclose(found, audio.numpy(), atol=1e-4)
        np.testing.assert_allclose(memory, states[0].numpy(), atol=1e-3)


def test_an_exported_stream_follows_the_tempo_that_is_asked_for(exported):
    graph, session = exported
    tempi = [0.0, 0.0, 140.0, 140.0, 100.0, 0.0]
    for row, own in ((0, 2 / 6), (1, 0.0)):  # a tag with a beat of 1 / 6 a latent, and one without
        inputs = list(random_inputs(graph.input_shapes(), n_steps=6, n_tags=1))
        for arrays, tempo in zip(inputs, tempi, strict=True):
            arrays[1], arrays[2] = np.eye(256, dtype=np.float32)[row], np.array([tempo], np.float32)
        position = 0.0
        for tempo, (_, memory) in zip(tempi, _play(session, graph, inputs), strict=True):
            position += tempo / 60.0 * 8192 / 48_000 if tempo else own
            assert memory[1] == pytest.approx(position % 16.0, abs=1e-5)


def test_an_exported_stream_that_is_held_sounds_alike_whatever_its_tag(exported):
    graph, session = exported
    takes = []
    for row, held in ((0, 1.0), (1, 1.0), (1, 0.0)):
        inputs = list(random_inputs(graph.input_shapes(), n_steps=8, n_tags=1))
        for arrays in inputs:
            arrays[1], arrays[2] = np.eye(256, dtype=np.float32)[row], np.array([120.0], np.float32)
            arrays[3], arrays[4] = graph.generator.prior.means[0].detach().numpy(), np.array([held, 0.0], np.float32)
        takes.append(np.concatenate([audio for audio, _ in _play(session, graph, inputs)], axis=1))
    np.testing.assert_allclose(takes[0], takes[1], atol=1e-4)
    assert np.abs(takes[1] - takes[2]).max() > 1e-2


def test_the_manifest_has_the_components_by_the_tags_that_they_hold():
    graph = _graph()
    components = graph.about()["components"]
    assert list(components) == ["bd", "bd 2", "techno", "techno 2"]
    for place, mean in zip(components.values(), graph.generator.prior.means.detach(), strict=True):
        np.testing.assert_allclose(place, mean, atol=1e-4)


def test_what_cannot_stream_or_has_no_vocoder_is_refused():
    with pytest.raises(ModelError, match="--vocoder"):
        step_graph(tiny_recipe(), load_vocoder)
    original = PublishedRecipe({"variant": "original", "size": 64, "z_size": 4, "n_components": 2})
    with pytest.raises(ModelError, match=r"the original makes pictures .* cannot stream; train --preset small or full"):
        step_graph(original, load_vocoder)
