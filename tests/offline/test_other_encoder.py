"""Every shipped model beside another text encoder: it plays, and is told what it was taught."""

import numpy as np
import pytest

from liveseq.generation.job import Job, JobRun
from liveseq.generation.meaning import Vocabulary
from liveseq.offline.messages import message
from liveseq.offline.player import Take
from liveseq.offline.render import render
from liveseq.performance.instrument import open_instrument
from liveseq.runtime.generator import OnnxGenerator
from liveseq.runtime.manifest import names_of
from liveseq.runtime.predictor import OnnxPredictor
from liveseq.runtime.text import TextEncoder
from tests.support.other_encoder import SHIPPED, make_models
from tests.support.tiny_set import make_corpus

GENERATORS = names_of(SHIPPED, role="generator")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """All shipped models beside an encoder of 64 numbers, and a corpus."""
    folder = make_models(tmp_path_factory.mktemp("models"))
    make_corpus(folder / "tiny.corpus")
    return folder


@pytest.fixture(autouse=True)
def used(models, monkeypatch):
    monkeypatch.setattr("liveseq.runtime.folders.MODELS", models)


@pytest.fixture(scope="module")
def encoder(models):
    found = TextEncoder(models / "text-encoder")
    assert found.n_dimensions == 64
    return found


@pytest.fixture(scope="module")
def shipped():
    return TextEncoder(SHIPPED / "text-encoder")


@pytest.mark.parametrize("name", names_of(SHIPPED, role="predictor"))
def test_a_predictor_plays_and_is_told_the_tags_that_it_was_taught(models, shipped, name, monkeypatch, caplog):
    told = []
    step = OnnxPredictor.step

    def listening(self, features, state, condition):
        told.append(condition.tag)
        return step(self, features, state, condition)

    monkeypatch.setattr(OnnxPredictor, "step", listening)
    instrument = open_instrument(models / "tiny.corpus", predictor=name, seed=1)
    take = Take.of(list(render(instrument, [message(0.0, "tag", "drone")], seconds=1.0)), sample_rate=48_000)
    assert np.abs(take.audio).max() > 0.01
    assert {choice.tag for choice in take.choices} == {"drone"}
    takes_tag = OnnxPredictor(models / name).tag_size is not None
    heard = [tag for tag in told if tag is not None]
    if takes_tag:
        assert heard
        np.testing.assert_array_equal(heard[0], shipped.embed(["drone"])[0])
    assert not caplog.records


def test_a_corpus_that_has_grown_is_heard_by_the_same_vectors(models, shipped):
    instrument = open_instrument(models / "tiny.corpus", seed=1)
    vectors = instrument.load_predictor("predictor").tag_vectors(instrument.read_growth().matcher.vectors())
    assert {"drone", "bells"} <= vectors.keys()
    np.testing.assert_array_equal(vectors["bells"], shipped.embed(["bells"])[0])


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_makes_the_same_sound_of_a_tag_as_it_always_did(models, encoder, shipped, name):
    model, sounds = OnnxGenerator(models / name), []
    for one in (encoder, shipped):
        meaning = Vocabulary(models / name, one).meaning("techno")
        assert meaning.weights == {"techno": 1.0}
        job = Job(
            folder=models / name, text="techno", tags=("techno",), vector=meaning.vector, seconds=0.5, seed=3
        )  # fmt: skip
        run = JobRun(model, job)
        while (piece := run.step()) is None:
            pass
        sounds.append(piece)
    assert np.abs(sounds[0]).max() > 1e-3
    np.testing.assert_allclose(sounds[0], sounds[1], atol=1e-4)


@pytest.mark.parametrize("name", GENERATORS)
def test_words_that_it_was_not_taught_are_a_blend_of_its_own_tags(models, encoder, shipped, name):
    meaning = Vocabulary(models / name, encoder).blend({"church bells": 1.0, "techno": 1.0})
    assert {"bells", "techno"} <= meaning.weights.keys()
    own = shipped.embed(list(meaning.weights))
    blend = np.array(list(meaning.weights.values()), dtype=np.float32) @ own
    np.testing.assert_allclose(meaning.vector, blend / np.linalg.norm(blend), atol=1e-5)


@pytest.mark.parametrize("name", GENERATORS)
def test_a_layer_plays_a_generator_while_it_makes_sound(models, name):
    told = [(0.0, "mode", "generate"), (0.0, "tag", "drone"), (0.5, "tag", "bells")]
    instrument = open_instrument(models / "tiny.corpus", seed=1)
    stretches = list(render(instrument, [message(*one) for one in told], seconds=1.0, generator=name))
    take = Take.of(stretches, sample_rate=48_000)
    assert {choice.source for choice in take.choices} == {f"generator {name}"}
    assert np.isfinite(take.audio).all()
    assert np.abs(take.audio).max() > 1e-3


def test_the_shipped_encoder_tells_every_shipped_model_what_it_told_it_before(shipped):
    for name in GENERATORS:
        words = Vocabulary(SHIPPED / name, shipped)
        for tag, weights in (("techno", {"techno": 1.0}), ("drone bells", words.meaning("drone bells").weights)):
            blend = np.asarray(list(weights.values()), dtype=np.float32) @ shipped.embed(list(weights))
            expected = np.asarray(blend / max(float(np.linalg.norm(blend)), 1e-6), dtype=np.float32)
            np.testing.assert_array_equal(words.meaning(tag).vector, expected)
    vectors = {"harp": shipped.embed(["harp"])[0]}
    assert OnnxPredictor(SHIPPED / "predictor", encoder=shipped).tag_vectors(vectors) is vectors
