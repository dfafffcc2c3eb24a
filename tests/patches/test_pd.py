"""The shipped patch in Pure Data itself, headless, against the real server."""

import re
import shutil
import subprocess
import time

import pytest

from benchmarks.paths import ROOT
from benchmarks.rigs.controller import Controller
from liveseq.osc.table import addresses
from tests.support.server_process import running
from tests.support.tiny_set import make_set

pytestmark = [pytest.mark.pd, pytest.mark.slow]

# Prints what the patch shows; the names are the patch's public ones.
WATCH = """#N canvas 0 0 400 300 12;
#X obj 10 10 r liveseq-state;
#X obj 10 40 print state;
#X obj 200 10 r liveseq-sounding;
#X obj 200 40 print sounding;
#X obj 10 90 r liveseq-message;
#X obj 10 120 print message;
#X obj 200 90 r liveseq-brightness-set;
#X obj 200 120 print brightness;
#X connect 0 0 1 0;
#X connect 2 0 3 0;
#X connect 4 0 5 0;
#X connect 6 0 7 0;
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pd")
    make_set(folder)
    (folder / "watch.pd").write_text(WATCH)
    server = running(folder, "--corpus", "tiny.corpus", "--output", "none", "--state-dir", "state")
    server.folder = folder
    yield server
    if server.process.poll() is None:
        server.stop()


def run_pd(server, *messages, seconds=3.0):
    """What Pd printed. The patch connects to this server; then it gets the messages."""
    if shutil.which("pd") is None:
        pytest.skip("no pd here (puredata)")
    command = ["pd", "-nogui", "-noaudio", "-stderr", "-open", str(ROOT / "patches" / "liveseq.pd")]
    command += ["-open", str(server.folder / "watch.pd")]
    for message in (f"liveseq-connect connect 127.0.0.1 {server.port}", *messages):
        command += ["-send", message]
    pd = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(seconds)
    pd.terminate()
    return pd.communicate(timeout=10)[1].replace("\\", "")  # Pd prints a space inside a symbol with a backslash


def test_the_patch_plays_a_tag_and_shows_the_answer(server):
    printed = run_pd(server, "liveseq-tag symbol bells", "liveseq-gain -6")
    controller = Controller(server.port)
    try:
        assert controller.ask("/liveseq/tag") == ("bells",)
        assert controller.ask("/liveseq/gain") == (-6.0,)
        controller.wait_for("playing", voices=1)
        assert "state: symbol playing" in printed
        assert "sounding: symbol bells.wav" in printed
    finally:
        controller.close()


def test_words_with_a_space_arrive_as_one_tag_and_a_refusal_is_shown(server):
    printed = run_pd(server, "liveseq-tag symbol no\\ such\\ thing")
    assert "message: symbol unknown tag 'no such thing'" in printed


def test_macros_and_modes_reach_the_layers_and_come_back_to_the_sliders(server):
    controller = Controller(server.port)
    try:
        printed = run_pd(
            server, "liveseq-tag symbol hum", "liveseq-brightness 0.75", "liveseq-memory 1", "liveseq-mode symbol cloud"
        )
        assert controller.ask("/liveseq/steer/brightness") == (0.75,)
        assert controller.ask("/liveseq/layer/2/steer/memory") == (1.0,)
        assert controller.ask("/liveseq/mode") == ("cloud",)
        assert "brightness: set 0" in printed  # the first state dump
        run_pd(server, "liveseq-mode-1 bang", seconds=2.0)
        assert controller.ask("/liveseq/mode") == ("continuous",)
    finally:
        controller.close()


def test_every_address_of_the_patch_is_in_the_table():
    text = (ROOT / "patches" / "liveseq.pd").read_text()
    sent = re.findall(r"oscformat (?:-f \w+ )?liveseq ([^;]+);", text)
    assert len(sent) == 20
    for words in sent:
        assert f"/liveseq/{'/'.join(words.split())}" in addresses(2)


def test_the_panic_button_stops(server):
    controller = Controller(server.port)
    try:
        run_pd(server, "liveseq-tag symbol drone", seconds=2.0)
        controller.wait_for("playing", voices=1)
        run_pd(server, "liveseq-panic bang", seconds=2.0)
        controller.wait_for("ready", voices=0)
    finally:
        controller.close()
