"""What is learned from: features, splits and crops."""

import numpy as np
import pytest

from liveseq.corpus.units import FEATURE_NAMES
from liveseq.dsp.descriptors import base, describe
from liveseq.dsp.files import save_wav
from liveseq.errors import TrainingError
from liveseq.train.data import (
    HOPS_PER_STEP,
    Crops,
    Recording,
    read_material,
    split_by_file,
    statistics,
    steps,
)


def test_steps_are_mean_and_spread_of_eight_frames(rng):
    frames = rng.standard_normal((21, 17)).astype(np.float32)
    found = steps(frames)
    assert found.shape == (2, len(FEATURE_NAMES))
    np.testing.assert_allclose(found[1, :17], frames[8:16].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found[1, 17:], frames[8:16].std(axis=0), atol=1e-6)


def test_steps_equal_the_unit_features_of_a_corpus(rng):
    features = pytest.importorskip("liveseq.corpus.features")
    audio = (0.1 * rng.standard_normal((5 * 8192, 2))).astype(np.float32)
    frames = describe(audio.mean(axis=1), sample_rate=48_000)
    rows = features.unit_rows(audio, frames, np.arange(6) * 8192, hop_length=1024)
    np.testing.assert_allclose(steps(base(frames)), rows[:, : len(FEATURE_NAMES)], rtol=1e-3, atol=1e-3)


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
    flat = Recording(name="flat", group="", frames=np.full((80, 17), 3.0, dtype=np.float32))
    _, deviation = statistics([flat])
    np.testing.assert_array_equal(deviation, 1.0)


def test_crops_are_stretches_of_the_recordings_at_any_hop(make_material):
    recordings = make_material().recordings
    crops = Crops(recordings, window=6, batch_size=16, seed=1)
    values, mask = crops.batch(epoch=1, number=0)
    assert values.shape == (16, 7, 34)
    assert mask.all()
    every = [steps(r.frames[o:]) for r in recordings for o in range(HOPS_PER_STEP)]
    stretches = {s[i : i + 7].tobytes() for s in every for i in range(len(s) - 6)}
    assert all(row.tobytes() in stretches for row in values)


def test_crops_depend_on_seed_epoch_and_number_alone(make_material):
    recordings = make_material().recordings

    def batch(seed, epoch, number):
        return Crops(recordings, window=6, batch_size=4, seed=seed).batch(epoch=epoch, number=number)[0]

    np.testing.assert_array_equal(batch(1, 2, 3), batch(1, 2, 3))
    for other in ((2, 2, 3), (1, 3, 3), (1, 2, 4)):
        assert not np.array_equal(batch(1, 2, 3), batch(*other))


def test_a_recording_shorter_than_the_window_is_padded_and_masked(rng):
    short = Recording(name="short", group="", frames=rng.standard_normal((27, 17)).astype(np.float32))
    values, mask = Crops([short], window=10, batch_size=8, seed=1).batch(epoch=1, number=0)
    np.testing.assert_array_equal(mask, np.arange(11) < np.full((8, 1), 3))
    np.testing.assert_array_equal(values[:, 3:], 0.0)
    possible = {steps(short.frames[o:]).tobytes() for o in range(4)}
    assert {row[:3].tobytes() for row in values} <= possible


def test_too_little_material_says_how_much_is_needed(make_material):
    with pytest.raises(
        TrainingError, match=r"a window of 100 steps needs 68 s .* found \d+ s; .* --window \d+ or less"
    ):
        split_by_file(make_material(n_files=4, n_steps=60), seed=1, fraction=0.2, window=100)


def test_one_file_cannot_be_validated_on_another(make_material):
    with pytest.raises(TrainingError, match="1 usable recording"):
        split_by_file(make_material(n_files=1, n_steps=900), seed=1, fraction=0.2, window=8)


def test_two_files_give_one_to_each_side(make_material):
    split = split_by_file(make_material(n_files=2), seed=1, fraction=0.2, window=8)
    assert len(split.train) == len(split.valid) == 1
    assert split.test == split.valid
    assert split.train[0].name != split.valid[0].name


@pytest.fixture
def folder(tmp_path, rng):
    root = tmp_path / "takes ✓"
    (root / "noise").mkdir(parents=True)
    y = (0.1 * rng.standard_normal((48_000, 2))).astype(np.float32)
    save_wav(root / "noise" / "one.wav", y, sample_rate=48_000)
    save_wav(root / "noise" / "two.wav", y[::-1].copy(), sample_rate=48_000)
    save_wav(root / "noise" / "copy of one.wav", y, sample_rate=48_000)
    save_wav(root / "noise" / "click.wav", y[:2000], sample_rate=48_000)
    (root / "text.wav").write_text("no sound")
    return root


def test_a_folder_of_audio_is_read_and_what_is_left_out_is_said(folder):
    material = read_material([folder], sample_rate=48_000)
    assert sorted(r.name for r in material.recordings) == ["noise/copy of one.wav", "noise/two.wav"]
    assert {r.group for r in material.recordings} == {"noise"}
    assert material.recordings[0].frames.shape == (1 + 48_000 // 1024, 17)
    notes = "\n".join(material.notes)
    assert "noise/one.wav is a copy of noise/copy of one.wav" in notes
    assert "1 recording shorter than 0.34 s" in notes
    assert "text.wav" in notes


def test_a_corpus_is_read_with_its_tags(tmp_path, rng):
    store = pytest.importorskip("liveseq.corpus.store")
    path = tmp_path / "my.corpus"
    with store.Corpus.create(path, sample_rate=44_100) as corpus:
        for i in range(3):
            audio = (0.1 * rng.standard_normal((4 * 8192, 2))).astype(np.float32)
            frames = describe(audio.mean(axis=1), sample_rate=44_100)
            bounds = np.arange(5) * 8192
            corpus.add(
                store.NewSource(name=f"{i}", audio=audio, frames=frames, bounds=bounds, tags=("hiss",)),
            )
        features = corpus.units().features
    material = read_material([path])
    assert (material.sample_rate, material.hop_length) == (44_100, 1024)
    assert [r.group for r in material.recordings] == ["hiss"] * 3
    learned = np.concatenate([steps(r.frames)[:4] for r in material.recordings])
    np.testing.assert_allclose(learned, features, rtol=1e-3, atol=1e-3)


def test_nothing_there_is_said(tmp_path):
    with pytest.raises(TrainingError, match="expected a corpus or a folder of audio"):
        read_material([tmp_path / "none"])


def test_a_descriptor_that_is_nan_is_named(tmp_path, folder, monkeypatch):
    def broken(y, **_):
        frames = np.zeros((1 + len(y) // 1024, 43), dtype=np.float32)
        frames[1, 2] = np.nan
        return frames

    monkeypatch.setattr("liveseq.train.data.describe", broken)
    with pytest.raises(TrainingError, match=r"\.wav: descriptor mfcc2 of frame 1 is nan"):
        read_material([folder])
