"""Which unit is chosen: weights, radius, filters, beats, what was heard before."""

import dataclasses
import itertools

import numpy as np
import pytest

from liveseq.corpus.units import FEATURE_NAMES, UnitFilter, UnitTable
from liveseq.sequencer.repetition import Pool, Repetition, Usage
from liveseq.sequencer.selection import OFF_BEAT, Query, Selection, Selector
from liveseq.sequencer.sequencer import Sequencer
from liveseq.sequencer.settings import WEIGHT_NAMES, Settings
from tests.support.small_corpus import SECOND, UNIT, Goes, column, go_on, make, material, play, table, with_beats

LOUDNESS = column("loudness_db_mean")


@pytest.fixture
def units(rng: np.random.Generator) -> UnitTable:
    return table([60, 40, 50], tags=["drone", "drone", "bells"], rng=rng)


def precise(units: UnitTable, target: np.ndarray) -> Sequencer:
    """No chance, no stickiness, no memory: one step ahead, always the same place is looked for."""
    sequencer = make(units, predictor=Goes(target[None]))
    settings = sequencer.layer(1).settings
    settings.query_temperature = settings.predict_temperature = settings.stickiness = 0.0
    settings.taboo_count, settings.taboo_seconds, settings.horizon = 0, 0.0, 1
    return sequencer


def weigh(**weights: float) -> tuple[float, ...]:
    """Only these count."""
    return tuple(weights.get(name, 0.0) for name in WEIGHT_NAMES)


def primed(sequencer: Sequencer, *, n: int = 1) -> list:
    """The next n choices, each as if nothing had been heard before."""
    found = []
    layer = sequencer.layer(1)
    for _ in range(n):
        layer.usage = Usage(sequencer.units.n_units)
        found += sequencer.plan(now=layer.cursor, until=layer.cursor + 1)[1]
    return found


@pytest.mark.parametrize("name", ["loudness_db", "log_centroid", "mfcc3", "log_f0"])
def test_what_counts_alone_decides_alone_and_from_the_next_plan_on(units, name):
    target = units.features[units.tag_units["drone"]].mean(axis=0)
    sequencer = precise(units, target)
    play(sequencer, {"drone": 1.0}, seconds=0.5)
    primed(sequencer)
    settings = sequencer.layer(1).settings
    settings.weights = weigh(**{name: 1.0})
    drones = units.tag_units["drone"]
    off = np.abs(units.features[drones, column(f"{name}_mean")] - target[column(f"{name}_mean")])
    [choice] = primed(sequencer)
    assert choice.unit == drones[np.argmin(off)]
    std = units.features.std(axis=0)[column(f"{name}_mean")]
    assert choice.distance == pytest.approx(off.min() / std, rel=1e-3, abs=1e-5)
    settings.weights = weigh(**{name: 1.0, "spread": 1.0})  # what moves inside the unit counts too
    [choice] = primed(sequencer)
    columns = [column(f"{name}_mean"), column(f"{name}_std")]
    both = (units.features[drones][:, columns] - target[columns]) / units.features.std(axis=0)[columns]
    assert choice.unit == drones[np.argmin((both**2 * [1.0, 0.25]).sum(axis=1))]


def test_scaling_all_weights_changes_nothing(units):
    found = []
    for factor in (0.01, 1.0, 100.0):
        sequencer = make(units)
        sequencer.layer(1).settings.weights = (factor,) * (len(WEIGHT_NAMES) - 1) + (1.0,)
        found.append([choice.unit for choice in play(sequencer, {"drone": 1.0}, seconds=5)[1]])
    assert found[0] == found[1] == found[2]


def test_the_radius_leaves_out_what_is_far_as_long_as_something_is_near(units):
    target = units.features[20]
    near = []
    for radius in (0.0, 0.5):
        sequencer = precise(units, target)
        settings = sequencer.layer(1).settings
        settings.query_temperature, settings.radius, settings.k = 2.0, radius, 100
        play(sequencer, {"drone": 1.0}, seconds=0.1)
        near.append([choice.distance for choice in primed(sequencer, n=60)])
    assert max(near[0]) > 0.5 > max(near[1])
    assert len(set(near[1])) > 3  # chance is left among them
    sequencer.layer(1).settings.radius = 1e-9  # nothing is so near
    assert len(primed(sequencer, n=10)) == 10


