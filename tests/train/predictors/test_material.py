"""Material of a training: steps, splits, statistics and conditions."""

import numpy as np
import pytest

from liveseq.corpus.features import unit_rows
from liveseq.corpus.units import FEATURE_NAMES
from liveseq.dsp.descriptors import base_descriptors, describe
from liveseq.errors import TrainingError
from liveseq.train.predictors.material import DescribedRecording, condition_of, split_by_file, statistics, steps


def test_steps_are_mean_and_spread_of_eight_frames(rng):
    frames = rng.standard_normal((21, 17)).astype(np.float32)
    found = steps(frames)
    assert found.shape == (2, len(FEATURE_NAMES))
    np.testing.assert_allclose(found[1, :17], frames[8:16].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found[1, 17:], frames[8:16].std(axis=0), atol=1e-6)


def test_steps_equal_the_unit_features_of_a_corpus(rng):
    audio = (0.1 * rng.standard_normal((5 * 8192, 2))).astype(np.float32)
    frames = describe(audio.mean(axis=1), sample_rate=48_000)
    rows = unit_rows(audio, frames, np.arange(6) * 8192, hop_length=1024)
    np.testing.assert_allclose(steps(base_descriptors(frames)), rows[:, : len(FEATURE_NAMES)], rtol=1e-3, atol=1e-3)


def test_no_file_is_on_both_sides_of_the_split(make_material):
    material = make_material(n_files=20)
    split = split_by_file(material, seed=3, fraction=0.2, window=8)
    names = [{r.name for r in part} for part in (split.train, split.valid, split.test)]
    assert [len(n) for n in names] == [16, 2, 2]
    assert set.union(*names) == {r.name for r in material.recordings}
    assert len(set.union(*names)) == sum(map(len, names))
    assert {r.group for r in (*split.valid, *split.test)} == {"tag0", "tag1"}
    again = split_by_file(material, seed=3, fraction=0.2, window=8)
    assert [r.name for r in again.valid] == [r.name for r in split.valid]


def test_statistics_come_from_training_files_only(make_material):
    split = split_by_file(make_material(), seed=1, fraction=0.3, window=8)
    mean, deviation = statistics(split.train)
    values = np.concatenate([steps(r.frames) for r in split.train])
    np.testing.assert_allclose((values - mean).mean(axis=0), 0.0, atol=1e-4)
    np.testing.assert_allclose(((values - mean) / deviation).std(axis=0), 1.0, rtol=1e-4)


def test_what_never_moves_is_not_divided_by_zero():
    flat = DescribedRecording(name="flat", group="", frames=np.full((80, 17), 3.0, dtype=np.float32))
    _, deviation = statistics([flat])
    np.testing.assert_array_equal(deviation, 1.0)


def test_what_is_known_beside_the_features_is_the_tag_and_the_place_in_the_beat(rng):
    beat = {"beat_period": 24.0, "beat_origin": 4.0}
    one = DescribedRecording(
        name="one", group="bells", frames=rng.standard_normal((400, 17)).astype(np.float32), **beat
    )
    tags = {"bells": np.array([0.6, 0.8], dtype=np.float32)}
    found = condition_of(one, tags=tags, start=4, n_steps=4)
    third = np.sqrt(3) / 2
    expected = [[0.6, 0.8, s, c, 1] for s, c in ((0, 1), (third, -0.5), (-third, -0.5), (0, 1))]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_neither_tag_nor_beat_is_zeros(rng):
    stray = DescribedRecording(name="stray", group="", frames=rng.standard_normal((80, 17)).astype(np.float32))
    tags = {"bells": np.ones(5, dtype=np.float32)}
    np.testing.assert_array_equal(condition_of(stray, tags=tags), np.zeros((10, 8)))


def test_a_window_longer_than_every_file_says_how_long_they_are(make_material):
    with pytest.raises(
        TrainingError, match=r"a window of 80 steps \(13.7 s\) is longer .* 11.3 s\); .* --window 66 or"
    ):
        split_by_file(make_material(n_files=8, n_steps=60), seed=1, fraction=0.2, window=80)


def test_too_little_material_says_how_much_is_needed(make_material):
    with pytest.raises(TrainingError, match=r"a window of 58 steps needs 40 s .* found \d+ s; .* --window \d+ or less"):
        split_by_file(make_material(n_files=4, n_steps=60), seed=1, fraction=0.2, window=58)


def test_one_file_cannot_be_validated_on_another(make_material):
    with pytest.raises(TrainingError, match="1 usable recording"):
        split_by_file(make_material(n_files=1, n_steps=900), seed=1, fraction=0.2, window=8)


def test_two_files_give_one_to_each_side(make_material):
    split = split_by_file(make_material(n_files=2), seed=1, fraction=0.2, window=8)
    assert len(split.train) == len(split.valid) == 1
    assert split.test == split.valid
    assert split.train[0].name != split.valid[0].name
