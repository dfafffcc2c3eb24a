"""Processes that live on and do nothing: stopped, or in a model that never answers. The real server, real signals."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest

from benchmarks.paths import ROOT
from liveseq.conductor.troubles import SUPERVISOR_HANGS
from tests.support.faults import Watch, hear_log, is_gone, say_line, serving
from tests.support.server_process import child, let_play, played
from tests.support.slow_nodes import ENDLESS, after_steps, in_a_loop, in_one
from tests.support.tiny_set import make_predictor
from tests.support.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow]

if sys.platform == "win32":
    pytest.skip("signals and memory maps as Linux and macOS have them", allow_module_level=True)

BACK = 6.0
"""Seconds, without those in which others had the cores: two of silence, and twice the target of coming back."""
ANSWER = 3.0
"""The same until a tag is answered, while a predictor is given up."""


@pytest.fixture(scope="module", autouse=True)
def models(folder):
    """Predictors that hang: two where they play, and two where they are tried out, too."""
    make_predictor(folder / "endless", slow=in_a_loop("features", ENDLESS))
    make_predictor(folder / "stuck", slow=after_steps(40, in_one("late")))
    make_predictor(folder / "never", slow=in_a_loop("features", ENDLESS, at_rest=True))
    make_predictor(folder / "rigid", slow=in_one("features", at_rest=True))


@pytest.fixture(scope="module")
def stage(folder, tmp_path_factory):
    with serving(folder, tmp_path_factory.mktemp("one")) as stage:
        yield stage


def test_a_stopped_engine_is_replaced_and_the_music_goes_on(stage):
    server, controller, ear = stage
    stopped, before, watch = child(server, "engine"), played(controller), Watch(server.pid)
    os.kill(stopped, signal.SIGSTOP)
    controller.wait_for("error", seconds=PATIENCE)
    controller.wait_for("playing", voices=1, seconds=PATIENCE)
    assert watch.seconds(child(server, "engine"), child(server, "conductor")) < BACK
    assert is_gone(stopped)
    assert played(controller) > before
    assert hear_log(ear, "engine hangs") == "engine hangs; a new one starts at once"


def test_a_stopped_conductor_is_replaced_with_everything_it_knew_and_it_is_said(stage):
    server, controller, _ = stage
    controller.ask("/liveseq/tag", "bells", answer="/liveseq/done")
    stopped, began = child(server, "conductor"), played(controller)
    watch = Watch(server.pid)
    os.kill(stopped, signal.SIGSTOP)
    controller.ask("/liveseq/ping", answer="/liveseq/pong", seconds=PATIENCE)
    assert watch.seconds(child(server, "conductor")) < BACK
    assert is_gone(stopped)
    assert controller.ask("/liveseq/layer/1/tag") == ("bells",)
    assert played(controller) > began
    say_line(server, "conductor hangs")


def test_a_stopped_supervisor_is_told_of_while_everything_plays_on(stage):
    server, controller, ear = stage
    ear.ask("/liveseq/subscribe", "/liveseq/log", 50.0, answer="/liveseq/done")  # the conductor may be another one
    before = played(controller)
    os.kill(server.pid, signal.SIGSTOP)
    try:
        assert hear_log(ear, "supervisor hangs") == SUPERVISOR_HANGS
        assert SUPERVISOR_HANGS in controller.ask("/liveseq/status")[-1]
        assert controller.ask("/liveseq/tag", "bells", answer="/liveseq/done")
    finally:
        os.kill(server.pid, signal.SIGCONT)
    assert hear_log(ear, "over:") == f"over: {SUPERVISOR_HANGS}"
    assert played(controller) > before


def test_a_laptop_that_slept_replaces_nobody(stage):
    server, controller, _ = stage
    family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    n_lines = len(server.errors)
    for process in family:
        process.suspend()
    time.sleep(4.0)  # twice the silence for which one of them would be ended
    for process in family:
        process.resume()
    controller.wait_for("playing", voices=1, seconds=PATIENCE)
    let_play(controller, 3.0)
    assert set(family[1:]) == set(psutil.Process(server.pid).children(recursive=True))
    assert server.errors[n_lines:] == []
    assert server.stop() == 0


def test_a_predictor_that_hangs_is_given_up_within_the_second_and_tried_again_where_it_is_chosen_again(
    folder, tmp_path
):
    with serving(folder, tmp_path, "--predictor", "endless") as (server, controller, _):
        pid = child(server, "conductor")
        line = say_line(server, "predictor endless: ")
        assert line.endswith(
            "endless/model.onnx: not done after 0.5 s; its layers go on in the tag's own material; export it anew, or "
            "choose another: /liveseq/predict/model"
        )
        watch = Watch(pid)
        assert controller.ask("/liveseq/tag", "bells", answer="/liveseq/done")[1] == "bells"
        assert watch.seconds() < ANSWER
        let_play(controller, 1.0)
        assert controller.wait_for("playing", voices=1, seconds=PATIENCE)[18] > 0
        shutil.rmtree(folder / "endless")
        make_predictor(folder / "endless")
        controller.send("/liveseq/predict/model", "endless")  # once: each would be loaded
        wait_for(lambda: (controller.hear("/liveseq/done") or ("",))[0] == "/liveseq/predict/model")
        let_play(controller, 0.5)
        n_blind = controller.ask("/liveseq/status")[18]
        let_play(controller, 2.0)
        assert controller.wait_for("playing", voices=1, seconds=PATIENCE)[18] == n_blind
        assert child(server, "conductor") == pid


def test_a_predictor_that_cannot_be_ended_costs_one_conductor_and_is_not_asked_again(folder, tmp_path):
    with serving(folder, tmp_path, "--predictor", "stuck") as (server, controller, _):
        say_line(server, "predictor stuck hangs in the middle of a plan; it is used no more")
        watch = Watch(server.pid)
        controller.ask("/liveseq/ping", answer="/liveseq/pong", seconds=PATIENCE)
        assert watch.seconds(child(server, "conductor")) < BACK
        pid = child(server, "conductor")
        say_line(
            server, "predictor stuck: stuck: has hung before; restart the server to try it again; its layers go on"
        )
        assert controller.ask("/liveseq/tag", "drone", answer="/liveseq/done")[1] == "drone"
        _, code, message = controller.ask("/liveseq/predict/model", "stuck", answer="/liveseq/fail")
        assert (code, message) == ("model_error", "stuck: has hung before; restart the server to try it again")
        let_play(controller, 1.0)
        controller.wait_for("playing", voices=1, seconds=PATIENCE)
        assert child(server, "conductor") == pid
        assert controller.ask("/liveseq/status")[18] > 0


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("never", r"never/model.onnx: not done after 0.5 s$"),
        ("rigid", r"(rigid/model.onnx: not done after 0.5 s|predictor rigid: does not answer; choose another: .*)$"),
    ],
)
def test_a_predictor_too_slow_to_be_played_is_refused_at_the_start_in_one_line(folder, name, why):
    command = [sys.executable, str(ROOT / "run_server.py"), "--corpus", "tiny.corpus", "--predictor", name]
    command += ["--output", "none", "--osc-port", "auto"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    assert result.returncode == 2
    [line] = result.stderr.splitlines()
    assert re.search(why, line)
