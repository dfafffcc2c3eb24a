"""The shipped patch in Pure Data itself, headless, against the real server."""

import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.paths import ROOT
from liveseq.osc.table import addresses
from tests.support.server_process import running
from tests.support.tiny_set import make_set
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.pd, pytest.mark.live, pytest.mark.slow]

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
    with running(folder, "--corpus", "tiny.corpus", "--output", "none", "--state-dir", "state") as server:
        server.folder = folder
        yield server


@contextmanager
def pd(server, *messages):
    """Pd with the patch, connected to this server, which gets the messages; yields a function: what it has printed."""
    if shutil.which("pd") is None:
        pytest.skip("no pd here (puredata)")
    command = ["pd", "-nogui", "-noaudio", "-stderr", "-open", str(ROOT / "patches" / "liveseq.pd")]
    command += ["-open", str(server.folder / "watch.pd")]
    for message in (f"liveseq-connect connect 127.0.0.1 {server.port}", *messages):
        command += ["-send", message]
    with tempfile.NamedTemporaryFile() as printed:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=printed)
        try:  # Pd prints a space inside a symbol with a backslash
            yield lambda: Path(printed.name).read_text().replace("\\", "")
        finally:
            process.kill()
            process.wait()


def test_the_patch_plays_a_tag_and_shows_the_answer(server, controller):
    with pd(server, "liveseq-tag symbol bells", "liveseq-gain -6") as printed:
        wait_for(lambda: controller.ask("/liveseq/tag") == ("bells",))
        wait_for(lambda: controller.ask("/liveseq/gain") == (-6.0,))
        controller.wait_for("playing", voices=1)
        wait_for(lambda: "state: symbol playing" in printed())
        wait_for(lambda: "sounding: symbol bells.wav" in printed())


def test_words_with_a_space_arrive_as_one_tag_and_a_refusal_is_shown(server, controller):
    with pd(server, "liveseq-tag symbol no\\ such\\ thing") as printed:
        wait_for(lambda: "message: symbol unknown tag 'no such thing'" in printed())


def test_macros_and_modes_reach_the_layers_and_come_back_to_the_sliders(server, controller):
    messages = ("liveseq-tag symbol hum", "liveseq-brightness 0.75", "liveseq-memory 1", "liveseq-mode symbol cloud")
    with pd(server, *messages) as printed:
        wait_for(lambda: controller.ask("/liveseq/steer/brightness") == (0.75,))
        wait_for(lambda: controller.ask("/liveseq/layer/2/steer/memory") == (1.0,))
        wait_for(lambda: controller.ask("/liveseq/mode") == ("cloud",))
        wait_for(lambda: "brightness: set 0" in printed())  # the first state dump
    with pd(server, "liveseq-mode-1 bang"):
        wait_for(lambda: controller.ask("/liveseq/mode") == ("continuous",))


def test_every_address_of_the_patch_is_in_the_table():
    text = (ROOT / "patches" / "liveseq.pd").read_text()
    sent = re.findall(r"oscformat (?:-f \w+ )?liveseq ([^;]+);", text)
    assert len(sent) == 20
    for words in sent:
        assert f"/liveseq/{'/'.join(words.split())}" in addresses(2)


def test_the_panic_button_stops(server, controller):
    with pd(server, "liveseq-tag symbol drone"):
        wait_for(lambda: controller.ask("/liveseq/tag") == ("drone",))
        controller.wait_for("playing", voices=1)
    with pd(server, "liveseq-panic bang"):
        controller.wait_for("ready", voices=0)
