"""The real server, whose disks are full, read-only, damaged or gone while it plays: it needs none to go on."""

import os
import shutil
import signal
import time

import numpy as np
import psutil
import pytest

from benchmarks.faults.family import family
from liveseq.corpus.take import add_take
from liveseq.dsp.files import load_audio
from liveseq.performance.log import read_log
from tests.support.disks import mounted
from tests.support.server_process import child, controlling, let_play, log_lines, running
from tests.support.tiny_set import SAMPLE_RATE, make_set
from tests.support.waiting import denied, wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow]

CONTROL_BACK = 2.0
"""Seconds, without those in which others had the cores."""
LONGEST_GAP = 0.05
"""Seconds of nothing that a take may have, from its first sound on."""


@pytest.fixture
def stage(tmp_path):
    """A folder with models and a disk, on which the corpus and the state folder are to lie."""
    for disk in mounted(tmp_path / "disk", megabytes=24):
        make_set(tmp_path)
        shutil.move(tmp_path / "tiny.corpus", disk.path / "tiny.corpus")
        yield disk


def serve(disk, *flags):
    flags = ("--corpus", "disk/tiny.corpus", "--output", "wav:take.wav", "--play", "hum", *flags)
    return running(disk.path.parent, *flags, "--state-dir", "disk/state")


def play(controller):
    """Settings that are to stay."""
    controller.wait_for("playing", voices=1)
    controller.send("/liveseq/gain", -3.0)
    controller.ask("/liveseq/sync", 1, answer="/liveseq/synced")


def kill_conductor(server, controller, *, meanwhile=lambda: None):
    """Control is to be back in time, with what was set."""
    others, killed = denied(server.pid), time.monotonic()
    conductor = child(server, "conductor")
    os.kill(conductor, signal.SIGKILL)
    wait_for(lambda: not psutil.pid_exists(conductor))
    meanwhile()
    controller.ask("/liveseq/ping", answer="/liveseq/pong")
    took = time.monotonic() - killed
    took -= denied(server.pid, child(server, "conductor")) - others
    assert took < CONTROL_BACK
    assert controller.ask("/liveseq/gain") == (-3.0,)
    assert controller.ask("/liveseq/layer/1/tag") == ("hum",)
    controller.wait_for("playing", voices=1)


def kill_engine(server, controller):
    killed = child(server, "engine")
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: family(server.pid).get("engine") not in (None, killed), what="another engine")
    let_play(controller, 0.5)  # until then the status may be that of the one before
    controller.wait_for("playing", voices=1)


def troubles(controller):
    return controller.ask("/liveseq/status")[-1]


