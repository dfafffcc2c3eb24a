"""The conductor's ears, with a listener that is made up: what it hears is written into the memory by the test."""

import dataclasses
import time

import numpy as np
import pytest

from liveseq.dsp.descriptors import describe
from liveseq.dsp.saving import save_audio
from liveseq.listener.heard import STEP_FRAMES, InputState, InputStatus
from tests.support import odd_recordings
from tests.support.desk_stage import SAMPLE_RATE, Stage

PREFIX = "/liveseq"
NEVER_SILENT_NS = 3_600_000_000_000
"""A listener counts as lost half a second after its last news; the machine may hold up a test for longer."""


class Musician:
    """Plays into the memory."""

    def __init__(self, state):
        self.state = state
        self.status = InputStatus(generation=1, state="ready", device="Scarlett, JACK")
        self.say()

    def say(self, **changes):
        self.status = dataclasses.replace(self.status, monotonic_ns=time.monotonic_ns() + NEVER_SILENT_NS, **changes)
        self.state.write_status(self.status)

    def play(self, y):
        """Whole steps of a signal; returns their frames."""
        frames = describe(y, sample_rate=SAMPLE_RATE)
        frames = frames[: len(frames) // STEP_FRAMES * STEP_FRAMES]
        for number, step in enumerate(np.split(frames, len(frames) // STEP_FRAMES), self.status.n_steps):
            self.state.write_step(number, step)
        self.say(n_steps=self.status.n_steps + len(frames) // STEP_FRAMES)
        return frames


@pytest.fixture
def state():
    state = InputState.create(sample_rate=SAMPLE_RATE)
    yield state
    state.close()


@pytest.fixture
def musician(state):
    return Musician(state)


@pytest.fixture
def stage(state, musician, tmp_path):
    return Stage(seeds=tmp_path, heard=state)


def tone(seconds, hz=220.0):
    return (0.2 * np.sin(2 * np.pi * hz * np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE)).astype(np.float32)


def prime_entries(stage):
    return [entry for entry in stage.entries if entry["address"].endswith("/prime")]


def test_without_an_input_nothing_can_be_heard(stage, state):
    deaf = Stage()
    deaf.send(f"{PREFIX}/subscribe", f"{PREFIX}/input")
    wanted = {"seed/input": 2.0, "query/calibrate": 2.0, "corpus/record": 1}
    for address, argument in wanted.items():
        [answer] = deaf.ask(f"{PREFIX}/{address}", argument)
        assert answer[2] == "device_error"
        assert "--input NAME" in answer[3]
    deaf.pass_time(0.1)
    assert (f"{PREFIX}/input", "none", "", -120.0) in deaf.answers()


def test_the_input_is_announced_and_its_loss(stage, musician):
    stage.send(f"{PREFIX}/subscribe", f"{PREFIX}/input")
    musician.say(level_db=-12.34)
    stage.answers()
    stage.pass_time(0.1)
    assert stage.answers() == [(f"{PREFIX}/input", "ready", "Scarlett, JACK", pytest.approx(-12.3))]
    musician.say(state="lost", device="no input device named Scarlett")
    stage.pass_time(0.1)
    assert stage.answers()[-1][:2] == (f"{PREFIX}/input", "lost")
    [answer] = stage.ask(f"{PREFIX}/seed/input", 2.0)
    assert answer[2:] == (
        "device_error",
        "the input is lost (no input device named Scarlett); it is looked for again and again",
    )


def test_a_seed_is_what_was_heard_last_and_the_log_holds_it(stage, musician):
    [answer] = stage.ask(f"{PREFIX}/seed/input", 2.0)
    assert answer[2:] == ("not_ready", "nothing has been heard yet; play first")
    musician.play(tone(3.0, hz=880.0))
    frames = musician.play(tone(2.0))
    stage.send(f"{PREFIX}/seed/input", 1.0, "id:7")
    stage.prepare()
    assert stage.answers()[-1] == (f"{PREFIX}/done", f"{PREFIX}/seed/input", "id:7")
    [entry] = stage.entries
    assert entry["address"] == f"{PREFIX}/layer/1/prime"
    columns, blob = entry["arguments"]
    heard = np.frombuffer(blob, ">f4").reshape(-1, columns)
    np.testing.assert_array_equal(heard, frames[-len(heard) :])
    assert len(heard) == 6 * STEP_FRAMES  # 1 s, whole steps
    assert stage.performance.playing
    [answer] = stage.ask(f"{PREFIX}/seed/input", 1.0, 3)
    assert answer[2:] == ("out_of_range", "layer: expected 1 to 2, found 3")


def test_silence_is_no_seed_and_is_not_followed(stage, musician):
    musician.play(np.zeros(2 * SAMPLE_RATE, np.float32))
    assert stage.ask(f"{PREFIX}/seed/input", 1.0)[0][2:4] == (
        "not_ready",
        "the input: nothing but silence (below -60 dBFS)",
    )
    stage.send(f"{PREFIX}/listen", 1)
    stage.pass_time(0.1)
    assert prime_entries(stage) == []


def test_a_step_that_is_no_sound_is_left_out_and_the_next_one_is_heard(stage, musician):
    """A broken client of the sound server may send numbers whose squares are none."""
    stage.send(f"{PREFIX}/listen", 1)
    musician.play(tone(2.0))
    stage.pass_time(0.1)
    musician.state.write_step(musician.status.n_steps, np.full((STEP_FRAMES, 43), np.inf, dtype=np.float32))
    musician.say(n_steps=musician.status.n_steps + 1)
    stage.pass_time(0.1)
    assert len(prime_entries(stage)) == 1
    musician.play(tone(0.4))
    stage.pass_time(0.1)
    assert len(prime_entries(stage)) == 2


def test_a_layer_that_listens_hears_every_step_once(stage, musician):
    musician.play(tone(4.0))
    stage.send(f"{PREFIX}/layer/2/listen", 1)
    stage.pass_time(0.1)
    stage.pass_time(0.1)
    first = prime_entries(stage)
    assert [entry["address"] for entry in first] == [f"{PREFIX}/layer/2/prime"]
    assert len(first[0]["arguments"][1]) == 12 * STEP_FRAMES * 43 * 4
    frames = musician.play(tone(0.4, hz=880.0))
    stage.pass_time(0.1)
    [_, second] = prime_entries(stage)
    assert second["arguments"] == (43, frames.astype(">f4").tobytes())
    assert second["from"] == "input"
    stage.send(f"{PREFIX}/stop")
    musician.play(tone(0.4))
    stage.pass_time(0.1)
    assert len(prime_entries(stage)) == 2
    assert not stage.performance.playing


def test_a_range_is_learned_from_what_comes_and_not_from_what_was(stage, musician):
    musician.play(tone(4.0, hz=880.0))
    stage.send(f"{PREFIX}/query/calibrate", 1.0)
    stage.pass_time(0.1)
    assert stage.entries == []
    assert stage.ask(f"{PREFIX}/query/calibrate", 1.0)[0][2] == "busy"
    musician.play(tone(2.0, hz=220.0))
    stage.pass_time(0.1)
    assert stage.answers()[-1] == (f"{PREFIX}/done", f"{PREFIX}/query/calibrate")
    [entry] = stage.entries
    assert entry["address"] == f"{PREFIX}/query/calibration"
    mean = np.frombuffer(entry["arguments"][0], ">f4")[:34]
    assert mean[14] == pytest.approx(np.log2(220.0), abs=0.2)  # log_centroid_mean
    stage.send(f"{PREFIX}/query/calibrate", 0.0)
    assert stage.entries[-1]["arguments"] == (b"",)


def test_an_input_that_vanishes_while_its_range_is_learned_is_told(stage, musician):
    stage.send(f"{PREFIX}/query/calibrate", 1.0)
    musician.say(state="lost")
    stage.pass_time(0.1)
    _, command, code, text = stage.answers()[-1]
    assert (command, code) == (f"{PREFIX}/query/calibrate", "device_error")
    assert "the last one stays" in text
    assert stage.entries == []


def test_a_take_is_ordered_and_its_end_is_told(stage, musician, state):
    assert stage.ask(f"{PREFIX}/corpus/record", 1, "my harp") == [(f"{PREFIX}/done", f"{PREFIX}/corpus/record")]
    order = state.read_order()
    assert (order.number, order.record, order.tag) == (1, True, "my harp")
    assert stage.ask(f"{PREFIX}/corpus/record") == [(f"{PREFIX}/corpus/record", 1)]
    assert stage.ask(f"{PREFIX}/corpus/record", 0) == []
    assert not state.read_order().record
    assert stage.ask(f"{PREFIX}/corpus/record", 1)[0][2] == "busy"
    musician.say(order=2, done=2, take="my harp 2026")
    stage.pass_time(0.1)
    stage.pass_time(0.1)
    assert stage.answers()[-1] == (f"{PREFIX}/done", f"{PREFIX}/corpus/record", "my harp 2026")


def test_a_take_that_fails_or_dies_is_told(stage, musician):
    stage.send(f"{PREFIX}/corpus/record", 1)
    stage.send(f"{PREFIX}/corpus/record", 0)
    musician.say(done=2, error="disk full")
    stage.pass_time(0.1)
    assert stage.answers()[-1][2:] == ("io_error", "disk full")
    stage.send(f"{PREFIX}/corpus/record", 1)
    stage.send(f"{PREFIX}/corpus/record", 0)
    musician.say(generation=2)
    stage.pass_time(0.1)
    assert stage.answers()[-1][2:] == ("io_error", "the listener has died, and the take with it")


def test_a_seed_from_a_file_acts_when_it_is_read(stage, tmp_path):
    save_audio(tmp_path / "hum.wav", tone(2.0), sample_rate=SAMPLE_RATE)
    stage.answers()
    stage.send(f"{PREFIX}/seed/file", "hum.wav", 2)
    stage.send(f"{PREFIX}/sync", 5)
    assert stage.answers() == []
    stage.prepare()
    done, synced = stage.answers()
    assert done == (f"{PREFIX}/done", f"{PREFIX}/seed/file")
    assert synced == (f"{PREFIX}/synced", 5)
    [entry] = stage.entries
    assert entry["address"] == f"{PREFIX}/layer/2/prime"
    np.testing.assert_array_equal(
        np.frombuffer(entry["arguments"][1], ">f4").reshape(-1, 43), describe(tone(2.0), sample_rate=SAMPLE_RATE)
    )


def test_a_seed_whose_header_is_wrong_acts_and_is_told(stage, tmp_path):
    (tmp_path / "pipe.flac").write_bytes(odd_recordings.told()["pipe.flac"].content)
    stage.send(f"{PREFIX}/subscribe", f"{PREFIX}/log", 60.0)
    stage.answers()
    stage.send(f"{PREFIX}/seed/file", "pipe.flac")
    stage.prepare()
    answers = stage.answers()
    [log] = [answer[1:] for answer in answers if answer[0] == f"{PREFIX}/log"]
    assert log[0] == "warning"
    assert log[1].startswith("pipe.flac: does not state its length")
    assert (f"{PREFIX}/done", f"{PREFIX}/seed/file") in answers
    assert [entry["address"] for entry in stage.entries] == [f"{PREFIX}/layer/1/prime"]


def test_what_cannot_be_prepared_is_told_and_changes_nothing(stage):
    stage.answers()
    stage.send(f"{PREFIX}/seed/file", "none.wav", "id:1")
    stage.send(f"{PREFIX}/predict/model", "none")
    stage.prepare()
    fails = {answer[1]: answer for answer in stage.answers()}
    assert fails[f"{PREFIX}/seed/file"][2] == "not_found"
    assert fails[f"{PREFIX}/seed/file"][-1] == "id:1"
    assert fails[f"{PREFIX}/predict/model"][2] == "not_found"
    assert "there are: " in fails[f"{PREFIX}/predict/model"][3]
    assert stage.entries == []


def test_a_model_that_is_loaded_acts_in_its_turn(stage, tmp_path):
    save_audio(tmp_path / "hum.wav", tone(2.0), sample_rate=SAMPLE_RATE)
    stage.send(f"{PREFIX}/seed/file", "hum.wav")
    stage.send(f"{PREFIX}/predict/model", "predictor")
    stage.prepare()
    assert [entry["address"] for entry in stage.entries] == [f"{PREFIX}/layer/1/prime", f"{PREFIX}/predict/model"]
    assert stage.answers()[-1] == (f"{PREFIX}/done", f"{PREFIX}/predict/model")
    assert stage.ask(f"{PREFIX}/predict/model") == [(f"{PREFIX}/predict/model", "predictor")]


def test_panic_forgets_seeds_that_are_being_read(stage, tmp_path):
    save_audio(tmp_path / "hum.wav", tone(2.0), sample_rate=SAMPLE_RATE)
    for _ in range(2):
        stage.send(f"{PREFIX}/seed/file", "hum.wav")
    stage.send(f"{PREFIX}/panic")
    stage.prepare()
    told = [answer for answer in stage.answers() if answer[1] == f"{PREFIX}/seed/file"]
    assert [answer[2] for answer in told] == ["not_ready"] * 2
    assert not stage.performance.playing
