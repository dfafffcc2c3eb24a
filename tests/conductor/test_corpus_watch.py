"""A corpus that changes while it is played."""

import types

from liveseq.corpus.unit_table import Moment
from liveseq.performance.outcome import Outcome


def test_who_has_changed_the_corpus_while_it_is_read_waits_for_the_next_reading(stage, monkeypatch):
    done, growth = [], types.SimpleNamespace(units=types.SimpleNamespace(tag_units={"*": [0]}))
    stage.performance.instrument.read_growth = lambda: growth
    monkeypatch.setattr(stage.performance, "grow", lambda _: None)
    monkeypatch.setattr(stage.performance, "mend", lambda at: Outcome())
    stage.performance.instrument.moment = growth.moment = Moment(last=0, retired=())
    watch, corpus = stage.watch, stage.performance.instrument.corpus
    corpus.version = lambda: 2
    watch.when_played(lambda: done.append("first"))
    watch.tick(stage.now)
    corpus.version = lambda: 3
    watch.when_played(lambda: done.append("second"))
    stage.prepare()
    watch.tick(1e9)  # by when the engine has mapped it
    assert done == ["first"]
    watch.tick(1e9)  # by when the engine has mapped it
    stage.prepare()
    watch.tick(2e9)
    assert done == ["first", "second"]
