"""A server that was killed, and is started again to go on where it was."""

import contextlib
import os
import shutil
import signal
import sys
import time

import psutil
import pytest

from benchmarks.paths import ROOT
from tests.support.disks import mounted
from tests.support.server_process import controlling, let_play, log_lines, running, saved
from tests.support.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow]


def serve(folder, *flags):
    return running(folder, "--corpus", "tiny.corpus", "--output", "none", "--state-dir", "state", *flags)


def test_a_server_that_was_killed_is_taken_up_where_it_was(folder):
    with serve(folder, "--resume", "--play", "drone") as server, controlling(server) as controller:
        controller.wait_for("playing", voices=1)  # there was nothing to take up
        controller.send("/liveseq/gain", -4.5)
        controller.send("/liveseq/layer/2/tag", "hum")
        controller.ask("/liveseq/tag", "bells", answer="/liveseq/done")
        wait_for(lambda: saved(server, folder / "state").get("/liveseq/layer/1/tag") == ["bells"])
        children = psutil.Process(server.pid).children(recursive=True)
        os.kill(server.pid, signal.SIGKILL)
        server.close()
    assert sum("no session to resume; starting afresh" in line for line in server.errors) == 1
    with serve(folder, "--resume", "--play", "drone", "--osc-port", server.port) as again:
        assert again.port == server.port
        assert psutil.wait_procs(children, timeout=PATIENCE)[1] == []
        with controlling(again) as controller:
            controller.wait_for("playing", voices=2)
            assert controller.ask("/liveseq/gain") == (-4.5,)
            assert controller.ask("/liveseq/layer/1/tag") == ("bells",)
            assert controller.ask("/liveseq/layer/2/tag") == ("hum",)
            assert again.stop() == 0
    with serve(folder) as afresh, controlling(afresh) as controller:
        assert controller.ask("/liveseq/layer/1/tag") == ("",)
        controller.wait_for("ready")


def test_a_recording_that_ends_for_want_of_room_is_said_once_and_the_music_goes_on(folder, tmp_path):
    with contextlib.ExitStack() as stack:
        disk = next(mounts := mounted(tmp_path / "disk", megabytes=2))
        stack.callback(lambda: list(mounts))
        flags = ("--corpus", "tiny.corpus", "--output", f"wav:{disk.path / 'take.wav'}", "--play", "hum")
        server = stack.enter_context(running(folder, *flags))
        controller = stack.enter_context(controlling(server, "log"))
        said = []
        until = time.monotonic() + PATIENCE
        while not said and time.monotonic() < until:
            said = [one for one in [controller.hear("/liveseq/log")] if one and "recording ended" in one[1]]
        assert said[0][1].endswith("take.wav: recording ended, No space left on device")
        assert said[0][0] == "warning"
        status = controller.wait_for("playing", voices=1)
        assert "recording ended, No space left on device" in status[-1]
        shutil.rmtree(disk.path, ignore_errors=True)
        assert server.stop() == 0
    assert sum("recording ended" in line for line in server.errors) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the device's own thread is raised")
def test_a_machine_that_grants_no_real_time_priority_is_said_so_once(folder):
    """Also to root: what is started has the right no more."""
    serve = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r});"
        "from liveseq.server.cli import serve; sys.exit(serve(sys.argv[1:]))"
    )
    code = (
        "import ctypes, os, resource, sys;"
        "ctypes.CDLL(None).prctl(24, 23, 0, 0, 0);"  # PR_CAPBSET_DROP, CAP_SYS_NICE
        "resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0));"
        f"os.execv(sys.executable, [sys.executable, '-c', {serve!r}, *sys.argv[1:]])"  # the server itself has none
    )
    flags = ("--corpus", "tiny.corpus", "--output", "none", "--play", "hum")
    with running(folder, *flags, program=("-c", code)) as server, controlling(server) as controller:
        sentence = "the system grants no real-time priority: busy programs beside this one may be heard"
        wait_for(lambda: controller.ask("/liveseq/status")[-1] == sentence)
        controller.wait_for("playing", voices=1)
        with controlling(server, "log") as ear:
            let_play(controller, 2.5)
            assert [text for _, text in log_lines(ear) if "real-time" in text] == []
        assert server.stop() == 0
