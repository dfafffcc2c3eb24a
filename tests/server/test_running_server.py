"""The real server: three processes, UDP, kill -9."""

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from benchmarks.paths import ROOT
from benchmarks.rigs.controller import Controller
from liveseq.corpus.store import FORMAT_VERSION, Corpus
from liveseq.dsp.files import load_audio
from tests.support.metronome import Metronome
from tests.support.server_process import child, controlling, let_play, played, running, saved
from tests.support.tiny_set import TAGS
from tests.support.waiting import PATIENCE, denied, wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow]

if sys.platform == "win32":
    pytest.skip("signals and memory maps as Linux and macOS have them", allow_module_level=True)


CONTROL_BACK = 4.0
"""Seconds, without those in which others had the cores; twice the target."""
CLOCK_BEHIND = 0.1
"""Seconds that a clock without a device may be late before it counts blocks as missed."""


@pytest.fixture(scope="module")
def server(folder):
    with running(folder, "--corpus", "tiny.corpus", "--output", "wav:take.wav", "--state-dir", "state") as server:
        yield server


@pytest.fixture
def other(server):
    with controlling(server) as controller:
        yield controller


def test_one_line_says_that_it_can_be_played(server):
    assert "output wav:" in server.ready
    assert f"corpus {3 * 35} units" in server.ready
    assert server.lines.empty()


def test_oscsend_plays_a_tag_and_every_subscriber_hears_of_it(server, controller, other):
    if shutil.which("oscsend") is None:
        pytest.skip("no oscsend here (liblo-tools)")
    for one in (controller, other):
        one.ask("/liveseq/subscribe", "/liveseq", 50.0, answer="/liveseq/done")
    subprocess.run(["oscsend", "127.0.0.1", str(server.port), "/liveseq/tag", "s", "bells"], check=True)
    for one in (controller, other):
        segment = one.hear("/liveseq/segment")
        assert segment[2] == "bells.wav"
        assert segment[0] == 1
        assert one.hear("/liveseq/heartbeat") is not None
    controller.wait_for("playing", voices=1)
    assert controller.ask("/liveseq/tags") == ("bells", 1.0)
    meter = controller.hear("/liveseq/meter")
    assert meter[0] > -40.0


def test_an_unknown_tag_is_refused_and_the_old_one_sounds_on(controller):
    address, code, message = controller.ask("/liveseq/tag", "guitar", answer="/liveseq/fail")
    assert (address, code) == ("/liveseq/tag", "not_found")
    assert any(tag in message for tag in TAGS)
    assert controller.ask("/liveseq/tag") == ("bells",)


def test_garbage_and_a_flood_leave_the_server_as_it_was(controller):
    dice = random.Random(5)
    with contextlib.closing(Metronome()) as metronome:
        before = controller.wait_for("playing")
        for _ in range(300):
            head = dice.choice([b"", b"/liveseq/tag\0\0\0\0,s\0\0", b"#bundle\0"])
            controller.raw(head + dice.randbytes(dice.randrange(200)))
        for n in range(10_000):
            controller.send("/liveseq/layer/1/pan", float(n % 3 - 1))
        controller.send("/liveseq/layer/1/pan", 0.0)
        assert controller.ask("/liveseq/sync", 1, answer="/liveseq/synced") == (1,)
        controller.ask("/liveseq/ping", answer="/liveseq/pong")
        after = controller.wait_for("playing")
        assert after[5] == before[5]
        assert after[3] == before[3] or metronome.longest() > CLOCK_BEHIND / 2, "an underrun of our making"


def test_no_live_process_has_training_or_building_libraries(server):
    family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    assert len(family) >= 3
    for process in family:
        mapped = " ".join(one.path for one in process.memory_maps())
        for name in ("torch", "numba", "llvmlite", "transformers", "sklearn"):
            assert f"/{name}" not in mapped, f"{process.cmdline()} has loaded {name}"


@pytest.mark.skipif(sys.platform != "linux", reason="what a process was started with can be read on Linux")
def test_no_live_process_computes_in_threads_of_its_own_or_asks_for_huge_pages(server):
    for process in psutil.Process(server.pid).children(recursive=True):
        environment = process.environ()
        assert (environment["OMP_NUM_THREADS"], environment["NUMPY_MADVISE_HUGEPAGE"]) == ("1", "0")


def heard_or_missed(controller):
    """Seconds of the engine's clock, and those of blocks that it was too late for."""
    seconds, status = played(controller), controller.ask("/liveseq/status")
    return seconds + 1e-3 * status[3] * status[11]


