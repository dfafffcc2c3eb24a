"""Macros: what is asked for is what is heard more of, and nothing else than what goes along with it."""

import dataclasses

import numpy as np
import pytest

from liveseq.corpus.synthetic import synthetic_units
from liveseq.corpus.units import UnitTable
from liveseq.dsp.descriptors import BASE_NAMES
from liveseq.sequencer.settings import Steering
from liveseq.sequencer.steering import (
    BRIGHTNESS,
    LIVELINESS,
    LOUDNESS,
    MOST_STEP_DB,
    NOISINESS,
    PITCH,
    REACH,
    STEP,
    Bend,
    step_cost,
    travel,
)
from tests.support.small_corpus import SAMPLE_RATE, Goes, column, make, play, table

N_MFCC1 = column("mfcc1_mean")


@pytest.fixture(scope="module")
def units() -> UnitTable:
    """Tag `own`: brightness and mfcc1 go together, two of mfcc1 for one of brightness. The rest is independent."""
    rng = np.random.default_rng(5)
    units = table([2000, 2000], tags=["own", "other"], rng=rng)
    units.features[:] = rng.normal(size=units.features.shape)
    units.features[:, LIVELINESS] = np.abs(units.features[:, LIVELINESS]) + 0.5
    own = units.tag_units["own"]
    units.features[own, N_MFCC1] = 2.0 * units.features[own, BRIGHTNESS] + 0.1 * rng.normal(size=len(own))
    return units


def bend_of(units: UnitTable) -> Bend:
    return Bend(units, mean=units.features.mean(axis=0), std=units.features.std(axis=0))


def middle(units: UnitTable, tag: str = "own", *, n: int = 3) -> np.ndarray:
    """Targets in the middle of a tag, where there is room on all sides."""
    return np.tile(np.median(units.features[units.tag_units[tag]], axis=0), (n, 1)).astype(np.float32)


def test_what_is_not_turned_bends_nothing(units):
    targets = middle(units)
    others = Steering(movement=3.0, surprise=2.0, memory=1.0)  # no matter of descriptor space
    for steering in (Steering(), others):
        assert bend_of(units).apply(targets, tag="own", steering=steering) is targets
        np.testing.assert_array_equal(bend_of(units).emphasis("own", steering), np.ones(targets.shape[1]))


@pytest.mark.parametrize(
    ("macro", "moved", "per_unit"),
    [
        ("loudness", LOUDNESS, 1.0),
        ("brightness", BRIGHTNESS, 1.0),
        ("noisiness", NOISINESS, 1.0),
        ("pitch", PITCH, 1.0 / 12.0),
    ],
)
def test_a_macro_moves_its_column_by_what_was_asked(units, macro, moved, per_unit):
    for asked in (-0.7, 0.4):
        targets = middle(units)
        bent = bend_of(units).apply(targets, tag="own", steering=Steering(**{macro: asked}))
        np.testing.assert_allclose((bent - targets)[:, moved], asked * per_unit, rtol=1e-4)
        assert bent.dtype == np.float32


def test_density_is_octaves_of_how_much_units_move_inside(units):
    liveliness = float(units.features[units.tag_units["own"], LIVELINESS].mean())
    targets = middle(units)
    for octaves in (-1.0, 0.5):
        bent = bend_of(units).apply(targets, tag="own", steering=Steering(density=octaves))
        _, high = np.percentile(units.features[units.tag_units["own"], LIVELINESS], (5.0, 95.0))
        low, _ = np.percentile(units.features[units.tag_units["own"], LIVELINESS], (5.0, 95.0))
        expected = np.clip(targets[:, LIVELINESS] + liveliness * (2.0**octaves - 1.0), low, high)
        np.testing.assert_allclose(bent[:, LIVELINESS], expected, rtol=1e-4)


