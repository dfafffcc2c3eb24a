"""What is primed: frames from the network, places in the corpus, the range of an input."""

import dataclasses

import numpy as np
import pytest

from liveseq.corpus.index import Scaling
from liveseq.corpus.synthetic import synthetic_units
from liveseq.corpus.units import FEATURE_NAMES
from liveseq.dsp.descriptors import BASE_NAMES, DESCRIPTOR_NAMES, N_MFCC, base_descriptors
from liveseq.errors import OscError
from liveseq.performance.priming import HOPS_PER_STEP, Calibration, find_unit, step_features


@pytest.fixture(scope="module")
def units():
    return synthetic_units(2000, sample_rate=48_000, seed=3, n_tags=4)


def blob(array) -> bytes:
    return np.asarray(array, dtype=">f4").tobytes()


def frames(rng, n) -> np.ndarray:
    """As `describe` gives them."""
    found = rng.normal(size=(n, len(DESCRIPTOR_NAMES))).astype(np.float32)
    found[:, -3:] = np.abs(found[:, -3:]) * [1000.0, 0.1, 400.0]
    return found


def test_eight_frames_are_a_step_by_their_mean_and_spread(rng, units):
    given = frames(rng, 16)
    steps = step_features((43, blob(given)), units)
    known = base_descriptors(given)
    for step, part in zip(steps, (known[:8], known[8:]), strict=True):
        np.testing.assert_allclose(step, np.concatenate([part.mean(axis=0), part.std(axis=0)]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n_more", range(1, HOPS_PER_STEP))
def test_the_last_step_ends_with_the_last_frame(rng, units, n_more):
    given = frames(rng, 16)
    more = np.concatenate([frames(rng, n_more), given])
    np.testing.assert_array_equal(step_features((43, blob(more)), units), step_features((43, blob(given)), units))


def test_what_39_columns_do_not_tell_is_taken_from_units_that_sound_so(units):
    """MFCC of real units give back about their loudness, brightness, noisiness and pitch."""
    some = np.arange(0, 2000, 23)
    mfcc = np.zeros((len(some), HOPS_PER_STEP, 39), dtype=np.float32)
    mfcc[:, :, :N_MFCC] = units.features[some, None, :N_MFCC]
    others = dataclasses.replace(units, features=np.delete(units.features, some, axis=0))
    steps = step_features((39, blob(mfcc)), others)
    np.testing.assert_allclose(steps[:, :N_MFCC], units.features[some, :N_MFCC], rtol=1e-6)
    for name in ("loudness_db", "log_centroid", "flatness_db", "log_f0"):
        column = FEATURE_NAMES.index(f"{name}_mean")
        assert np.corrcoef(steps[:, column], units.features[some, column])[0, 1] > 0.8, name
    np.testing.assert_allclose(steps[:, len(BASE_NAMES) :], 0.0, atol=1e-5)  # nothing moves in it


def test_a_corpus_of_one_unit_completes_too(units):
    one = dataclasses.replace(units, features=units.features[:1])
    steps = step_features((39, blob(np.zeros((8, 39)))), one)
    np.testing.assert_allclose(steps[0, N_MFCC : len(BASE_NAMES)], units.features[0, N_MFCC : len(BASE_NAMES)])


@pytest.mark.parametrize(
    ("columns", "data", "code", "message"),
    [
        (41, blob(np.zeros((8, 41))), "out_of_range", "columns: expected 39 or 43, found 41"),
        (43, b"", "bad_args", "expected rows of 43 float32, found 0 bytes"),
        (43, blob(np.zeros((8, 43)))[:-1], "bad_args", "found 1375 bytes"),
        (39, blob(np.zeros((8, 43))), "bad_args", "expected rows of 39 float32, found 1376 bytes"),
        (43, blob(np.zeros((7, 43))), "bad_args", "expected at least 8 frames, found 7"),
    ],
)
def test_frames_of_the_wrong_size_are_refused(units, columns, data, code, message):
    with pytest.raises(OscError, match=message) as error:
        step_features((columns, data), units)
    assert error.value.code == code


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_named(units, value):
    bad = np.zeros((9, 43), dtype=np.float32)
    bad[3, DESCRIPTOR_NAMES.index("centroid_hz")] = value
    with pytest.raises(OscError, match="centroid_hz of frame 3 is no finite number"):
        step_features((43, blob(bad)), units)


@pytest.mark.parametrize("columns", [39, 43])
@pytest.mark.parametrize("value", [3e38, -3e38])
def test_an_absurd_number_is_named_too(units, columns, value):
    bad = np.zeros((8, columns), dtype=np.float32)
    bad[5, 2] = value
    with pytest.raises(OscError, match=r"mfcc2 of frame 5 is .*3e\+38, expected at most 1e\+06"):
        step_features((columns, blob(bad)), units)


# Places of the corpus


def test_a_time_of_a_recording_is_the_unit_that_sounds_then(units):
    second = 48_000 / 8192  # units per second
    for seconds in (0.0, 0.1, 0.5, 10.0, 34.0):
        unit = find_unit(units, "source 00002", seconds=seconds)
        assert unit == 400 + int(seconds * second)


def test_a_name_that_is_nearly_right_is_answered_with_what_is_meant(units):
    with pytest.raises(OscError, match=r"no recording 'sorce 0002' in the corpus; did you mean source 00002") as error:
        find_unit(units, "sorce 0002", seconds=0.0)
    assert error.value.code == "not_found"
    with pytest.raises(OscError, match="see liveseq corpus info"):
        find_unit(units, "zzz", seconds=0.0)


def test_a_time_beyond_the_end_is_refused_with_the_end(units):
    end = 200 * 8192 / 48_000
    assert find_unit(units, "source 00002", seconds=end) == 599
    with pytest.raises(OscError, match=f"'source 00002' sounds until {end:.1f} s, found 50"):
        find_unit(units, "source 00002", seconds=50.0)


def test_silence_and_what_was_taken_out_cannot_be_continued(units):
    kept = {tag: members[units.source[members] != 2] for tag, members in units.tag_units.items()}
    with pytest.raises(OscError, match="'source 00002' is silent, or was taken out"):
        find_unit(dataclasses.replace(units, tag_units=kept), "source 00002", seconds=0.0)


# Calibration


def test_the_range_of_an_input_becomes_that_of_the_corpus(rng, units):
    scaling = Scaling.of(units.features)
    mean = rng.normal(size=34).astype(np.float32)
    spread = (scaling.std * rng.uniform(0.5, 2.0, size=34)).astype(np.float32)
    calibration = Calibration.of(blob([mean, spread]), scaling)
    np.testing.assert_allclose(calibration.apply(mean[None])[0], scaling.mean, atol=1e-4)
    np.testing.assert_allclose(calibration.apply((mean + spread)[None])[0], scaling.mean + scaling.std, atol=1e-3)


def test_the_range_of_the_corpus_itself_changes_nothing(units):
    scaling = Scaling.of(units.features)
    calibration = Calibration.of(blob([scaling.mean, scaling.std]), scaling)
    np.testing.assert_allclose(calibration.apply(units.features), units.features, atol=1e-4)


def test_what_hardly_moves_in_the_input_is_not_blown_up(units):
    scaling = Scaling.of(units.features)
    calibration = Calibration.of(blob([np.zeros(34), np.zeros(34)]), scaling)
    np.testing.assert_allclose(calibration.apply(np.zeros((1, 34)))[0], scaling.mean, atol=1e-5)
    assert np.max(calibration.scale) <= 4.0


def test_no_range_is_no_calibration(units):
    assert Calibration.of(b"", Scaling.of(units.features)) is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (blob(np.zeros(34)), "expected 272 bytes .mean and spread of 34., found 136"),
        (blob([np.full(34, np.nan), np.ones(34)]), "expected finite means"),
        (blob([np.zeros(34), -np.ones(34)]), "spreads of at least 0"),
    ],
)
def test_a_range_that_is_none_is_refused(units, data, message):
    with pytest.raises(OscError, match=message):
        Calibration.of(data, Scaling.of(units.features))
