"""Orders obeyed: by the generator process's own code, in this process, over memory of its own."""

import dataclasses
import os
import shutil
import types
from pathlib import Path

import numpy as np
import pytest

from liveseq.corpus.store import Corpus
from liveseq.corpus.verify import verify
from liveseq.errors import CorpusError, ModelError
from liveseq.generation.arguments import GeneratorArguments
from liveseq.generation.job import JobRun
from liveseq.generation.meaning import Vocabulary
from liveseq.generation.models import Models
from liveseq.generation.orders import STATE_BYTES, GeneratorOrder, GeneratorState, GeneratorStatus
from liveseq.generation.process import GeneratorProcess
from liveseq.generation.work import GROWTH_SHARE, OrderHandler
from liveseq.memory.heartbeat import Heart
from liveseq.memory.layout import MAX_TAG_SIZE
from liveseq.processes import Lifetime
from liveseq.runtime.text import TextEncoder
from tests.support.tiny_generator import BROKEN, SILENT, make_generator
from tests.support.tiny_set import SAMPLE_RATE, make_set


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jobs")
    make_set(folder)
    make_generator(folder / "tones")
    make_generator(folder / "odd", odd=True)
    make_generator(folder / "led", tempo=True)
    return folder


@pytest.fixture(scope="module")
def encoder(folder):
    return TextEncoder(folder / "text-encoder")


class Bench:
    """An order handler on a copy of the corpus, and a conductor's hand."""

    def __init__(self, folder, corpus, encoder):
        self.folder, self.corpus, self.encoder = folder, corpus, encoder
        self.state = GeneratorState(memoryview(bytearray(STATE_BYTES)))
        self.handler = OrderHandler(self.state, Models(), corpus=corpus, sample_rate=SAMPLE_RATE)

    def order(self, text="drone", seconds=1.0, *, model="tones", **changes):
        """Returns its number."""
        meaning = Vocabulary(self.folder / model, self.encoder).meaning(text)
        order = GeneratorOrder(
            number=self.state.read_order().number + 1,
            kind="make",
            seconds=seconds,
            seed=3,
            folder=self.folder / model,
            text=meaning.text,
            main=meaning.main,
            vector=meaning.vector,
        )
        self.state.write_order(dataclasses.replace(order, **changes))
        return order.number

    def work(self, *, until=lambda status: False):
        """Until the order is done; returns the status."""
        while (status := self.state.read_status()).done < self.state.read_order().number and not until(status):
            self.handler.tick()
        return status

    def names(self):
        with Corpus.open(self.corpus) as corpus:
            return [source.name for source in corpus.sources() if source.provenance.kind == "generator"]


@pytest.fixture
def bench(folder, tmp_path, encoder):
    shutil.copytree(folder / "tiny.corpus", tmp_path / "c")
    return Bench(folder, tmp_path / "c", encoder)


def test_orders_and_status_come_back_as_they_were_written():
    state = GeneratorState(memoryview(bytearray(STATE_BYTES)))
    assert state.read_order().number == 0
    assert state.read_status() == GeneratorStatus()
    vector = np.arange(MAX_TAG_SIZE, dtype=np.float32)
    order = GeneratorOrder(
        number=4,
        kind="make",
        seconds=2.5,
        grows=True,
        hurry=True,
        seed=2**31 - 1,
        tempo=127.5,
        folder=Path("/a b/ü"),
        text="ä" * 200,
        main="drone",
        vector=vector,
    )
    state.write_order(order)
    found = state.read_order()
    np.testing.assert_array_equal(found.vector, vector)
    assert found == order
    assert order.tags == ("ä" * 200, "drone")
    status = GeneratorStatus(generation=2, done=3, progress=0.5, n_units=7, code="x", error="ö" * 600)
    state.write_status(status)
    assert state.read_status() == dataclasses.replace(status, error="ö" * 400)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vector": np.zeros(MAX_TAG_SIZE + 1)}, "a tag of 1025 numbers: expected at most 1024; choose a smaller text"),
        ({"folder": Path("/" + 2048 * "ü")}, "GeneratorOrder: folder: expected at most 4096 bytes, found 4097; choose"),
    ],
)
def test_an_order_that_would_be_cut_is_refused_and_the_one_before_stays(changes, message):
    state = GeneratorState(memoryview(bytearray(STATE_BYTES)))
    state.write_order(GeneratorOrder(number=4))
    with pytest.raises(ModelError, match=message):
        state.write_order(GeneratorOrder(number=5, **changes))
    assert state.read_order() == GeneratorOrder(number=4)