def test_only_allowed_units_sound_and_also_nothing_that_follows_them(units):
    mask = np.zeros(units.n_units, dtype=bool)
    mask[::3] = True
    sequencer = make(units)
    sequencer.layer(1).settings.stickiness = 0.98
    assert sequencer.set_filter(1, UnitFilter(mask))
    _, choices = play(sequencer, {"drone": 1.0, "bells": 1.0}, seconds=30)
    assert mask[[choice.unit for choice in choices]].all()
    assert "continue" not in {choice.reason for choice in choices}
    pairs = np.zeros(units.n_units, dtype=bool)
    pairs[10:40] = pairs[120:130] = True
    assert sequencer.set_filter(1, UnitFilter(pairs))
    _, choices = go_on(sequencer, begin=30 * SECOND + 12_000, seconds=20)
    assert pairs[[choice.unit for choice in choices]].all()
    assert "continue" in {choice.reason for choice in choices}


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_filter_of_few_units_plays_on_for_ever(units, n):
    mask = np.zeros(units.n_units, dtype=bool)
    mask[[5, 17, 70][:n]] = True
    sequencer = make(units)
    assert sequencer.set_filter(1, UnitFilter(mask))
    _, choices = play(sequencer, {"drone": 1.0}, seconds=40)
    assert len(choices) > 200
    counts = np.bincount([choice.unit for choice in choices], minlength=units.n_units)
    assert set(np.flatnonzero(counts)) <= set(np.flatnonzero(mask))
    if n > 1:  # half of them are taboo: no one is repeated at once
        assert all(a.unit != b.unit for a, b in itertools.pairwise(choices))


def test_a_filter_that_leaves_nothing_changes_nothing(units):
    sequencer = make(units)
    play(sequencer, {"bells": 1.0}, seconds=1)
    drones = UnitFilter(np.isin(np.arange(units.n_units), units.tag_units["drone"]))
    bells = UnitFilter(~drones.mask)
    assert sequencer.set_filter(1, bells)
    assert not sequencer.set_filter(1, drones)
    assert sequencer.layer(1).allowed.filter is bells
    assert sequencer.leaves(drones, ["drone"])
    assert not sequencer.leaves(drones, ["drone", "bells"])


# Beats


def choose(units: UnitTable, *, after: int, stickiness: float) -> Selection:
    target = units.features[[after]]
    settings = Settings(query_temperature=0.0, stickiness=stickiness, k=8, taboo_count=0, taboo_seconds=0.0)
    query = Query(
        targets=target,
        weights=np.full(len(FEATURE_NAMES), 1.0 / np.sqrt(len(FEATURE_NAMES)), dtype=np.float32),
        tag="drone",
        after=after,
        follower=-1,
        clock=10**9,
        samples_per_step=UNIT,
    )
    made = material(units)
    return Selector(units, made.index, made.scaling).select(
        query,
        usage=Usage(units.n_units),
        pool=Pool.of(units, "drone", None),
        settings=settings,
        rng=np.random.default_rng(0),
    )


@pytest.mark.parametrize("phase", [0.0, 0.25, 0.5, 0.75])
def test_of_two_that_fit_alike_the_one_in_phase_is_taken(units, phase):
    """Three units that sound the same; after the first, the beat stands at `phase`. One candidate is there too."""
    units = with_beats(units, period=4.0 * UNIT, origin=0.0)
    for name in ("features", "first", "last"):
        getattr(units, name)[[70, 80]] = getattr(units, name)[5]
    units.first[[70, 80]] = units.last[5]
    units.beat[5] = 8.0 + phase - 0.25  # it lasts a quarter of a beat
    units.beat[70], units.beat[80] = 3.0 + phase + 0.5, 6.0 + phase
    chosen = choose(units, after=5, stickiness=0.8)
    assert chosen.unit == 80
    units.beat[80] = 6.0 + phase + 0.5
    units.beat[70] = 3.0 + phase
    assert choose(units, after=5, stickiness=0.8).unit == 70


