import os
import sqlite3

import pytest

from liveseq.corpus.store import Corpus
from liveseq.corpus.verify import verify
from liveseq.errors import CorpusError


def flip(path, offset):
    with path.open("r+b") as file:
        file.seek(offset)
        (byte,) = file.read(1)
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


def test_a_sound_corpus_has_no_damage(small):
    calls = []
    assert verify(small, done=lambda n, total: calls.append((n, total))) == []
    assert calls == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("name", ["audio/0000.f32", "frames.f32", "descriptors.f32"])
@pytest.mark.parametrize("where", [0.0, 0.5, 1.0])
def test_a_flipped_bit_is_found_in_the_right_source(small, name, where):
    path = small / name
    size = path.stat().st_size
    flip(path, int(where * (size - 1)))
    (damage,) = verify(small)
    assert damage.startswith(f"{int(where * 2)}.wav: {path}: bytes ")


def test_the_samples_of_a_retired_source_count_too(small, new_source):
    with Corpus.open(small, writable=True) as corpus:
        corpus.add(new_source("0.wav", seed=8), replaces=1)
    assert verify(small) == []
    flip(small / "audio" / "0000.f32", 100)
    assert len(verify(small)) == 1


@pytest.mark.parametrize("name", ["audio/0000.f32", "frames.f32", "descriptors.f32"])
def test_missing_and_short_files_are_found(small, name):
    os.truncate(small / name, (small / name).stat().st_size - 4)
    (damage,) = verify(small)
    assert damage.startswith(f"2.wav: {small / name} has ")
    (small / name).unlink()
    assert verify(small) == [f"{i}.wav: {small / name} is missing" for i in range(3)]


def test_leftovers_of_an_interrupted_add_are_no_damage(small):
    with (small / "frames.f32").open("ab") as file:
        file.write(b"left over")
    assert verify(small) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("n_units = 4", "has 3 units, expected 4"),
        ("n_frames = 29", "has 29 frames, expected 30 for 30000 samples"),
        ("n_samples = 29999", "do not cover it"),
        ("start = 30001", "begins at (0, 30001, 30, 3) (shard, sample, frame, unit), expected (0, 30000, 30, 3)"),
        ("unit_start = 2", "begins at"),
        ("bounds = x'0000'", "list of its units is cut short"),
        ("onsets = x'0000'", "list of its units is cut short"),
        ("onsets = x'00000000'", "has 1 onsets, expected 3"),
        ("onsets = zeroblob(12)", "are not what was written"),
        ("beat_period = 1.0, beat_origin = 2.0, beat_confidence = 3.0", "are not what was written"),
        ("audio_sha256 = x'00'", "are not what was written"),
    ],
)
def test_wrong_counts_are_found(small, change, expected):
    db = sqlite3.connect(small / "corpus.db")
    db.execute(f"UPDATE sources SET {change} WHERE id = 2")
    db.commit()
    db.close()
    assert expected in "\n".join(verify(small))


def test_a_damaged_database_is_found(small):
    db = sqlite3.connect(small / "corpus.db")
    (n_pages,) = db.execute("PRAGMA page_count").fetchone()
    db.close()
    with (small / "corpus.db").open("r+b") as file:
        file.seek(4096 * 2)
        file.write(b"\xff" * 4096 * (n_pages - 2))
    assert "corpus.db: " in verify(small)[0]


def test_what_is_no_corpus_cannot_be_verified(tmp_path):
    with pytest.raises(CorpusError, match="no corpus there"):
        verify(tmp_path)
