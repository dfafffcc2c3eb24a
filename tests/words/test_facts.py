"""The facts of the sound world: every line is read, every kind is there, and nothing is a kind of itself."""

import re

import pytest

from liveseq.words.knowledge import FOLDER, Knowledge, key, knowledge, lists, read_facts
from liveseq.words.qualities import DESCRIPTORS, read_qualities, wording

FACTS = sorted((FOLDER / "facts").glob("*.txt"))


def thing(name):
    return knowledge().senses[key(name)][0]


def kinds_of(name):
    known = knowledge()
    return {known.things[one].names[0] for one in known.ancestors[thing(name)]}


@pytest.mark.parametrize("path", FACTS, ids=lambda path: path.stem)
def test_every_kind_is_a_thing(path):
    known = knowledge()
    things = read_facts(path.read_text(encoding="utf-8").splitlines(), where=path.name)
    assert len(things) > 900
    assert {kind for one in things for kind in one.kinds if key(kind) not in known.senses} == set()


def test_nothing_is_a_kind_of_itself():
    known = knowledge()
    for number, parents in enumerate(known.parents):
        above = {one for parent in parents for one in known.ancestors[parent]}
        assert number not in above, known.things[number].names[0]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("orca", "whale"),
        ("humpback", "whale"),
        ("marimba", "mallet instrument"),
        ("djembe", "hand drum"),
        ("carillon", "bell"),
        ("dnb", "breakbeat music"),
        ("tr-909", "drum machine"),
        ("nightingale", "bird"),
    ],
)
def test_a_narrower_word_is_a_kind_of_the_wider_one(name, kind):
    assert kind in kinds_of(name)


def test_the_names_of_other_languages_are_of_things_or_of_qualities():
    known, small = knowledge(), {"not", "less", "more", "very", "without", "with", "and", "or", "of", "the"}
    for path in sorted((FOLDER / "languages").glob("*.txt")):
        names = [name for name, _ in lists(path)]
        lost = [one for one in names if key(one) not in known.senses and one not in wording().qualities]
        assert len(names) > 300
        assert len(set(lost) - small) < 0.1 * len(names), path.name


@pytest.mark.parametrize(
    "line", ["< whale", "orca, < whale", "orca < whale < animal", "orca ~ sea ~ cold", "orca ~ sea < whale"]
)
def test_a_line_that_is_none_is_refused_by_its_place(line):
    with pytest.raises(ValueError, match=re.escape("sea.txt:2: expected")):
        read_facts(["# whales", line], where="sea.txt")


def test_a_line_has_names_kinds_and_words():
    [one] = read_facts(["orca, Killer-Whale < whale, sea animal ~ black and white, pod"], where="sea.txt")
    assert one.names == ("orca", "killer whale")
    assert one.kinds == ("whale", "sea animal")
    assert one.related == ("black and white", "pod")


def test_what_is_said_of_everything_says_little():
    known = knowledge()
    assert known.information[thing("instrument")] < 0.4 < known.information[thing("hurdy gurdy")]
    assert known.rarity["old"] < known.rarity["didgeridoo"] if "didgeridoo" in known.rarity else True


def test_a_small_knowledge_is_whole_by_itself():
    known = Knowledge(tuple(read_facts(["whale < animal ~ sea", "orca < whale", "animal"], where="sea.txt")))
    assert known.ancestors == ({0: 0, 2: 1}, {1: 0, 0: 1, 2: 2}, {2: 0})
    assert [sorted(one) for one in known.below] == [[0, 1], [1], [0, 1, 2]]


def test_every_quality_goes_by_a_descriptor():
    for quality in set(wording().qualities.values()):
        assert {name for name, _ in quality.directions} <= set(DESCRIPTORS)
    for word in ("dark", "bright", "noisy", "warm", "slow", "fast", "busy", "sparse", "punchy", "low", "high", "quiet"):
        assert word in wording().qualities


def test_a_quality_without_a_descriptor_is_refused_by_its_place(tmp_path):
    path = tmp_path / "qualities.txt"
    path.write_text("dark = brightness -\nwobbly = wobble +\n")
    with pytest.raises(ValueError, match=r"qualities\.txt:2: expected"):
        read_qualities(path)