def test_a_killed_conductor_is_back_with_everything_and_the_sound_goes_on(server, controller, folder):
    controller.send("/liveseq/gain", -3.0)
    controller.send("/liveseq/layer/2/tag", "hum")
    controller.send("/liveseq/seed", 77)
    controller.ask("/liveseq/sync", 2, answer="/liveseq/synced")
    wait_for(lambda: saved(server, folder / "state").get("/liveseq/layer/2/seed") == [77], what="the session on disk")
    before, began = heard_or_missed(controller), time.monotonic()
    os.kill(child(server, "conductor"), signal.SIGKILL)
    others = denied(server.pid)
    killed = time.monotonic()
    controller.ask("/liveseq/ping", answer="/liveseq/pong")
    now = time.monotonic()
    others = denied(server.pid, child(server, "conductor")) - others
    assert now - killed - others < CONTROL_BACK
    assert heard_or_missed(controller) - before >= now - began - CLOCK_BEHIND
    assert controller.ask("/liveseq/gain") == (-3.0,)
    assert controller.ask("/liveseq/layer/1/tag") == ("bells",)
    assert controller.ask("/liveseq/layer/2/tag") == ("hum",)
    assert controller.ask("/liveseq/layer/2/seed") == (77,)
    controller.wait_for("playing", voices=2)


def test_a_killed_engine_is_back_and_plays_what_was_playing(server, controller):
    before, killed = played(controller), child(server, "engine")
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: not psutil.pid_exists(killed), what="its end")
    controller.wait_for("playing", voices=2)
    assert child(server, "engine") != killed
    assert played(controller) > before
    assert controller.ask("/liveseq/gain") == (-3.0,)


def test_panic_is_silence(controller):
    controller.ask("/liveseq/panic", answer="/liveseq/done")
    controller.wait_for("ready", voices=0)
    assert controller.ask("/liveseq/tag", "drone", answer="/liveseq/done")[:2] == ("/liveseq/tag", "drone")
    controller.wait_for("playing", voices=1)


@pytest.mark.parametrize("corpus", [("--corpus", "tiny.corpus"), ()])
def test_a_second_server_on_the_port_is_told_who_has_it(server, folder, corpus):
    """Before a first corpus is made, where it is given none."""
    command = [sys.executable, str(ROOT / "run_server.py"), *corpus, "--osc-port", str(server.port)]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    assert not (folder / "corpora").exists()
    assert result.returncode == 2
    [line] = result.stderr.splitlines()
    assert f"UDP port {server.port} on 127.0.0.1: taken by process {server.pid}" in line
    assert "--osc-port auto" in line


def test_sigterm_fades_out_and_leaves_nothing(server, folder):
    family = psutil.Process(server.pid).children(recursive=True)
    assert server.stop() == 0
    _, alive = psutil.wait_procs(family, timeout=PATIENCE)
    assert alive == []
    log = r"state/log-[-\d]+\.jsonl"  # two: a conductor was killed, and so was an engine
    farewell = rf"liveseq stopped: saved take\.wav \(\d+ s\), take\.2\.wav \(\d+ s\); log {log}, {log}"
    assert re.fullmatch(farewell, server.lines.get(timeout=PATIENCE))
    take = load_audio(folder / "take.2.wav", sample_rate=48_000)  # the second engine's
    assert np.abs(take[-16:]).max() < 1e-3
    assert np.abs(np.diff(take[-9_600:], axis=0)).max() < 0.01  # a fade, no cut
    assert np.abs(take[-24_000:-4_800]).max() > 0.01


