"""What the server says of itself: its counts of what came late, and how it is."""

import types

import pytest

from liveseq.conductor.announcer import Announcer
from liveseq.conductor.troubles import Troubles
from liveseq.engine.state import Pulse
from liveseq.osc.table import addresses
from tests.support.desk_stage import Stage


@pytest.fixture
def stage():
    """A desk that plays, an engine and streams with which all is well."""
    stage = Stage()
    stage.streams = types.SimpleNamespace(n_late_changes=0, n_dried_up=0)
    stage.pulse = Pulse(units=[7, 8])
    stage.desk.link.pulse = lambda: stage.pulse
    stage.problems = []
    troubles = Troubles(stage.outbox, lambda: stage.problems)
    stage.announcer = Announcer(stage.desk, stage.streams, troubles, predictor="best", corpus="tiny.corpus")
    stage.ask("/liveseq/play")
    return stage


def status(stage):
    """What is said in this second, by name."""
    names = [word.partition(":")[2] for word in addresses(2)["/liveseq/status"].parameter.reply.split()]
    return dict(zip(names, stage.announcer.status(), strict=True))


def test_packets_of_hosts_that_may_not_send_are_counted(stage):
    for n in range(4):
        stage.send("/liveseq/gain", -6.0, source=("10.1.2.3", 5000 + n))
    assert (status(stage)["turned_away"], status(stage)["dropped"]) == (4, 0)


@pytest.mark.parametrize("count", ["n_late_changes", "n_dried_up"])
def test_streams_that_come_late_are_counted_and_the_server_is_degraded(stage, count, monkeypatch):
    now = 1000.0
    monkeypatch.setattr("liveseq.conductor.announcer.time.monotonic", lambda: now)
    stage.announcer.announce(now=now)
    assert status(stage)["state"] == "playing"
    setattr(stage.streams, count, 3)
    stage.announcer.announce(now=now)
    told = status(stage)
    assert (told["state"], told[count.removeprefix("n_")]) == ("degraded", 3)
    assert told["late_changes"] + told["dried_up"] == 3
    now += 3.0
    stage.announcer.announce(now=now)
    assert status(stage)["state"] == "playing"


def logged(stage):
    return [answer[1:] for answer in stage.answers() if answer[0] == "/liveseq/log"]


def test_a_trouble_is_said_once_as_it_begins_and_once_as_it_ends_and_stands_in_the_status(stage):
    stage.ask("/liveseq/subscribe", "/liveseq/log")
    stage.problems.append("no log is written")
    for now in (2000.0, 2002.0):
        stage.announcer.announce(now=now)
    assert logged(stage) == [("warning", "no log is written")]
    stage.problems.append("the corpus is gone")
    stage.announcer.announce(now=2004.0)
    assert status(stage)["troubles"] == "no log is written; the corpus is gone"
    stage.problems.clear()
    stage.announcer.announce(now=2006.0)
    assert logged(stage) == [
        ("warning", "the corpus is gone"),
        ("info", "over: no log is written"),
        ("info", "over: the corpus is gone"),
    ]
    assert status(stage)["troubles"] == ""


def test_a_layer_that_plays_without_a_voice_is_not_said_to_play(stage, monkeypatch):
    now = 2000.0
    monkeypatch.setattr("liveseq.conductor.announcer.time.monotonic", lambda: now)
    stage.pulse = Pulse()
    for _ in range(3):
        stage.announcer.announce(now=now)
        now += 1.1
    told = status(stage)
    assert (told["state"], told["troubles"]) == ("degraded", "layer 1 plays, but nothing of it sounds")
    stage.pulse = Pulse(units=[7, None])
    stage.announcer.announce(now=now)
    assert status(stage)["troubles"] == ""
    now += 3.0
    assert status(stage)["state"] == "playing"
