import dataclasses
import itertools

import numpy as np
import pytest

from liveseq.corpus.sounding import without_silence
from liveseq.corpus.units import FEATURE_NAMES, UnitTable
from liveseq.sequencer.sequencer import Sequencer
from liveseq.sequencer.settings import WEIGHT_NAMES
from liveseq.sequencer.timeline import Choice, CutLayer, PlayUnit, StopLayer
from tests.support.small_corpus import SAMPLE_RATE, SECOND, UNIT, make, material, play, table


@pytest.fixture
def units(rng: np.random.Generator) -> UnitTable:
    return table([60, 40, 50, 3], tags=["drone", "drone", "bells", "click"], rng=rng)


@pytest.fixture
def sequencer(units: UnitTable) -> Sequencer:
    return make(units)


def test_units_follow_each_other_without_gap_or_overlap(sequencer):
    events, choices = play(sequencer, {"drone": 1.0}, seconds=20)
    begins = [choice.start for choice in choices]
    lengths = [int(sequencer.units.length[choice.unit]) for choice in choices]
    assert begins[1:] == [begin + length for begin, length in zip(begins[:-1], lengths[:-1], strict=True)]
    assert all(event.start <= choice.start for event, choice in zip(events, choices, strict=True))
    assert all(event.start + event.length == c.start + UNIT for event, c in zip(events, choices, strict=True))


def test_duration_is_exact_also_with_units_of_many_lengths(rng):
    sequencer = make(table([80, 80], tags=["a", "b"], rng=rng, lengths=20_000))
    _, choices = play(sequencer, {"a": 1.0}, seconds=15)
    begins = np.array([choice.start for choice in choices])
    np.testing.assert_array_equal(np.diff(begins), sequencer.units.length[[c.unit for c in choices]][:-1])


def test_only_units_of_the_tag_sound(sequencer):
    _, choices = play(sequencer, {"bells": 1.0}, seconds=20)
    assert {choice.tag for choice in choices} == {"bells"}
    assert {c.unit for c in choices} <= set(sequencer.units.tag_units["bells"].tolist())


def test_a_blend_shares_the_time_by_weight(units):
    _, choices = play(make(units), {"drone": 3.0, "bells": 1.0}, seconds=120)
    share = np.mean([choice.tag == "drone" for choice in choices])
    assert 0.7 < share < 0.8
    phrases = 1 + sum(a.tag != b.tag for a, b in itertools.pairwise(choices))
    assert 15 < phrases < 60


def test_the_same_seed_gives_the_same_plan_whenever_it_is_asked_for(units):
    first, _ = play(make(units), {"drone": 1.0}, seconds=10, step=4096)
    second, _ = play(make(units), {"drone": 1.0}, seconds=10, step=777)
    shared = min(len(first), len(second))
    assert shared > 50
    assert first[:shared] == second[:shared]
    other, _ = play(make(units, seed=8), {"drone": 1.0}, seconds=10)
    assert [e.unit for e in other] != [e.unit for e in first]


def test_seed_repeats_what_it_gave_before(sequencer):
    _, first = play(sequencer, {"drone": 1.0}, seconds=5)
    at = 30 * SECOND
    sequencer.set_seed(1, 7, at=at)
    _, again = sequencer.plan(now=at, until=at + 5 * SECOND)
    assert len(again) > 20
    shared = min(len(first), len(again))
    assert [c.unit for c in first[:shared]] == [c.unit for c in again[:shared]]


def test_a_tag_change_replaces_what_has_not_started(sequencer):
    play(sequencer, {"drone": 1.0}, seconds=5)
    at = 5 * SECOND
    assert sequencer.set_tags(1, {"bells": 2.0}, at=at) == [CutLayer(layer=1, start=at)]
    events, choices = sequencer.plan(now=at, until=at + SECOND)
    assert events[0].start == at
    assert choices[0].reason == "start"
    assert all(choice.tag == "bells" for choice in choices)