def assert_takes_are_whole(folder):
    """From their first sound on."""
    for path in folder.glob("take*.wav"):
        audio = load_audio(path, sample_rate=48_000)
        level = np.abs(audio[: len(audio) // 960 * 960]).reshape(-1, 2 * 960).max(axis=1)
        quiet = "".join(".x"[int(one < 0.01)] for one in level[np.argmax(level > 0.01) :])
        assert max(map(len, quiet.split(".")), default=0) * 0.02 <= LONGEST_GAP, path


@pytest.mark.parametrize("fault", ["full", "read-only", "gone"])
def test_control_is_back_with_everything_where_the_state_folder_is(stage, fault):
    def strike():
        if fault == "full":
            stage.fill()
        elif fault == "gone":
            (stage.path / "state").rename(stage.path / "away")
            (stage.path / "state").write_text("in the way")

    with serve(stage) as server, controlling(server) as controller, controlling(server) as ear:
        play(controller)
        strike()
        # A disk on which a file is open for writing is not made read-only.
        kill_conductor(server, controller, meanwhile=stage.freeze if fault == "read-only" else lambda: None)
        controller.send("/liveseq/gain", -6.0)
        controller.send("/liveseq/gain", -3.0)
        wait_for(lambda: "disk/state: no log is written (" in troubles(controller))
        logs = sorted((stage.path / "state").glob("log-*"))
        kill_conductor(server, controller)
        assert sorted((stage.path / "state").glob("log-*")) == logs  # and no empty one
        ear.ask("/liveseq/subscribe", "/liveseq/log", 50.0, answer="/liveseq/done")
        if fault == "full":
            (stage.path / "others").unlink()
        elif fault == "read-only":
            stage.thaw()
        else:
            (stage.path / "state").unlink()
        wait_for(lambda: not troubles(controller), what="a log")
        said = [text for _, text in log_lines(ear) if "no log is written" in text]
        assert said[-1].startswith("over: disk/state: no log is written")
        assert len(said) == len(set(said))  # once each
        log = max((stage.path / "state").glob("log-*"), key=lambda one: one.stat().st_mtime)
        assert read_log(log).header["session"]["values"]["/liveseq/gain"] == [-3.0]
        assert server.stop() == 0
    assert_takes_are_whole(stage.path.parent)


@pytest.mark.parametrize("fault", ["damaged", "gone", "pulled out"])
def test_what_plays_needs_only_what_is_open_of_a_corpus(stage, fault):
    database, path = stage.path / "tiny.corpus" / "corpus.db", stage.path / "tiny.corpus"
    copy = shutil.copytree(path, stage.path.parent / "copy.corpus")
    with serve(stage) as server, controlling(server) as controller, controlling(server) as ear:
        play(controller)
        if fault == "damaged":
            os.truncate(database, 5000)
        elif fault == "gone":
            shutil.rmtree(path)
        else:
            stage.pull_out()
        for _ in range(2):
            kill_conductor(server, controller)
            kill_engine(server, controller)
        name = "corpus.db: cannot be read as a corpus" if fault == "damaged" else "tiny.corpus: No such file"
        wait_for(lambda: name in troubles(controller))
        assert "what is open plays on, and it is looked for again" in troubles(controller)
        assert controller.ask("/liveseq/tag", "bells", answer="/liveseq/done")[1] == "bells"
        controller.wait_for("playing", voices=1)
        ear.ask("/liveseq/subscribe", "/liveseq/log", 50.0, answer="/liveseq/done")
        if fault == "damaged":
            shutil.copy(copy / "corpus.db", database)
        else:
            shutil.copytree(copy, path)
        wait_for(lambda: name not in troubles(controller), what="the corpus")
        [said] = [text for _, text in log_lines(ear) if name in text]
        assert said.startswith("over: ")
        kill_engine(server, controller)
        assert server.stop() == 0
    deaths = [line for line in server.errors if "has died" in line]
    assert len(deaths) == 5
    assert all("(SIGKILL)" in line for line in deaths)
    assert_takes_are_whole(stage.path.parent)


def test_what_a_corpus_has_become_is_held_open_too(stage):
    path = stage.path / "tiny.corpus"
    noise = (0.1 * np.random.default_rng(2).standard_normal((3 * SAMPLE_RATE, 1))).astype(np.float32)
    with serve(stage) as server, controlling(server) as controller, controlling(server, "corpus/grown") as ear:
        play(controller)
        add_take(path, noise, name="waves", tags=("waves",), sample_rate=SAMPLE_RATE)
        assert ear.hear("/liveseq/corpus/grown")[0] == "waves"
        let_play(controller, 0.2)
        shutil.rmtree(path)
        kill_conductor(server, controller)
        kill_engine(server, controller)
        controller.ask("/liveseq/tag", "waves", answer="/liveseq/done")
        controller.wait_for("playing", voices=1)
        assert server.stop() == 0


def test_audio_that_is_cut_in_its_file_is_said_and_heard_again_when_it_is_back(stage):
    """Who has mapped it dies of it; where all of it is gone there is nothing to play, and nobody says there were."""
    shard = stage.path / "tiny.corpus" / "audio" / "0000.f32"
    copy = shutil.copy(shard, stage.path.parent / "copy.f32")
    with serve(stage) as server, controlling(server) as controller:
        play(controller)
        os.truncate(shard, 1000)
        wait_for(lambda: "1 of 1 files in disk/tiny.corpus/audio cannot be read" in troubles(controller))
        wait_for(lambda: "layer 1 plays, but nothing of it sounds" in troubles(controller))
        controller.wait_for("degraded", voices=0)
        shutil.copy(copy, shard)
        controller.wait_for("playing", voices=1)
        wait_for(lambda: not troubles(controller))
        assert server.stop() == 0