def test_no_further_than_the_tag_has_material_and_never_the_other_way(units):
    own = units.features[units.tag_units["own"]]
    targets = middle(units, n=2)
    targets[1, BRIGHTNESS] = own[:, BRIGHTNESS].max() + 1.0  # brighter than anything there is
    bend = bend_of(units)
    up = bend.apply(targets, tag="own", steering=Steering(brightness=3.0))
    assert own[:, BRIGHTNESS].mean() + own[:, BRIGHTNESS].std() < up[0, BRIGHTNESS] < own[:, BRIGHTNESS].max()
    np.testing.assert_allclose(up[1], targets[1], atol=1e-5)  # nothing is left to ask for: nothing moves
    down = bend.apply(targets, tag="own", steering=Steering(brightness=-0.5))
    assert (down[:, BRIGHTNESS] < targets[:, BRIGHTNESS]).all()


def test_more_is_never_less(units):
    """Over the whole range of a macro its column only ever goes one way."""
    targets = units.features[units.tag_units["own"][::50]]
    bend = bend_of(units)
    turns = np.linspace(-3.0, 3.0, 13)
    heights = [bend.apply(targets, tag="own", steering=Steering(brightness=turn))[:, BRIGHTNESS] for turn in turns]
    assert (np.diff(heights, axis=0) >= -1e-5).all()


def test_what_goes_together_in_a_tag_goes_along(units):
    """The known answer: mfcc1 moves by twice as much, less what the corpus's share of the covariance takes away."""
    targets = middle(units)
    bend = bend_of(units)
    moved = (bend.apply(targets, tag="own", steering=Steering(brightness=0.5)) - targets)[0]
    assert moved[N_MFCC1] == pytest.approx(1.0, rel=0.1)
    others = np.delete(moved, [BRIGHTNESS, N_MFCC1])
    assert np.abs(others).max() < 0.08
    elsewhere = (bend.apply(targets, tag="other", steering=Steering(brightness=0.5)) - targets)[0]
    assert abs(elsewhere[N_MFCC1]) < 0.35  # there, brightness has little to do with it


def test_two_macros_each_get_what_they_ask(units):
    targets = middle(units)
    bent = bend_of(units).apply(targets, tag="own", steering=Steering(brightness=0.5, loudness=-0.8, pitch=6.0))
    moved = (bent - targets)[0]
    np.testing.assert_allclose(moved[[BRIGHTNESS, LOUDNESS, PITCH]], [0.5, -0.8, 0.5], rtol=1e-3)


def test_a_tag_of_one_unit_is_not_bent_beyond_it(units):
    one = dataclasses.replace(units, tag_units={**units.tag_units, "one": np.array([7])})
    targets = units.features[[7]]
    bent = bend_of(one).apply(targets, tag="one", steering=Steering(brightness=2.0, noisiness=-20.0))
    np.testing.assert_allclose(bent, targets, atol=1e-5)


def test_nothing_goes_along_beyond_the_reach(units):
    targets = middle(units)
    std = units.features.std(axis=0)
    bent = bend_of(units).apply(targets, tag="own", steering=Steering(brightness=3.0, noisiness=40.0, loudness=24.0))
    assert (np.abs(bent - targets) <= REACH * std * 1.001).all()


def test_what_is_bent_outweighs_the_rest(units):
    factors = bend_of(units).emphasis("own", Steering(brightness=1.0))
    assert factors[BRIGHTNESS] > 2.0
    np.testing.assert_array_equal(np.delete(factors, BRIGHTNESS), 1.0)


def test_a_step_in_level_is_worth_having_or_avoiding():
    """So much a dB and octave of density, whichever way the level goes, and no more than a large one."""
    after = np.array([-30.0, -22.0, -38.0, -80.0])
    wanted = step_cost(np.float32(-30.0), after, density=2.0)
    np.testing.assert_allclose(wanted, -2.0 * STEP * np.array([0.0, 8.0, 8.0, MOST_STEP_DB]))
    np.testing.assert_allclose(step_cost(np.float32(-30.0), after, density=-1.0), -0.5 * wanted)


# How fast the plan travels


def path(n: int) -> np.ndarray:
    return np.arange(1.0, n + 1.0, dtype=np.float32)[:, None] * np.array([[1.0, -10.0]], dtype=np.float32)