def test_what_a_jump_off_the_beat_costs(units):
    """The same jump, in phase, half a beat off, and where one of the two has no beat."""
    units = dataclasses.replace(units, tag_units={**units.tag_units, "drone": np.array([30])})
    units.beat_period[:] = 4.0 * UNIT
    units.beat[5] = -0.25  # it ends where the other begins
    in_phase = choose(units, after=5, stickiness=0.5)
    units.beat[5] += 0.5
    off = choose(units, after=5, stickiness=0.5)
    assert off.join - in_phase.join == pytest.approx(OFF_BEAT, abs=1e-6)
    units.beat_period[5] = 0.0
    assert choose(units, after=5, stickiness=0.5) == in_phase


# What was heard before


def test_the_price_of_what_was_heard_fades_and_turns_into_a_reward_with_memory():
    usage = Usage(4)
    for place, unit in enumerate((0, 1, 2)):
        usage.note(unit, clock=place * 48_000)
    price = Repetition(usage=usage, clock=22 * 48_000, taboo_count=1, taboo_samples=0, sample_rate=48_000)
    heard = price.cost(np.arange(4))
    np.testing.assert_allclose(heard[[0, 1]], [0.5 * 2.0 ** (-22 / 20), 0.5 * 2.0 ** (-21 / 20)])
    assert heard[2] == 1000.0  # the last one is taboo
    assert heard[3] == pytest.approx(0.0, abs=1e-9)
    costs = [dataclasses.replace(price, memory=memory).cost(np.array([0, 3])) for memory in (0.0, 0.5, 1.0)]
    assert costs[0][0] > 0.0 > costs[1][0] > costs[2][0]
    np.testing.assert_allclose([cost[1] for cost in costs], 0.0, atol=1e-9)  # never heard: neither


def test_the_taboo_never_covers_more_than_half_of_a_tag(units):
    settings = Settings(taboo_count=1000, taboo_seconds=600.0)
    pool = Pool.of(units, "bells", None)
    assert pool == Pool(50, 50 * UNIT)
    price = Repetition.under(Usage(150), settings, pool, clock=0, sample_rate=48_000)
    assert (price.taboo_count, price.taboo_samples) == (25, 25 * UNIT)
    few = UnitFilter(np.isin(np.arange(150), [101, 105, 107]))
    assert Pool.of(units, "bells", few) == Pool(3, 3 * UNIT)


def test_seconds_of_taboo_are_kept(units):
    sequencer = make(units)
    settings = sequencer.layer(1).settings
    settings.stickiness, settings.taboo_count, settings.taboo_seconds = 0.0, 0, 3.0
    _, choices = play(sequencer, {"drone": 1.0}, seconds=30)
    last: dict[int, int] = {}
    for choice in choices:
        assert choice.start - last.get(choice.unit, -(10**9)) >= 3 * SECOND
        last[choice.unit] = choice.start


def test_memory_brings_back_what_was_heard(units):
    """Share of choices that were heard in the last two minutes, over four seeds, for three turns of the knob."""
    shares = []
    for memory in (0.0, 0.4, 1.0):
        returns = []
        for seed in range(4):
            sequencer = make(units, seed=seed, spread=1.0)
            settings = sequencer.layer(1).settings
            settings.steering.memory, settings.stickiness = memory, 0.3
            _, choices = play(sequencer, {"drone": 1.0}, seconds=12)
            chosen = [choice.unit for choice in choices]
            returns.append(1.0 - len(set(chosen)) / len(chosen))
        shares.append(np.mean(returns))
    assert shares[0] + 0.05 < shares[1] < shares[2] - 0.05
