"""Texts as they are compared: clean, in the singular, by their stems."""

import pytest

from liveseq.words.plain import clean, singular, stem


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
        ("Dźwięki ciała", "dzwieki ciala"),
        ("ドラム", "ドラム"),
        ("ﾄﾞﾗﾑ", "ドラム"),
        ("شارع drums", "شارع drums"),
        ("🎹", ""),
        ("???", ""),
    ],
)
def test_clean(text, expected):
    assert clean(text) == expected
    assert clean(expected) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("glass", "glass"),
        ("gas", "gas"),
        ("knives", "knife"),
        ("cellos", "cello"),
        ("churches", "church"),
        ("bus", "bus"),
    ],
)
def test_the_singular_is_found_by_the_ending(word, expected):
    assert singular(word) == expected


def test_forms_of_a_word_have_one_stem():
    assert {stem(word) for word in ("crackle", "crackles", "crackling", "crackled")} == {"crackl"}
    assert {stem(word) for word in ("hoots", "hooting", "hooted")} == {"hoot"}
    assert stem("belly") != stem("bells")
