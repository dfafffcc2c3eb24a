"""The real server with a generator: a word becomes sound, kill -9, a full disk; the music goes on."""

import os
import signal
import subprocess
import sys
from contextlib import closing

import numpy as np
import psutil
import pytest

from benchmarks.paths import ROOT
from liveseq.corpus.store import Corpus
from liveseq.corpus.verify import verify
from liveseq.dsp.files import load_audio
from liveseq.runtime.manifest import sha256_of
from tests.support.metronome import Metronome
from tests.support.server_process import child, controlling, running, saved
from tests.support.tiny_generator import make_generator
from tests.support.tiny_set import SAMPLE_RATE
from tests.support.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow]

if sys.platform == "win32":
    pytest.skip("signals and memory maps as Linux and macOS have them", allow_module_level=True)


@pytest.fixture(scope="module")
def server(folder):
    make_generator(folder / "generator")
    flags = ("--corpus", "tiny.corpus", "--output", "wav:take.wav", "--play", "hum", "--generator", "generator")
    with running(folder, *flags, "--state-dir", "state") as server:
        yield server


@pytest.fixture
def controller(server):
    with controlling(server, "segment", "explain", "corpus", "log", "grow") as controller:
        yield controller


def wait_for_generator(controller, state):
    return wait_for(lambda: controller.ask("/liveseq/generator/state")[0] == state, what=f"a generator that is {state}")


def order(controller, address, *arguments, answer="/liveseq/done"):
    """Sent once, since it is not idempotent; what it is answered with, without address and id."""
    controller.send(address, *arguments, "id:order")
    told = controller.hear(answer)
    assert told is not None, f"no {answer} for {address}"
    return [one for one in told if one not in (address, "id:order")]


def hear_segments(controller, n=100):
    return (controller.hear("/liveseq/segment") for _ in range(n))


def generated(folder):
    with Corpus.open(folder / "tiny.corpus") as corpus:
        return [source for source in corpus.sources() if source.provenance.kind == "generator"]


def test_a_word_becomes_sound_in_the_corpus_and_is_played(controller, folder):
    wait_for_generator(controller, "ready")
    name, n_units, seed = order(controller, "/liveseq/generate", "drone bells", 25.0, 7)
    assert (name, seed) == ("drone bells generator 7", 7)
    sources = generated(folder)
    assert [source.name for source in sources] == [f"{name} (1 of 2)", f"{name} (2 of 2)"]
    assert sum(source.n_units for source in sources) == n_units == 2 * 73
    for source in sources:
        assert source.tags == ("drone bells",)
        assert (source.provenance.model, source.provenance.seed) == ("generator", 7)
        assert source.provenance.model_sha256 == sha256_of(folder / "generator" / "model.onnx")
    # A word of its own: it was playable when that was said.
    assert order(controller, "/liveseq/tag", "drone bells") == ["drone bells", 1.0]
    segment = next(heard for heard in hear_segments(controller) if heard[2].startswith(name))
    explained = controller.hear("/liveseq/explain")
    with Corpus.open(folder / "tiny.corpus") as corpus:
        units = corpus.units()
    for unit in (segment[1], explained[1]):
        assert units.source_names[units.source[unit]].startswith(name)


def test_the_same_order_again_is_the_same_sound(controller, folder):
    for _ in range(2):
        order(controller, "/liveseq/generate", "bells", 1.0, 3)
    one, again = generated(folder)[-2:]
    assert (one.name, again.name) == ("bells generator 3", "bells generator 3 (2)")
    assert one.provenance.sha256 == again.provenance.sha256


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has a priority of its own on Linux only")
def test_it_works_at_the_lowest_priority(server, controller):
    wait_for_generator(controller, "ready")
    threads = [thread.id for thread in psutil.Process(child(server, "generator")).threads()]
    assert max(os.getpriority(os.PRIO_PROCESS, thread) for thread in threads) == 19


@pytest.fixture
def metronome():
    with closing(Metronome()) as metronome:
        yield metronome


