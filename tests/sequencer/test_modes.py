"""Clouds, freezes and slices: the same plan as another kind of sound."""

import dataclasses
import itertools

import numpy as np
import pytest

from liveseq.corpus.units import UnitTable
from liveseq.engine.events import pack
from liveseq.sequencer.sequencer import Sequencer
from liveseq.sequencer.settings import Mode
from liveseq.sequencer.timeline import CutLayer, Grain, PlayUnit, StopLayer
from tests.support.small_corpus import SAMPLE_RATE, SECOND, go_on, make, play, table, with_beats


@pytest.fixture
def units(rng: np.random.Generator) -> UnitTable:
    return table([60, 40, 50, 3], tags=["drone", "drone", "bells", "click"], rng=rng)


def in_mode(units: UnitTable, mode: Mode, **settings) -> Sequencer:
    sequencer = make(units)
    for layer in sequencer.layers:
        layer.settings = dataclasses.replace(layer.settings, mode=mode, **settings)
    return sequencer


@pytest.mark.parametrize("mode", Mode)
def test_the_same_seed_gives_the_same_events_whenever_they_are_asked_for(units, mode):
    units = with_beats(units, period=21_000.0, origin=900.0)
    found = []
    for step in (512, 4096, 48_000):
        sequencer = in_mode(units, mode, trigger=0.8, reverse=0.2, pitch_match=5.0)
        sequencer.set_playing(1, True, at=0)
        sequencer.set_tags(1, {"drone": 1.0, "bells": 1.0}, at=0)
        events = []
        for until in range(step, 8 * SECOND + 1, step):
            events += sequencer.plan(now=0, until=until)[0]
        found.append(events)
    shared = min(map(len, found))
    assert shared > 10
    assert found[0][:shared] == found[1][:shared] == found[2][:shared]


# Clouds


@pytest.mark.parametrize(("density", "steered"), [(5.0, 0.0), (12.0, 0.0), (12.0, 1.0), (60.0, 0.0), (60.0, 3.0)])
def test_a_cloud_has_as_many_grains_as_are_asked_for(units, density, steered):
    sequencer = in_mode(units, Mode.CLOUD, grain_density=density)
    sequencer.layer(1).settings.steering.density = steered
    events, _ = play(sequencer, {"drone": 1.0}, seconds=20)
    assert len(events) / 20 == pytest.approx(min(80.0, density * 2.0**steered), rel=0.1)


def test_grains_are_spread_evenly_and_lie_in_their_sources(units):
    sequencer = in_mode(units, Mode.CLOUD, grain_spread=1.0, reverse=0.5, pitch_match=7.0)
    events, choices = play(sequencer, {"drone": 1.0, "click": 1.0}, seconds=20)
    assert {type(event) for event in events} == {Grain}
    for event in events:
        pack(event)  # reads inside the source, attack and release within the grain
        assert event.length == round(0.180 * SAMPLE_RATE)
    starts = np.array([event.start for event in events])
    gaps = np.diff(starts)
    assert (gaps > 0).all()
    assert np.abs(gaps * 12.0 / SAMPLE_RATE - 1.0).max() < 0.3
    assert {event.unit for event in events} <= {choice.unit for choice in choices}
    assert {event.reverse for event in events} == {True, False}
    assert np.std([event.pan for event in events]) > 0.3


def test_without_spread_every_grain_reads_what_the_unit_would_sound_then_in_the_middle(units):
    events, _ = play(in_mode(units, Mode.CLOUD, grain_spread=0.0), {"drone": 1.0}, seconds=5)
    for event in events:
        if event.source_end - event.position > event.length + 1:  # there is room for it
            assert 0 <= event.position - units.position[event.unit] < units.length[event.unit]
        assert event.pan == 0.0


def test_a_long_attack_and_release_are_fitted_into_a_grain(units):
    sequencer = in_mode(units, Mode.CLOUD, grain_ms=100.0, attack_ms=300.0, release_ms=100.0)
    [first, *_], _ = play(sequencer, {"drone": 1.0}, seconds=1)
    assert (first.attack, first.release) == (3600, 1200)


def test_a_cloud_begins_at_once_when_its_plan_is_replaced(units):
    """Grains that were planned are cut: the next one must not wait for when the last of them would have been over."""
    sequencer = in_mode(units, Mode.CLOUD)
    play(sequencer, {"drone": 1.0}, seconds=2)
    at = 2 * SECOND - 4096
    assert sequencer.set_tags(1, {"bells": 1.0}, at=at) == [CutLayer(layer=1, start=at)]
    [first, *_], _ = sequencer.plan(now=at, until=at + SECOND)
    assert first.start == at


def test_a_cloud_with_gaps_is_not_filled_by_the_engine(units):
    """A grain that is not triggered is not late: either the one before says so, or the cloud is stopped."""
    sequencer = in_mode(units, Mode.CLOUD, trigger=0.3)
    events, _ = play(sequencer, {"drone": 1.0}, seconds=30)
    n_grains = sum(isinstance(event, Grain) for event in events)
    assert n_grains / 30 == pytest.approx(0.3 * 12.0, rel=0.25)
    for event, after in itertools.pairwise(events):
        if isinstance(event, Grain):  # else the engine sounds it again, see engine.layer
            assert after.start <= event.start + 2 * event.interval


def test_a_cloud_without_grains_rests(units):
    sequencer = in_mode(units, Mode.CLOUD, trigger=0.0)
    events, choices = play(sequencer, {"drone": 1.0}, seconds=5)
    assert {type(event) for event in events} == {StopLayer}
    assert {choice.reason for choice in choices} == {"rest"}