@pytest.mark.parametrize(
    ("movement", "places"),
    [(0.0, [0, 0, 0, 0]), (0.5, [0.5, 1, 1.5, 2]), (1.0, [1, 2, 3, 4]), (1.5, [1.5, 3, 4.5, 6]), (2.0, [2, 4, 6, 8])],
)
def test_a_path_at_another_speed(movement, places):
    """A path that is at step n after n steps: the place after each step of the plan."""
    future = path(max(1, int(np.ceil(movement * 4))))
    moved = travel(np.zeros(2, dtype=np.float32), future, movement=movement, horizon=4)
    np.testing.assert_allclose(moved, np.array(places)[:, None] * [[1.0, -10.0]], rtol=1e-6)
    assert moved.dtype == np.float32


# Through a whole sequencer: what sounds


@pytest.fixture(scope="module")
def wide() -> UnitTable:
    """Correlated features of four tags, each with room to go up and down."""
    units = synthetic_units(1600, sample_rate=SAMPLE_RATE, seed=4, n_tags=4)
    return dataclasses.replace(units, features=(0.3 * units.features).astype(np.float32))


def level_and_pitch(event, unit_features: np.ndarray) -> tuple[float, float]:
    """As they sound: with the gain and the ratio of the event."""
    return (
        float(unit_features[LOUDNESS]) + 20.0 * float(np.log10(event.gain)),
        float(unit_features[PITCH]) + float(np.log2(event.ratio)),
    )


def heard(units: UnitTable, tag: str, steering: Steering) -> dict[str, float]:
    """Means of what sounds in seven seconds of a tag whose plan stays about its middle."""
    sequencer = make(units, seed=3, predictor=Goes(middle(units, tag, n=1), spread=0.3))
    sequencer.layer(1).settings.steering = steering
    events, choices = play(sequencer, {tag: 1.0}, seconds=7)
    features = units.features[[choice.unit for choice in choices]]
    sounding = [level_and_pitch(e, f) for e, f in zip(events, features, strict=True)]
    loudness, pitch = np.mean(sounding, axis=0)
    return {
        "loudness": float(loudness),
        "pitch": float(pitch),
        "brightness": float(features[:, BRIGHTNESS].mean()),
        "noisiness": float(features[:, NOISINESS].mean()),
        "density": float(features[:, LIVELINESS].mean()),
    }


@pytest.fixture(scope="module")
def neutral(wide) -> dict[str, dict[str, float]]:
    """What is heard of each tag where nothing is turned."""
    return {tag: heard(wide, tag, Steering()) for tag in wide.tags}


@pytest.mark.parametrize("tag", ["tag 00", "tag 01", "tag 02", "tag 03"])
@pytest.mark.parametrize(
    ("macro", "amount"), [("loudness", 6.0), ("brightness", 1.0), ("noisiness", 1.5), ("pitch", 12.0), ("density", 1.0)]
)
def test_turning_a_macro_up_raises_what_is_heard_for_every_tag(wide, neutral, tag, macro, amount):
    low, high = (heard(wide, tag, Steering(**{macro: turn}))[macro] for turn in (-amount, amount))
    assert low < neutral[tag][macro] < high


def test_density_counts_the_attacks_that_units_begin_with(wide):
    """What rings on: one unit is like the other inside; every second one begins 8 dB above where the last one ended."""
    level = BASE_NAMES.index("loudness_db")
    first, last = wide.first.copy(), wide.last.copy()
    first[:, level] = np.where(np.arange(wide.n_units) % 2, -22.0, -30.0)
    last[:, level] = -30.0
    features = wide.features.copy()
    features[:, LIVELINESS] = 1.0
    ringing = dataclasses.replace(wide, first=first, last=last, features=features)
    shares = []
    for density in (-2.0, 0.0, 2.0):
        sequencer = make(ringing, seed=3, predictor=Goes(middle(ringing, "tag 00", n=1), spread=0.3))
        sequencer.layer(1).settings.steering.density = density
        _, choices = play(sequencer, {"tag 00": 1.0}, seconds=14)
        shares.append(np.mean([choice.unit % 2 for choice in choices]))
    assert shares[0] < shares[1] < shares[2]
    assert shares[2] - shares[0] > 0.1