def test_what_is_ordered_is_made_and_counted(bench):
    number = bench.order(seconds=2.0)
    status = bench.work()
    assert (status.order, status.done, status.code) == (number, number, "")
    assert (status.name, status.n_units) == ("drone tones 3", 11)
    assert status.grown_seconds == 0.0
    assert bench.names() == ["drone tones 3"]
    assert not bench.handler.tick()  # nothing to do any more


def test_a_tempo_reaches_the_model(bench):
    """The tiny generator sounds a Hz higher for each beat per minute."""
    bench.order(seconds=2.0, model="led", tempo=130.0)
    assert bench.work().name == "drone at 130 bpm led 3"
    with Corpus.open(bench.corpus) as corpus:
        [made] = [source for source in corpus.sources() if source.provenance.kind == "generator"]
        y = np.asarray(corpus.audio(made.id))[:, 0]
    assert np.abs(np.fft.rfft(y)).argmax() * SAMPLE_RATE / len(y) == pytest.approx(240.0, abs=1)


def test_what_follows_no_tempo_is_not_called_as_if_it_did(bench):
    bench.order(tempo=130.0)
    assert bench.work().name == "drone tones 3"


def test_growth_is_counted_over_all_orders(bench, clock):
    bench.order(seconds=1.0, grows=True)
    bench.work()
    bench.order(seconds=0.5, grows=True)
    assert bench.work().grown_seconds == pytest.approx(1.5)


class Clock:
    """For what rests: every step costs 10 ms of work, and where nothing is to be done, 1 ms goes by."""

    def __init__(self):
        self.now, self.worked = 1000.0, 5.0
        self.waits = 0.0
        """Seconds, that every step lasts longer than its work."""
        self.steps = []
        """When each was begun."""

    def monotonic(self):
        return self.now

    def process_time(self):
        return self.worked

    def monotonic_ns(self):
        return int(self.now * 1e9)


@pytest.fixture
def clock(monkeypatch):
    clock, step, tick = Clock(), JobRun.step, OrderHandler.tick

    def timed_step(run):
        clock.steps.append(clock.now)
        clock.now += 0.01 + clock.waits
        clock.worked += 0.01
        return step(run)

    def timed_tick(handler):
        busy = tick(handler)
        clock.now += 0.0 if busy else 0.001
        return busy

    monkeypatch.setattr("liveseq.generation.work.time", clock)
    monkeypatch.setattr(JobRun, "step", timed_step)
    monkeypatch.setattr(OrderHandler, "tick", timed_tick)
    return clock


@pytest.mark.parametrize(("grows", "pause"), [(False, 0.01), (True, 0.01 / GROWTH_SHARE)])
def test_growth_leaves_the_machine_alone_most_of_the_time_and_a_job_does_not(bench, clock, grows, pause):
    bench.order(seconds=2.0, grows=grows)
    assert bench.work().code == ""
    pauses = np.diff(clock.steps)
    assert len(pauses) >= 5
    np.testing.assert_allclose(pauses, pause, atol=0.0025)  # step by step, not a burst and a rest


def test_time_for_which_growth_waits_is_no_work(bench, clock):
    """For the disk, or for whoever else has the cores."""
    clock.waits = 0.01 / GROWTH_SHARE
    bench.order(seconds=600.0, grows=True)
    for _ in range(11):
        assert bench.handler.tick()
    assert len(clock.steps) == 10


def test_growth_does_not_rest_while_something_waits_behind_it(bench, clock):
    bench.order(seconds=600.0, grows=True)
    while bench.handler.tick():
        assert len(clock.steps) < 100
    order = bench.state.read_order()
    for hurry in (True, False):
        bench.state.write_order(dataclasses.replace(order, hurry=hurry))
        assert [bench.handler.tick() for _ in range(5)] == [hurry] * 5
    assert (bench.state.read_status().order, len(clock.steps)) == (order.number, 6)


def test_growth_that_rests_obeys_another_order_at_once(bench, clock):
    bench.order(seconds=600.0, grows=True)
    while bench.handler.tick():
        assert len(clock.steps) < 100
    assert bench.handler._work.rests
    number = bench.order("hum", seconds=0.5)
    bench.handler.tick()
    assert bench.state.read_status().order == number
    assert bench.work().done == number
    assert bench.names() == ["hum tones 3"]


