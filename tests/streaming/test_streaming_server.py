"""Layers that play a generator, on the real server: its processes, UDP, a recording, kill -9."""

import os
import signal
import sys
import time

import numpy as np
import pytest
import soundfile

from liveseq.conductor.conductor import HEALTHY_SECONDS
from liveseq.offline.replay import open_log
from liveseq.performance.log import read_log
from tests.support.replayed import replayed
from tests.support.server_process import child, controlling, let_play, running
from tests.support.tiny_generator import make_generator
from tests.support.tiny_set import SAMPLE_RATE, TAGS
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow]

if sys.platform == "win32":
    pytest.skip("signals as Linux and macOS have them", allow_module_level=True)


@pytest.fixture(scope="module", autouse=True)
def generators(folder):
    make_generator(folder / "generator")
    make_generator(folder / "slower", sample_rate=44_100)
    make_generator(folder / "moving", latent=2, settings={"components": {"low": [0, 0], "high": [400, 0]}})


def playing(folder, tmp_path):
    """A server that keeps its take and its log there."""
    take, state = f"wav:{tmp_path / 'take.wav'}", str(tmp_path / "state")
    flags = ("--corpus", "tiny.corpus", "--output", take, "--state-dir", state, "--generator", "generator")
    return running(folder, *flags)


@pytest.fixture
def server(folder, tmp_path):
    with playing(folder, tmp_path) as server:
        yield server


@pytest.fixture
def controller(server):
    with controlling(server, "segment") as controller:
        yield controller


def hear_source(controller, wanted, *, layer=1):
    """Wait until a layer sounds of this source."""

    def heard():
        segment = controller.hear("/liveseq/segment")
        return segment if segment is not None and (segment[0], segment[2]) == (layer, wanted) else None

    return wait_for(heard, what=f"layer {layer} to sound of {wanted}")


def begin_stream(controller):
    controller.send("/liveseq/tag", "hum")
    controller.send("/liveseq/mode", "generate")
    hear_steps(controller, 5)


def hear_steps(controller, n):
    for _ in range(n):
        hear_source(controller, "generator generator")


def hold_up(pid, meanwhile):
    """Stop a process while something is done."""
    os.kill(pid, signal.SIGSTOP)
    try:
        meanwhile()
    finally:
        os.kill(pid, signal.SIGCONT)


def n_late(controller):
    """Events that have come to the engine after their start, so far."""
    return controller.ask("/liveseq/status")[4]


def streams(controller):
    """Changes that came late, and streams that ran dry, so far."""
    return controller.ask("/liveseq/status")[14:16]


def take(tmp_path, name="take.wav"):
    audio, rate = soundfile.read(tmp_path / name, dtype="float32", always_2d=True)
    assert rate == SAMPLE_RATE
    return audio


