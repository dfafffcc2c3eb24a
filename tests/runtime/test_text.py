"""The text encoder: texts to vectors, and what it refuses."""

import shutil

import numpy as np
import pytest

from liveseq.errors import ModelError
from liveseq.runtime.folders import MODELS, TEXT_ENCODER
from liveseq.runtime.text import MAX_TOKENS, TextEncoder
from liveseq.words.plain import MAX_CHARACTERS, clean

FOLDER = MODELS / TEXT_ENCODER


@pytest.fixture(scope="module")
def encoder():
    return TextEncoder(FOLDER)


def test_vectors_have_length_one_and_nothing_known_is_zero(encoder):
    vectors = encoder.embed(["dark drone", "bells", "これは何ですか", ""])
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1.0, 1.0, 0.0, 0.0], atol=1e-5)


def test_a_text_means_the_same_alone_and_beside_a_longer_one(encoder):
    texts = ["drone", "a very long and winding description of glassy bells in the fog", "dub techno"]
    together = encoder.embed(texts)
    alone = np.concatenate([encoder.embed([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_only_the_first_tokens_are_read(encoder):
    longest = "ab " * MAX_TOKENS
    np.testing.assert_allclose(encoder.embed([longest]), encoder.embed([longest + "drone"]), atol=1e-6)


def test_a_damaged_tokenizer_is_refused_by_name(tmp_path):
    folder = shutil.copytree(FOLDER, tmp_path / "model")
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match=r"tokenizer\.json: expected SHA-256"):
        TextEncoder(folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"tokenizer\.json: listed in model\.yaml, but not there"):
        TextEncoder(folder)


def test_a_tokenizer_that_is_not_listed_is_not_read(tmp_path):
    folder = shutil.copytree(FOLDER, tmp_path / "model")
    lines = (folder / "model.yaml").read_text().splitlines(keepends=True)
    (folder / "model.yaml").write_text("".join(line for line in lines if not line.startswith("  tokenizer.json:")))
    with pytest.raises(ModelError, match=r"model\.yaml: does not list tokenizer\.json with its SHA-256"):
        TextEncoder(folder)


def test_accents_are_one_however_they_are_composed():
    assert clean("Cafe\u0301Bar") == clean("Caf\u00e9Bar") == "cafe bar"
    assert clean("e\u0301" * MAX_CHARACTERS) == "e" * MAX_CHARACTERS


def test_a_missing_folder_is_refused_by_name(tmp_path):
    with pytest.raises(ModelError, match="no such model folder"):
        TextEncoder(tmp_path / "nothing")