def test_a_long_job_comes_piece_by_piece_and_says_how_far_it_is(bench, monkeypatch):
    monkeypatch.setattr("liveseq.runtime.limits.PIECE_SECONDS", 1.0)
    bench.order(seconds=3.0)
    seen = []
    while (status := bench.state.read_status()).done < 1:
        bench.handler.tick()
        seen.append((status.progress, status.n_units))
    assert [one for one, _ in seen] == sorted(one for one, _ in seen)
    assert len({n for _, n in seen}) >= 3  # units are there before the end
    assert bench.names() == [f"drone tones 3 ({number} of 3)" for number in (1, 2, 3)]
    assert verify(bench.corpus) == []


def test_another_order_ends_the_one_before_and_what_is_committed_stays(bench, monkeypatch):
    monkeypatch.setattr("liveseq.runtime.limits.PIECE_SECONDS", 1.0)
    bench.order(seconds=600.0)
    bench.work(until=lambda status: status.n_units > 0)
    number = bench.state.read_order().number + 1
    bench.state.write_order(GeneratorOrder(number=number))
    assert bench.work().done == number
    n_there = len(bench.names())
    assert 1 <= n_there < 10
    bench.order("hum")
    assert bench.work().code == ""
    assert bench.names()[n_there:] == ["hum tones 3"]


def test_a_model_is_opened_ahead(bench):
    bench.order(kind="load")
    status = bench.work()
    assert status.code == ""
    assert len(bench.handler._models._open) == 1
    assert bench.names() == []


def test_a_model_that_is_not_there_is_named(bench):
    bench.order(folder=bench.folder / "nothing", kind="load")
    status = bench.work()
    assert status.code == "model_error"
    assert "nothing: no such model folder" in status.error


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [(BROKEN, "model_error", "is no sound (NaN or infinity)"), (SILENT, "model_error", "makes nothing but silence")],
)
def test_what_is_no_sound_is_refused_and_the_next_order_is_obeyed(bench, text, code, message):
    bench.order(text, model="odd")
    status = bench.work()
    assert status.code == code
    assert message in status.error
    assert bench.names() == []
    bench.order("drone", model="odd")
    assert bench.work().code == ""


def test_a_fault_of_a_model_is_told_and_the_process_stays(bench, monkeypatch, caplog):
    def fault(*_):
        raise RuntimeError("kaputt")

    monkeypatch.setattr("liveseq.generation.work.JobRun", fault)
    bench.order()
    status = bench.work()
    assert (status.code, "terminal has the details" in status.error) == ("internal", True)
    assert "kaputt" in caplog.text


def test_a_full_disk_is_said_before_anything_is_made(bench, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=300_000_000))
    bench.order(seconds=600.0)
    status = bench.work()
    assert status.code == "io_error"
    assert "600 s of sound need 499 MB free on the disk (268 of them stay free), found 300 MB" in status.error
    bench.order(seconds=1.0)
    assert bench.work().code == ""


def test_a_disk_that_is_full_in_the_middle_of_a_commit_loses_nothing(bench, monkeypatch):
    monkeypatch.setattr("liveseq.runtime.limits.PIECE_SECONDS", 1.0)
    real = Corpus.add
    calls = []

    def add(self, source):
        calls.append(source.name)
        if len(calls) == 2:
            raise CorpusError("c: writing failed (No space left on device); what was there before is kept")
        return real(self, source)

    monkeypatch.setattr(Corpus, "add", add)
    bench.order(seconds=3.0)
    status = bench.work()
    assert (status.code, status.n_units) == ("io_error", 5)
    assert "No space left on device" in status.error
    assert bench.names() == ["drone tones 3 (1 of 3)"]
    assert verify(bench.corpus) == []


# The process around them


def test_a_process_counts_its_births_and_obeys_what_is_ordered_after_its_own(folder, monkeypatch):
    state = GeneratorState.create()
    try:
        state.write_order(GeneratorOrder(number=4, kind="make"))  # under way when the one before died
        corpus = folder / "tiny.corpus"
        arguments = GeneratorArguments(state=state.name, corpus=corpus, sample_rate=SAMPLE_RATE, provider="cpu")
        lifetime = Lifetime()
        process = GeneratorProcess(arguments, lifetime, Heart.unheard())
        born = state.read_status()
        assert (born.generation, born.pid, born.order, born.done) == (1, os.getpid(), 4, 4)
        state.write_order(GeneratorOrder(number=5, kind="load", folder=folder / "tones"))
        tick = OrderHandler.tick
        monkeypatch.setattr(OrderHandler, "tick", lambda self: tick(self) or lifetime.end())
        process.run()
        status = state.read_status()
        assert (status.done, status.code) == (5, "")
        assert GeneratorProcess(arguments, lifetime, Heart.unheard())._status.generation == 2
    finally:
        state.close()