def test_the_sound_went_on_while_the_conductor_was_dead(folder):
    """Recorded by the tests above, up to the death of the engine: from the tag on no 20 ms without sound."""
    take = load_audio(folder / "take.wav", sample_rate=48_000)  # both channels: the flood has panned to and fro
    level = np.abs(take[: len(take) // 960 * 960].reshape(-1, 2 * 960)).max(axis=1)
    first = int(np.argmax(level > 0.01))
    assert first < len(level) - 50
    assert level[first:].min() > 0.01


def test_what_it_was_started_with_survives_quit_ends_it_and_both_logs_can_be_replayed(folder):
    flags = ("--corpus", "tiny.corpus", "--output", "none", "--play", "hum", "--state-dir", "state2")
    with running(folder, *flags) as server, controlling(server) as controller:
        assert controller.wait_for("playing")[9] == "none"
        os.kill(child(server, "conductor"), signal.SIGKILL)
        assert controller.ask("/liveseq/tag") == ("hum",)
        controller.wait_for("playing", voices=1)
        controller.send("/liveseq/quit")
        assert server.close() == 0
        assert server.lines.get(timeout=PATIENCE).startswith("liveseq stopped: log state2/log-")
    assert [line for line in server.errors if "conductor has died (SIGKILL)" not in line] == []
    for log in sorted((folder / "state2").glob("log-*.jsonl")):
        command = [sys.executable, "-m", "liveseq.cli", "replay", str(log), f"{log.stem}.wav"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=PATIENCE)
        assert np.abs(load_audio(folder / f"{log.stem}.wav", sample_rate=48_000)).max() > 0.05


def test_a_signal_to_all_of_its_processes_leaves_a_whole_log(folder):
    """As systemd ends a service."""
    flags = ("--corpus", "tiny.corpus", "--output", "none", "--play", "hum", "--state-dir", "state4")
    with running(folder, *flags) as server:
        conductor = child(server, "conductor")
        server.process.send_signal(signal.SIGTERM)
        os.kill(conductor, signal.SIGTERM)
        assert server.close() == 0
    [log] = (folder / "state4").glob("log-*.jsonl")
    assert '"end": true' in log.read_text().splitlines()[-1]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--corpus", "none.corpus"], r"none.corpus: no corpus there"),
        (["--corpus", "tiny.corpus", "--sample-rate", "44100"], "has 48000 Hz, expected 44100 Hz"),
        (["--corpus", "tiny.corpus", "--predictor", "predicter"], "predicter: no such model folder"),
        (["--corpus", "tiny.corpus", "--predictor", "x" * 300], "xxx: no such model folder (File name too long)"),
        (["--corpus", "x" * 300], "xxx...: a path of 310 characters is too long; name a shorter one"),
        (["--corpus", "tiny.corpus", "--play", "guitar"], "unknown tag 'guitar'"),
        (
            ["--corpus", "tiny.corpus", "--output", "wav:no/folder/x.wav"],
            "x.wav: not written: there is no folder no/fol",
        ),
        (
            ["--corpus", "tiny.corpus", "--output", "wav:take.mp3"],
            "take.mp3: not written: expected a name in .wav, found a name in '.mp3'",
        ),
        (["--corpus", "tiny.corpus", "--block-size", "7"], "block_size: expected 16 to 8192, found 7"),
        (["--config", "gig.yaml"], "unknown key corpuss; did you mean corpus?"),
        (["--corpus", "tiny.corpus", "--state-dir", "gig.yaml"], "state_dir: gig.yaml: cannot be written"),
        (["--corpus", "tiny.corpus", "--listen", "192.0.2.1"], "on 192.0.2.1: Cannot assign"),
        (["--corpus", "tiny.corpus", "--allow", "10.0.0.300"], "or *, found '10.0.0.300'"),
        (
            ["--corpus", "empty.corpus"],
            "empty.corpus: holds no recordings (an interrupted build?); run the build again",
        ),
        (["--corpus", "old.corpus"], f"old.corpus: corpus format 99, this version reads format {FORMAT_VERSION}"),
        (["--corpus", "tiny.corpus", "--predictor", "damaged"], "model.onnx: expected SHA-256"),
    ],
)
def test_what_cannot_start_says_why_in_one_line(folder, flags, message):
    make_unusable(folder)
    command = [sys.executable, str(ROOT / "run_server.py"), "--output", "none", "--osc-port", "auto", *flags]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    assert result.returncode == 2, result.stderr
    [line] = result.stderr.splitlines()
    assert message in line


def make_unusable(folder):
    if (folder / "gig.yaml").exists():
        return
    Corpus.create(folder / "empty.corpus", sample_rate=48_000).close()
    shutil.copytree(folder / "tiny.corpus", folder / "old.corpus")
    with contextlib.closing(sqlite3.connect(folder / "old.corpus" / "corpus.db")) as db:
        db.execute("PRAGMA user_version = 99")
    shutil.copytree(folder / "predictor", folder / "damaged")
    with (folder / "damaged" / "model.onnx").open("ab") as file:
        file.write(b"x")
    (folder / "gig.yaml").write_text("corpuss: x\n")


