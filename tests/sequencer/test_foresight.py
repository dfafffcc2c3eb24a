"""What a predictor is told, and how its future is drawn."""

import dataclasses
import itertools

import numpy as np
import pytest

from liveseq.corpus.units import FEATURE_NAMES, UnitTable
from liveseq.runtime.predictor import Condition, Mixture, State
from liveseq.sequencer.foresight import PRIMING_UNITS, REACH, Beat, Foresight
from tests.support.small_corpus import UNIT, Counts, Goes, go_on, make, play, table, with_beats

VECTORS = {"drone": np.array([1.0, 0.0], dtype=np.float32), "bells": np.array([0.0, 1.0], dtype=np.float32)}


@pytest.fixture
def units(rng: np.random.Generator) -> UnitTable:
    return table([60, 40, 50], tags=["drone", "drone", "bells"], rng=rng)


class Ear(Counts):
    """Keeps all that it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[np.ndarray, Condition]] = []

    def step(self, features: np.ndarray, state: State, condition: Condition) -> tuple[Mixture, State]:
        self.told.append((features, condition))
        return super().step(features, state, condition)


class Course(Goes):
    """Four steps at once, each further on than the one before; it counts how often it is asked."""

    def __init__(self, start: np.ndarray) -> None:
        super().__init__(start + np.arange(1, 5)[:, None] * 0.1)

    def step(self, features: np.ndarray, state: State, condition: Condition) -> tuple[Mixture, State]:
        self.course = (features + np.arange(1, 5)[:, None] * 0.1).astype(np.float32)
        return super().step(features, state, condition)


def foresight(units: UnitTable, predictor) -> Foresight:
    features = units.features
    return Foresight(units, predictor, mean=features.mean(axis=0), std=features.std(axis=0), tag_vectors=VECTORS)


def test_units_are_heard_with_their_tag_and_their_place_in_the_beat(units):
    ear = Ear()
    beats = with_beats(units, period=4.0 * UNIT, origin=0.0)
    _, _, beat = foresight(beats, ear).hear([0, 1, 2, 3], tag="bells")
    for place, (features, condition) in enumerate(ear.told):
        np.testing.assert_array_equal(features, units.features[place])
        np.testing.assert_array_equal(condition.tag, VECTORS["bells"])
        angle = 2.0 * np.pi * place / 4.0
        np.testing.assert_allclose(condition.phase, [np.sin(angle), np.cos(angle), 1.0], atol=1e-6)
    assert (beat.place, beat.period) == (1.0, 4.0 * UNIT)


def test_without_a_beat_there_are_zeros_and_without_a_tag_there_is_none(units):
    ear = Ear()
    foresight(units, ear).hear([5], tag="*")
    [(_, condition)] = ear.told
    np.testing.assert_array_equal(condition.phase, np.zeros(3))
    assert condition.tag is None


def test_a_long_unit_is_several_steps_each_at_its_own_place_in_the_beat(units):
    ear = Ear()
    long = dataclasses.replace(with_beats(units, period=8.0 * UNIT, origin=0.0), length=units.length * 3)
    foresight(long, ear).hear([0], tag="drone")
    angles = [np.arctan2(condition.phase[0], condition.phase[1]) for _, condition in ear.told]
    np.testing.assert_allclose(angles, np.array([0, 1, 2]) / 8 * 2 * np.pi, atol=1e-6)


def test_what_the_macros_have_bent_is_heard_straight(units):
    ear = Ear()
    shift = np.linspace(0, 1, len(FEATURE_NAMES)).astype(np.float32)
    foresight(units, ear).hear([3], tag="drone", shift=shift)
    np.testing.assert_allclose(ear.told[0][0], units.features[3] - shift)


def imagine(units: UnitTable, predictor, *, horizon: int, temperature: float = 0.0) -> np.ndarray:
    sees = foresight(units, predictor)
    mixture, state, beat = sees.hear([10], tag="drone")
    return sees.imagine(
        mixture,
        state,
        beat=beat,
        tag="drone",
        horizon=horizon,
        temperature=temperature,
        rng=np.random.default_rng(0),
    )


@pytest.mark.parametrize(("horizon", "n_asked"), [(1, 1), (4, 1), (5, 5), (6, 5), (9, 9)])
def test_a_course_of_four_steps_is_drawn_as_a_whole(units, horizon, n_asked):
    """It is asked again only where more is needed; then it hears all four first."""
    predictor = Course(units.features[10])
    future = imagine(units, predictor, horizon=horizon)
    assert future.shape == (horizon, len(FEATURE_NAMES))
    np.testing.assert_allclose(
        future, units.features[10] + 0.1 * np.arange(1, horizon + 1)[:, None], rtol=1e-5, atol=1e-4
    )
    assert len(predictor.heard) == n_asked


def test_no_future_leaves_the_reach_of_the_corpus(units):
    wild = Goes(units.features[:1], spread=1e4)
    future = imagine(units, wild, horizon=8, temperature=1.0)
    low = units.features.mean(axis=0) - REACH * units.features.std(axis=0)
    high = units.features.mean(axis=0) + REACH * units.features.std(axis=0)
    assert (future >= low - 1e-4).all()
    assert (future <= high + 1e-4).all()
    assert np.mean((future <= low + 1e-4) | (future >= high - 1e-4)) > 0.9  # it has been at the rim


def test_the_beat_goes_on_inside_an_imagined_future(units):
    ear = Ear()
    imagine(with_beats(units, period=4.0 * UNIT, origin=0.0), ear, horizon=4)
    angles = 2.0 * np.pi * np.arange(10, 14) / 4.0
    told = [condition.phase[:2] for _, condition in ear.told]
    np.testing.assert_allclose(told, np.stack([np.sin(angles), np.cos(angles)], axis=1), atol=1e-6)


def test_a_unit_is_led_up_to_by_what_comes_before_it_in_its_recording(units):
    sees = foresight(units, Counts())
    assert sees.leading_to(30) == list(range(31 - PRIMING_UNITS, 31))
    assert sees.leading_to(62) == [60, 61, 62]  # the second recording begins with 60
    assert sees.leading_to(60) == [60]


def test_an_opening_begins_with_a_loud_unit_of_its_tag(units):
    sees = foresight(units, Counts())
    loud = np.percentile(units.loudness_db[units.tag_units["bells"]], 95.0) - 12.0
    for seed in range(20):
        opening = sees.open("bells", horizon=3, temperature=0.0, rng=np.random.default_rng(seed))
        [first] = np.flatnonzero((units.features == opening.future[0]).all(axis=1))
        assert first in units.tag_units["bells"]
        assert units.loudness_db[first] >= loud
        assert float(opening.state[0][0]) == len(sees.leading_to(int(first)))


def test_beats_pass_by_samples():
    assert Beat(3.25, 1000.0).after(500) == Beat(3.75, 1000.0)
    assert Beat(0.0, 0.0).after(500) == Beat(0.0, 0.0)


def test_a_layer_plans_with_whole_courses(units):
    """Through a sequencer: one question per plan, since a horizon of four is one course."""
    predictor = Course(units.features[10])
    sequencer = make(units, predictor=predictor)
    sequencer.layer(1).settings.horizon = 4
    _, choices = play(sequencer, {"drone": 1.0}, seconds=4)
    n_openings = sum(choice.reason == "start" for choice in choices)
    assert len(predictor.heard) <= len(choices) + n_openings * PRIMING_UNITS
    sequencer.layer(1).settings.horizon = 5
    before = len(predictor.heard)
    sequencer.plan(now=sequencer.layer(1).cursor, until=sequencer.layer(1).cursor + 1)
    assert len(predictor.heard) - before == 5  # four of the course, and the unit that was chosen


class Mute(Counts):
    """Says what is no number, in one part of its answer, from the second step on that it hears in a row."""

    def __init__(self, part: str, value: float) -> None:
        self.part, self.value = part, value

    def step(self, features: np.ndarray, state: State, condition: Condition) -> tuple[Mixture, State]:
        mixture, after = super().step(features, state, condition)
        if after[0] < 2.0:
            return mixture, after
        bad = np.full_like(getattr(mixture, self.part), self.value)
        return dataclasses.replace(mixture, **{self.part: bad}), (np.full(1, np.nan, np.float32),)


@pytest.mark.parametrize(("part", "value"), [("means", np.nan), ("scales", np.inf), ("logits", np.nan)])
def test_a_predictor_that_says_no_number_leaves_its_layer_in_the_tags_own_material(units, part, value):
    sequencer = make(units, predictor=Mute(part, value))
    _, choices = play(sequencer, {"bells": 1.0}, seconds=12)
    assert len(choices) > 60
    chosen = [choice.unit for choice in choices]
    assert set(chosen) <= set(units.tag_units["bells"].tolist())
    assert all(np.isfinite(choice.target).all() for choice in choices)
    followed = sum(after == before + 1 for before, after in itertools.pairwise(chosen))
    assert followed > len(chosen) / 2  # it goes on in the recording that sounds
    assert len(set(chosen)) > 10
    assert sequencer.reading.n_blind["predictor"] > 30
    other = make(units, predictor=Mute(part, value))
    assert [choice.unit for choice in play(other, {"bells": 1.0}, seconds=12)[1]] == chosen


def test_a_predictor_that_finds_its_numbers_again_is_heard_again(units):
    predictor = Mute("means", np.nan)
    sequencer = make(units, predictor=predictor)
    play(sequencer, {"drone": 1.0}, seconds=2)
    n_blind = sequencer.reading.n_blind["predictor"]
    predictor.part, predictor.value = "logits", 0.0
    _, choices = go_on(sequencer, begin=96_000, seconds=4)
    assert len(choices) > 20
    assert 0 < sequencer.reading.n_blind["predictor"] <= n_blind + 1


def test_a_recollection_follows_its_recording_and_begins_anew_where_that_ends(units):
    sees = foresight(units, Counts())
    rng = np.random.default_rng(1)
    np.testing.assert_array_equal(sees.recall(20, tag="drone", horizon=4, rng=rng), units.features[21:25])
    course = sees.recall(58, tag="drone", horizon=4, rng=rng)
    np.testing.assert_array_equal(course[0], units.features[59])
    [again] = np.flatnonzero((units.features == course[1]).all(axis=1))
    assert again in units.tag_units["drone"]
    for after in (None, 120):  # nothing, and a unit of another tag
        [first] = np.flatnonzero((units.features == sees.recall(after, tag="drone", horizon=1, rng=rng)[0]).all(axis=1))
        assert first in units.tag_units["drone"]
