"""Words to tags: the matcher over any folders, by facts and by the encoder, and what it refuses."""

import subprocess
import sys
import time

import numpy as np
import pytest

from benchmarks.choice.tag_meaning import TAGS, all_rows, judge
from liveseq.corpus.units import ANY
from liveseq.errors import TagError
from liveseq.runtime.folders import MODELS, TEXT_ENCODER
from liveseq.runtime.tag_matcher import TagMatcher
from liveseq.runtime.text import TextEncoder
from liveseq.words.plain import MAX_CHARACTERS


@pytest.fixture(scope="module")
def encoder():
    return TextEncoder(MODELS / TEXT_ENCODER)


@pytest.fixture(scope="module")
def matcher(encoder):
    return TagMatcher(encoder, TAGS)


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


def test_a_word_that_goes_with_another_tag_does_not_stand_beside_the_one_that_is_named(matcher):
    assert matcher.match("broken techno").weights == {"techno": 1.0}


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


FOLDERS = (
    "robin",
    "humpback whale",
    "vibraphone",
    "folk song",
    "dog",
    "drums",
    "drum and bass",
    "thunder",
    "vinyl crackle",
)


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("whale song", "humpback whale"),
        ("birds", "robin"),
        ("DnB", "drum and bass"),
        ("dnb", "drum and bass"),
        ("xylophone", "vibraphone"),
        ("marimba", "vibraphone"),
        ("Wale", "humpback whale"),
        ("orage", "thunder"),
        ("pioruny", "thunder"),
        ("雷", "thunder"),
        ("kaminari", "thunder"),
        ("scratchy old record", "vinyl crackle"),
        ("puppies barking", "dog"),
        ("tambours", "drums"),
    ],
)
def test_folders_that_nobody_taught_are_found(encoder, text, tag):
    assert next(iter(TagMatcher(encoder, FOLDERS).match(text).weights)) == tag


@pytest.mark.parametrize(
    ("text", "qualities"),
    [
        ("dark", {"dark": 1.0}),
        ("not so bright", {"bright": -1.0}),
        ("very fast", {"fast": 1.5}),
        ("low", {"low": 1.0}),
    ],
)
def test_a_quality_alone_is_everything_that_sounds_so(matcher, text, qualities):
    match = matcher.match(text)
    assert match.known
    assert match.weights == {ANY: 1.0}
    assert {quality.name: sign for quality, sign in match.qualities.items()} == qualities


def test_a_quality_beside_a_tag_leaves_the_tag_what_it_is(matcher):
    match = matcher.match("dark quiet bells")
    assert match.weights == {"bells": 1.0}
    assert [quality.name for quality in match.qualities] == ["dark", "quiet"]


def test_a_folder_that_is_called_as_a_quality_is_that_folder(encoder):
    matcher = TagMatcher(encoder, ["dark", "bells"])
    assert matcher.match("dark").weights == {"dark": 1.0}
    assert matcher.match("dark").qualities == {}


@pytest.mark.parametrize(
    "text",
    [
        "choir and wine glasses",
        "choir, wine glass",
        "wine glass with choir",
        "wine glass + choir",
        "Chor und wine glass",
    ],
)
def test_two_things_of_two_tags_are_both_played(encoder, text):
    matcher = TagMatcher(encoder, ["choir", "wine glass", "tabla", "sauna", "jungle"])
    weights = matcher.match(text).weights
    assert set(weights) in ({"choir", "wine glass"}, {"choir", "tabla"})
    assert min(weights.values()) > 0.25


def test_what_is_denied_is_not_played(encoder):
    matcher = TagMatcher(encoder, ["kick", "snare", "hi-hat"])
    assert set(matcher.match("drums").weights) == {"kick", "snare", "hi-hat"}
    assert set(matcher.match("drums without snare").weights) == {"kick", "hi-hat"}
    assert set(matcher.match("everything but the kick").weights) == {"snare", "hi-hat"}
    assert set(matcher.match("everything but kick and snare").weights) == {"hi-hat"}
    assert set(matcher.match("drums without kick or hi-hat").weights) == {"snare"}
    assert set(matcher.match("no kick but snare and hi-hat").weights) == {"snare", "hi-hat"}
    assert set(matcher.match("dark, no snare").weights) == {"kick", "hi-hat"}
    assert matcher.match("kick without very bright hi-hats").weights == {"kick": 1.0}
    assert not matcher.match("no snare, no kick, no hi-hat").known


