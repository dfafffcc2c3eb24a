"""Making text encoders: the graph against numpy, the lexicon, and a whole BERT exported."""

import numpy as np
import pytest

from liveseq.errors import ModelError
from liveseq.runtime.session import open_session
from liveseq.runtime.text import TagMatcher, TextEncoder

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("onnx")

import onnx
import torch
import transformers

from liveseq.train.words.encoder import MAX_DIFFERENCE, Teacher, export_full, fit, static_graph, student_tokenizer
from liveseq.train.words.lexicon import Lexicon, pulled, random_phrases, unit

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


def test_fit_learns_to_add_up(rng):
    truth = rng.standard_normal((30, 8)).astype(np.float32)
    ids = [rng.integers(1, 30, rng.integers(1, 4)).tolist() for _ in range(2000)]
    targets = unit(np.array([truth[row].sum(axis=0) for row in ids]))
    start = 0.05 * rng.standard_normal((30, 8)).astype(np.float32)
    table = fit(start, ids, targets, seed=0, progress=False)
    again = fit(start, ids, targets, seed=0, progress=False)
    np.testing.assert_array_equal(table, again)

    def cosine(t):
        return np.mean([unit(t[row].sum(axis=0)) @ target for row, target in zip(ids, targets, strict=True)])

    assert cosine(table) > max(0.5, cosine(start) + 0.3)


def test_lexicon_leaves_out_what_is_held_out(tmp_path):
    path = tmp_path / "lexicon.txt"
    path.write_text("bells: chime, church bell, Glöckchen\n~dark: gloomy, bells\n")
    lexicon = Lexicon(path)
    assert lexicon.entries() == ["bells", "chime", "church bell", "glockchen", "dark", "gloomy"]
    assert lexicon.qualities == {"dark", "gloomy"}
    held_out = Lexicon(path, held_out=["a gloomy church bell", "bells"], keep=["bells"])
    assert held_out.entries() == ["bells", "chime", "glockchen", "dark"]


def test_words_of_one_concept_draw_together(rng, tmp_path):
    path = tmp_path / "lexicon.txt"
    path.write_text("bells: chime, gong\nbass: sub, tuba\n")
    lexicon = Lexicon(path)
    vectors = dict(zip(lexicon.entries(), unit(rng.standard_normal((6, 32))), strict=True))
    near = pulled(vectors, lexicon)
    assert near["chime"] @ near["gong"] > 0.8
    assert near["chime"] @ near["tuba"] < 0.2


def test_random_phrases_repeat_with_their_seed():
    lexicon = Lexicon()
    words = ["the", "river", "house", "of", "stone", "light"]
    first, second = (random_phrases(words, lexicon, n=20, rng=np.random.default_rng(3)) for _ in range(2))
    assert first == second
    assert len(set(first)) > 10


def test_each_lexicon_entry_is_one_token():
    lexicon = Lexicon()
    tokenizer = student_tokenizer({"[PAD]": 0, "drum": 1, "b": 2, "##ass": 3, "and": 4}, lexicon)
    assert all(len(tokenizer.encode(entry).ids) == 1 for entry in lexicon.entries())
    assert tokenizer.encode("drum and bass").tokens == ["drum and bass"]


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


def test_a_source_that_is_no_model_is_refused_by_name(tmp_path):
    with pytest.raises(ModelError, match="not a text model"):
        Teacher(str(tmp_path))
