"""The gate by ear: what each tag misses beside its recordings, and what there is nothing to hear in."""

import dataclasses

import pytest

from liveseq.train.sound.judge.gate import EarGate
from liveseq.train.sound.judge.hearing import Heard

PIANO = Heard(
    clear=0.9, onsets=3.0, onset_range=(2.0, 4.0), tags={"piano": 0.5, "slow": 0.3, "solo": 0.2, "harp": 0.1},
    steady=0.0, bpm=None,
)  # fmt: skip
TECHNO = Heard(clear=0.2, onsets=0.2, onset_range=(0.0, 0.4), tags={"techno": 0.6}, steady=1.0, bpm=120.0)
HISS = Heard(clear=0.0, onsets=0.0, onset_range=(0.0, 0.0), tags={"weird": 0.1}, steady=0.0, bpm=None)


@pytest.fixture
def gate():
    return EarGate({"piano": PIANO, "techno": TECHNO, "hiss": HISS})


def test_recordings_pass_by_themselves(gate):
    assert (gate.tonal, gate.rhythmic) == (("piano",), ("techno",))
    assert gate.passes(gate.recordings) == []
    assert gate.counts(gate.recordings) == {"tonal": (1, 1), "rhythmic": (1, 1)}


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"clear": 0.71}, "notes", "0.79"),
        ({"clear": 0.73}, None, None),
        ({"onsets": 1.3}, "onsets", "0.65"),
        ({"onsets": 1.4}, None, None),
        ({"onsets": 5.5}, "onsets", "1.38"),
        ({"onsets": 5.2}, None, None),
        ({"clear": None}, "notes", "too short a take"),
        ({"tags": {"piano": 0.34, "slow": 0.1}}, "first tag", "piano 0.68"),
        ({"tags": {"slow": 0.9, "solo": 0.8, "piano": 0.4}}, None, None),
        ({"tags": {"slow": 0.9, "solo": 0.8, "harp": 0.7, "piano": 0.6}}, "first tag", "piano as tag 4"),
    ],
)
def test_each_miss_has_its_threshold(gate, change, kind, words):
    heard = {"piano": dataclasses.replace(PIANO, **change), "techno": TECHNO}
    assert gate.misses(heard) == ({"piano": {kind: words}} if kind else {})
    assert bool(gate.passes(heard)) == bool(kind)


def test_the_verdict_names_tags_by_what_they_miss(gate):
    heard = {"piano": dataclasses.replace(PIANO, clear=0.1), "techno": dataclasses.replace(TECHNO, steady=0.0)}
    assert gate.passes(heard) == [
        "by ear 0 of 1 tonal tags, 0 of 1 rhythmic tags",
        "notes missed: piano",
        "beat missed: techno",
    ]


def test_four_of_five_tonal_tags_are_enough_and_three_are_not():
    gate = EarGate({f"piano {number}": PIANO for number in range(5)})
    lost = dataclasses.replace(PIANO, clear=0.0)
    assert gate.passes({**gate.recordings, "piano 0": lost}) == []
    assert "by ear 3 of 5 tonal tags" in gate.passes({**gate.recordings, "piano 0": lost, "piano 1": lost})[0]


def test_other_recordings_widen_the_range_of_onsets(gate):
    busy = dataclasses.replace(PIANO, onsets=6.0)
    assert gate.misses({"piano": busy}) == {"piano": {"onsets": "1.50"}}
    wider = EarGate({"piano": PIANO}, others={"piano": dataclasses.replace(PIANO, onset_range=(5.0, 7.0))})
    assert wider.misses({"piano": busy}) == {}
    assert wider.misses({"piano": dataclasses.replace(PIANO, onsets=9.4)}) == {"piano": {"onsets": "1.34"}}


def test_where_nothing_is_to_be_heard_there_is_no_ratio():
    gate = EarGate({"hiss": HISS})
    assert gate.tonal == gate.rhythmic == ()
    ratios = gate.ratios({"hiss": HISS})["hiss"]
    assert {ratios.clear, ratios.onsets, ratios.first, ratios.score, ratios.steady} == {None}
    assert gate.passes({"hiss": HISS}) == []


def test_the_sparsest_onsets_cannot_be_told_apart(gate):
    assert gate.ratios({"techno": dataclasses.replace(TECHNO, onsets=0.0)})["techno"].onsets is None
    assert gate.misses({"techno": dataclasses.replace(TECHNO, onsets=0.8)})["techno"] == {"onsets": "1.60"}


def test_without_an_ear_nothing_passes_and_the_other_figures_are_there():
    deaf = dataclasses.replace(TECHNO, clear=None, onsets=None, onset_range=None)
    gate = EarGate({"techno": deaf}, missing=["basic-pitch.onnx"])
    assert gate.passes({"techno": deaf}) == ["unheard: basic-pitch.onnx is missing"]
    assert gate.ratios({"techno": deaf})["techno"].clear is None
    assert gate.misses({"techno": dataclasses.replace(deaf, tags={"techno": 0.1})}) == {
        "techno": {"first tag": "techno 0.17"}
    }
