"""Processes that a benchmark started go down with it, however it ends; what it wrote is removed where it can be."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from benchmarks.rigs import started
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere who is killed tells nobody")

ROOT = Path(__file__).resolve().parents[2]
BENCHMARK = """
import multiprocessing, signal, subprocess, sys, tempfile, time
from benchmarks.rigs.started import spawned, started

PROGRAM = "import time; print(flush=True); time.sleep(600)"
OTHER_BENCHMARK = f"import sys; from benchmarks.rigs.started import run; run([sys.executable, '-c', {PROGRAM!r}])"

def work(ready):
    ready.set()
    while True:
        pass

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background of a shell it would be ignored
    ready = multiprocessing.get_context("spawn").Event()
    with (
        tempfile.TemporaryDirectory(dir=".") as folder,
        started([sys.executable, "-c", OTHER_BENCHMARK], stdout=subprocess.PIPE) as other,
    ):
        spawned(work, ready)
        other.stdout.readline()
        ready.wait()
        print("ready", flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_of_a_benchmark(tmp_path, how):
    (tmp_path / "benchmark.py").write_text(BENCHMARK)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "benchmark.py"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE) as benchmark:
        assert benchmark.stdout.readline() == b"ready\n"
        family = psutil.Process(benchmark.pid).children(recursive=True)
        assert len(family) >= 3, "a benchmark, what that one started, and a process that works"
        benchmark.send_signal(how)
        _, left = psutil.wait_procs(family, timeout=PATIENCE)
        for process in (*left, benchmark):
            process.kill()
    assert not left
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [] or how == signal.SIGKILL


def test_who_does_not_end_when_asked_is_killed(monkeypatch):
    monkeypatch.setattr(started, "PATIENCE", 0.2)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    with started.started([sys.executable, "-c", deaf], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
    assert process.returncode == -signal.SIGKILL


def test_a_program_to_its_end():
    assert started.run([sys.executable, "-c", "raise SystemExit(3)"]) == 3
