"""Corpora on disks that are full or read-only: read as far as they can be, else refused in one line."""

import errno
import shutil

import numpy as np
import pytest

from liveseq.corpus.append import reason
from liveseq.corpus.build import build
from liveseq.corpus.schema import PART
from liveseq.corpus.store import Corpus
from liveseq.corpus.verify import verify
from liveseq.dsp.saving import save_audio
from liveseq.errors import AudioFileError, CorpusError

READ_ONLY = "cannot be written .it is read-only.; copy it to another disk"


def test_a_corpus_on_a_read_only_disk_is_read_and_not_changed(disk, small_original, write_sound, tmp_path, new_source):
    path = disk.path / "small.corpus"
    shutil.copytree(small_original, path)
    write_sound(tmp_path / "in" / "a.wav")
    disk.freeze()
    assert verify(path) == []
    for change in (
        lambda: Corpus.open(path, writable=True),
        lambda: build(tmp_path / "in", path, jobs=1),
    ):
        with pytest.raises(CorpusError, match=READ_ONLY):
            change()
    with pytest.raises(CorpusError, match=r"cannot be made there \(it is read-only\); make room, or give another"):
        build(tmp_path / "in", disk.path / "new.corpus", jobs=1)


def test_what_only_the_log_of_the_database_holds_is_read_on_a_read_only_disk(disk, small, new_source):
    path = disk.path / "small.corpus"
    with Corpus.open(small, writable=True) as corpus:
        corpus._db.execute("PRAGMA wal_autocheckpoint = 0")
        corpus.add(new_source("last.wav"))
        shutil.copytree(small, path)  # as a disk that is pulled out
    (path / "corpus.db-shm").unlink()
    assert (path / "corpus.db-wal").stat().st_size
    disk.freeze()
    with Corpus.open(path) as corpus:
        assert [source.name for source in corpus.sources()] == ["0.wav", "1.wav", "2.wav", "last.wav"]
        assert corpus.units().n_units == 12
    assert verify(path) == []


def test_a_full_disk_is_called_so_and_nothing_is_lost(disk, small_original, write_sound, tmp_path):
    path = disk.path / "small.corpus"
    shutil.copytree(small_original, path)
    write_sound(tmp_path / "in" / "a.wav", n_samples=400_000)
    disk.fill(but=1 << 20)
    with pytest.raises(CorpusError, match=r"small\.corpus: .* \(the disk is full\); .* kept") as caught:
        build(tmp_path / "in", path, jobs=1)
    assert "\n" not in str(caught.value)
    disk.fill()
    for change in (
        lambda: _change(path, lambda corpus: corpus.remove(["0.wav"])),
        lambda: _change(path, lambda corpus: corpus.set_tags(1, ("x",))),
        lambda: build(tmp_path / "in", path, jobs=1),
    ):
        with pytest.raises(CorpusError, match="the disk is full"):
            change()
    (disk.path / "others").unlink()
    assert verify(path) == []
    with Corpus.open(path) as corpus:
        assert [source.tags for source in corpus.sources()] == [("drum",), ("bass", "drum"), ()]


def _change(path, do):
    with Corpus.open(path, writable=True) as corpus:
        do(corpus)


def test_a_corpus_that_a_full_disk_did_not_let_begin_is_made_when_there_is_room(disk, write_sound, tmp_path):
    write_sound(tmp_path / "in" / "a.wav")
    disk.fill()
    with pytest.raises(CorpusError, match=r"cannot be made there \(the disk is full\); make room, or give another"):
        build(tmp_path / "in", disk.path / "new.corpus", jobs=1)
    (disk.path / "others").unlink()
    assert build(tmp_path / "in", disk.path / "new.corpus", jobs=1).added == ["a.wav"]


def test_a_corpus_that_a_kill_did_not_let_begin_is_made_by_the_next_build(tmp_path, write_sound):
    write_sound(tmp_path / "in" / "a.wav")
    (tmp_path / "out" / "audio").mkdir(parents=True)
    (tmp_path / "out" / PART).write_bytes(b"half a database")
    assert build(tmp_path / "in", tmp_path / "out", jobs=1).added == ["a.wav"]


def test_trouble_of_a_disk_has_one_name():
    assert reason(OSError(errno.ENOSPC, "No space left on device")) == "the disk is full"
    assert reason(OSError(errno.EROFS, "Read-only file system")) == "it is read-only"
    assert reason(OSError(errno.EACCES, "Permission denied")) == "Permission denied"


def test_a_take_on_a_disk_that_is_full_or_read_only_is_refused_in_one_line(disk):
    y = np.zeros((400_000, 2), dtype=np.float32)
    disk.fill(but=1 << 20)
    with pytest.raises(AudioFileError, match=r"take\.wav: not written: the disk is full; name another file"):
        save_audio(disk.path / "take.wav", y, sample_rate=48_000)
    assert [path.name for path in disk.path.iterdir()] == ["others"], "nothing half written is left"
    disk.freeze()
    with pytest.raises(AudioFileError, match=r"take\.wav: not written: .*; name another file"):
        save_audio(disk.path / "take.wav", y, sample_rate=48_000)
