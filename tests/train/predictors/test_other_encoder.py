"""A predictor trained beside one text encoder, resumed and played beside another."""

import shutil

import numpy as np
import pytest

from liveseq import cli
from liveseq.performance.instrument import open_instrument
from liveseq.runtime.manifest import Manifest
from liveseq.runtime.predictor import load_predictor
from liveseq.runtime.tag_table import TAGS, TagTable
from liveseq.runtime.text import TextEncoder
from liveseq.train import checkpoint, report
from liveseq.train.predictors import export, loop
from tests.support.other_encoder import SHIPPED, make_other_encoder
from tests.support.tiny_set import make_corpus

SMALL = ("--hidden", "8", "--mixtures", "2", "--window", "4", "--context", "4", "--accelerator", "cpu")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("corpus") / "tiny.corpus", seconds=12.0)


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A folder of models with an encoder of 64 numbers."""
    make_other_encoder(tmp_path / "models" / "text-encoder")
    monkeypatch.setattr("liveseq.runtime.folders.MODELS", tmp_path / "models")
    monkeypatch.setattr(loop, "evaluate", lambda *_, **__: {})
    monkeypatch.setattr(loop, "format_table", lambda _: "")
    monkeypatch.setattr(report, "BENCHMARK_RUNS", 100)
    monkeypatch.setattr(report, "BENCHMARK_ROUNDS", 1)
    monkeypatch.setattr(export, "PARITY_STEPS", 20)
    return tmp_path / "models"


def exchange(models):
    """The shipped encoder, of 256 numbers, comes in the place of the one that is there."""
    shutil.rmtree(models / "text-encoder")
    (models / "text-encoder").symlink_to(SHIPPED / "text-encoder", target_is_directory=True)


def train(corpus, out, *more):
    return cli.main(["train", "predictor", "--corpus", str(corpus), "--out", str(out), *SMALL, *more])


def test_it_is_trained_goes_on_and_plays_by_the_vectors_that_it_began_with(models, corpus):
    out, first = models / "mine", TextEncoder(models / "text-encoder")
    assert train(corpus, out, "--epochs", "1") == 0
    table = TagTable.load(out / TAGS)
    assert (table.names, table.encoder) == (("bells", "drone", "hum"), first.digest)
    np.testing.assert_array_equal(table.vectors, first.embed(table.names))
    assert checkpoint.load_yaml(out / checkpoint.CONFIG)["model"]["tag_size"] == 64
    exchange(models)
    assert train(corpus, out, "--epochs", "2", "--resume") == 0
    assert checkpoint.load_tensors(out / checkpoint.RESUME)[1]["epoch"] == 2
    np.testing.assert_array_equal(TagTable.load(out / TAGS).vectors, table.vectors)
    export.export_predictor(out)
    manifest = Manifest.load(out)
    assert manifest.tags == table.names
    assert TAGS in manifest.files
    second = TextEncoder(models / "text-encoder")
    told = load_predictor(out, sample_rate=48_000, hop_length=1024, encoder=second).tag_vectors(
        dict(zip(table.names, second.embed(table.names), strict=True))
    )
    for name, vector in table.by_name().items():
        np.testing.assert_array_equal(told[name], vector)
    instrument = open_instrument(corpus, predictor="mine", seed=1)
    instrument.sequencer.set_playing(1, True, at=0)
    instrument.sequencer.set_tags(1, {"drone": 1.0}, at=0)
    assert instrument.sequencer.plan(now=0, until=24_000)[1]


def test_without_the_vectors_that_it_began_with_it_says_which_encoder_it_needs(models, corpus, capsys):
    out = models / "mine"
    assert train(corpus, out, "--epochs", "1") == 0
    (out / TAGS).unlink()
    exchange(models)
    assert train(corpus, out, "--epochs", "2", "--resume") == 2
    said = capsys.readouterr().err
    assert "mine: began with tags of 64 numbers, but the text encoder gives 256; put the one back" in said


def test_recordings_without_a_tag_are_learned_from_too(models, tmp_path, corpus):
    from liveseq.corpus.store import Corpus

    shutil.copytree(corpus, tmp_path / "untagged.corpus")
    with Corpus.open(tmp_path / "untagged.corpus", writable=True) as opened:
        for source in opened.sources():
            opened.set_tags(source.id, ())
    assert train(tmp_path / "untagged.corpus", models / "mine", "--epochs", "1") == 0
    export.export_predictor(models / "mine")
    encoder = TextEncoder(SHIPPED / "text-encoder")
    predictor = load_predictor(models / "mine", sample_rate=48_000, hop_length=1024, encoder=encoder)
    assert predictor.tag_vectors({"drone": np.zeros(256, np.float32)}) == {}
