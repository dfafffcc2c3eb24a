"""Text encoders, exported: the graph against numpy, and a whole BERT that serves like ours."""

import importlib.util
import shutil

import numpy as np
import onnx
import pytest
import torch
import transformers

from liveseq.generation.meaning import Vocabulary
from liveseq.runtime.session import open_session
from liveseq.runtime.tag_matcher import TagMatcher
from liveseq.runtime.tag_table import TAGS
from liveseq.runtime.text import TextEncoder
from liveseq.train import report
from liveseq.train.words.export import MAX_DIFFERENCE, export_full, static_graph
from liveseq.train.words.lexicon import unit
from liveseq.train.words.teacher import Teacher
from tests.support.other_encoder import SHIPPED

TINY_WORDS = ("drone", "bells", "dark", "bass", "the", "of", "rain", "on", "an", "old", "tin", "roof", "in", "sound")


def test_the_static_graph_equals_numpy(rng, tmp_path):
    table = rng.standard_normal((50, 16)).astype(np.float32)
    table[0] = 0.0
    onnx.save(static_graph(table), tmp_path / "static.onnx")
    ids = rng.integers(1, 50, (4, 7))
    mask = (np.arange(7) < np.array([[7], [3], [1], [0]])).astype(np.int64)
    found = open_session(tmp_path / "static.onnx").run({"ids": ids, "mask": mask})[0]
    wanted = unit((table[ids] * mask[..., None]).sum(axis=1))
    np.testing.assert_allclose(found, wanted, atol=0.02)  # 8 bits
    assert not found[3].any()
    scale = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-9) / 127.0
    exact = unit((np.round(table / scale)[ids] * scale[ids] * mask[..., None]).sum(axis=1))
    np.testing.assert_allclose(found, exact, atol=1e-6)


@pytest.fixture(scope="module")
def tiny_bert(tmp_path_factory):
    """A random BERT of two layers with its tokenizer, as transformers saves one."""
    folder = tmp_path_factory.mktemp("bert")
    pieces = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *TINY_WORDS,
    ]
    (folder / "vocab.txt").write_text("\n".join(pieces))
    transformers.BertTokenizerFast(vocab={p: i for i, p in enumerate(pieces)}).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(pieces), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    transformers.BertModel(config).save_pretrained(folder)
    return folder


@pytest.mark.filterwarnings("ignore")  # the exporter's own
def test_a_whole_bert_serves_like_ours(tiny_bert, tmp_path):
    manifest = export_full(str(tiny_bert), tmp_path)
    assert manifest.metrics["max_difference_to_torch"] <= MAX_DIFFERENCE
    encoder = TextEncoder(tmp_path)
    texts = ["dark drone", "the sound of rain on an old tin roof"]
    np.testing.assert_allclose(encoder.embed(texts), Teacher(str(tiny_bert)).embed(texts), atol=1e-4)
    assert TagMatcher(encoder, ["drone", "bells"]).match("bells").weights == {"bells": 1.0}


@pytest.mark.filterwarnings("ignore")  # the exporter's own
def test_the_command_puts_it_in_the_place_of_the_shipped_one_and_models_are_told_what_they_were(
    tiny_bert, tmp_path, monkeypatch, capsys
):
    spec = importlib.util.spec_from_file_location("export_onnx", SHIPPED.parent / "export_onnx.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(report, "BENCHMARK_RUNS", 20)
    monkeypatch.setattr(report, "BENCHMARK_ROUNDS", 1)
    monkeypatch.setattr("liveseq.runtime.folders.MODELS", tmp_path)
    for name in ("text-encoder", "unagan"):
        shutil.copytree(SHIPPED / name, tmp_path / name)
    (tmp_path / "unagan" / TAGS).unlink()  # as it was before there were any
    manifest = tmp_path / "unagan" / "model.yaml"
    manifest.write_text("".join(line for line in manifest.read_text().splitlines(True) if TAGS not in line))
    assert script.main([str(tmp_path / "text-encoder"), "--from", str(tiny_bert)]) <= 1  # 1: too slow today
    assert "unagan keep the vectors of their tags" in capsys.readouterr().out
    encoder, shipped = TextEncoder(tmp_path / "text-encoder"), TextEncoder(SHIPPED / "text-encoder")
    assert (encoder.n_dimensions, shipped.n_dimensions) == (32, 256)
    drone = Vocabulary(tmp_path / "unagan", encoder).meaning("drone")
    np.testing.assert_array_equal(drone.vector, shipped.embed(["drone"])[0])
