"""What starts processes: no signal is lost, none acts twice, and Ctrl-C is not for what was started."""

import os
import signal
import subprocess
import sys

import pytest

from liveseq.processes import uninterrupted

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as Linux and macOS have them")

FIRST_PROCESS = """
import multiprocessing, signal
from liveseq.processes import uninterrupted

def look(pipe):
    pipe.send(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))

if __name__ == "__main__":
    heard, told = multiprocessing.Pipe(False)
    process = multiprocessing.get_context("spawn").Process(target=look, args=(told,))
    with uninterrupted():
        process.start()
    print(heard.recv(), signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    process.join()
"""


def test_the_first_process_that_is_started_never_hears_ctrl_c(tmp_path):
    """multiprocessing's resource tracker begins with it, and lets through again what it had kept off."""
    (tmp_path / "first_process.py").write_text(FIRST_PROCESS)
    said = subprocess.run(
        [sys.executable, "first_process.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    assert said.stdout.split() == ["True", "False"], said.stderr


@pytest.fixture
def heard():
    """The numbers of the signals that reached the handlers outside."""
    came = []
    before = {n: signal.signal(n, lambda n, _: came.append(n)) for n in (signal.SIGINT, signal.SIGTERM)}
    yield came
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_signal_waits_until_what_is_started_is_whole(heard):
    with uninterrupted():
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard == []
    assert heard == [signal.SIGTERM]


def test_who_ignores_ctrl_c_goes_on_doing_so_and_is_ended_by_the_other(heard):
    """A server in the background of a shell: the terminal sends SIGINT to all, and the shell SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with uninterrupted():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
    assert heard == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