def silent_after(audio):
    """Longest silence after the first sound, in seconds."""
    loud = np.abs(audio).reshape(len(audio), -1).max(axis=1)
    frames = loud[: len(loud) // 480 * 480].reshape(-1, 480).max(axis=1) > 1e-3
    heard = np.flatnonzero(frames)
    return float(np.diff(heard).max() - 1) / 100


TRACE = SAMPLE_RATE // 2
"""Samples of a take that one late event may change: a fade that began later, and what the DC block keeps of it."""


def log(tmp_path):
    return next((tmp_path / "state").glob("log-*.jsonl"))


def differences(tmp_path, folder):
    """Sample clocks at which a replay is another than the take, from the first stream on; and the log's lines.

    The fades before it may have come late; in the last bit the DC block keeps something of them.
    """
    audio = take(tmp_path)
    instrument, session = open_log(log(tmp_path), folder / "tiny.corpus")
    lines = list(session)
    again = replayed(instrument, session.header, lines).audio
    begin = min(int(line["at"]) for line in lines if "choice" not in line)
    n = min(len(audio) - begin, len(again)) - SAMPLE_RATE // 2  # the end fades away live
    first = min(int(line["at"]) for line in lines if line.get("step") == "begin")
    different = (np.abs(audio[first : begin + n] - again[first - begin : n]) > 1e-7).any(axis=1)
    return first + np.flatnonzero(different), lines


def test_two_layers_stream_change_their_tags_and_a_replay_repeats_it(server, controller, folder, tmp_path, monkeypatch):
    controller.send("/liveseq/tag", "drone")
    hear_source(controller, "drone.wav")
    controller.send("/liveseq/layer/1/mode", "generate", "id:a")
    assert controller.hear("/liveseq/done") == ("/liveseq/layer/1/mode", "id:a")
    first = hear_source(controller, "generator generator")
    assert (first[1], first[7]) == (0, "start")
    for tag in ("bells", "hum", "drone", "bells"):
        let_play(controller, 0.4)
        controller.send("/liveseq/tag", tag)
    controller.send("/liveseq/layer/2/tag", "hum")
    controller.send("/liveseq/layer/2/mode", "generate")
    hear_source(controller, "generator generator", layer=2)
    let_play(controller, 0.5)
    controller.send("/liveseq/layer/1/mode", "continuous")
    hear_source(controller, "bells.wav")
    late = n_late(controller)
    assert server.stop() == 0
    assert server.errors == []
    assert silent_after(take(tmp_path)) < 0.02
    monkeypatch.chdir(folder)  # where the models are found by their names
    different, lines = differences(tmp_path, folder)
    assert {line["turn"] for line in lines if "turn" in line} == {1}
    assert len(different) <= late * TRACE


def test_a_change_that_came_late_is_replayed_where_it_was_heard(folder, tmp_path, monkeypatch):
    for attempt in range(5):
        place = tmp_path / str(attempt)
        place.mkdir()
        with playing(folder, place) as server, controlling(server, "segment") as controller:
            begin_stream(controller)
            pid = child(server, "streamer")
            for tag in ("bells", "drone"):

                def change(tag=tag):
                    controller.send("/liveseq/tag", tag)
                    time.sleep(0.35)

                hold_up(pid, change)
                hear_steps(controller, 8)
            late, counted = n_late(controller), streams(controller)
            assert server.stop() == 0
        if not any("dry" in line for line in read_log(log(place))):
            break  # it was not held up longer than that
    monkeypatch.chdir(folder)
    different, lines = differences(place, folder)
    assert [line["change"] for line in lines if "turn" in line and line["after"] != line["change"]] == [2, 3]
    assert counted == (sum("turn" in line for line in lines), 0)
    assert len(different) <= late * TRACE


def test_a_stream_that_ran_dry_is_replayed_as_it_sounded(server, controller, folder, tmp_path, monkeypatch):
    begin_stream(controller)
    pid = child(server, "streamer")
    for n_dry, seconds in enumerate((1.2, 1.6), start=1):
        hold_up(pid, lambda seconds=seconds: let_play(controller, seconds))
        hear_steps(controller, 8)
        assert streams(controller) == (0, n_dry)
    late = n_late(controller)
    assert server.stop() == 0
    monkeypatch.chdir(folder)
    different, lines = differences(tmp_path, folder)
    assert [line["dry"] for line in lines if "dry" in line] == [1, 1]
    for line in lines:
        if "dry" in line:  # the fade with which it goes on came late
            different = different[(different < line["at"]) | (different >= line["at"] + TRACE)]
    assert len(different) <= max(late - 2, 0) * TRACE


def test_a_stream_that_ran_dry_and_never_went_on_is_counted_and_replayed(
    server, controller, folder, tmp_path, monkeypatch
):
    begin_stream(controller)

    def leave():
        wait_for(lambda: streams(controller) == (0, 1), what="the stream to run dry")
        controller.send("/liveseq/mode", "continuous")
        hear_source(controller, "hum.wav")

    hold_up(child(server, "streamer"), leave)
    let_play(controller, 0.5)
    late = n_late(controller)
    assert server.stop() == 0
    monkeypatch.chdir(folder)
    different, lines = differences(tmp_path, folder)
    assert [(line["dry"], line["from"]) for line in lines if "dry" in line] == [(1, None)]
    assert len(different) <= late * TRACE


def test_a_killed_streamer_leaves_no_gap_and_the_stream_goes_on(server, controller, tmp_path):
    controller.send("/liveseq/tag", "hum")
    controller.send("/liveseq/mode", "generate")
    hear_source(controller, "generator generator")
    let_play(controller, 0.5)
    os.kill(child(server, "streamer"), signal.SIGKILL)
    let_play(controller, 1.5)
    last = hear_source(controller, "generator generator")
    let_play(controller, 1.0)
    assert hear_source(controller, "generator generator")[1] > last[1]
    assert server.stop() == 0
    assert any("streamer has died (SIGKILL)" in line for line in server.errors)
    assert silent_after(take(tmp_path)) < 0.02


def test_a_killed_engine_plays_the_stream_on_and_not_from_its_beginning(server, controller, tmp_path):
    controller.send("/liveseq/tag", "hum")
    controller.send("/liveseq/mode", "generate")
    hear_source(controller, "generator generator")
    let_play(controller, HEALTHY_SECONDS)  # one that dies at once may have died of what it was told
    for _ in range(5):
        last = hear_source(controller, "generator generator")
    os.kill(child(server, "engine"), signal.SIGKILL)
    for _ in range(5):
        segment = hear_source(controller, "generator generator")
        assert segment[1] >= last[1]  # the step that sounded goes on
        assert segment[7] != "start"
        last = segment
    controller.wait_for("playing", voices=1)
    assert server.stop() == 0
    assert silent_after(take(tmp_path, "take.2.wav")) < 0.02


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


def test_a_latent_moves_a_stream_that_sounds_and_a_replay_goes_the_same_way(folder, tmp_path, monkeypatch):
    flags = ("--corpus", "tiny.corpus", "--output", f"wav:{tmp_path / 'take.wav'}")
    flags += ("--state-dir", str(tmp_path / "state"), "--generator", "moving")
    latent = "/liveseq/layer/1/latent"
    with running(folder, *flags) as server, controlling(server, "segment") as controller:
        controller.ask("/liveseq/tag", "hum", "id:t", answer="/liveseq/done")
        controller.ask("/liveseq/mode", "generate", "id:m", answer="/liveseq/done")
        while hear_source(controller, "generator moving")[1] < 4:
            pass
        controller.send(f"{latent}/seconds", 1.0)
        controller.ask(f"{latent}/component", "high", "id:c", answer="/liveseq/done")
        for wrong, code in (((1.0,), "out_of_range"), ((float("nan"), 0.0), "bad_args")):
            assert controller.ask(latent, *wrong, answer="/liveseq/fail")[:2] == (latent, code)
        while hear_source(controller, "generator moving")[1] < 24:
            pass
        assert server.stop() == 0
    audio = take(tmp_path)[:, 0]
    spectrum = np.abs(np.fft.rfft(audio[-2 * SAMPLE_RATE : -SAMPLE_RATE // 4] * np.hanning(7 * SAMPLE_RATE // 4)))
    assert spectrum.argmax() / 1.75 == pytest.approx(TAGS["hum"] + 400.0, abs=1.0)
    monkeypatch.chdir(folder)
    different, lines = differences(tmp_path, folder)
    if not any("dry" in line for line in lines):
        assert len(different) <= TRACE
