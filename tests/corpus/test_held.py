"""A corpus that is held open: what a process is started with plays on, whatever becomes of the folder."""

import multiprocessing
import shutil
import sys

import numpy as np
import pytest

from liveseq.corpus.held import HeldCorpus
from liveseq.errors import CorpusError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there the files are opened by their paths")


@pytest.fixture
def held(small):
    found = HeldCorpus.of(small)
    yield found
    found.close()


def tell(held, pipe):
    """In a process of its own: everything there is to a corpus."""
    with held.open() as corpus:
        [(number, _)] = corpus.shards()
        shards = corpus.map_shards()
        names = [one.name for one in corpus.sources()]
        frames = corpus.frames(1)
        pipe.send((names, corpus.units().features, shards[number], frames, corpus.moment(), corpus.tags()))


def told(held):
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=tell, args=(held, theirs))
    process.start()
    theirs.close()
    found = ours.recv()
    process.join()
    return found


@pytest.mark.parametrize("fault", ["removed", "damaged"])
def test_a_process_is_given_a_whole_corpus_after_its_folder_is_gone_or_damaged(held, small, fault):
    with held.open() as corpus:
        expected = [one.name for one in corpus.sources()], corpus.units().features, corpus.audio(1), corpus.frames(1)
        moment, tags = corpus.moment(), corpus.tags()
        expected = (*expected, moment, tags)
    if fault == "removed":
        shutil.rmtree(small)
    else:
        (small / "corpus.db").write_bytes(b"x" * 20_000)
    names, features, audio, frames, moment, tags = told(held)
    assert (names, moment, tags) == (expected[0], *expected[4:])
    assert len(names) == 3
    np.testing.assert_array_equal(features, expected[1])
    np.testing.assert_array_equal(audio[: len(expected[2])], expected[2])
    np.testing.assert_array_equal(frames, expected[3])


def test_what_only_the_log_of_the_database_holds_is_held_too(small, new_source):
    from liveseq.corpus.store import Corpus

    with Corpus.open(small, writable=True) as corpus:
        corpus._db.execute("PRAGMA wal_autocheckpoint = 0")
        corpus.add(new_source("last.wav"))
        held = HeldCorpus.of(small)
    try:
        with held.open() as corpus:
            assert [one.name for one in corpus.sources()][-1] == "last.wav"
            assert held.shards == tuple(corpus.shards())
    finally:
        held.close()


def test_a_corpus_that_cannot_be_read_is_not_held(small):
    (small / "corpus.db").write_bytes((small / "corpus.db").read_bytes()[:9000])
    with pytest.raises(CorpusError, match=r"corpus\.db: cannot be read"):
        HeldCorpus.of(small)
