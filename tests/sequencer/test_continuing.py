"""What a plan continues: descriptors, places of the corpus, what is being played."""

from collections.abc import Mapping

import numpy as np
import pytest

from liveseq.corpus.index import DEFAULT_WEIGHTS
from liveseq.corpus.units import ANY, FEATURE_NAMES, UnitTable
from liveseq.runtime.predictor import Condition, Mixture, State
from liveseq.sequencer.repetition import Usage
from liveseq.sequencer.sequencer import Sequencer
from liveseq.sequencer.settings import Mode
from liveseq.sequencer.timeline import CutLayer
from tests.support.small_corpus import SECOND, Counts, Goes, Persistence, go_on, make, play, table


@pytest.fixture
def units(rng: np.random.Generator) -> UnitTable:
    return table([60, 40, 50], tags=["drone", "drone", "bells"], rng=rng)


def precise(units: UnitTable, **predictor) -> Sequencer:
    """No chance, no stickiness: the nearest unit to what is expected."""
    sequencer = make(units, spread=1e-6, **predictor)
    for layer in sequencer.layers:
        layer.settings.query_temperature = layer.settings.stickiness = 0.0
    return sequencer


def faithful(units: UnitTable) -> Sequencer:
    """Stays in a recording, also where it has been before."""
    sequencer = make(units)
    settings = sequencer.layer(1).settings
    settings.stickiness, settings.taboo_count, settings.taboo_seconds = 0.98, 0, 0.0
    return sequencer


def nearest(sequencer: Sequencer, features: np.ndarray, tag: str) -> int:
    units = sequencer.units
    members = units.tag_units[tag]
    off = (units.features[members] - features) / units.features.std(axis=0) * DEFAULT_WEIGHTS
    return int(members[np.argmin((off**2).sum(axis=1))])


def test_a_primed_plan_continues_what_it_was_given(units):
    at = SECOND
    for wanted in (130, 20, 75):
        sequencer = precise(units)
        play(sequencer, {"drone": 1.0, "bells": 1.0}, seconds=0.1)
        sequencer.layer(1).usage = Usage(units.n_units)  # what was heard is no reason against a unit
        sequencer.layer(1).settings.horizon = 1  # nor is what comes after it a reason for another
        tag = sequencer.layer(1).tag
        assert sequencer.prime(1, units.features[wanted][None], at=at) == [CutLayer(layer=1, start=at)]
        events, choices = sequencer.plan(now=at, until=at + 1)
        assert events[0].start == at
        assert choices[0].reason == "start"
        assert choices[0].unit == nearest(sequencer, units.features[wanted], tag)
        np.testing.assert_allclose(choices[0].target, units.features[wanted], atol=1e-3)


def test_a_layer_without_tags_plays_whatever_comes_nearest_to_what_it_is_primed_with(units):
    sequencer = precise(units)
    sequencer.set_playing(1, True, at=0)
    sequencer.prime(1, units.features[[130, 131]], at=0)
    _, choices = sequencer.plan(now=0, until=1)
    assert [(choice.unit, choice.tag) for choice in choices] == [(131, ANY)]


def test_all_that_is_primed_is_heard_in_order(units):
    predictor = Goes(units.features[:1])
    sequencer = make(units, predictor=predictor)
    sequencer.set_playing(1, True, at=0)
    sequencer.prime(1, units.features[40:50], at=0)
    sequencer.plan(now=0, until=1)
    np.testing.assert_array_equal(predictor.heard[:10], units.features[40:50])


SET_MEANWHILE = {
    "mode": lambda sequencer, at: sequencer.set_mode(1, Mode.CLOUD, at=at),
    "model": lambda sequencer, at: sequencer.set_predictor(1, "predictor", at=at),
    "tags": lambda sequencer, at: sequencer.set_tags(1, {"drone": 0.7, "bells": 0.3}, at=at),
}