def test_an_engine_that_never_starts_ends_the_server_with_one_line(folder):
    """Shared memory of this name does not exist: nobody but a broken installation meets that."""
    code = (
        "import sys; from liveseq.server import child, supervisor; from liveseq.server.cli import serve;"
        "child.BACK_OFF = (0.0,); supervisor.EngineState.name = property(lambda self: 'none');"
        "sys.exit(serve(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "--corpus", "tiny.corpus", "--output", "none", "--osc-port", "auto"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    assert result.returncode == 2
    assert re.search(r"^liveseq: the \w+ cannot start \(exit code 1, 3 times\); see above$", result.stderr, re.M)


def test_an_unknown_device_is_named_and_the_clock_runs_without_it(folder):
    flags = ("--corpus", "tiny.corpus", "--output", "Nirvana 9", "--state-dir", "state3")
    with running(folder, *flags) as server, controlling(server) as controller:
        assert "output none (no device), corpus" in server.ready
        [line] = server.errors
        assert re.search("no sound: (no output device named 'Nirvana 9'; (did|there)|PortAudio: )", line)
        controller.send("/liveseq/tag", "hum")
        assert controller.wait_for("no_device", voices=1)[9].startswith(("no output device named", "PortAudio"))
        assert server.stop() == 0


def test_two_servers_share_a_state_folder_and_each_goes_on_with_its_own(folder):
    flags = ("--corpus", "tiny.corpus", "--output", "none", "--state-dir", "both")
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(running(folder, *flags)) for _ in range(2)]
        controllers = [stack.enter_context(controlling(server)) for server in servers]
        for controller, tag in zip(controllers, ("drone", "hum"), strict=True):
            controller.ask("/liveseq/tag", tag, answer="/liveseq/done")
        for server, tag in zip(servers, ("drone", "hum"), strict=True):
            wait_for(lambda s=server, t=tag: saved(s, folder / "both").get("/liveseq/layer/1/tag") == [t])
        os.kill(child(servers[0], "conductor"), signal.SIGKILL)
        assert [controller.ask("/liveseq/tag") for controller in controllers] == [("drone",), ("hum",)]
        assert [server.stop() for server in servers] == [0, 0]


def test_a_corpus_that_is_deleted_is_played_from_memory(folder):
    shutil.copytree(folder / "tiny.corpus", folder / "gone.corpus")
    flags = ("--corpus", "gone.corpus", "--output", "none", "--play", "hum", "--state-dir", "state6")
    with running(folder, *flags) as server, controlling(server) as controller:
        controller.wait_for("playing", voices=1)
        shutil.rmtree(folder / "gone.corpus")
        assert controller.ask("/liveseq/tag", "bells", answer="/liveseq/done")[1] == "bells"
        controller.wait_for("playing", voices=1)
        assert server.stop() == 0


@pytest.mark.parametrize("gone", ["before it is ready", "after its first line"])
def test_a_server_whose_terminal_has_gone_plays_on_and_ends_in_silence(folder, gone):
    """As in `run_server.py | head -1`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = ["--corpus", "tiny.corpus", "--output", "none", "--play", "hum", "--state-dir", "state5"]
    command = [sys.executable, str(ROOT / "run_server.py"), *flags, "--osc-port", str(port)]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    controller = Controller(port)
    try:
        if gone == "after its first line":
            assert process.stdout.readline().startswith("liveseq ready: ")
        process.stdout.close()
        controller.wait_for("playing", voices=1)
        let_play(controller, 0.2)  # the line that it was ready has been written, too
        controller.wait_for("playing", voices=1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 0
        assert process.stderr.read() == ""
    finally:
        controller.close()
        process.kill()
        process.wait()
        process.stderr.close()


def imported_by(*modules):
    """Packages that these modules of ours import, directly or not."""
    code = f"import sys, {', '.join(modules)}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=Path("/"))
    return set(found.stdout.split())


def test_imports_of_the_live_path():
    found = imported_by("liveseq.server.supervisor", "liveseq.conductor.process", "liveseq.engine.process")
    assert not {"torch", "librosa", "numba", "transformers", "sklearn", "onnx"} & found


def test_the_supervisor_imports_no_model_index_audio_or_osc_code():
    heavy = {"onnxruntime", "faiss", "tokenizers", "soundfile", "soxr", "librosa", "sounddevice", "pythonosc"}
    assert not heavy & imported_by("liveseq.server.supervisor")
    assert heavy - {"librosa", "sounddevice"} <= imported_by("liveseq.conductor.process")  # they would be seen
