"""A generator that never ends a step of a tag, though it was warmed up at one. The real server."""

import os
import signal
import sys

import psutil
import pytest

from tests.support.faults import Watch, find_child, hear_log, is_gone, say_line, serving
from tests.support.slow_nodes import ENDLESS, in_a_loop
from tests.support.tiny_generator import make_generator
from tests.support.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow]

if sys.platform == "win32":
    pytest.skip("signals as Linux and macOS have them", allow_module_level=True)

BACK = 6.0
"""Seconds, without those in which others had the cores."""


@pytest.fixture(scope="module")
def stage(folder, tmp_path_factory):
    make_generator(folder / "generator", slow=in_a_loop("tag", ENDLESS))
    with serving(folder, tmp_path_factory.mktemp("other"), "--generator", "generator") as stage:
        yield stage


@pytest.fixture(autouse=True)
def lease(stage):
    """Who hears of the log does so for a minute, and is to ask for more."""
    stage[2].ask("/liveseq/subscribe", "/liveseq/log", 50.0, answer="/liveseq/done")


def wait_until_ready(stage):
    return wait_for(lambda: stage[1].ask("/liveseq/generator/state")[0] == "ready", what="the generator")


def hang(stage):
    """Have it hang; its process id."""
    server, controller, _ = stage
    wait_until_ready(stage)
    pid = find_child(server, "generator")
    before = sum(psutil.Process(pid).cpu_times()[:2])
    controller.send("/liveseq/generate", "drone", 1.0, 3)
    wait_for(lambda: controller.ask("/liveseq/generator/state")[0] == "working")
    wait_for(lambda: sum(psutil.Process(pid).cpu_times()[:2]) > before + 0.5)
    return pid


def test_a_stopped_generator_is_replaced(stage):
    server, _, ear = stage
    wait_until_ready(stage)
    stopped = find_child(server, "generator")
    os.kill(stopped, signal.SIGSTOP)
    assert hear_log(ear, "generator hangs") == "generator hangs; a new one starts in 0.2 s"
    wait_until_ready(stage)
    assert is_gone(stopped)


def test_one_that_hangs_is_let_go_of_where_it_is_cancelled_and_a_new_one_is_ready(stage):
    server, controller, _ = stage
    hung = hang(stage)
    watch = Watch(hung)
    controller.ask("/liveseq/generate/cancel", answer="/liveseq/done")
    wait_for(lambda: is_gone(hung), what="the end of the process that hangs")
    assert watch.seconds() < BACK
    wait_until_ready(stage)
    say_line(server, "a model hangs in the middle of a step")


def test_a_stream_that_hangs_is_given_up_and_the_layer_plays_the_corpus(stage):
    server, controller, ear = stage
    controller.send("/liveseq/mode", "generate")
    assert "it plays the corpus" in hear_log(ear, "layer 1:")
    controller.wait_for("playing", voices=1, seconds=PATIENCE)
    say_line(server, "streamer hangs")


def test_one_that_hangs_does_not_hold_up_the_end(stage):
    server, *_ = stage
    hang(stage)
    watch = Watch()
    assert server.stop() == 0
    assert watch.seconds() < 2 * BACK
