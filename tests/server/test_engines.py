"""Engines that die or make way while the music plays, heard at the output of a JACK server with the dummy driver."""

import os
import re
import signal
import time
from contextlib import ExitStack, suppress

import psutil
import pytest

from benchmarks.faults.family import family
from benchmarks.rigs.jack_probe import Probe
from benchmarks.rigs.jack_server import ENGINE_PORT, JackServer
from liveseq.conductor.conductor import HEALTHY_SECONDS
from liveseq.performance.log import read_log
from tests.support.server_process import child, controlling, denied_by_others, let_play, played, running
from tests.support.tiny_set import SAMPLE_RATE
from tests.support.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.device, pytest.mark.live, pytest.mark.slow]

SILENCE = 0.25
"""Most seconds that a death of the engine may cost, without those in which others had the cores."""
ON_TIME = 0.02
"""Seconds by which the sample clock may be off after another engine has taken over: a few blocks."""


@pytest.fixture
def stage(folder, monkeypatch):
    """A JACK server, and liveseq playing into it."""
    if not JackServer.is_installed():
        pytest.skip("jackd is not installed")
    with ExitStack() as stack:
        jack = stack.enter_context(JackServer())
        for name, value in jack.environment().items():
            monkeypatch.setenv(name, value)
        flags = ("--corpus", "tiny.corpus", "--output", "system", "--play", "hum", "--state-dir", "engines")
        server = stack.enter_context(running(folder, *flags))
        controller = stack.enter_context(controlling(server))
        controller.wait_for("playing", voices=1)
        probe = Probe(ENGINE_PORT)
        stack.callback(probe.close)
        wait_for_spare(server)
        wait_for(lambda: probe.sounds(blocks=200), what="sound")
        yield server, controller, probe


def wait_for_spare(server):
    """Until a spare engine has loaded everything, and waits: then it works no more."""

    def worked():
        with suppress(psutil.Error, AssertionError):  # one that has made way has ended
            return psutil.Process(child(server, "spare engine")).cpu_times()[:2]

    def waits():
        before = worked()
        time.sleep(0.5)
        return before and before == worked()

    wait_for(waits, what="a spare engine")


def ahead(controller):
    """Seconds by which the sample clock is ahead of the time; it is asked quickly, several times."""
    found = []
    for _ in range(20):
        before = time.monotonic()
        clock = played(controller)
        found.append((time.monotonic() - before, clock - 0.5 * (time.monotonic() + before)))
    return min(found)[1]


def kill_engine(server):
    killed = child(server, "engine")
    os.kill(killed, signal.SIGKILL)
    return killed


def change(controller, *output):
    controller.send("/liveseq/output", *output)
    assert controller.hear("/liveseq/done") == ("/liveseq/output",)


def silence(server, probe, do):
    """Seconds of silence at the output that something costs, without those in which others had the cores."""
    since = probe.n_blocks - 20
    others = denied_by_others(server)
    do()
    wait_for(lambda: probe.n_blocks > since + 400 and probe.sounds(blocks=100), what="sound")
    return probe.longest_silence(since) - max(0.0, denied_by_others(server) - others)


def test_a_death_of_the_engine_is_a_short_silence_and_the_music_stays_where_it_is(stage, folder):
    server, controller, probe = stage
    let_play(controller, HEALTHY_SECONDS)  # one that dies at once may have died of what it was told
    before, session = ahead(controller), controller.ask("/liveseq/status")
    controller.ask("/liveseq/subscribe", "/liveseq/log", 50.0, answer="/liveseq/done")
    assert silence(server, probe, lambda: kill_engine(server)) <= SILENCE
    told = dict(reversed(controller.hear("/liveseq/log")) for _ in range(2))
    assert told.pop("engine has died (SIGKILL); a new one starts at once") == "warning"
    [text] = told
    assert re.match(r"engine 2: ready, system, JACK", text)
    assert ahead(controller) == pytest.approx(before, abs=ON_TIME)
    assert controller.ask("/liveseq/status")[9] == session[9]
    assert controller.ask("/liveseq/tag") == ("hum",)
    assert server.stop() == 0
    [log] = (folder / "engines").glob("log-*.jsonl")
    entries = list(read_log(log))
    assert [entry["engine"] for entry in entries if "engine" in entry] == [1]  # nothing was planned anew
    assert [entry["took_over"] for entry in entries if "took_over" in entry] == [2]
    for path in (folder / "engines").iterdir():
        path.unlink()


