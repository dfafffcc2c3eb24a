"""A text falls into tags, things, qualities and the rest; the longest names first."""

import pytest

from liveseq.words.knowledge import key, knowledge
from liveseq.words.qualities import wording
from liveseq.words.reading import Reader

TAGS = ("folk song", "dark", "drum and bass", "wind")
NEAR = {"glokkenspiel": "glockenspiel", "thundr": "thunder"}


@pytest.fixture(scope="module")
def reader():
    return Reader(
        knowledge(),
        wording(),
        tags={key(tag): (place,) for place, tag in enumerate(TAGS)},
        is_word=lambda word: word in ("insurance", "seventeen"),
        mend=NEAR.get,
    )


def parts(reader, text):
    return [(part.text, part.kind) for part in reader.read(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Folk Songs", [("folk songs", "tag")]),
        ("DnB", [("dnb", "thing")]),
        ("d&b", [("d n b", "thing")]),
        ("Drum & Bass", [("drum n bass", "thing")]),
        ("hiphop", [("hiphop", "thing")]),
        ("something like rain on a tent", [("rain", "thing"), ("tent", "thing")]),
        ("quiet church bells", [("quiet", "quality"), ("church bells", "thing")]),
        ("dark cello", [("dark", "tag"), ("cello", "thing")]),
        ("glokkenspiel", [("glockenspiel", "thing")]),
        ("house insurance", [("house insurance", "everyday")]),
        ("xqzt", [("xqzt", "unknown")]),
        ("Glocken und Trommeln", [("glocken", "thing"), ("trommeln", "thing")]),
        ("雨と雷", [("雨", "thing"), ("雷", "thing")]),
        ("", []),
        ("???", []),
        ("the of and", []),
        ("07 12", []),
    ],
)
def test_a_text_falls_into_its_parts(reader, text, expected):
    assert parts(reader, text) == expected


def test_a_misspelt_word_keeps_what_was_written(reader):
    [part] = reader.read("thundr")
    assert (part.text, part.written) == ("thunder", "thundr")


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("bright bells", [1.0, 1.0]),
        ("not so bright bells", [-1.0, 1.0]),
        ("very bright bells", [1.5, 1.0]),
        ("less noisy", [-1.0]),
        ("drums without cymbals", [1.0, -1.0]),
        ("no snare but cymbals", [-1.0, 1.0]),
        ("nicht helle Glocken", [-1.0, 1.0]),
    ],
)
def test_a_small_word_turns_what_follows_and_no_more(reader, text, signs):
    assert [part.sign for part in reader.read(text)] == signs


def test_a_preposition_ends_what_a_text_is_about(reader):
    rain, tent = reader.read("rain on a tent")
    assert rain.ends
    assert not tent.ends


def test_everything_in_one_word(reader):
    assert parts(reader, "windchimes") in ([("windchimes", "thing")], [("wind", "tag"), ("chimes", "thing")])
    assert parts(reader, "thundersnare") == [("thunder", "thing"), ("snare", "thing")]
