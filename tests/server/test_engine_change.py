"""Engines of a supervisor that is made up: what no sound card of a test has, and what has grown."""

import multiprocessing
import os
import signal
import time
from contextlib import ExitStack, closing

import numpy as np
import pytest

from liveseq.engine.arguments import EngineArguments
from liveseq.engine.events import Play
from liveseq.engine.pipe import RecordWriter
from liveseq.engine.state import EngineState
from liveseq.memory.heartbeat import Hearts
from liveseq.server.child import Child, Living
from liveseq.server.children import begin
from liveseq.server.engines import Engines
from tests.support.engine_process import SAMPLE_RATE, play_unit
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.live]


@pytest.fixture
def house(tmp_path):
    """Engines that record into a folder, the first of them playing and a spare one waiting; state and pipe."""
    spawner = multiprocessing.get_context("spawn")
    takes = tmp_path / "takes"
    takes.mkdir()
    np.zeros((SAMPLE_RATE, 2), np.float32).tofile(tmp_path / "0000.f32")

    def spawn(name, target, *arguments, heart):
        listener = hearts.listener(heart)
        beating = (target, hearts.memory, hearts.place(heart), *arguments)
        process = spawner.Process(target=begin, args=beating, name=name)
        process.start()
        return Living(process, listener)

    with ExitStack() as stack:
        hearts = stack.enter_context(closing(Hearts.create()))
        state = stack.enter_context(closing(EngineState.create()))
        pipe = spawner.Pipe(duplex=False)
        arguments = EngineArguments(
            state=state.name,
            audio_folder=tmp_path,
            shards=((0, SAMPLE_RATE),),
            sample_rate=SAMPLE_RATE,
            block_size=128,
            output=f"wav:{takes / 'take.wav'}",
        )
        engines = Engines(spawner, spawn, lambda: arguments, pipe, state)
        stack.callback(engines.end, 0.0)
        engines.child.watch(time.monotonic())
        wait_for(lambda: state.read_status().generation == 1, what="an engine")
        wait_for(lambda: watch(engines) or (engines._spare and engines._spare.waits), what="a spare engine")
        yield engines, state, RecordWriter(pipe[1])


def watch(engines):
    """A turn of the supervisor."""
    engines.child.watch(time.monotonic())
    engines.watch(time.monotonic())


def changed(engines, *output):
    """The answer to a change."""
    answers = []
    engines.change(*output, answers.append)
    wait_for(lambda: watch(engines) or answers, what="an answer")
    [answer] = answers
    return answer


def test_a_device_that_one_engine_has_to_itself_is_let_go_and_played_again_where_that_was_in_vain(house, tmp_path):
    engines, state, _ = house
    (tmp_path / "takes").rename(tmp_path / "gone")  # it cannot be opened a second time
    first = engines.child.process
    assert "cannot be written" in changed(engines, f"wav:{tmp_path / 'takes' / 'take.wav'}", 256)
    wait_for(lambda: state.read_status().generation == 2, what="another engine")
    assert engines.child.process is not first
    assert not first.is_alive()
    assert (state.read_status().state, state.read_status().block_size) == ("no_device", 128)


def test_another_output_begins_before_the_old_one_has_ended(house, tmp_path):
    engines, state, _ = house
    clock = state.read_pulse().clock
    assert changed(engines, f"wav:{tmp_path / 'other.wav'}", 64) is None
    wait_for(lambda: state.read_status().generation == 2, what="another engine")
    assert state.read_status().device == f"wav:{tmp_path / 'other.wav'}"
    assert state.read_status().block_size == 64
    assert state.read_pulse().clock > clock
    wait_for(lambda: watch(engines) or not engines._leaving, what="the old one to end")


def test_a_second_change_is_refused_while_one_is_under_way(house):
    engines, _, _ = house
    answers = []
    engines.change("none", 128, lambda _: None)
    engines.change("none", 64, answers.append)
    assert answers == ["another change of the output is under way; wait for its /done"]


def test_a_spare_engine_has_what_the_corpus_has_grown_by(house, tmp_path):
    engines, state, writer = house
    noise = np.random.default_rng(1).standard_normal((SAMPLE_RATE, 2)).astype(np.float32)
    (0.1 * noise).tofile(tmp_path / "0001.f32")
    engines.grown(((0, SAMPLE_RATE), (1, SAMPLE_RATE)))
    spare = engines._spare.living.process
    wait_for(lambda: watch(engines) or engines._spare.waits, what="the spare engine to have it")
    engines.child.process.kill()
    engines.child.process.join()
    watch(engines)
    assert engines.child.process is spare
    wait_for(lambda: state.read_status().generation == 2, what="another engine")
    dropped = state.read_pulse().dropped
    writer.send([Play(seconds=0.0), play_unit(unit=4, shard=1, source_end=SAMPLE_RATE)])
    wait_for(lambda: state.read_pulse().units[0] == 4, what="the new sound")
    assert state.read_pulse().dropped == dropped


def test_no_spare_engine_beats_where_the_engine_that_plays_does(house):
    engines, _, _ = house
    playing = engines.child.process
    for _ in range(4):
        spare = engines._spare.living.process
        spare.kill()
        spare.join()
        wait_for(lambda: watch(engines) or engines._spare is None, what="the loss of a spare engine")
        engines._spare_due = 0.0
        wait_for(lambda: watch(engines) or engines._spare is not None, what="another one")
    hearts = {living.process.pid: name for name, living in engines._beating.items() if living.process.is_alive()}
    assert hearts.keys() == {playing.pid, engines._spare.living.process.pid}, "one heart each"
    assert engines.child.process is playing


def test_a_spare_engine_that_hangs_is_replaced_before_it_is_needed(house):
    engines, _, _ = house
    hung = engines._spare.living.process
    os.kill(hung.pid, signal.SIGSTOP)
    wait_for(lambda: watch(engines) or time.sleep(0.02) or engines._spare is None, what="its end")
    assert not hung.is_alive()
    engines._spare_due = 0.0
    wait_for(lambda: watch(engines) or (engines._spare and engines._spare.waits), what="another one")


def test_a_change_of_the_output_goes_on_while_the_corpus_grows(house, tmp_path):
    engines, state, _ = house
    answers = []
    (tmp_path / "takes").rename(tmp_path / "gone")  # it has to be let go, and cannot be opened then either
    engines.change(f"wav:{tmp_path / 'takes' / 'take.wav'}", 256, answers.append)
    watch(engines)
    engines.grown(((0, SAMPLE_RATE),))
    wait_for(lambda: watch(engines) or answers, what="an answer")
    assert "cannot be written" in answers[0]
    wait_for(lambda: watch(engines) or state.read_status().generation == 2, what="an engine")


def test_a_process_that_cannot_be_started_is_tried_again(monkeypatch):
    def no_room():
        raise BlockingIOError("Resource temporarily unavailable")

    child = Child("engine", no_room)
    assert (
        child.watch(1.0)
        == "engine has died (cannot start: Resource temporarily unavailable); a new one starts in 0.2 s"
    )
    assert child.watch(1.1) is None
    assert child.watch(1.3).endswith("a new one starts in 0.5 s")


def test_a_machine_without_room_for_a_spare_engine_plays_on_without(house, monkeypatch):
    engines, _, _ = house
    engines._drop_spare()

    def no_room(*_, **__):
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(engines, "_spawn", no_room)
    engines._spare_due = 0.0
    watch(engines)
    assert engines._spare is None
    assert engines._spare_due > time.monotonic()