# Freeze


def test_a_freeze_holds_the_unit_that_sounds_and_goes_on_from_there(units):
    sequencer = make(units)
    sequencer.layer(1).settings.stickiness = 0.98
    _, before = play(sequencer, {"drone": 1.0, "bells": 1.0}, seconds=3)
    at = 3 * SECOND
    [sounding] = [c.unit for c in before if c.start <= at < c.start + c.duration * SECOND]
    assert sequencer.set_mode(1, Mode.FREEZE, at=at) == [CutLayer(layer=1, start=at)]
    events, held = go_on(sequencer, begin=at, seconds=12)  # longer than any phrase
    assert {choice.unit for choice in held} == {sounding}
    assert {event.unit for event in events} == {sounding}
    assert {type(event) for event in events} == {Grain}
    again = at + 12 * SECOND
    sequencer.set_mode(1, Mode.CONTINUOUS, at=again)
    events, after = sequencer.plan(now=again, until=again + SECOND)
    assert {type(event) for event in events} == {PlayUnit}
    if units.successor[sounding] >= 0 and after[0].tag == held[-1].tag:
        assert after[0].unit == units.successor[sounding]


def test_a_freeze_from_the_start_holds_its_first_unit_also_when_planning_stalls(units):
    sequencer = in_mode(units, Mode.FREEZE)
    _, held = play(sequencer, {"drone": 1.0}, seconds=3)
    now = 60 * SECOND
    events, more = sequencer.plan(now=now, until=now + SECOND)
    assert len({choice.unit for choice in held + more}) == 1
    assert events[0].start >= now


# Beats

PERIOD = 21_000.0


def on_beat(event: PlayUnit, begin: int, *, origin: float, period: float = PERIOD) -> float:
    """Samples off the source's beat grid of what sounds at `begin`."""
    place = (event.position + (begin - event.start) - event.source_start - origin) / period
    return abs(place - round(place)) * period


def test_slices_begin_one_beat_apart_on_the_beat_of_their_source(units):
    sequencer = in_mode(with_beats(units, period=PERIOD, origin=900.0), Mode.BEAT)
    events, choices = play(sequencer, {"drone": 1.0, "bells": 1.0}, seconds=40)
    assert set(np.diff([choice.start for choice in choices])) == {int(PERIOD)}
    assert all(on_beat(e, c.start, origin=900.0) <= 1.0 for e, c in zip(events, choices, strict=True))
    for event in events:
        pack(event)
        assert event.position + event.length <= event.source_end


@pytest.mark.parametrize("period", [9_000.0, 14_000.0, 21_000.0, 37_501.0])
def test_what_naturally_follows_on_the_beat_has_no_seam(units, period):
    """At any tempo: also where a beat is shorter than a unit."""
    sequencer = in_mode(with_beats(units, period=period, origin=900.0), Mode.BEAT, stickiness=0.98)
    events, choices = play(sequencer, {"drone": 1.0}, seconds=30)
    natural = [
        (before, event)
        for (before, event), choice in zip(itertools.pairwise(events), choices[1:], strict=True)
        if choice.reason == "continue"
    ]
    assert len(natural) > 0.3 * len(events)
    for before, event in natural:
        assert event.fade == 0
        assert event.position == before.position + before.length


def test_another_tempo_is_cut_to_the_beat_of_the_layer(units):
    """A slice of a slower or faster recording begins on its own beat and lasts as long as the others."""
    slow = with_beats(units, period=26_000.0, origin=300.0)
    mixed = with_beats(units, period=20_000.0, origin=300.0)
    bells = np.isin(np.arange(units.n_units), units.tag_units["bells"])
    mixed.beat_period[bells], mixed.beat[bells] = slow.beat_period[bells], slow.beat[bells]
    sequencer = in_mode(mixed, Mode.BEAT)
    events, choices = play(sequencer, {"drone": 1.0, "bells": 1.0}, seconds=40)
    lengths = set(np.diff([choice.start for choice in choices]))
    assert lengths in ({20_000}, {26_000})
    for event, choice in zip(events, choices, strict=True):
        own = float(mixed.beat_period[choice.unit])
        if event.fade:
            assert on_beat(event, choice.start, origin=300.0, period=own) <= 1.0
        else:  # within 10 ms of where the voice is anyway
            assert on_beat(event, choice.start, origin=300.0, period=own) <= 481.0


def test_a_recording_without_a_beat_is_cut_at_its_attack(units):
    units.onset[:] = 1234
    sequencer = in_mode(units, Mode.BEAT)
    events, choices = play(sequencer, {"drone": 1.0}, seconds=20)
    assert set(np.diff([choice.start for choice in choices])) == {SAMPLE_RATE // 2}  # 120 a minute
    for event, choice in zip(events, choices, strict=True):
        place = event.position + (choice.start - event.start)
        latest = event.source_end - SAMPLE_RATE // 2
        if event.fade:
            assert place == min(units.position[choice.unit] + 1234, latest)


def test_rests_keep_the_beat(units):
    sequencer = in_mode(with_beats(units, period=PERIOD, origin=900.0), Mode.BEAT, trigger=0.5)
    events, choices = play(sequencer, {"drone": 1.0}, seconds=30)
    steps = np.diff([choice.start for choice in choices])
    assert np.sum(steps != int(PERIOD)) <= 1  # but for the fade before the very first sound
    assert {type(event) for event in events} == {PlayUnit, StopLayer}
