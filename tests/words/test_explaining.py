"""A text explained: why it means a tag, and why it means none."""

import pytest

from liveseq.runtime.explained import explain
from liveseq.runtime.folders import MODELS, TEXT_ENCODER
from liveseq.runtime.tag_matcher import TagMatcher
from liveseq.runtime.text import TextEncoder
from liveseq.words.abbreviations import abbreviated
from liveseq.words.knowledge import knowledge
from liveseq.words.tag_sense import TagSense

TAGS = ("humpback whale", "bd", "drone", "bells", "vox", "guitar", "zzq7", "🥁", "café", "cafe")


@pytest.fixture(scope="module")
def matcher():
    encoder = TextEncoder(MODELS / TEXT_ENCODER)
    own = {"boom": "bd", "tante erna": "vox", "ベース": "drone", "שלום": "bells"}
    return TagMatcher(encoder, TAGS, synonyms=own, readings={"bd": "kick drum", "zzq7": "thunderstorm"})


@pytest.mark.parametrize(
    ("text", "tag", "why"),
    [
        ("guitar", "guitar", "guitar: its name"),
        ("Boom", "bd", "boom: your word for bd"),
        ("tante erna sings", "vox", "tante erna: your word for vox; sings: a kind of vox"),
        ("kick drum", "bd", "kick drum: as the tag is read"),
        ("Bassdrum", "bd", "bassdrum: the same as kick drum"),
        ("acoustic guitar", "guitar", "acoustic guitar: a kind of guitar"),
        ("sea creature", "humpback whale", "sea creature: humpback whale is a kind of it"),
        ("Gitarre", "guitar", "gitarre (in German guitar): the same as guitar"),
        ("thunderstorms", "zzq7", "thunderstorms: as the tag is read"),
        ("🥁", "🥁", "its name"),
    ],
)
def test_the_reason_for_a_tag_is_said_in_words(matcher, text, tag, why):
    found = {name: reason for name, _, reason in explain(matcher, text).tags}
    assert found[tag] == why


def test_a_word_that_is_misspelt_is_said_as_it_was_read(matcher):
    [(tag, weight, why)] = explain(matcher, "gitar").tags
    assert (tag, weight, why) == ("guitar", 1.0, '"gitar", read as guitar: its name')


def test_qualities_are_explained_beside_the_tags(matcher):
    found = explain(matcher, "very dark boom")
    assert [tag for tag, _, _ in found.tags] == ["bd"]
    [(quality, amount, why)] = found.qualities
    assert quality == "dark"
    assert amount > 1.0
    assert why == "dark: much less brightness"
    [(_, amount, why)] = explain(matcher, "nicht dunkel").qualities
    assert amount < 0.0
    assert why.startswith("not dunkel (in German dark): more brightness")


def test_what_means_nothing_here_is_explained_with_what_is_nearest(matcher):
    found = explain(matcher, "xqzt")
    assert found.tags == []
    assert found.nothing == "means no tag here: xqzt: no facts know it"
    found = explain(matcher, "tax return")
    assert (found.tags, found.near) == ([], [])
    assert found.nothing == "means no tag here: tax return: an everyday word, which makes no sound"
    found = explain(matcher, "piano")
    [(tag, score, _), *_] = found.near
    assert found.tags == []
    assert f"the nearest is {tag}, with {score:.2f} of the {matcher.threshold:.2f}" in found.nothing


def test_only_how_it_is_to_sound_is_everything_that_does(matcher):
    found = explain(matcher, "dark")
    assert found.tags == [("*", 1.0, "everything that sounds so")]
    assert found.qualities
    assert found.nothing == ""


def test_what_is_not_to_be_there_leaves_everything_else(matcher):
    found = explain(matcher, "everything but guitar")
    assert "guitar" not in [tag for tag, _, _ in found.tags]
    assert {why for _, _, why in found.tags} == {"everything else"}


def test_the_weights_are_those_that_would_be_played(matcher):
    for text in ("sea creature", "boom", "guitar and bells"):
        assert {tag: weight for tag, weight, _ in explain(matcher, text).tags} == matcher.match(text).weights


@pytest.mark.parametrize(
    ("text", "tag"),
    [("café", "café"), ("cafe", "cafe"), ("CAFE\u0301", "café"), ("ベース", "drone"), ("שלום", "bells"), ("🥁", "🥁")],
)
def test_a_name_is_its_own_tag_in_any_script_and_spelling(matcher, text, tag):
    assert matcher.match(text).weights == {tag: 1.0}


@pytest.mark.parametrize("text", ["💥", "!!!", "", " \t "])
def test_signs_alone_are_no_name_of_a_tag_of_other_signs(matcher, text):
    assert matcher.match(text).weights == {}


def test_a_name_that_two_tags_sound_like_means_both(matcher):
    assert matcher.match("Cafe!").weights == {"café": 0.5, "cafe": 0.5}


def test_a_tag_is_its_reading_and_its_name(matcher):
    assert matcher.match("bd").weights == {"bd": 1.0}
    assert matcher.match("low kick").best[0][0] == "bd"
    assert matcher.match("rain and lightning").best[0][0] == "zzq7"


@pytest.mark.parametrize(
    ("tag", "understood"),
    [
        ("guitar", "guitar, a kind of plucked string and string instrument"),
        ("zzq7", ""),
        ("🥁", ""),
        ("dark", "how it sounds: dark"),
    ],
)
def test_how_a_tag_is_understood_is_said_with_its_kinds(tag, understood):
    found = TagSense.of(knowledge(), tag).understood(knowledge())
    assert found.split(",")[0] == understood.split(",")[0]
    assert bool(found) == bool(understood)


def test_letters_of_a_name_are_an_abbreviation_and_words_are_none():
    found = abbreviated(
        ["bd", "sn", "hh", "cp", "perc", "vox", "gtr", "pno", "atm", "kick", "bass", "zzq7"], knowledge()
    )
    assert found == {
        "bd": "kick drum",
        "sn": "snare drum",
        "hh": "hi hat",
        "cp": "clap",
        "perc": "percussion",
        "vox": "vocals",
        "gtr": "guitar",
        "pno": "piano",
        "atm": "atmosphere",
    }