@pytest.mark.parametrize("change", SET_MEANWHILE.values(), ids=SET_MEANWHILE)
def test_what_is_set_together_with_a_seed_does_not_undo_it(units, change):
    for late in (0, 480):  # in one bundle, and just after the first unit was planned
        at = 3 * SECOND
        primed, seeded = precise(units), faithful(units)
        for sequencer in (primed, seeded):
            play(sequencer, {"drone": 1.0}, seconds=3)
        primed.prime(1, units.features[20][None], at=at)
        seeded.seed_corpus(1, 70, at=at)
        found = []
        for sequencer in (primed, seeded):
            if late:
                sequencer.plan(now=at, until=at + 1)
            change(sequencer, at + late)
            found.append(sequencer.plan(now=at + late, until=at + late + 1)[1][0])
        np.testing.assert_allclose(found[0].target, units.features[20], atol=1e-3)
        assert late or found[1].unit == 71


def test_a_seed_that_has_sounded_is_over(units):
    sequencer = faithful(units)
    play(sequencer, {"drone": 1.0}, seconds=1)
    sequencer.seed_corpus(1, 70, at=SECOND)
    sequencer.plan(now=SECOND, until=2 * SECOND)
    sequencer.set_mode(1, Mode.CLOUD, at=2 * SECOND)
    _, choices = sequencer.plan(now=2 * SECOND, until=2 * SECOND + 1)
    assert choices[0].unit > 73


