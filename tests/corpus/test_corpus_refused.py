"""No corpus, another one and a damaged one are refused by name, and so is what does not fit into one."""

import contextlib
import dataclasses
import os
import sqlite3

import numpy as np
import pytest

from liveseq.corpus.schema import DATABASE, FORMAT_VERSION, is_other_format
from liveseq.corpus.store import Corpus
from liveseq.dsp.beats import Beats
from liveseq.errors import CorpusError


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"onsets": np.array([0, 0], dtype=np.int32)}, r"onsets: expected int32 \(3,\)"),
        ({"onsets": np.array([0, 8_192, 0], dtype=np.int32)}, "onsets: expected -1, or from 0 to the unit's length"),
        ({"beats": Beats(period=0.0, origin=0.0, confidence=1.0)}, "beats: expected a period above 0"),
        ({"beats": Beats(period=np.nan, origin=0.0, confidence=1.0)}, "beats: expected a period above 0"),
    ],
)
def test_onsets_and_beats_that_do_not_fit_are_refused(small, new_source, change, expected):
    with Corpus.open(small, writable=True) as corpus, pytest.raises(CorpusError, match=expected):
        corpus.add(dataclasses.replace(new_source(), **change))


def test_another_sample_rate_is_refused_with_the_command_that_converts(small):
    expected = r"has 48000 Hz, expected 44100 Hz.*liveseq corpus build .*small.corpus --out .* --sample-rate 44100"
    with pytest.raises(CorpusError, match=expected):
        Corpus.open(small, sample_rate=44_100)
    Corpus.open(small, sample_rate=48_000).close()


@pytest.mark.parametrize(("kind", "command"), [("file", "build FOLDER --out NEW"), ("demo", "demo --out NEW")])
def test_another_version_is_refused_with_the_command_that_makes_it_anew(small, kind, command):
    db = sqlite3.connect(small / "corpus.db")
    db.execute("PRAGMA user_version = 1")
    db.execute("UPDATE sources SET kind = ?", (kind,))
    db.commit()
    db.close()
    expected = rf"corpus format 1, this version reads format 2; build it again: liveseq corpus {command}"
    with pytest.raises(CorpusError, match=expected):
        Corpus.open(small)


def test_what_is_no_corpus_is_refused(tmp_path):
    with pytest.raises(CorpusError, match=r"no corpus there.*liveseq corpus build"):
        Corpus.open(tmp_path / "nothing")
    (tmp_path / "corpus.db").write_text("not a database, but long enough to be looked at as one" * 20)
    with pytest.raises(CorpusError, match="cannot be read as a corpus"):
        Corpus.open(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    db = sqlite3.connect(other / "corpus.db")
    db.execute("CREATE TABLE songs (name)")
    db.close()
    with pytest.raises(CorpusError, match="not of a corpus"):
        Corpus.open(other)
    with pytest.raises(CorpusError, match="not empty"):
        Corpus.create(tmp_path, sample_rate=48_000)
    with pytest.raises(CorpusError, match="sample rate 0: expected 8000 to 192000 Hz"):
        Corpus.create(tmp_path / "new", sample_rate=0)


@pytest.mark.parametrize("name", ["audio/0000.f32", "frames.f32", "descriptors.f32"])
def test_a_short_or_missing_file_is_named(small, name):
    path = small / name
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(CorpusError, match=rf"{name}: expected at least \d+ bytes, found \d+ bytes.*verify"):
        Corpus.open(small)
    path.unlink()
    with pytest.raises(CorpusError, match=f"{name}: .*found missing"):
        Corpus.open(small)


def test_units_that_cannot_be_read_are_a_damaged_corpus(small):
    db = sqlite3.connect(small / "corpus.db")
    db.execute("UPDATE sources SET bounds = x'0000' WHERE id = 2")
    db.commit()
    db.close()
    with Corpus.open(small) as corpus, pytest.raises(CorpusError, match=r"its units cannot be read.*corpus verify"):
        corpus.units()


def test_sources_that_do_not_fit_together_are_refused(small, new_source):
    good = new_source()
    spoilt = np.array(good.audio)
    spoilt[5, 1] = np.nan
    wrong = {
        "audio": good.audio[:, 0],
        "frames": good.frames[:-1],
        "bounds": good.bounds[:-1],
        "tags": ("",),
    }
    with Corpus.open(small, writable=True) as corpus:
        for name, value in wrong.items():
            with pytest.raises(CorpusError, match="expected"):
                corpus.add(type(good)(**{**vars(good), name: value}))
        with pytest.raises(CorpusError, match=r"a.wav: audio and frames: expected finite values"):
            corpus.add(type(good)(**{**vars(good), "audio": spoilt}))
        assert len(corpus.sources()) == 3


def test_a_corpus_opened_for_reading_is_not_written_to(small, new_source):
    with Corpus.open(small) as corpus, pytest.raises(CorpusError, match="reading only"):
        corpus.add(new_source())


def test_a_corpus_of_another_version_is_told_from_a_damaged_one(tmp_path):
    with Corpus.create(tmp_path / "now.corpus", sample_rate=48_000, segmentation="fixed") as corpus:
        path = corpus.path
    assert not is_other_format(path)
    with contextlib.closing(sqlite3.connect(path / DATABASE)) as db:
        db.execute(f"PRAGMA user_version = {FORMAT_VERSION - 1}")
    assert is_other_format(path)
    (path / DATABASE).write_bytes(b"no database")
    assert not is_other_format(path)
    assert not is_other_format(tmp_path / "nothing.corpus")
