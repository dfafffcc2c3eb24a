"""Generators trained beside one text encoder, resumed, exported and played beside another."""

import copy
import dataclasses
import shutil

import numpy as np
import pytest
import torch

from liveseq.errors import TrainingError
from liveseq.generation.meaning import Vocabulary
from liveseq.runtime.generator import OnnxGenerator, Stream
from liveseq.runtime.manifest import Manifest
from liveseq.runtime.tag_table import TAGS, TagTable
from liveseq.runtime.text import TextEncoder
from liveseq.train import checkpoint
from liveseq.train import report as reports
from liveseq.train.export import keep_all_tags
from liveseq.train.sound import export, training
from liveseq.train.sound.families import FAMILIES
from liveseq.train.sound.notes.graph import NotesGraph
from liveseq.train.sound.saved import load_recipe
from liveseq.train.sound.training import Order, train_sound
from liveseq.train.tags import begin_table, saved_table
from tests.support.other_encoder import SHIPPED, make_other_encoder
from tests.support.tiny_generator import make_generator
from tests.train.sound.clicks import RATE, clicks_library
from tests.train.sound.notes.tiny_notes import TINY, TinyVocoder

TAKES_TAGS = [name for name in FAMILIES if name not in ("vocoder", "melgan")]
TINY_PRESET = {
    "sample_rate": RATE,
    "model": TINY,
    "crops": {"n_steps": 12, "batch_size": 4},
    "train": {"steps": 2, "save_every": 2, "n_held_out": 1, "ema": 0.9, "accelerator": "cpu"},
}


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A folder of models with an encoder of 64 numbers; notes are tiny, and read the recordings of the fixture."""
    make_other_encoder(tmp_path / "models" / "text-encoder")
    monkeypatch.setattr("liveseq.runtime.folders.MODELS", tmp_path / "models")
    monkeypatch.setitem(FAMILIES, "notes", dataclasses.replace(FAMILIES["notes"], presets={"small": TINY_PRESET}))
    monkeypatch.setattr(reports, "BENCHMARK_RUNS", 100)
    monkeypatch.setattr(reports, "BENCHMARK_ROUNDS", 1)
    monkeypatch.setattr(export, "PARITY_STEPS", 4)
    return tmp_path / "models"


@pytest.fixture
def train(recordings, monkeypatch):
    """train(out, resume=..., begin_from=..., steps=...): of notes, on these recordings."""
    library = clicks_library(recordings)
    monkeypatch.setattr(training, "read_library", lambda *_, **__: library)

    def run(out, *, resume=False, begin_from=None, steps=2):
        order = Order(
            family="notes",
            data=(),
            tags_from=None,
            out=out,
            preset=None,
            given={"steps": steps},
            vocoder=None,
            licence="CC0",
            command="liveseq train notes",
            resume=resume,
            wandb=False,
            begin_from=begin_from,
        )
        return train_sound(order)

    return run


def exchange(models):
    """The shipped encoder, of 256 numbers, comes in the place of the one that is there."""
    shutil.rmtree(models / "text-encoder")
    (models / "text-encoder").symlink_to(SHIPPED / "text-encoder", target_is_directory=True)


def write(folder):
    """Export it, with the smallest vocoder."""
    recipe, about = load_recipe(folder)
    recipe.generator.grain.scale.fill_(0.3)
    graph = NotesGraph(recipe.generator, TinyVocoder(), tag_size=recipe.generator.tempi.tag_size)
    export.export_graph(graph, folder, about)


def test_it_is_trained_goes_on_and_plays_by_the_vectors_that_it_began_with(models, train):
    out, first = models / "mine", TextEncoder(models / "text-encoder")
    train(out)
    table = TagTable.load(out / TAGS)
    assert (table.names, table.encoder) == (("bd", "techno"), first.digest)
    assert checkpoint.load_yaml(out / checkpoint.CONFIG)["tag_size"] == 64
    exchange(models)
    train(out, resume=True, steps=4)
    assert checkpoint.load_tensors(out / checkpoint.RESUME)[1]["number"] == 4
    tempi = load_recipe(out)[0].generator.tempi
    np.testing.assert_array_equal(tempi.tags.numpy(), first.embed(("bd", "techno")))
    write(out)
    assert {"step.onnx", TAGS} <= Manifest.load(out).files.keys()
    words = Vocabulary(out, TextEncoder(models / "text-encoder"))
    np.testing.assert_array_equal(words.meaning("techno").vector, table.vectors[1])
    assert words.meaning("house").weights == {"techno": 1.0}
    stream = Stream(OnnxGenerator(out), seed=1)
    assert np.isfinite(np.concatenate([stream.next(words.meaning("techno").vector) for _ in range(3)])).all()


def test_one_that_began_before_vectors_were_kept_goes_on_by_those_of_its_weights(models, train):
    out, first = models / "mine", TextEncoder(models / "text-encoder")
    train(out)
    (out / TAGS).unlink()
    about = checkpoint.load_yaml(out / checkpoint.CONFIG)
    assert saved_table(out).encoder == first.digest, "they are this encoder's"
    exchange(models)
    table = saved_table(out)
    assert (table.names, table.encoder) == (("bd", "techno"), "")
    train(out, resume=True, steps=4)
    assert checkpoint.load_yaml(out / checkpoint.CONFIG)["tag_size"] == about["tag_size"] == 64
    np.testing.assert_array_equal(TagTable.load(out / TAGS).vectors, first.embed(("bd", "techno")))


def test_a_training_that_begins_from_a_model_of_another_encoder_is_told_its_vectors(models, train):
    base, first = models / "base", TextEncoder(models / "text-encoder")
    train(base)
    exchange(models)
    train(models / "fine", begin_from=base)
    table = TagTable.load(models / "fine" / TAGS)
    assert table.encoder == first.digest
    np.testing.assert_array_equal(table.vectors, first.embed(("bd", "techno")))
    words = "base: was taught beside another text encoder, and has no vector for 'harp', only for bd, techno; give"
    with pytest.raises(TrainingError, match=words):
        begin_table(["bd", "harp"], models / "new", begin_from=base)


def test_a_tag_that_is_new_is_no_trouble_beside_the_encoder_of_the_training(models, train):
    train(models / "base")
    table = begin_table(["bd", "harp"], models / "new", begin_from=models / "base")
    np.testing.assert_array_equal(table.vectors, TextEncoder(models / "text-encoder").embed(["bd", "harp"]))


@pytest.mark.parametrize("name", TAKES_TAGS)
def test_every_family_takes_tags_of_any_size(name):
    family = FAMILIES[name]
    preset = copy.deepcopy(family.presets["small"])
    about = {**preset, "family": name, "tags": ["bd", "techno"], "tag_size": 64}
    tempi = family.parts().build(about, None).generator.tempi
    tempi.teach(torch.eye(2, 64))
    assert tempi.near(torch.eye(64)[0]).shape == (2,)


def test_before_the_encoder_is_exchanged_models_keep_the_vectors_of_their_tags(models, capsys, monkeypatch):
    exchange(models)
    shipped = TextEncoder(SHIPPED / "text-encoder")
    old, again = models / "old", models / "again"
    shutil.copytree(SHIPPED / "unagan", old)
    manifest = Manifest.load(old)
    (old / TAGS).unlink()
    dataclasses.replace(manifest, files={"step.onnx": manifest.files["step.onnx"]}).save(old)
    make_generator(models / "small")  # of other tags, which this encoder did not make
    (models / "broken").mkdir()
    (models / "broken" / "model.yaml").write_text("{")
    assert keep_all_tags(models / "text-encoder") == ["old"]
    assert Manifest.load(old).files == manifest.files, "the very bytes that are shipped"
    assert keep_all_tags(models / "text-encoder") == []
    assert keep_all_tags(models / "nothing") == []
    shutil.copytree(old, again)
    (models / "text-encoder").unlink()
    make_other_encoder(models / "text-encoder")
    vector = Vocabulary(again, TextEncoder(models / "text-encoder")).meaning("drone").vector
    np.testing.assert_array_equal(vector, shipped.embed(["drone"])[0])