def test_a_quality_beside_what_nobody_knows_is_unknown(matcher):
    for text in ("dark gnarf", "dark tax return", "xqzt"):
        assert not matcher.match(text).known


def test_a_denied_quality_that_a_tag_is_called_by_leaves_everything_to_play(encoder):
    matcher = TagMatcher(encoder, ["dark pads", "bells"])
    assert matcher.match("not dark").weights == {ANY: 1.0}
    assert matcher.match("dark").weights == {"dark pads": 1.0}


def test_a_word_of_the_performer_stands_before_a_name_of_the_facts(encoder):
    matcher = TagMatcher(encoder, ["bass", "breakbeat"], synonyms={"boom": "bass"})
    assert matcher.match("boom boom").weights == {"bass": 1.0}


@pytest.mark.parametrize(
    "text", ["\ufdfa" * 200, "&" * 200, "a1b2c3d4" * 25, "楽器" * 100, "가나다라" * 50, "very " * 38 + "dark"]
)
def test_odd_texts_cost_no_more_than_others(matcher, text):
    start = time.thread_time()
    match = matcher.match(text)
    assert time.thread_time() - start < 0.05
    assert all(abs(sign) <= 2.0 for sign in match.qualities.values())


def test_a_synonym_of_the_performer_is_the_tag(encoder):
    matcher = TagMatcher(encoder, ["kick", "vox"], synonyms={"boom": "kick", "Tante Erna": "vox"})
    assert matcher.match("boom").weights == {"kick": 1.0}
    assert matcher.match("tante erna").weights == {"vox": 1.0}
    assert matcher.match("quiet boom").weights == {"kick": 1.0}


def test_a_real_word_is_never_corrected_into_another(encoder):
    matcher = TagMatcher(encoder, ["thunder", "bells"])
    assert not matcher.match("under").known
    assert not matcher.match("belly").known
    assert matcher.match("thundr").weights == {"thunder": 1.0}


@pytest.fixture(scope="module")
def judged(encoder):
    return {name: judge(rows) for name, rows in all_rows(lambda tags: TagMatcher(encoder, tags)).items()}


def test_most_phrases_over_folders_that_nobody_taught_are_understood(judged):
    assert judged["open"]["phrases"] >= 400
    assert judged["open"]["right"] >= 0.85  # 0.90
    assert judged["open"]["refused"] >= 0.9
    assert min(judged["open"]["by_kind"].values()) >= 0.7


@pytest.mark.parametrize("language", ["de", "fr", "es", "pt", "it", "pl", "ja"])
def test_the_commonest_tags_are_understood_in_other_languages(judged, language):
    assert judged[language]["phrases"] >= 80
    assert judged[language]["right"] >= 0.9


def test_the_tags_that_the_encoder_was_taught_are_as_well_understood_as_before(judged):
    assert judged["taught"]["right"] >= 0.89
    assert judged["taught"]["refused"] >= 0.9


def test_a_match_is_fast(matcher):
    texts = ["dark ambient drone", "glokenspiel", "tax return", "a slow wide wash of strings over bells"] * 50
    times = []
    for text in texts:
        start = time.thread_time()
        matcher.match(text)
        times.append(time.thread_time() - start)
    assert np.median(times) < 2e-3  # 0.3 ms on a quiet machine


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


def test_the_live_matcher_imports_neither_torch_nor_transformers():
    heavy = "{'torch', 'transformers', 'librosa'}"
    code = f"import sys, liveseq.runtime.tag_matcher; sys.exit(bool({heavy} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