def test_three_deaths_in_a_row_cost_no_pause_and_the_fourth_does(stage):
    server, _, probe = stage
    for n_dead in range(1, 5):
        kill_engine(server)
        wait_for(lambda n_dead=n_dead: len(server.errors) >= n_dead)
        wait_for(lambda: "engine" in family(server.pid), what="another engine")
    wait_for(lambda: probe.sounds(blocks=100), what="sound")
    died = "liveseq: engine has died (SIGKILL); a new one starts"
    assert server.errors[:4] == [f"{died} at once"] * 3 + [f"{died} in 0.5 s"]


def test_another_block_size_is_taken_up_while_the_music_plays(stage):
    server, controller, probe = stage
    before, engine = ahead(controller), child(server, "engine")

    assert silence(server, probe, lambda: change(controller, "system", 0, 256)) <= SILENCE
    assert child(server, "engine") != engine
    wait_for(lambda: not psutil.pid_exists(engine), what="the old engine to end")
    assert ahead(controller) == pytest.approx(before, abs=ON_TIME)
    assert controller.ask("/liveseq/output") == ("system", SAMPLE_RATE, 256)
    assert controller.wait_for("playing", voices=1)[11] == pytest.approx(256 / SAMPLE_RATE * 1e3)
    wait_for_spare(server)
    assert silence(server, probe, lambda: kill_engine(server)) <= SILENCE  # the next one has it too
    assert controller.wait_for("playing", voices=1)[11] == pytest.approx(256 / SAMPLE_RATE * 1e3)


def test_a_device_that_cannot_be_opened_leaves_the_old_one_playing(stage):
    server, controller, probe = stage
    engine, since = child(server, "engine"), probe.n_blocks
    controller.send("/liveseq/output", "sistem")
    address, code, text = controller.hear("/liveseq/fail")
    assert (address, code) == ("/liveseq/output", "device_error")
    assert "no output device named 'sistem'; did you mean system, JACK" in text
    assert child(server, "engine") == engine
    assert probe.longest_silence(since) < ON_TIME
    assert silence(server, probe, lambda: kill_engine(server)) <= SILENCE  # the spare one is one still


def test_no_device_and_back_again_keeps_the_music_on_its_beat(stage):
    server, controller, probe = stage
    before = ahead(controller)
    for output in ("none", "system"):
        wait_for_spare(server)
        change(controller, output)
        assert controller.wait_for("playing", voices=1)[9].startswith(output)
    wait_for(lambda: probe.sounds(blocks=100), seconds=PATIENCE, what="sound")
    assert ahead(controller) == pytest.approx(before, abs=ON_TIME)


def test_a_device_that_comes_back_is_taken_again_where_the_music_is_by_then(folder, monkeypatch):
    if not JackServer.is_installed():
        pytest.skip("jackd is not installed")
    flags = ("--corpus", "tiny.corpus", "--output", "system", "--play", "hum")
    with JackServer() as jack:
        for name, value in jack.environment().items():
            monkeypatch.setenv(name, value)
        with running(folder, *flags) as server, controlling(server) as controller:
            controller.wait_for("playing", voices=1)
            before = ahead(controller)
            jack.kill()
            controller.wait_for("no_device", voices=1)
            with JackServer():
                controller.wait_for("playing", voices=1)
                assert ahead(controller) == pytest.approx(before, abs=ON_TIME)
                assert server.stop() == 0