def test_killed_while_it_works_it_fails_that_job_keeps_what_it_had_and_is_back(server, controller, folder, metronome):
    n_before = len(generated(folder))
    began = controller.ask("/liveseq/status")
    controller.send("/liveseq/generate", "hum", 600.0, 1, "id:long")
    while controller.hear("/liveseq/corpus/grown")[0] != "hum generator 1 (1 of 30)":
        pass
    os.kill(child(server, "generator"), signal.SIGKILL)
    address, code, message, ident = controller.hear("/liveseq/fail")
    assert (address, code, ident) == ("/liveseq/generate", "model_error", "id:long")
    assert "the generator process has died" in message
    kept = generated(folder)[n_before:]
    assert 1 <= len(kept) < 30
    assert verify(folder / "tiny.corpus") == []
    order(controller, "/liveseq/generate", "hum", 1.0, 2)
    after = controller.wait_for("playing")
    assert after[3] == began[3] or metronome.longest() > 0.05, "an underrun of our making"


@pytest.mark.skipif(sys.platform != "linux", reason="a limit is put on a running process")
def test_a_disk_that_refuses_in_the_middle_of_a_commit_is_told_and_nothing_is_lost(server, controller, folder):
    import resource

    wait_for_generator(controller, "ready")
    generator = psutil.Process(child(server, "generator"))
    with Corpus.open(folder / "tiny.corpus") as corpus:
        sources = [source.name for source in corpus.sources()]
        size = corpus.shard_path(0).stat().st_size
    _, most = generator.rlimit(resource.RLIMIT_FSIZE)
    generator.rlimit(resource.RLIMIT_FSIZE, (size + 1_000_000, most))  # 2.6 s
    try:
        code, message = order(controller, "/liveseq/generate", "drone", 10.0, 4, answer="/liveseq/fail")
    finally:
        generator.rlimit(resource.RLIMIT_FSIZE, (most, most))
    assert code == "io_error"
    assert "writing drone generator 4 failed (File too large); it was not added; what was there before" in message
    with Corpus.open(folder / "tiny.corpus") as corpus:
        assert [source.name for source in corpus.sources()][: len(sources)] == sources
    assert verify(folder / "tiny.corpus") == []
    controller.wait_for("playing", voices=1)
    order(controller, "/liveseq/generate", "drone", 1.0, 4)


def test_a_tag_grows_on_when_the_conductor_dies(server, controller, folder):
    order(controller, "/liveseq/grow", "bells", True)
    assert controller.hear("/liveseq/corpus/grown")[0].startswith("bells generator ")
    wait_for(lambda: saved(server, folder / "state").get("/liveseq/grow") == ["bells"], what="the session on disk")
    os.kill(child(server, "conductor"), signal.SIGKILL)
    assert controller.ask("/liveseq/grow") == ("bells",)
    n_there = len(generated(folder))
    controller.ask("/liveseq/subscribe", "/liveseq/corpus", answer="/liveseq/done")
    grown = {controller.hear("/liveseq/corpus/grown")[0] for _ in range(3)}
    assert len(grown) == 3
    assert len(generated(folder)) > n_there
    assert controller.ask("/liveseq/generator/state")[5] > 0.3  # minutes, those before the death too
    order(controller, "/liveseq/grow", "*", False)
    wait_for_generator(controller, "ready")
    controller.wait_for("playing", voices=1)


def test_the_whole_session_went_on_and_can_be_replayed(server, folder):
    assert server.stop() == 0
    assert [line for line in server.errors if "has died (SIGKILL)" not in line] == []
    take = load_audio(folder / "take.wav", sample_rate=SAMPLE_RATE)
    level = np.abs(take[: len(take) // 4800 * 4800]).reshape(-1, 2 * 4800).max(axis=1)
    first = int(np.argmax(level > 0.01))
    assert level[first:-3].min() > 0.005  # no tenth of a second without sound
    logs = sorted((folder / "state").glob("log-*.jsonl"))
    assert len(logs) == 2, "a conductor was killed"
    for log in logs:
        command = [sys.executable, "-m", "liveseq.cli", "replay", str(log), "again.wav"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=3 * PATIENCE, env=_with_root())


def _with_root():
    return os.environ | {"PYTHONPATH": str(ROOT)}


def test_a_generator_that_was_asked_for_and_is_not_there_is_named(folder):
    command = [sys.executable, str(ROOT / "run_server.py"), "--corpus", "tiny.corpus", "--output", "none"]
    command += ["--osc-port", "auto", "--generator", "generatr"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    assert result.returncode == 2
    assert "generatr: no such model folder" in result.stderr
