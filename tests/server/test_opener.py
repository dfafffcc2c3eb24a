"""Models are opened beside what goes on."""

import threading
import time

import pytest
from desk_stage import SAMPLE_RATE
from stream_stage import Stage, Tone

from liveseq.errors import ModelError
from liveseq.server.opener import Opener
from liveseq.server.stream_records import Answer, Wish


def ask(opener, name):
    """Until there is an answer."""
    until = time.monotonic() + 30.0
    while (found := opener(name)) is None:
        assert time.monotonic() < until
        time.sleep(0.001)
    return found


def test_who_asks_never_waits_and_gets_the_model_when_it_is_open():
    gate, threads = threading.Event(), []

    def open_generator(name):
        threads.append(threading.current_thread())
        gate.wait(30.0)
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


def test_a_layer_streams_on_while_the_model_of_another_is_opened():
    gate = threading.Event()
    stage = Stage(Tone())
    stage.start()
    stage.generate()
    stage.play(0.5)

    def open_generator(name):
        gate.wait(30.0)
        return Tone()

    stage.streams._open = Opener(open_generator)
    stage.rings.ring(2).write_wish(Wish(1, "glass"))
    n_made = stage.generator.n_made
    stage.play(5.0)
    assert stage.generator.n_made - n_made > 4.0 * SAMPLE_RATE / Tone.samples_per_step
    assert stage.counters.continued == 0
    assert stage.rings.ring(2).read_answer().number == 0
    gate.set()
    until = time.monotonic() + 30.0
    while stage.rings.ring(2).read_answer().number != 1 and time.monotonic() < until:
        stage.play(0.1)
    assert stage.rings.ring(2).read_answer() == Answer(1)
