"""A musician at the input: a JACK client plays recordings into the real server."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from base64 import b64decode
from pathlib import Path

import numpy as np
import psutil
import pytest

from benchmarks.rigs.jack_feed import Feed
from benchmarks.rigs.jack_probe import Probe
from benchmarks.rigs.jack_server import JackServer
from benchmarks.rigs.xruns import events
from liveseq.corpus.segmentation import fixed
from liveseq.corpus.store import Corpus, NewSource
from liveseq.dsp.descriptors import base_descriptors, describe
from liveseq.dsp.files import load_audio
from liveseq.osc.packets import parse_packet
from tests.support.metronome import Metronome
from tests.support.recordings import RECORDINGS
from tests.support.server_process import controlling, let_play, running
from tests.support.tiny_set import SAMPLE_RATE, make_set
from tests.support.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.device, pytest.mark.live, pytest.mark.slow]

TESTED = ("guit_em9", "loop_tabla", "vinyl_hiss", "bass_voxy_c")


@pytest.fixture(scope="module")
def recordings():
    """Four real recordings that sound quite different, float32 (n_samples,) each."""
    return [load_audio(RECORDINGS / f"{name}.flac", sample_rate=SAMPLE_RATE, n_channels=1)[:, 0] for name in TESTED]


@pytest.fixture(scope="module")
def jack():
    if not JackServer.is_installed():
        pytest.skip("jackd is not installed")
    with JackServer(sample_rate=SAMPLE_RATE, block_size=256) as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment().items():
            patch.setenv(name, value)
        yield server


@pytest.fixture(scope="module")
def musician(jack, recordings):
    feed = Feed("musician", recordings)
    yield feed
    feed.close()


@pytest.fixture(scope="module")
def folder(recordings, tmp_path_factory):
    """A corpus that holds the recordings, and a folder of seeds with the same."""
    folder = tmp_path_factory.mktemp("live")
    make_set(folder)
    with Corpus.open(folder / "tiny.corpus", writable=True) as corpus:
        for name, y in zip(TESTED, recordings, strict=True):
            audio = np.repeat(y[:, None], 2, axis=1)
            bounds = fixed(len(y), hop_length=1024)
            frames = describe(y, sample_rate=SAMPLE_RATE)
            corpus.add(NewSource(name=f"{name}.flac", audio=audio, frames=frames, bounds=bounds, tags=(name,)))
    (folder / "seeds").mkdir()
    for name in TESTED:
        (folder / "seeds" / f"{name}.flac").write_bytes((RECORDINGS / f"{name}.flac").read_bytes())
    return folder


@pytest.fixture(scope="module")
def metronome():
    with contextlib.closing(Metronome()) as metronome:
        yield metronome


@pytest.fixture(scope="module")
def server(musician, folder):
    flags = ("--corpus", "tiny.corpus", "--output", "system", "--input", "musician", "--state-dir", "state")
    with running(folder, *flags) as server:
        yield server


@pytest.fixture(scope="module")
def xruns(server):
    """Hears of JACK's xruns: the blocks of its clients, liveseq's too, that were not done in time."""
    with contextlib.closing(Probe("")) as probe:
        yield probe


@pytest.fixture
def controller(server):
    with controlling(server, "input", "segment", "corpus", "log") as controller:
        yield controller


def do(controller, address, *arguments):
    """Send once; the arguments of /done, or an error."""
    controller.send(address, *arguments, "id:do")
    controller.socket.settimeout(PATIENCE)
    while True:
        for group in parse_packet(controller.socket.recv(65_536)):
            for one in group.messages:
                if one.address in ("/liveseq/done", "/liveseq/fail") and "id:do" in one.arguments:
                    assert one.address == "/liveseq/done", one.arguments
                    return one.arguments


def wait_for_input(controller, state):
    def heard():
        told = controller.hear("/liveseq/input")
        return told if told is not None and told[0] == state else None

    return wait_for(heard, what=f"an input that is {state}")


def sources(controller, n, *, after=3):
    """Recordings of the next n units that sound; the first `after` of them were planned before what was just asked."""
    drain(controller)
    return [controller.hear("/liveseq/segment")[2] for _ in range(after + n)][after:]


def share(found, name):
    return sum(one.startswith(name) for one in found) / len(found)


def commands(folder, part):
    """Arguments of the commands to this part of the server, as far as the log has them."""
    [log] = (folder / "state").glob("log-*.jsonl")
    lines = [json.loads(line) for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [line["arguments"] for line in lines if line.get("address", "").endswith(part)]


@contextlib.contextmanager
def one_more(folder, part):
    """Yields a list; in it are, once the recorder has written them, the arguments of the command that was obeyed."""
    n_before, found = len(commands(folder, part)), []
    yield found
    found += wait_for(lambda: commands(folder, part)[n_before:], what=f"{part} in the log")[-1]


def frames_of(prime):
    """float32 (n_frames, n_columns)."""
    columns, blob = prime
    return np.frombuffer(b64decode(blob["b64"]), ">f4").astype(np.float32).reshape(-1, columns)


@contextlib.contextmanager
def nothing_is_lost(controller, metronome, xruns):
    """No record is dropped, and where a cycle of JACK was not done in time, the machine itself had stalled.

    But for one in a second: who shares a core's caches is slower without a stall. There are 187 in a second.
    """
    dropped, began = controller.ask("/liveseq/status")[5], time.monotonic_ns()
    yield
    assert controller.ask("/liveseq/status")[5] == dropped
    missed = [at for at in events(xruns.xrun_times()).tolist() if at >= began]
    assert len(metronome.unexplained(missed)) <= 1e-9 * (time.monotonic_ns() - began)


def test_the_input_is_heard(controller, musician):
    musician.play(0)
    wait_for_input(controller, "ready")
    levels = [controller.hear("/liveseq/input", seconds=2.0) for _ in range(10)]
    assert levels[-1][1].startswith("musician, JACK")
    assert max(level for _, _, level in levels) > -40.0


N_COMPARED = 6 * 8
"""Frames: about a second."""


def test_a_seed_is_what_was_played_and_nothing_of_the_output_is_lost(
    controller, musician, folder, recordings, metronome, xruns
):
    musician.play(0)
    let_play(controller, 4.0)
    with nothing_is_lost(controller, metronome, xruns):
        heard = seed_without_a_gap(controller, folder, xruns)
        controller.wait_for("playing", voices=1)
    assert len(heard) >= 8 * 16
    # Where in the recording that was: the samples are the same, so the frames are, once the grid is the same.
    apart = [distance(heard, recordings[0], offset=offset) for offset in range(0, 1024, 16)]
    offset = 16 * int(np.argmin(apart))
    nearest = min(distance(heard, recordings[0], offset=near) for near in range(offset - 16, offset + 17))
    assert nearest < 0.01
    assert distance(heard, recordings[1], offset=0) > 5.0


def seed_without_a_gap(controller, folder, xruns):
    """Frames of a seed before whose end JACK has lost no cycle for so long as is compared: one would move the grid."""
    for _ in range(60):
        began = time.monotonic_ns()
        let_play(controller, 1.5 * N_COMPARED * 1024 / SAMPLE_RATE)
        with one_more(folder, "/prime") as seed:
            do(controller, "/liveseq/seed/input", 3.0)
        if not any(xruns.xrun_times() >= began):
            return frames_of(seed)
    raise AssertionError("JACK never ran for a second without a lost cycle")


def distance(heard, y, *, offset):
    """Mean difference of base descriptors from the stretch of a recording that fits best; its frames begin there."""
    known = base_descriptors(describe(np.concatenate([y, y])[offset % len(y) :], sample_rate=SAMPLE_RATE))
    rows = base_descriptors(heard[-N_COMPARED:])
    return min(np.abs(known[i : i + len(rows)] - rows).mean() for i in range(len(known) - len(rows)))


def test_what_sounds_is_what_was_played(controller, musician):
    """Of a corpus that holds the recording itself, its own units are the nearest."""
    do(controller, "/liveseq/tag", "*")
    do(controller, "/liveseq/steer/surprise", 0.0)  # the likeliest future, not one that is drawn: a hiss may follow too
    for number, name in ((0, TESTED[0]), (1, TESTED[1])):
        musician.play(number)
        let_play(controller, 3.5)
        do(controller, "/liveseq/seed/input", 3.0)
        found = sources(controller, 6)
        assert share(found, name) >= 0.5, found


def test_a_seed_from_a_file_is_what_it_says(controller, folder, recordings):
    with one_more(folder, "/prime") as seed:
        do(controller, "/liveseq/seed/file", f"{TESTED[2]}.flac")
    found = sources(controller, 6)
    assert share(found, TESTED[2]) >= 0.5, found
    expected = describe(recordings[2], sample_rate=SAMPLE_RATE)
    np.testing.assert_allclose(frames_of(seed), expected[: len(frames_of(seed))], atol=1e-4)


def test_listening_follows_a_change_of_what_is_played(controller, musician, metronome, xruns):
    with nothing_is_lost(controller, metronome, xruns):
        musician.play(1)
        let_play(controller, 2.0)
        do(controller, "/liveseq/listen", 1)
        try:
            for number in (1, 0):
                musician.play(number)
                let_play(controller, 2.0)
                found = sources(controller, 10)
                assert share(found, TESTED[number]) >= 0.5, found
        finally:
            do(controller, "/liveseq/listen", 0)


def drain(controller):
    with contextlib.suppress(BlockingIOError):
        controller.socket.setblocking(False)
        while True:
            controller.socket.recv(65_536)
    controller.socket.setblocking(True)


def test_a_range_is_learned(controller, musician, folder):
    musician.play(2)
    let_play(controller, 1.0)
    with one_more(folder, "/query/calibration") as calibration:
        do(controller, "/liveseq/query/calibrate", 2.0)
    assert len(b64decode(calibration[0]["b64"])) == 2 * 34 * 4
    do(controller, "/liveseq/query/calibrate", 0.0)


def test_what_was_played_can_be_asked_for_by_its_tag_and_sounds(controller, musician, folder, metronome, xruns):
    musician.play(3)
    let_play(controller, 1.0)
    with nothing_is_lost(controller, metronome, xruns):
        do(controller, "/liveseq/corpus/record", 1, "zzork")
        let_play(controller, 3.0)
        controller.send("/liveseq/corpus/record", 0)
        name, n_units, _ = controller.hear("/liveseq/corpus/grown")
        assert name.startswith("zzork")
        assert n_units > 10
        do(controller, "/liveseq/tag", "zzork")
        assert share(sources(controller, 5), name) == 1.0
    with Corpus.open(folder / "tiny.corpus") as corpus:
        [source] = [one for one in corpus.sources() if one.name == name]
        took = np.asarray(corpus.audio(source.id))
    assert 2.5 < len(took) / SAMPLE_RATE < 4.0
    assert np.abs(took).max() > 0.05
    do(controller, "/liveseq/corpus/remove", name)
    controller.wait_for("playing", voices=1)
    assert controller.ask("/liveseq/tag") == ("*",)
    assert share(sources(controller, 10), name) == 0.0


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
def test_a_killed_or_stopped_listener_is_back_and_nobody_else_noticed(server, controller, musician, end):
    musician.play(0)
    wait_for_input(controller, "ready")
    before = controller.ask("/liveseq/status")
    [listener] = [one for one in psutil.Process(server.pid).children() if is_listener(one)]
    family = {one.pid for one in psutil.Process(server.pid).children()} - {listener.pid}
    os.kill(listener.pid, end)
    wait_for_input(controller, "lost")
    wait_for_input(controller, "ready")
    assert family <= {one.pid for one in psutil.Process(server.pid).children()}
    after = controller.wait_for("playing")
    assert after[5] == before[5]
    let_play(controller, 1.0)
    do(controller, "/liveseq/seed/input", 2.0)


def is_listener(process):
    """It has the device open, but neither the corpus nor the search library."""
    maps = {Path(one.path).name for one in process.memory_maps()}
    return any("portaudio" in name for name in maps) and not any(name.endswith(".f32") for name in maps)


def test_the_whole_session_can_be_replayed(server, folder):
    assert server.stop() == 0
    assert [line for line in server.errors if not re.search(r"listener (has died \(SIGKILL\)|hangs)", line)] == []
    [log] = (folder / "state").glob("log-*.jsonl")
    command = [sys.executable, "-m", "liveseq.cli", "replay", str(log), "again.wav"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
    assert np.abs(load_audio(folder / "again.wav", sample_rate=SAMPLE_RATE)).max() > 0.05


def test_an_input_that_does_not_exist_is_named_and_the_rest_goes_on(folder, jack):
    flags = ("--corpus", "tiny.corpus", "--output", "none", "--input", "Nirvana 9", "--state-dir", "s2")
    with running(folder, *flags) as server, controlling(server, "input") as controller:
        _, text, _ = wait_for_input(controller, "lost")
        assert "no input device named 'Nirvana 9'" in text
        controller.send("/liveseq/tag", "hum")
        controller.wait_for("playing", voices=1)
        assert controller.ask("/liveseq/seed/input", 2.0, answer="/liveseq/fail")[1] == "device_error"
        controller.wait_for("playing", voices=1)
        assert server.stop() == 0
    assert "no input: no input device named 'Nirvana 9'" in server.errors[0]


def test_an_input_device_that_vanishes_is_found_again(folder, recordings, tmp_path, monkeypatch):
    """Its JACK server is killed, and comes back under the same name."""
    first = JackServer(sample_rate=SAMPLE_RATE, block_size=256)
    first.name = f"{first.name}-vanishing"
    for name, value in first.environment().items():
        monkeypatch.setenv(name, value)
    flags = ("--corpus", "tiny.corpus", "--output", "wav:on.wav", "--input", "harp", "--state-dir", "s3")
    with contextlib.ExitStack() as stack:
        with first:
            feed = Feed("harp", recordings[:1])
            feed.play(0)
            server = stack.enter_context(running(folder, *flags))
            controller = stack.enter_context(controlling(server, "input"))
            controller.send("/liveseq/tag", "hum")
            wait_for_input(controller, "ready")
            first.kill()
            feed.close()
            wait_for_input(controller, "lost")
            controller.wait_for("playing")
        with first:
            feed = Feed("harp", recordings[:1])
            feed.play(0)
            wait_for_input(controller, "ready")
            feed.close()
            assert server.stop() == 0
    take = load_audio(folder / "on.wav", sample_rate=SAMPLE_RATE)
    level = np.abs(take[: len(take) // 960 * 960].reshape(-1, 2 * 960)).max(axis=1)
    sounding = level[int(np.argmax(level > 0.01)) : -50]
    assert sounding.min() > 0.01
