"""What is learned from: features, splits and crops."""

from pathlib import Path

import numpy as np
import pytest

from liveseq.corpus.features import unit_rows
from liveseq.corpus.store import Corpus, NewSource
from liveseq.corpus.units import FEATURE_NAMES
from liveseq.dsp.beats import find_beats
from liveseq.dsp.descriptors import base_descriptors, describe
from liveseq.dsp.files import save_wav
from liveseq.errors import TrainingError
from liveseq.runtime.text import TextEncoder
from liveseq.train.predictors.conditions import tag_vectors
from liveseq.train.predictors.data import (
    HOPS_PER_STEP,
    Crops,
    Recording,
    condition_of,
    split_by_file,
    statistics,
    steps,
)
from liveseq.train.predictors.reading import read_material


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
    flat = Recording(name="flat", group="", frames=np.full((80, 17), 3.0, dtype=np.float32))
    _, deviation = statistics([flat])
    np.testing.assert_array_equal(deviation, 1.0)


def test_crops_are_stretches_of_the_recordings_at_any_hop(make_material):
    recordings = make_material().recordings
    crops = Crops(recordings, window=6, batch_size=16, seed=1, tags={})
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
        crops = Crops(recordings, window=6, batch_size=4, seed=seed, tags={})
        return crops.batch(epoch=epoch, number=number).values

    np.testing.assert_array_equal(batch(1, 2, 3), batch(1, 2, 3))
    for other in ((2, 2, 3), (1, 3, 3), (1, 2, 4)):
        assert not np.array_equal(batch(1, 2, 3), batch(*other))


def test_a_recording_shorter_than_the_window_is_padded_and_masked(rng):
    short = Recording(name="short", group="", frames=rng.standard_normal((27, 17)).astype(np.float32))
    values, learned, _ = Crops([short], window=10, batch_size=8, seed=1, tags={}).batch(epoch=1, number=0)
    np.testing.assert_array_equal(learned, np.arange(11) < np.full((8, 1), 3))
    np.testing.assert_array_equal(values[:, 3:], 0.0)
    possible = {steps(short.frames[o:]).tobytes() for o in range(4)}
    assert {row[:3].tobytes() for row in values} <= possible


def test_an_outlier_stays_in_place_and_is_not_learned_from(rng):
    frames = rng.standard_normal((60 * HOPS_PER_STEP, 17)).astype(np.float32)
    frames[30 * HOPS_PER_STEP : 31 * HOPS_PER_STEP, 2] = 40.0
    crops = Crops([Recording(name="crackle", group="", frames=frames)], window=58, batch_size=4, seed=1, tags={})
    values, learned, _ = crops.batch(epoch=1, number=0)
    every = [steps(frames[offset:]) for offset in range(HOPS_PER_STEP)]
    for row, said in zip(values, learned, strict=True):
        assert any(row.tobytes() in (s[:59].tobytes(), s[1:60].tobytes()) for s in every)
        assert (row[~said, 2] > 4.0).all()
        assert 1 <= (~said).sum() <= 2  # the crop may begin between two steps


def test_what_is_known_beside_the_features_is_the_tag_and_the_place_in_the_beat(rng):
    beat = {"beat_period": 24.0, "beat_origin": 4.0}
    one = Recording(name="one", group="bells", frames=rng.standard_normal((400, 17)).astype(np.float32), **beat)
    tags = {"bells": np.array([0.6, 0.8], dtype=np.float32)}
    found = condition_of(one, tags=tags, start=4, n_steps=4)
    third = np.sqrt(3) / 2
    expected = [[0.6, 0.8, s, c, 1] for s, c in ((0, 1), (third, -0.5), (-third, -0.5), (0, 1))]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    crop = Crops([one], window=6, batch_size=3, seed=1, tags=tags).batch(epoch=1, number=0)
    for values, rows in zip(crop.values, crop.condition, strict=True):
        start = next(o for o in range(400) if np.array_equal(steps(one.frames[o : o + 56]), values))
        np.testing.assert_array_equal(rows, condition_of(one, tags=tags, start=start, n_steps=7))


def test_neither_tag_nor_beat_is_zeros(rng):
    stray = Recording(name="stray", group="", frames=rng.standard_normal((80, 17)).astype(np.float32))
    tags = {"bells": np.ones(5, dtype=np.float32)}
    np.testing.assert_array_equal(condition_of(stray, tags=tags), np.zeros((10, 8)))


