"""Words to tags: the shipped encoder, the matcher, and what they refuse."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from liveseq.demo.pieces import TAGS as DEMO_TAGS
from liveseq.errors import ModelError, TagError
from liveseq.runtime.folders import MODELS, TEXT_ENCODER
from liveseq.runtime.tag_matcher import TagMatcher
from liveseq.runtime.text import MAX_TOKENS, TextEncoder
from liveseq.words.plain import MAX_CHARACTERS, clean

FOLDER = MODELS / TEXT_ENCODER
PHRASES = Path(__file__).resolve().parents[2] / "benchmarks" / "choice" / "tag_phrases.tsv"
TAGS = (*DEMO_TAGS, "percussion", "ambient")


@pytest.fixture(scope="module")
def encoder():
    return TextEncoder(FOLDER)


@pytest.fixture(scope="module")
def matcher(encoder):
    return TagMatcher(encoder, TAGS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Deep_Bass-01", "deep bass 01"),
        ("DeepBass01.wav", "deep bass 01 wav"),
        ("  DARK\tDRONE!!\n", "dark drone"),
        ("Drum & Bass", "drum n bass"),
        ("Drum'n'Bass", "drum n bass"),
        ("dunkle Fläche", "dunkle flache"),
        ("chœur d'enfants", "choeur d enfants"),
        ("???", ""),
    ],
)
def test_clean(text, expected):
    assert clean(text) == expected
    assert clean(expected) == expected


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


@pytest.mark.parametrize("tag", TAGS)
def test_the_exact_name_is_that_tag_alone(matcher, tag):
    for text in (tag, tag.upper(), f" {tag}! "):
        match = matcher.match(text)
        assert match.known
        assert match.weights == {tag: 1.0}
        assert match.best[0][0] == tag


def test_even_a_name_without_any_known_token_is_found(encoder):
    matcher = TagMatcher(encoder, ["ドローン", "bells"])
    assert matcher.match("ドローン").weights == {"ドローン": 1.0}
    assert not matcher.match("これ").known


def test_several_tags_blend(matcher):
    match = matcher.match("dark ambient drone")
    assert set(match.weights) >= {"drone", "ambient"}
    assert sum(match.weights.values()) == pytest.approx(1.0)
    assert list(match.weights.values()) == sorted(match.weights.values(), reverse=True)
    assert match.weights["drone"] + match.weights["ambient"] > 0.8


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("glockenspiel", "bells"),
        ("drum and bass", "breakbeat"),
        ("dark drone", "drone"),
        ("broken techno", "techno"),
        ("tehcno", "techno"),
        ("glokenspiel", "bells"),
        ("Klavier", "piano"),
        ("reggae echoes", "dub"),
        ("deep_bass_01", "bass"),
    ],
)
def test_what_a_musician_expects(matcher, text, tag):
    assert next(iter(matcher.match(text).weights)) == tag


@pytest.mark.parametrize(
    "text", ["", "   ", "???", "xqzt", "tax return", "dentist appointment", "これは何ですか", "🎹"]
)
def test_the_unknown_is_refused(matcher, text):
    match = matcher.match(text)
    assert not match.known
    assert match.weights == {}
    assert len(match.best) == 3


def test_any_folder_names_are_tags(encoder):
    matcher = TagMatcher(encoder, ["ambi", "bd", "elec", "glitch", "guit", "hat", "sn", "tabla", "vinyl"])
    for text, tag in (
        ("kick drum", "bd"),
        ("guitar", "guit"),
        ("snare", "sn"),
        ("hi-hat", "hat"),
        ("scratching", "vinyl"),
    ):
        assert next(iter(matcher.match(text).weights)) == tag


def test_accuracy_on_the_evaluation_phrases(matcher):
    rows = [r.split("\t") for r in PHRASES.read_text(encoding="utf-8").splitlines() if not r.startswith("#")]
    related = [(text, tags.split("|")) for _, text, tags in rows if tags != "-"]
    unrelated = [text for _, text, tags in rows if tags == "-"]
    right = [matcher.match(text).best[0][0] in tags for text, tags in related]
    refused = [not matcher.match(text).known for text in unrelated]
    assert len(right) >= 200
    assert len(refused) >= 25
    assert np.mean(right) >= 0.93
    assert np.mean(refused) >= 0.75


def test_a_match_is_fast(matcher):
    texts = ["dark ambient drone", "glokenspiel", "tax return", "a slow wide wash of strings over bells"] * 50
    times = []
    for text in texts:
        start = time.thread_time()
        matcher.match(text)
        times.append(time.thread_time() - start)
    assert np.median(times) < 2e-3  # 0.1 ms on a quiet machine


def test_too_long_a_text_is_refused_by_name(matcher):
    with pytest.raises(TagError, match=f"201 characters: expected at most {MAX_CHARACTERS}"):
        matcher.match("a" * 201)


def test_control_characters_are_refused_by_name(matcher):
    with pytest.raises(TagError, match=r"control character '\\x00'"):
        matcher.match("drone\0")
    assert matcher.match("drone\r\n").known


def test_no_tags_are_refused(encoder):
    with pytest.raises(TagError, match="no tag to match against"):
        TagMatcher(encoder, [])


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


def test_the_live_matcher_imports_neither_torch_nor_transformers():
    code = "import sys, liveseq.runtime.text; sys.exit(bool({'torch', 'transformers', 'librosa'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