def test_a_corpus_seed_goes_on_where_its_recording_does(units):
    sequencer = faithful(units)
    play(sequencer, {"drone": 1.0}, seconds=2)
    for unit in (70, 10):
        sequencer.layer(1).usage = Usage(units.n_units)
        at = 2 * SECOND
        sequencer.seed_corpus(1, unit, at=at)
        _, choices = sequencer.plan(now=at, until=at + SECOND // 2)
        assert [choice.unit for choice in choices] == list(range(unit + 1, unit + 1 + len(choices)))


def test_a_corpus_seed_of_another_tag_is_continued_with_units_of_the_layers_own(units):
    sequencer = faithful(units)
    play(sequencer, {"bells": 1.0}, seconds=2)
    at = 2 * SECOND
    sequencer.seed_corpus(1, 10, at=at)
    _, choices = go_on(sequencer, begin=at, seconds=5)
    assert {choice.unit for choice in choices} <= set(units.tag_units["bells"].tolist())


def test_a_corpus_seed_gives_the_turn_to_a_tag_that_has_it(units):
    sequencer = faithful(units)
    play(sequencer, {"drone": 1.0, "bells": 1.0}, seconds=2)
    for unit, tag in ((10, "drone"), (110, "bells"), (80, "drone")):
        at = sequencer.layer(1).cursor
        sequencer.seed_corpus(1, unit, at=at)
        _, choices = sequencer.plan(now=at, until=at + 1)
        assert [(choice.unit, choice.tag) for choice in choices] == [(unit + 1, tag)]


class Jumpy:
    """Stands for a model of another kind: another state, longer steps, and it only ever expects one place."""

    feature_names = FEATURE_NAMES
    samples_per_step = 12_000
    sample_rate = 48_000

    def __init__(self, place: np.ndarray) -> None:
        self.place = place

    def tag_vectors(self, vectors: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        return vectors

    def start(self) -> State:
        return (np.zeros((2, 3), dtype=np.float32), np.zeros(5, dtype=np.float32))

    def step(self, features: np.ndarray, state: State, condition: Condition) -> tuple[Mixture, State]:
        assert [array.shape for array in state] == [(2, 3), (5,)]
        means = self.place[None, None].astype(np.float32)
        return Mixture(np.zeros(1, np.float32), means, np.full_like(means, 1e-6)), state


@pytest.mark.parametrize("listening", [False, True])
def test_another_model_takes_over_with_a_state_of_its_own(units, listening):
    sequencer = precise(units, predictor=Counts())
    sequencer.add_predictor("jumpy", Jumpy(units.features[33]))
    play(sequencer, {"drone": 1.0}, seconds=2)
    sequencer.listen(1, listening)
    sequencer.hear_input(1, units.features[:3])
    at = 2 * SECOND
    assert sequencer.set_predictor(1, "jumpy", at=at) == [CutLayer(layer=1, start=at)]
    sequencer.hear_input(1, units.features[3:5])
    _, choices = sequencer.plan(now=at, until=at + SECOND)
    np.testing.assert_allclose(choices[0].target, units.features[33], atol=1e-3)
    sequencer.set_predictor(1, "predictor", at=at + SECOND // 2)
    sequencer.hear_input(1, units.features[3:5])
    assert len(sequencer.plan(now=at + SECOND // 2, until=at + 2 * SECOND)[1]) > 3
    assert sequencer.predictors == ("predictor", "jumpy")


# Listening


def test_what_is_played_steers_the_plan_step_by_step(units):
    sequencer = precise(units)
    sequencer.listen(1, True)
    play(sequencer, {"drone": 1.0, "bells": 1.0}, seconds=1)
    layer = sequencer.layer(1)
    for wanted in (12, 70, 31):
        sequencer.hear_input(1, units.features[wanted][None])
        now = layer.cursor
        _, choices = sequencer.plan(now=now, until=now + 1)
        np.testing.assert_allclose(choices[0].target, units.features[wanted], atol=1e-3)


def test_a_layer_that_listens_does_not_hear_itself(units):
    sequencer = make(units, predictor=Counts())
    layer = sequencer.layer(1)
    play(sequencer, {"drone": 1.0}, seconds=1)
    sequencer.listen(1, True)
    sequencer.hear_input(1, units.features[:5])
    before = layer.expectation.state
    go_on(sequencer, begin=SECOND, seconds=5)
    assert layer.expectation.state is before
    sequencer.hear_input(1, units.features[5:8])
    assert float(layer.expectation.state[0][0]) == float(before[0][0]) + 3.0
    sequencer.listen(1, False)
    go_on(sequencer, begin=6 * SECOND, seconds=5)
    assert layer.expectation.state is not before


def test_a_turn_to_another_tag_keeps_what_is_heard(units):
    sequencer = precise(units)
    layer = sequencer.layer(1)
    sequencer.listen(1, True)
    play(sequencer, {"drone": 1.0, "bells": 1.0}, seconds=1)
    sequencer.hear_input(1, units.features[[60, 61]])
    heard = layer.expectation.mixture
    _, choices = go_on(sequencer, begin=SECOND, seconds=15)
    assert {choice.tag for choice in choices} == {"drone", "bells"}
    assert layer.expectation.mixture is heard
    sequencer.set_tags(1, {"bells": 1.0}, at=16 * SECOND)
    _, [first, *_] = sequencer.plan(now=16 * SECOND, until=17 * SECOND)
    np.testing.assert_allclose(first.target, units.features[61], atol=1e-3)


def test_an_input_beyond_all_measure_is_taken_as_its_rim(units):
    """A float from the network may be finite and absurd; what comes after it must still be music."""
    sequencer = make(units)
    play(sequencer, {"drone": 1.0}, seconds=1)
    absurd = np.full((2, len(FEATURE_NAMES)), 3e38, dtype=np.float32)
    sequencer.prime(1, absurd, at=SECOND)
    sequencer.layer(1).settings.steering.movement = 0.5
    _, choices = sequencer.plan(now=SECOND, until=2 * SECOND)
    spread = units.features.std(axis=0)
    for choice in choices:
        assert (np.abs(choice.target - units.features.mean(axis=0)) <= 4.1 * spread).all()
    sequencer.listen(1, True)
    sequencer.hear_input(1, -absurd)
    _, choices = sequencer.plan(now=2 * SECOND, until=3 * SECOND)
    assert np.isfinite([choice.distance for choice in choices]).all()


def test_a_seed_that_is_set_again_forgets_what_was_primed(units):
    one, other = make(units), make(units)
    for sequencer in (one, other):
        play(sequencer, {"drone": 1.0}, seconds=1)
    other.prime(1, units.features[5:9], at=SECOND)
    found = []
    for sequencer in (one, other):
        sequencer.set_seed(1, 3, at=2 * SECOND)
        found.append(go_on(sequencer, begin=2 * SECOND, seconds=5)[0])
    assert found[0] == found[1]


def test_persistence_is_what_these_tests_take_it_for(units):
    """Known answer of the predictor itself: what it hears is what it expects."""
    predictor = Persistence(0.5)
    condition = Condition(tag=np.zeros(1, np.float32), phase=np.zeros(3, np.float32))
    mixture, _ = predictor.step(units.features[3], predictor.start(), condition)
    np.testing.assert_array_equal(mixture.mean()[0], units.features[3])
