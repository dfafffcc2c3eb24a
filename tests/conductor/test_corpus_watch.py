"""A corpus that changes while it is played."""

import types

import pytest

from liveseq.corpus.own_words.reading import OwnWords
from liveseq.corpus.unit_table import Moment
from liveseq.errors import CorpusError
from liveseq.performance.outcome import Outcome


@pytest.fixture
def growth(stage, monkeypatch):
    """What is read of the changed corpus."""
    units = types.SimpleNamespace(tag_units={"*": [0]})
    found = types.SimpleNamespace(
        units=units, moment=Moment(last=0, retired=()), own=OwnWords(), corpus=stage.performance.instrument.corpus
    )
    stage.performance.instrument.moment = found.moment
    stage.performance.instrument.read_growth = lambda: found
    monkeypatch.setattr(stage.performance, "grow", lambda _: None)
    monkeypatch.setattr(stage.performance, "mend", lambda at: Outcome())
    return found


def look(stage, *, now):
    """One look, and what follows from it."""
    stage.look(now=now)
    stage.prepare()


def test_who_has_changed_the_corpus_while_it_is_read_waits_for_the_next_reading(stage, growth):
    done = []
    stage.folder.version = lambda: 2
    stage.watch.when_played(lambda: done.append("first"))
    look(stage, now=stage.now)
    stage.folder.version = lambda: 3
    stage.watch.when_played(lambda: done.append("second"))
    stage.watch.tick(1e9)  # by when the engine has mapped it
    assert done == ["first"]
    look(stage, now=1e9)
    stage.watch.tick(2e9)
    assert done == ["first", "second"]
    assert stage.n_told == 2


def test_a_corpus_that_cannot_be_looked_at_is_a_trouble_until_it_is_back_and_who_waits_goes_on_waiting(stage, growth):
    def gone():
        raise CorpusError("tiny.corpus: no corpus there")

    done, version = [], stage.folder.version
    stage.folder.version = gone
    stage.watch.when_played(lambda: done.append("late"))
    look(stage, now=stage.now)
    [problem] = stage.watch.problems()
    assert problem == "tiny.corpus: no corpus there; what is open plays on, and it is looked for again"
    stage.watch.tick(stage.now + 0.01)
    assert not stage.watch.looks  # once a second, whoever waits
    stage.folder.version = version
    look(stage, now=stage.now + 2.0)
    assert stage.watch.problems() == []
    assert done == ["late"]
    assert stage.n_told == 0  # it is as it was


def test_a_changed_corpus_that_cannot_be_read_is_read_again_until_it_can(stage, growth):
    def damaged():
        raise CorpusError("tiny.corpus: its units cannot be read")

    read, stage.performance.instrument.read_growth = stage.performance.instrument.read_growth, damaged
    stage.folder.version = lambda: 1
    look(stage, now=stage.now)
    assert stage.watch.problems()[0].startswith("the corpus has changed, but cannot be read: tiny.corpus: its units")
    stage.performance.instrument.read_growth = read
    look(stage, now=stage.now + 2.0)
    assert stage.watch.problems() == []
    stage.watch.tick(stage.now + 3.0)
    assert stage.n_told == 1
