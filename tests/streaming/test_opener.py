"""Models are opened beside what goes on."""

import logging
import threading
import time
import types
from pathlib import Path

import pytest

from liveseq.errors import ModelError
from liveseq.memory.heartbeat import Heart
from liveseq.streaming import process as streamer
from liveseq.streaming.layouts import Answer, Wish
from liveseq.streaming.maker import LiveStreams
from liveseq.streaming.opener import MOST_LEFT, Opener
from liveseq.streaming.ring import StreamRings
from tests.support.desk_stage import SAMPLE_RATE
from tests.support.stream_stage import Stage, Tone
from tests.support.waiting import PATIENCE, wait_for


def ask(opener, name):
    """Until there is an answer."""
    return wait_for(lambda: opener(name), what="the model")


def test_who_asks_never_waits_and_gets_the_model_when_it_is_open():
    gate, threads = threading.Event(), []

    def open_generator(name):
        threads.append(threading.current_thread())
        gate.wait(PATIENCE)
        return Tone()

    opener = Opener(open_generator)
    assert opener("glass") is None
    assert opener("glass") is None
    gate.set()
    assert isinstance(ask(opener, "glass"), Tone)
    assert len(threads) == 1
    assert threads[0] is not threading.current_thread()


def test_what_goes_wrong_is_raised_once_and_tried_again_where_it_is_asked_for():
    n_opened = []

    def refuse(name):
        n_opened.append(name)
        raise ModelError(f"{name}: cannot be loaded")

    opener = Opener(refuse)
    for _ in range(2):
        with pytest.raises(ModelError, match="glass: cannot be loaded"):
            ask(opener, "glass")
    assert n_opened == ["glass", "glass"]


class Disk:
    """Models that may hang while they are opened, until the test ends."""

    def __init__(self):
        self.hung = {"hung"}
        self.gate = threading.Event()
        self.n_opened = 0

    def open(self, name):
        self.n_opened += 1
        if name in self.hung:
            self.gate.wait(PATIENCE)
            raise ModelError(f"{name}: an error of long ago")
        return Tone()


@pytest.fixture
def disk():
    disk = Disk()
    yield disk
    disk.gate.set()


def test_a_model_that_hangs_keeps_no_other_from_being_opened(disk):
    opener = Opener(disk.open)
    assert opener("hung") is None
    assert isinstance(ask(opener, "glass"), Tone)
    assert opener("hung") is None


def test_what_comes_of_a_model_that_was_withdrawn_is_nobodys(disk, caplog):
    opener = Opener(disk.open)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert opener("hung") is None
            opener.end_round()
        assert caplog.messages == []
        opener.end_round()
    assert caplog.messages == ["hung is not open yet, and nobody waits for it any more"]
    [left] = opener._left["hung"]
    disk.gate.set()
    assert isinstance(left.exception(30.0), ModelError)
    disk.hung = set()  # exported again
    assert isinstance(ask(opener, "hung"), Tone)


def test_an_error_that_nobody_has_waited_for_is_not_told_to_the_next(disk):
    opener = Opener(disk.open)
    assert opener("hung") is None
    disk.gate.set()
    opener._opening["hung"].exception(30.0)
    opener.end_round()
    opener.end_round()
    disk.hung = set()
    assert isinstance(ask(opener, "hung"), Tone)


def test_only_so_many_are_left_behind_by_one_model_and_the_others_are_opened(disk):
    opener = Opener(disk.open)
    for _ in range(MOST_LEFT):
        assert opener("hung") is None
        opener.end_round()
        opener.end_round()
    told = f"hung: is being opened {MOST_LEFT} times already, and nobody waited for the end; wait for it, or remove"
    with pytest.raises(ModelError, match=told):
        opener("hung")
    assert isinstance(ask(opener, "glass"), Tone)
    disk.gate.set()
    for opening in opener._left["hung"]:
        opening.exception(30.0)
    disk.hung = set()
    assert isinstance(ask(opener, "hung"), Tone)


def test_a_thread_that_cannot_leave_realtime_says_so(disk, monkeypatch):
    def refuse():
        raise OSError("not permitted")

    monkeypatch.setattr("liveseq.streaming.opener.leave_realtime", refuse)
    with pytest.raises(OSError, match="not permitted"):
        ask(Opener(disk.open), "glass")


def test_the_streamer_opens_another_model_and_the_same_anew_beside_one_that_hangs(disk, monkeypatch):
    rings = StreamRings.local(n_layers=1, sample_rate=SAMPLE_RATE)
    ring = rings.ring(1)
    models = types.SimpleNamespace(get=lambda folder: disk.open(folder.name))

    def answered(wish, *, seconds=PATIENCE):
        ring.write_wish(wish)
        until = time.monotonic() + seconds
        while ring.read_answer().number != wish.number and time.monotonic() < until:
            yield True
        return ring.read_answer() == Answer(wish.number)

    def show():
        assert not (yield from answered(Wish(1, "hung"), seconds=0.1))
        assert (yield from answered(Wish(2)))
        assert (yield from answered(Wish(3, "glass")))
        disk.hung = set()  # exported again
        assert (yield from answered(Wish(4, "hung")))
        yield False

    rounds = show()
    lifetime = types.SimpleNamespace(begin=lambda name: types.SimpleNamespace(goes_on=lambda: next(rounds)))
    monkeypatch.setattr(streamer, "Lifetime", lifetime)
    monkeypatch.setattr(streamer, "Models", lambda provider: models)
    monkeypatch.setattr(streamer, "model_folder", Path)
    monkeypatch.setattr(streamer, "prefer_audio", lambda priority: False)
    monkeypatch.setattr(streamer, "gc", types.SimpleNamespace(collect=int, freeze=int))
    monkeypatch.setattr(streamer.sys, "setswitchinterval", float)
    monkeypatch.setattr(streamer.os, "_exit", lambda status: None)
    monkeypatch.setattr(LiveStreams, "attach", lambda *names, **sizes: LiveStreams(rings, names[2]))
    streamer.run_streamer(
        streamer.StreamerArguments(rings="", engine="", sample_rate=SAMPLE_RATE, n_layers=1, provider="cpu"),
        Heart.unheard(),
    )
    assert disk.n_opened == 3


def test_a_layer_streams_on_while_the_model_of_another_is_opened():
    gate = threading.Event()
    stage = Stage(Tone())
    stage.start()
    stage.generate()
    stage.play(0.5)

    def open_generator(name):
        gate.wait(PATIENCE)
        return Tone()

    stage.streams._open = Opener(open_generator)
    stage.rings.ring(2).write_wish(Wish(1, "glass"))
    n_made = stage.generator.n_made
    stage.play(5.0)
    assert stage.generator.n_made - n_made > 4.0 * SAMPLE_RATE / Tone.samples_per_step
    assert stage.counters.continued == 0
    assert stage.rings.ring(2).read_answer().number == 0
    gate.set()

    def answered():
        stage.play(0.1)
        return stage.rings.ring(2).read_answer().number == 1

    wait_for(answered)
    assert stage.rings.ring(2).read_answer() == Answer(1)
