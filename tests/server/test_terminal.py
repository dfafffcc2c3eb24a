"""The terminal that a server was started in: closed, stopped with Ctrl-S, or a pipe that nobody reads."""

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from benchmarks.paths import ROOT
from benchmarks.rigs.controller import Controller
from liveseq.dsp.files import load_audio
from tests.support.server_process import child, let_play
from tests.support.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow]

if sys.platform == "win32":
    pytest.skip("terminals as Linux and macOS have them", allow_module_level=True)

READY = b"liveseq ready: osc 127.0.0.1:"


def command(folder, output, place):
    flags = ["--corpus", "tiny.corpus", "--output", output, "--play", "hum", "--state-dir", str(place)]
    return [sys.executable, str(ROOT / "run_server.py"), "--osc-port", "auto", *flags]


class Terminal:
    """A server in a terminal of its own, whose keyboard and screen are `keys`."""

    def __init__(self, folder, output, place):
        self.keys, inside = os.openpty()
        self.process = subprocess.Popen(
            command(folder, output, place),
            cwd=folder,
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            preexec_fn=_be_at_home,
        )
        os.close(inside)
        self.shown = b""
        self.port = int(self.wait_for(READY).split(READY)[1].split(b",")[0])

    def read(self):
        while select.select([self.keys], [], [], 0.01)[0]:
            self.shown += os.read(self.keys, 65_536)
        return self.shown

    def wait_for(self, part):
        return wait_for(lambda: part in self.read() and self.shown, what=part)

    def close(self):
        with contextlib.suppress(OSError):
            os.close(self.keys)
        self.process.kill()
        self.process.wait()


def _be_at_home():
    """The terminal is the process's own: who closes it, or presses a key in it, means this process."""
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def terminal(folder, tmp_path):
    terminal = Terminal(folder, f"wav:{tmp_path / 'take.wav'}", tmp_path)
    yield terminal
    terminal.close()


def kill_engine(process):
    """Kill the engine, and wait for the next one."""
    before = child(process, "engine")
    os.kill(before, signal.SIGKILL)

    def come_back():
        with contextlib.suppress(AssertionError):
            return child(process, "engine") != before
        return False

    wait_for(come_back, what="a new engine")


def shared_memory(family):
    """Names of the shared memory that these processes have open."""
    maps = {one.path for process in family for one in process.memory_maps()}
    return {path.removesuffix(" (deleted)") for path in maps if path.startswith("/dev/shm/psm_")}


def test_a_closed_terminal_is_a_polite_end(terminal, tmp_path):
    server = psutil.Process(terminal.process.pid)
    family = [server, *server.children(recursive=True)]
    memory = shared_memory(family)
    assert memory or sys.platform != "linux"
    with Controller(terminal.port) as controller:
        controller.wait_for("playing", voices=1, seconds=PATIENCE)
        let_play(controller, 0.5)
    os.close(terminal.keys)
    assert terminal.process.wait(PATIENCE) == 0
    assert psutil.wait_procs(family, timeout=PATIENCE)[1] == []
    assert [path for path in memory if Path(path).exists()] == []
    take = load_audio(tmp_path / "take.wav", sample_rate=48_000)
    assert np.abs(take[-16:]).max() < 1e-3
    assert np.abs(np.diff(take[-9_600:], axis=0)).max() < 0.01  # a fade, no cut
    assert np.abs(take[-24_000:-4_800]).max() > 0.01


def test_ctrl_s_stops_the_lines_and_nothing_else(terminal):
    with Controller(terminal.port) as controller:
        controller.wait_for("playing", voices=1, seconds=PATIENCE)
        os.write(terminal.keys, b"\x13")
        kill_engine(terminal.process)
        controller.wait_for("playing", voices=1, seconds=PATIENCE)
        assert b"engine has died" not in terminal.read()
        os.write(terminal.keys, b"\x11")  # Ctrl-Q
        terminal.wait_for(b"liveseq: engine has died (SIGKILL); a new one starts at once")
        os.write(terminal.keys, b"\x13")
        began = time.monotonic()
        terminal.process.terminate()
        assert terminal.process.wait(PATIENCE) == 0
        assert time.monotonic() - began < PATIENCE / 2


def test_a_pipe_that_nobody_reads_holds_up_neither_restarts_nor_the_end(folder, tmp_path):
    """Full to its last byte before anything is said."""
    inside, outside = os.pipe()
    os.set_blocking(outside, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(outside, b"x")
    os.set_blocking(outside, True)
    process = subprocess.Popen(
        command(folder, "none", tmp_path), cwd=folder, stdout=subprocess.PIPE, stderr=outside, text=False
    )
    os.close(outside)
    try:
        ready = process.stdout.readline()
        with Controller(int(ready.split(READY)[1].split(b",")[0])) as controller:
            for _ in range(2):
                controller.wait_for("playing", voices=1, seconds=PATIENCE)
                kill_engine(process)
            controller.wait_for("playing", voices=1, seconds=PATIENCE)
        process.terminate()
        assert process.wait(PATIENCE) == 0
        assert process.stdout.readline().startswith(b"liveseq stopped")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        os.close(inside)
