"""A corpus is held anew beside the supervisor's own turns."""

import os
import shutil

import pytest

from liveseq.server.corpus_holder import CorpusHolder
from tests.support.waiting import wait_for


def n_open():
    return len(os.listdir("/dev/fd"))


@pytest.fixture
def corpus(folder, tmp_path):
    return shutil.copytree(folder / "tiny.corpus", tmp_path / "tiny.corpus")


def test_what_is_asked_for_is_there_soon_and_once(corpus):
    holder = CorpusHolder(corpus)
    assert holder.take() is None
    holder.ask()
    held = wait_for(holder.take)
    assert held.path == corpus
    assert held.shards
    assert holder.take() is None
    held.close()


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="files are opened by their paths here")
def test_of_several_the_newest_is_taken_and_the_others_are_closed(corpus):
    holder = CorpusHolder(corpus)
    holder.ask()
    wait_for(holder.take).close()
    before = n_open()
    for n_done in range(2, 5):
        holder.ask()
        wait_for(lambda n_done=n_done: holder.n_done == n_done)
    held = holder.take()
    held.close()
    assert n_open() == before


def test_a_corpus_that_is_gone_leaves_what_is_held(corpus):
    holder = CorpusHolder(corpus)
    (corpus / "corpus.db").rename(corpus / "gone.db")
    holder.ask()
    wait_for(lambda: holder.n_done == 1)
    assert holder.take() is None
    (corpus / "gone.db").rename(corpus / "corpus.db")
    holder.ask()
    wait_for(holder.take).close()
