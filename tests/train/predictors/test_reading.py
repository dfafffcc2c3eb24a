"""Recordings of a training as they are read: from folders, corpora, and neither."""

import numpy as np
import pytest

from liveseq.corpus.store import Corpus, NewSource
from liveseq.dsp.beats import find_beats
from liveseq.dsp.descriptors import describe
from liveseq.dsp.saving import save_audio
from liveseq.errors import TrainingError
from liveseq.train.predictors.material import split_by_file, steps
from liveseq.train.predictors.reading import read_material
from tests.support import odd_recordings


@pytest.fixture
def folder(tmp_path, rng):
    root = tmp_path / "takes ✓"
    (root / "noise").mkdir(parents=True)
    y = (0.1 * rng.standard_normal((48_000, 2))).astype(np.float32)
    save_audio(root / "noise" / "one.wav", y, sample_rate=48_000)
    save_audio(root / "noise" / "two.wav", y[::-1].copy(), sample_rate=48_000)
    save_audio(root / "noise" / "copy of one.wav", y, sample_rate=48_000)
    save_audio(root / "noise" / "click.wav", y[:2000], sample_rate=48_000)
    (root / "text.wav").write_text("no sound")
    (root / "noise" / "pipe.wav").write_bytes(odd_recordings.told()["sox_pipe.wav"].content)
    return root


def test_a_folder_of_audio_is_read_and_what_is_left_out_is_said(folder):
    material = read_material([folder], sample_rate=48_000)
    assert sorted(r.name for r in material.recordings) == ["noise/copy of one.wav", "noise/pipe.wav", "noise/two.wav"]
    assert {r.group for r in material.recordings} == {"noise"}
    assert material.recordings[0].frames.shape == (1 + 48_000 // 1024, 17)
    notes = "\n".join(material.notes)
    assert "noise/one.wav is a copy of noise/copy of one.wav" in notes
    assert "1 recording shorter than 0.34 s" in notes
    assert "text.wav" in notes
    assert "pipe.wav: does not state its length" in notes


def test_a_folder_is_walked_as_for_a_corpus(folder, tmp_path):
    (folder / "noise").rename(tmp_path / "elsewhere")
    (folder / "noise").symlink_to(tmp_path / "elsewhere")
    (folder / "cover.jpg").write_bytes(b"x")
    (folder / "$RECYCLE.BIN").mkdir()
    material = read_material([folder], sample_rate=48_000)
    assert {r.name for r in material.recordings} >= {"noise/copy of one.wav", "noise/two.wav"}
    assert "left out of takes ✓: hidden 1, other files 1" in material.notes


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
    save_audio(tmp_path / "clicks.wav", clicks, sample_rate=48_000)
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
