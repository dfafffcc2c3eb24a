"""Layers that play a generator, on the real server: its processes, UDP, a recording, kill -9."""

import os
import signal
import sys
import time

import numpy as np
import psutil
import pytest
import soundfile
from server_process import PATIENCE, controlling, running
from tiny_generator import make_generator
from tiny_set import SAMPLE_RATE, TAGS

from liveseq.server.replay import open_log, replay

pytestmark = pytest.mark.slow

if sys.platform == "win32":
    pytest.skip("signals as Linux and macOS have them", allow_module_level=True)


@pytest.fixture(scope="module", autouse=True)
def generators(folder):
    make_generator(folder / "generator")
    make_generator(folder / "slower", sample_rate=44_100)


@pytest.fixture
def server(folder, tmp_path):
    take, state = f"wav:{tmp_path / 'take.wav'}", str(tmp_path / "state")
    flags = ("--corpus", "tiny.corpus", "--output", take, "--state-dir", state, "--generator", "generator")
    with running(folder, *flags) as server:
        yield server


@pytest.fixture
def controller(server):
    with controlling(server, "segment") as controller:
        yield controller


def hear_source(controller, wanted, *, layer=1, seconds=30.0):
    """Wait until a layer sounds of this source."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        segment = controller.hear("/liveseq/segment", seconds=1.0)
        if segment is not None and segment[0] == layer and segment[2] == wanted:
            return segment
    raise AssertionError(f"layer {layer} never sounded of {wanted}")


def streamer(server):
    """Process id of the one that has the model of the streams open, beside the one that grows the corpus."""
    children = psutil.Process(server.process.pid).children(recursive=True)
    return max(children, key=lambda child: child.create_time()).pid


def take(tmp_path):
    audio, rate = soundfile.read(tmp_path / "take.wav", dtype="float32", always_2d=True)
    assert rate == SAMPLE_RATE
    return audio


def silent_after(audio):
    """Longest silence after the first sound, in seconds."""
    loud = np.abs(audio).reshape(len(audio), -1).max(axis=1)
    frames = loud[: len(loud) // 480 * 480].reshape(-1, 480).max(axis=1) > 1e-3
    heard = np.flatnonzero(frames)
    return float(np.diff(heard).max() - 1) / 100


def n_different(tmp_path, folder):
    """Samples of a replay that are others than those of the take, from the first stream on; and the log's lines.

    The fades before it may have come late; in the last bit the DC block keeps something of them.
    """
    audio = take(tmp_path)
    instrument, header, lines = open_log(next((tmp_path / "state").glob("log-*.jsonl")), folder / "tiny.corpus")
    again = replay(instrument, header, lines)
    begin = min(int(line["at"]) for line in lines if "choice" not in line)
    n = min(len(audio) - begin, len(again)) - SAMPLE_RATE // 2  # the end fades away live
    first = min(int(line["at"]) for line in lines if line.get("step") == "begin")
    return int((np.abs(audio[first : begin + n] - again[first - begin : n]) > 1e-7).any(axis=1).sum()), lines


def test_two_layers_stream_change_their_tags_and_a_replay_repeats_it(server, controller, folder, tmp_path, monkeypatch):
    controller.send("/liveseq/tag", "drone")
    hear_source(controller, "drone.wav")
    controller.send("/liveseq/layer/1/mode", "generate", "id:a")
    assert controller.hear("/liveseq/done") == ("/liveseq/layer/1/mode", "id:a")
    first = hear_source(controller, "generator generator")
    assert (first[1], first[7]) == (0, "start")
    for tag in ("bells", "hum", "drone", "bells"):
        time.sleep(0.4)
        controller.send("/liveseq/tag", tag)
    controller.send("/liveseq/layer/2/tag", "hum")
    controller.send("/liveseq/layer/2/mode", "generate")
    hear_source(controller, "generator generator", layer=2)
    time.sleep(0.5)
    controller.send("/liveseq/layer/1/mode", "continuous")
    hear_source(controller, "bells.wav")
    assert server.stop() == 0
    assert server.errors == []
    assert silent_after(take(tmp_path)) < 0.02
    monkeypatch.chdir(folder)  # where the models are found by their names
    different, lines = n_different(tmp_path, folder)
    assert {line["turn"] for line in lines if "turn" in line} == {1}
    assert different == 0


def test_a_change_that_came_late_is_replayed_where_it_was_heard(server, controller, folder, tmp_path, monkeypatch):
    controller.send("/liveseq/tag", "hum")
    controller.send("/liveseq/mode", "generate")
    for _ in range(5):
        hear_source(controller, "generator generator")
    pid = streamer(server)
    for tag in ("bells", "drone"):
        os.kill(pid, signal.SIGSTOP)
        controller.send("/liveseq/tag", tag)
        time.sleep(0.35)
        os.kill(pid, signal.SIGCONT)
        for _ in range(8):
            hear_source(controller, "generator generator")
    assert server.stop() == 0
    monkeypatch.chdir(folder)
    different, lines = n_different(tmp_path, folder)
    assert [line["change"] for line in lines if "turn" in line and line["after"] != line["change"]] == [2, 3]
    assert different == 0


def test_a_stream_that_ran_dry_is_replayed_as_it_sounded(server, controller, folder, tmp_path, monkeypatch):
    controller.send("/liveseq/tag", "hum")
    controller.send("/liveseq/mode", "generate")
    for _ in range(5):
        hear_source(controller, "generator generator")
    pid = streamer(server)
    for seconds in (1.5, 4.0):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)
        for _ in range(8):
            hear_source(controller, "generator generator")
    assert server.stop() == 0
    monkeypatch.chdir(folder)
    different, lines = n_different(tmp_path, folder)
    assert [line["dry"] for line in lines if "dry" in line] == [1, 1]
    # the two fades came late, and the DC block keeps something of them
    assert different < 0.1 * len(take(tmp_path))


def test_a_killed_streamer_leaves_no_gap_and_the_stream_goes_on(server, controller, tmp_path):
    controller.send("/liveseq/tag", "hum")
    controller.send("/liveseq/mode", "generate")
    hear_source(controller, "generator generator")
    time.sleep(0.5)
    os.kill(streamer(server), signal.SIGKILL)
    time.sleep(1.5)
    last = hear_source(controller, "generator generator")
    time.sleep(1.0)
    assert hear_source(controller, "generator generator")[1] > last[1]
    assert server.stop() == 0
    assert any("streamer has died (SIGKILL)" in line for line in server.errors)
    assert silent_after(take(tmp_path)) < 0.02


def test_a_killed_engine_plays_the_stream_on_and_not_from_its_beginning(server, controller):
    controller.send("/liveseq/tag", "hum")
    controller.send("/liveseq/mode", "generate")
    for _ in range(5):
        last = hear_source(controller, "generator generator")
    os.kill(server.child("engine"), signal.SIGKILL)
    until = time.monotonic() + PATIENCE
    while (segment := hear_source(controller, "generator generator"))[7] != "start":
        assert time.monotonic() < until
    assert segment[1] > last[1]
    controller.wait_for("playing", voices=1)
    assert server.stop() == 0


def test_a_generator_of_another_rate_is_played_at_its_own_pitch(folder, tmp_path):
    flags = ("--corpus", "tiny.corpus", "--output", f"wav:{tmp_path / 'take.wav'}", "--state-dir", str(tmp_path))
    with running(folder, *flags, "--generator", "slower") as server, controlling(server, "segment") as controller:
        controller.ask("/liveseq/tag", "hum", "id:t", answer="/liveseq/done")
        controller.ask("/liveseq/mode", "generate", "id:m", answer="/liveseq/done")
        while hear_source(controller, "generator slower")[1] < 12:
            pass
        assert server.stop() == 0
    audio = take(tmp_path)[:, 0]
    spectrum = np.abs(np.fft.rfft(audio[-2 * SAMPLE_RATE : -SAMPLE_RATE // 4] * np.hanning(7 * SAMPLE_RATE // 4)))
    assert spectrum.argmax() / 1.75 == pytest.approx(TAGS["hum"], abs=1.0)