def test_the_encoder_gives_every_group_a_vector():
    folder = Path(__file__).parents[3] / "models" / "text-encoder"
    if not folder.is_dir():
        pytest.skip(f"no text encoder in {folder}")
    encoder = TextEncoder(folder)
    found = tag_vectors(["drone", "bells", "drone"], encoder)
    assert set(found) == {"bells", "drone"}
    np.testing.assert_allclose(np.linalg.norm(found["drone"]), 1.0, rtol=1e-4)
    assert tag_vectors([], encoder) == {}


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
    path = tmp_path / "my.corpus"
    with Corpus.create(path, sample_rate=44_100) as corpus:
        for i in range(3):
            audio = (0.1 * rng.standard_normal((4 * 8192, 2))).astype(np.float32)
            frames = describe(audio.mean(axis=1), sample_rate=44_100)
            bounds = np.arange(5) * 8192
            corpus.add(
                NewSource(name=f"{i}", audio=audio, frames=frames, bounds=bounds, tags=("hiss",)),
            )
        described = corpus.units().features
    material = read_material([path])
    assert (material.sample_rate, material.hop_length) == (44_100, 1024)
    assert [r.group for r in material.recordings] == ["hiss"] * 3
    learned = np.concatenate([steps(r.frames)[:4] for r in material.recordings])
    np.testing.assert_allclose(learned, described, rtol=1e-3, atol=1e-3)


@pytest.fixture
def clicks():
    """Six seconds at 120 beats per minute, the first one after 0.1 s: float32 (288000, 2)."""
    y = np.zeros((6 * 48_000, 2), dtype=np.float32)
    for click in range(4_800, len(y) - 2_000, 24_000):
        y[click : click + 2_000] = 0.5 * np.random.default_rng(click).standard_normal((2_000, 1))
    return y


def is_120_bpm(recording):
    beats = (4_800 / 1024 - recording.beat_origin) / recording.beat_period
    return recording.beat_period == pytest.approx(24_000 / 1024, rel=1e-3) and abs(beats - round(beats)) < 0.03


def test_a_file_of_a_folder_has_its_beat(tmp_path, clicks):
    save_wav(tmp_path / "clicks.wav", clicks, sample_rate=48_000)
    (recording,) = read_material([tmp_path]).recordings
    assert is_120_bpm(recording)


def test_a_source_of_a_corpus_has_its_beat(tmp_path, clicks):
    with Corpus.create(tmp_path / "my.corpus", sample_rate=48_000) as corpus:
        bounds = np.append(np.arange(0, len(clicks) - 8192, 8192), len(clicks))
        for name, y in (("clicks", clicks), ("softer", 0.5 * clicks)):
            mono = y.mean(axis=1)
            beats = find_beats(mono, sample_rate=48_000) if name == "clicks" else None
            frames = describe(mono, sample_rate=48_000)
            corpus.add(NewSource(name=name, audio=y, frames=frames, bounds=bounds, beats=beats))
    recording, without = read_material([tmp_path / "my.corpus"]).recordings
    assert is_120_bpm(recording)
    assert without.beat_period == 0.0


def test_a_corpus_of_one_unit_has_nothing_to_predict(tmp_path, rng):
    path = tmp_path / "one.corpus"
    with Corpus.create(path, sample_rate=48_000) as corpus:
        audio = (0.1 * rng.standard_normal((8192, 2))).astype(np.float32)
        frames = describe(audio.mean(axis=1), sample_rate=48_000)
        corpus.add(NewSource(name="one", audio=audio, frames=frames, bounds=np.array([0, 8192])))
    material = read_material([path])
    assert material.notes == ("left out: 1 recording shorter than 0.34 s",)
    with pytest.raises(TrainingError, match=r"0 usable recording\(s\): expected 2 or more"):
        split_by_file(material, seed=1, fraction=0.2, window=8)


def test_corpora_of_two_rates_are_refused(tmp_path):
    for rate in (44_100, 48_000):
        Corpus.create(tmp_path / f"{rate}.corpus", sample_rate=rate).close()
    with pytest.raises(TrainingError, match=r"differ in rate or hop \(44100.corpus: 44100 Hz.*convert them"):
        read_material([tmp_path / "44100.corpus", tmp_path / "48000.corpus"])


def test_nothing_there_is_said(tmp_path):
    with pytest.raises(TrainingError, match="expected a corpus, a folder of audio or Demiurge's JSON, found nothing"):
        read_material([tmp_path / "none"])
    with pytest.raises(TrainingError, match="give at least one --corpus"):
        read_material([])


def test_a_descriptor_that_is_nan_is_named(tmp_path, folder, monkeypatch):
    def broken(y, **_):
        frames = np.zeros((1 + len(y) // 1024, 43), dtype=np.float32)
        frames[1, 2] = np.nan
        return frames

    monkeypatch.setattr("liveseq.train.predictors.reading.describe", broken)
    with pytest.raises(TrainingError, match=r"\.wav: descriptor mfcc2 of frame 1 is nan"):
        read_material([folder])
