"""Crops of training recordings: where they lie, what is learned of them, what comes beside them."""

import numpy as np

from liveseq.train.predictors.crops import StepCrops
from liveseq.train.predictors.material import HOPS_PER_STEP, DescribedRecording, condition_of, steps


def test_crops_are_stretches_of_the_recordings_at_any_hop(make_material):
    recordings = make_material().recordings
    crops = StepCrops(recordings, window=6, batch_size=16, seed=1, tags={})
    values, learned, condition = crops.batch(epoch=1, number=0)
    assert values.shape == (16, 7, 34)
    assert learned.all()
    np.testing.assert_array_equal(condition, np.zeros((16, 7, 3)))
    every = [steps(r.frames[o:]) for r in recordings for o in range(HOPS_PER_STEP)]
    stretches = {s[i : i + 7].tobytes() for s in every for i in range(len(s) - 6)}
    assert all(row.tobytes() in stretches for row in values)


def test_crops_depend_on_seed_epoch_and_number_alone(make_material):
    recordings = make_material().recordings

    def batch(seed, epoch, number):
        crops = StepCrops(recordings, window=6, batch_size=4, seed=seed, tags={})
        return crops.batch(epoch=epoch, number=number).values

    np.testing.assert_array_equal(batch(1, 2, 3), batch(1, 2, 3))
    for other in ((2, 2, 3), (1, 3, 3), (1, 2, 4)):
        assert not np.array_equal(batch(1, 2, 3), batch(*other))


def test_a_recording_shorter_than_the_window_is_padded_and_masked(rng):
    short = DescribedRecording(name="short", group="", frames=rng.standard_normal((27, 17)).astype(np.float32))
    values, learned, _ = StepCrops([short], window=10, batch_size=8, seed=1, tags={}).batch(epoch=1, number=0)
    np.testing.assert_array_equal(learned, np.arange(11) < np.full((8, 1), 3))
    np.testing.assert_array_equal(values[:, 3:], 0.0)
    possible = {steps(short.frames[o:]).tobytes() for o in range(4)}
    assert {row[:3].tobytes() for row in values} <= possible


def test_an_outlier_stays_in_place_and_is_not_learned_from(rng):
    frames = rng.standard_normal((60 * HOPS_PER_STEP, 17)).astype(np.float32)
    frames[30 * HOPS_PER_STEP : 31 * HOPS_PER_STEP, 2] = 40.0
    crops = StepCrops(
        [DescribedRecording(name="crackle", group="", frames=frames)], window=58, batch_size=4, seed=1, tags={}
    )
    values, learned, _ = crops.batch(epoch=1, number=0)
    every = [steps(frames[offset:]) for offset in range(HOPS_PER_STEP)]
    for row, said in zip(values, learned, strict=True):
        assert any(row.tobytes() in (s[:59].tobytes(), s[1:60].tobytes()) for s in every)
        assert (row[~said, 2] > 4.0).all()
        assert 1 <= (~said).sum() <= 2  # the crop may begin between two steps


def test_a_crop_has_the_conditions_of_its_place(rng):
    beat = {"beat_period": 24.0, "beat_origin": 4.0}
    one = DescribedRecording(
        name="one", group="bells", frames=rng.standard_normal((400, 17)).astype(np.float32), **beat
    )
    tags = {"bells": np.array([0.6, 0.8], dtype=np.float32)}
    crop = StepCrops([one], window=6, batch_size=3, seed=1, tags=tags).batch(epoch=1, number=0)
    for values, rows in zip(crop.values, crop.condition, strict=True):
        start = next(o for o in range(400) if np.array_equal(steps(one.frames[o : o + 56]), values))
        np.testing.assert_array_equal(rows, condition_of(one, tags=tags, start=start, n_steps=7))
