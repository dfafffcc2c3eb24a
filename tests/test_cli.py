"""The command line as a shell has it: paths of any bytes, an output that takes no more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server_process import controlling, let_play, running
from tests.support.tiny_set import make_set

ODD = os.fsdecode(b"caf\xe9")
"""A name that is no UTF-8, as disks of old machines have them."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are Unicode, and no device is full")


def liveseq(folder, *arguments, out=subprocess.PIPE):
    """Runs it with a terminal that knows nothing but UTF-8."""
    command = [sys.executable, "-m", "liveseq.cli", *arguments]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8:strict", "PYTHONPATH": str(Path.cwd())}
    return subprocess.run(
        command, cwd=folder, env=environment, stdout=out, stderr=subprocess.PIPE, text=True, check=False
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("set")
    make_set(folder)
    (folder / "tiny.corpus").rename(folder / f"{ODD}.corpus")
    return folder


def test_paths_that_are_no_utf8_are_read_written_and_said(folder):
    found = liveseq(folder, "corpus", "info", f"{ODD}.corpus")
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith(r"caf\udce9.corpus: corpus format")
    flags = ("--corpus", f"{ODD}.corpus", "--predictor", str(folder / "predictor"), "--seconds", "1")
    found = liveseq(folder, "render", *flags, "--tag", "*", f"{ODD}.wav")
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith(r"caf\udce9.wav: 1 s, ")
    assert (folder / f"{ODD}.wav").stat().st_size > 100_000
    found = liveseq(folder, "corpus", "info", f"{ODD}.other")
    assert found.returncode == 2
    assert found.stderr.startswith(r"liveseq: caf\udce9.other: no corpus there")
    assert found.stderr.count("\n") == 1


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_output_that_takes_no_more_is_said_in_one_line(folder, monkeypatch, unbuffered):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with open("/dev/full", "w") as full:
        found = liveseq(folder, "corpus", "info", f"{ODD}.corpus", out=full)
    assert found.returncode == 2
    why = "the output cannot be written (No space left on device); write it where there is room"
    assert found.stderr == f"liveseq: {why}\n"


@pytest.mark.live
@pytest.mark.slow
def test_a_server_plays_from_and_to_paths_that_are_no_utf8(folder, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8:strict")
    flags = ("--corpus", f"{ODD}.corpus", "--output", f"wav:{ODD}-live.wav", "--state-dir", f"{ODD}-state")
    with running(folder, *flags) as server:
        assert r"output wav:caf\udce9-live.wav" in server.ready
        with controlling(server) as controller:
            controller.send("/liveseq/tag", "bells")
            status = controller.wait_for("playing", voices=1)
            assert (status[9], status[13]) == (r"wav:caf\udce9-live.wav", r"caf\udce9.corpus")
            let_play(controller, 0.5)
        assert server.stop() == 0
        assert server.errors == []
    assert (folder / f"{ODD}-live.wav").stat().st_size > 100_000
