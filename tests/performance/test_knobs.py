"""Weights, filters and names of models, as messages say them."""

import numpy as np
import pytest

from liveseq.corpus.synthetic import synthetic_units
from liveseq.corpus.units import FEATURE_NAMES
from liveseq.dsp.descriptors import N_MFCC
from liveseq.errors import OscError
from liveseq.performance.filters import Filter
from liveseq.performance.knobs import KNOBS, check_model_name, merged_weights, set_knob
from liveseq.sequencer.settings import WEIGHT_NAMES, Settings

ONES = (1.0,) * len(WEIGHT_NAMES)


@pytest.fixture(scope="module")
def units():
    return synthetic_units(2000, sample_rate=48_000, seed=3, n_tags=4)


def test_a_knob_turns_what_it_is_named_after_and_nothing_else():
    for path, name in KNOBS.items():
        settings, untouched = Settings(), Settings()
        place = settings.steering if path.startswith("steer/") else settings
        value = "trapezoid" if path == "grain/shape" else getattr(place, name) + 1
        set_knob(settings, path, value)
        assert getattr(place, name) == value
        setattr(place, name, getattr(untouched.steering if path.startswith("steer/") else untouched, name))
        assert settings == untouched


def test_weights_that_are_not_named_stay():
    changed = merged_weights(ONES, ("loudness_db", 2.0, "log_f0", 0.0))
    assert dict(zip(WEIGHT_NAMES, changed, strict=True)) == dict.fromkeys(WEIGHT_NAMES, 1.0) | {
        "loudness_db": 2.0,
        "log_f0": 0.0,
    }
    assert merged_weights(changed, ("loudness_db", 1.0, "log_f0", 1.0)) == ONES


def test_timbre_is_all_mfcc_together():
    changed = merged_weights(ONES, ("timbre", 0.5))
    assert changed == (0.5,) * N_MFCC + (1.0,) * (len(WEIGHT_NAMES) - N_MFCC)


@pytest.mark.parametrize("least", [0.0, 1e-30])
def test_weights_that_leave_nothing_to_compare_are_refused(least):
    """The spread alone is nothing either: it is the spread of what does not count."""
    names = [item for name in WEIGHT_NAMES if name != "spread" for item in (name, least)]
    with pytest.raises(OscError, match=r"at least one descriptor must count.*the last ones stay"):
        merged_weights(ONES, names)


def test_a_model_is_a_name_and_no_path():
    assert check_model_name("predictor") == "predictor"
    for name in ("../models/predictor", "/etc", "predictor/", ".", "", "text-encoder", "predictor\0"):
        with pytest.raises(OscError, match=r"no predictor .*there are: .*predictor"):
            check_model_name(name)


def test_no_filter_lets_everything_through(units):
    assert Filter().units(units) is None
    assert Filter().changed("tags", ("tag 01", 1.0)).changed("tags", ("tag 01", 0.0)) == Filter()


def test_a_filter_by_tags_takes_any_of_them(units):
    found = Filter().changed("tags", ("tag 01", 1.0, "tag 03", 1.0, "tag 02", 0.0)).units(units)
    expected = np.union1d(units.tag_units["tag 01"], units.tag_units["tag 03"])
    np.testing.assert_array_equal(np.flatnonzero(found.mask), expected)
    with pytest.raises(OscError, match="no tag 'tag 99' here; a filter takes the corpus's own"):
        Filter().changed("tags", ("tag 99", 1.0)).units(units)


def test_a_filter_by_sources_takes_parts_of_their_names(units):
    names = np.array(units.source_names)[units.source]
    only = Filter().changed("sources", ("00003", 1.0, "00007", 1.0)).units(units)
    assert set(names[only.mask]) == {"source 00003", "source 00007"}
    without = Filter().changed("sources", ("00003", 0.0)).units(units)
    assert set(names[without.mask]) == set(units.source_names) - {"source 00003"}
    both = Filter().changed("sources", ("source", 1.0, "00003", 0.0)).units(units)
    np.testing.assert_array_equal(both.mask, without.mask)


def test_a_filter_by_range_keeps_one_range_for_each_descriptor(units):
    loudness = units.features[:, FEATURE_NAMES.index("loudness_db_mean")]
    centroid = units.features[:, FEATURE_NAMES.index("log_centroid_mean")]
    one = Filter().changed("range", ("loudness_db", -1.0, 2.0))
    np.testing.assert_array_equal(one.units(units).mask, (loudness >= -1.0) & (loudness <= 2.0))
    two = one.changed("range", ("log_centroid", 0.0, 9.0)).changed("range", ("loudness_db", 0.5, 2.0))
    np.testing.assert_array_equal(
        two.units(units).mask, (loudness >= 0.5) & (loudness <= 2.0) & (centroid >= 0.0) & (centroid <= 9.0)
    )
    with pytest.raises(OscError, match="loudness_db: expected low <= high, found 2 and -1"):
        one.changed("range", ("loudness_db", 2.0, -1.0))


def test_the_parts_of_a_filter_are_all_met(units):
    one = Filter().changed("sources", ("00001", 1.0, "00002", 1.0))
    assert set(units.source[one.units(units).mask]) == {1, 2}
    two = one.changed("tags", ("tag 01", 1.0))  # every fourth recording from 1 on
    assert set(units.source[two.units(units).mask]) == {1}