def test_turning_the_weights_of_sounding_tags_does_not_start_anew(sequencer):
    _, before = play(sequencer, {"drone": 1.0, "bells": 0.01}, seconds=5)
    sequencer.layer(1).settings.stickiness = 0.99
    at = before[-1].start - 100
    sequencer.set_tags(1, {"drone": 1.0, "bells": 0.02}, at=at)
    _, after = sequencer.plan(now=at, until=at + SECOND // 2)
    assert after[0].reason in {"continue", "jump"}


def test_taboo_keeps_units_from_coming_back(sequencer):
    layer = sequencer.layer(1)
    layer.settings.stickiness = 0.0
    layer.settings.taboo_count = 12
    layer.settings.taboo_seconds = 0.0
    _, choices = play(sequencer, {"drone": 1.0}, seconds=40)
    chosen = [choice.unit for choice in choices]
    for place, unit in enumerate(chosen):
        assert unit not in chosen[max(0, place - 11) : place]


def test_stickiness_makes_longer_runs(units):
    shares = []
    for stickiness in (0.0, 0.95):
        sequencer = make(units)
        sequencer.layer(1).settings.stickiness = stickiness
        _, choices = play(sequencer, {"drone": 1.0}, seconds=40)
        shares.append(np.mean([choice.reason == "continue" for choice in choices]))
    assert shares[0] < 0.4
    assert shares[1] > 0.8


def test_a_tag_of_three_units_plays_on_for_ever(sequencer):
    _, choices = play(sequencer, {"click": 1.0}, seconds=30)
    assert len(choices) > 150
    assert len({choice.unit for choice in choices}) == 3


def test_a_jump_fades_before_its_unit_and_a_continuation_begins_on_the_boundary(sequencer):
    sequencer.layer(1).settings.align_ms = 0.0
    events, choices = play(sequencer, {"drone": 1.0}, seconds=30)
    fade = round(0.020 * SAMPLE_RATE)
    for event, choice in zip(events, choices, strict=True):
        begin = int(sequencer.units.position[choice.unit])
        lead = choice.start - event.start
        assert event.position == begin - lead
        assert event.position >= event.source_start
        room = begin - event.source_start
        assert lead == (0 if choice.reason == "continue" else min(fade, room))
        if choice.reason != "continue":
            assert event.fade == max(lead, 240)


def test_distance_is_the_one_of_a_brute_force_search(units):
    """With no chance, no stickiness and a horizon of one step, the nearest unit is taken."""
    sequencer = make(units, spread=0.0)
    settings = sequencer.layer(1).settings
    settings.query_temperature = 0.0
    settings.predict_temperature = 0.0
    settings.horizon = 1
    settings.taboo_count = 0
    settings.taboo_seconds = 0.0
    _, choices = play(sequencer, {"drone": 1.0}, seconds=0.1)
    assert choices[0].rank == 0
    assert choices[0].distance == pytest.approx(0.0, abs=1e-3)


def test_a_late_planner_jumps_to_now(sequencer):
    play(sequencer, {"drone": 1.0}, seconds=1)
    now = 60 * SECOND
    events, choices = sequencer.plan(now=now, until=now + SECOND)
    assert events[0].start >= now
    assert choices[0].reason == "start"


def test_stop_ends_a_layer_and_play_begins_afresh(sequencer):
    play(sequencer, {"drone": 1.0}, seconds=1)
    assert sequencer.set_playing(1, False, at=SECOND) == [StopLayer(layer=1, start=SECOND, fade=2400)]
    assert sequencer.plan(now=SECOND, until=2 * SECOND) == ([], [])
    sequencer.set_playing(1, True, at=2 * SECOND)
    events, choices = sequencer.plan(now=2 * SECOND, until=3 * SECOND)
    assert isinstance(events[0], PlayUnit)
    assert events[0].fade > 0
    assert choices[0].reason == "start"


def test_layers_are_independent(units):
    sequencer = make(units)
    sequencer.set_playing(2, True, at=0)
    sequencer.set_tags(2, {"bells": 1.0}, at=0)
    alone = [c for _, c in _zip(sequencer.plan(now=0, until=5 * SECOND))]
    both = make(units)
    both.set_playing(1, True, at=0)
    both.set_tags(1, {"drone": 1.0}, at=0)
    both.set_playing(2, True, at=0)
    both.set_tags(2, {"bells": 1.0}, at=0)
    second = [c for _, c in _zip(both.plan(now=0, until=5 * SECOND)) if c.layer == 2]
    assert second == alone


def _zip(planned) -> list[tuple[PlayUnit, Choice]]:
    return list(zip(*planned, strict=True))


def test_an_appended_corpus_keeps_what_was_planned(rng):
    long = table([60, 40, 50], tags=["drone", "drone", "bells"], rng=np.random.default_rng(3))
    short = table([60, 40], tags=["drone", "drone"], rng=np.random.default_rng(3))
    sequencer = make(short)
    play(sequencer, {"drone": 1.0}, seconds=3)
    sequencer.replace_material(sequencer.read(material(long)))
    assert "bells" in sequencer.tags
    sequencer.set_tags(1, {"bells": 1.0}, at=3 * SECOND)
    _, choices = sequencer.plan(now=3 * SECOND, until=6 * SECOND)
    assert {c.tag for c in choices} == {"bells"}


def test_openings_made_ahead_change_nothing(units):
    plain, ahead = make(units), make(units)
    for sequencer in (plain, ahead):
        sequencer.layer(1).settings.predict_temperature = 0.9  # what was made for another temperature is made anew
    while ahead.prepare():
        pass
    for sequencer in (plain, ahead):
        sequencer.layer(1).settings.predict_temperature = 0.5
    one, _ = play(plain, {"drone": 1.0, "bells": 1.0}, seconds=30)
    two, _ = play(ahead, {"drone": 1.0, "bells": 1.0}, seconds=30)
    assert one == two
    assert not {"drone", "bells"} & set(ahead.layer(1).expectation.openings)
    assert ahead.prepare()


@pytest.mark.parametrize(
    "turn", [("stickiness", 0.1), ("k", 3), ("brightness", 1.0), ("weights", (2.0,) + (1.0,) * (len(WEIGHT_NAMES) - 1))]
)
def test_a_first_unit_that_was_chosen_under_other_settings_is_chosen_anew(units, turn):
    plain, ahead = make(units), make(units)
    while ahead.prepare():
        pass
    for sequencer in (plain, ahead):
        sequencer.layer(1).settings.turn(*turn)
    assert play(plain, {"bells": 1.0}, seconds=3)[0] == play(ahead, {"bells": 1.0}, seconds=3)[0]


def test_a_tag_that_is_ready_begins_before_anything_is_predicted_or_searched(units, monkeypatch):
    sequencer = make(units)
    while sequencer.prepare():
        pass
    steps, searches = [], []
    foresight, selector = sequencer.reading.foresights[sequencer.layer(1).predictor], sequencer.reading.selector
    step, select = foresight._step, selector.select
    monkeypatch.setattr(foresight, "_step", lambda *a, **k: steps.append(1) or step(*a, **k))
    monkeypatch.setattr(selector, "select", lambda *a, **k: searches.append(1) or select(*a, **k))
    sequencer.set_playing(1, True, at=0)
    sequencer.set_tags(1, {"bells": 1.0}, at=0)
    events, _ = sequencer.plan(now=0, until=1)
    assert [type(event) for event in events] == [PlayUnit]
    assert (steps, searches) == ([], [])
    sequencer.plan(now=0, until=2 * UNIT)
    assert steps, "what has sounded is heard before the next one is planned"
    assert searches


def test_a_first_unit_that_was_heard_just_now_gives_way_to_another(units):
    sequencer = make(units)
    layer = sequencer.layer(1)
    while sequencer.prepare():
        pass
    ready = layer.expectation.firsts["bells"].unit
    layer.usage.note(ready, clock=-UNIT)
    sequencer.set_playing(1, True, at=0)
    sequencer.set_tags(1, {"bells": 1.0}, at=0)
    _, [choice] = sequencer.plan(now=0, until=1)
    assert choice.tag == "bells"
    assert choice.unit != ready


def test_single_hits_go_on_being_hit(rng):
    """Recordings that only decay, and a predictor that expects just that: there must be a new hit every time."""
    units = table([40] * 6, tags=["tabla"] * 6, rng=rng)
    decay = np.tile(np.maximum(-10.0 - 4.0 * np.arange(40), -80.0), 6).astype(np.float32)
    units.features[:, FEATURE_NAMES.index("loudness_db_mean")] = decay
    units = without_silence(dataclasses.replace(units, loudness_db=decay))
    _, choices = play(make(units, spread=0.1), {"tabla": 1.0}, seconds=60)
    hits = [choice.start / SECOND for choice in choices if decay[choice.unit] > -16.0]
    assert len(hits) > 50
    assert max(np.diff(hits)) < 40 * UNIT / SECOND, "the end of a recording is never waited for"
    assert min(decay[choice.unit] for choice in choices) > -45.0
