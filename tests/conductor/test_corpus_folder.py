"""The folder of a corpus that is played: looked at while it changes, is damaged, vanishes and comes back."""

import shutil

import pytest

from liveseq.conductor.corpus_folder import CorpusFolder
from liveseq.corpus.held import in_memory
from liveseq.corpus.store import Corpus
from liveseq.errors import CorpusError
from tests.support.tiny_set import make_corpus


@pytest.fixture
def path(tmp_path):
    return make_corpus(tmp_path / "tiny.corpus", seconds=1.0)


@pytest.fixture
def folder(path):
    with Corpus.open(path) as corpus:
        played = in_memory(path, corpus.image())
    return CorpusFolder(played)


def remove(path, name):
    with Corpus.open(path, writable=True) as corpus:
        corpus.remove([name])


def test_its_version_changes_with_it_and_not_before(folder, path):
    assert [folder.version(), folder.version()] == [0, 0]
    remove(path, "hum.wav")
    assert [folder.version(), folder.version()] == [1, 1]


def test_what_has_changed_before_the_first_look_has_changed(folder, path):
    remove(path, "hum.wav")
    assert folder.version() == 1


def test_a_folder_that_vanishes_is_found_again_as_it_was_or_as_it_is_then(folder, path, tmp_path):
    folder.version()
    shutil.move(path, tmp_path / "away")
    with pytest.raises(CorpusError, match=r"tiny\.corpus: No such file or directory"):
        folder.version()
    shutil.copytree(tmp_path / "away", path)  # other files of the same contents
    assert folder.version() == 0
    shutil.rmtree(path)
    remove(tmp_path / "away", "hum.wav")
    shutil.move(tmp_path / "away", path)
    assert folder.version() == 1


def test_a_damaged_database_is_named_and_read_when_it_is_mended(folder, path, tmp_path):
    whole = shutil.copy(path / "corpus.db", tmp_path / "whole.db")
    (path / "corpus.db").write_bytes(b"garbage" * 4000)
    with pytest.raises(CorpusError, match=r"corpus\.db: cannot be read as a corpus"):
        folder.version()
    shutil.copy(whole, path / "corpus.db")
    assert folder.version() == 0


def test_another_corpus_in_its_place_is_not_taken_for_it(folder, path):
    folder.version()
    shutil.rmtree(path)
    make_corpus(path, seconds=2.0)
    with pytest.raises(CorpusError, match="another corpus lies there now"):
        folder.version()


def test_a_copy_of_before_is_not_taken_for_what_it_has_become(folder, path, tmp_path):
    folder.version()
    shutil.copytree(path, tmp_path / "before")
    remove(path, "hum.wav")
    assert folder.version() == 1
    shutil.rmtree(path)
    shutil.copytree(tmp_path / "before", path)
    with pytest.raises(CorpusError, match="as it was before; what has come since is missing"):
        folder.version()
