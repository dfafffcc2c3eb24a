"""A conductor as `compose` puts it together: packets in, records out. The rest of the server is made up."""

import asyncio
import multiprocessing
import shutil
import socket
import time
from contextlib import ExitStack, closing

import numpy as np
import pytest

from liveseq.conductor import conductor as module
from liveseq.conductor.arguments import ConductorArguments
from liveseq.conductor.composition import compose
from liveseq.corpus.held import HeldCorpus
from liveseq.engine.events import Play
from liveseq.engine.pipe import RecordReader
from liveseq.engine.state import EngineState, Pulse, Status
from liveseq.errors import ModelError
from liveseq.generation.orders import GeneratorState
from liveseq.memory.heartbeat import Heart
from liveseq.osc.packets import build
from liveseq.osc.scheduler import ntp_time
from liveseq.performance.log import read_log
from liveseq.performance.session import SessionMemory
from liveseq.runtime.watch import Watch
from liveseq.sequencer.timeline import PlayUnit
from liveseq.streaming.ring import StreamRings
from tests.support.controllers import bundle
from tests.support.tiny_set import SAMPLE_RATE, make_predictor
from tests.support.waiting import wait_for


class Rest:
    """Everything that a conductor has to do with: engine, generator, supervisor, a client."""

    def __init__(self, folder, state_dir, stack):
        self.state = stack.enter_context(closing(EngineState.create()))
        self.orders = stack.enter_context(closing(GeneratorState.create()))
        rings = stack.enter_context(closing(StreamRings.create(n_layers=2, sample_rate=SAMPLE_RATE)))
        self.session = stack.enter_context(closing(SessionMemory.create()))
        corpus = stack.enter_context(closing(HeldCorpus.of(folder / "tiny.corpus")))
        self.udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.udp.bind(("127.0.0.1", 0))
        self.client = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        reader, self.records = multiprocessing.Pipe(duplex=False)
        self.supervisor, self.theirs = multiprocessing.Pipe()
        for end in (reader, self.records, self.supervisor, self.theirs):
            stack.enter_context(end)
        self.engine = RecordReader(reader)
        self.arguments = {
            "corpus": corpus,
            "session": self.session.name,
            "predictor": str(folder / "predictor"),
            "generator": "unagan",
            "provider": "cpu",
            "state": self.state.name,
            "orders": self.orders.name,
            "rings": rings.name,
            "grow_minutes": 1.0,
            "state_dir": state_dir,
            "sample_rate": SAMPLE_RATE,
            "output": "none",
            "block_size": 128,
            "n_layers": 2,
            "seed": 1,
            "look_ahead": 0.12,
            "seeds": folder,
        }

    def compose(self, **changes):
        arguments = ConductorArguments(**self.arguments | changes)
        watch = Watch(stuck=pytest.fail)
        return compose(arguments, (self.udp,), self.records, self.theirs, heart=Heart.unheard(), deadlines=watch)

    def start_engine(self):
        self.state.write_pulse(Pulse(clock=SAMPLE_RATE, monotonic_ns=time.monotonic_ns()))
        self.state.write_status(Status(generation=1, state="ready", sample_rate=float(SAMPLE_RATE)))


@pytest.fixture
def rest(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("liveseq.runtime.folders.MODELS", folder)
    monkeypatch.setattr(module, "prefer_audio", lambda priority: False)
    monkeypatch.setattr(module.gc, "freeze", lambda: None)
    with ExitStack() as stack:
        yield Rest(folder, tmp_path / "state", stack)


def close(conductor):
    conductor.desk.worker.close()
    conductor.desk.recorder.close()


def test_a_packet_is_obeyed_planned_and_sent_to_the_engine_in_one_turn(rest):
    conductor = rest.compose()
    rest.start_engine()
    conductor._tick()
    rest.engine.read()  # the state of everything
    rest.client.sendto(build("/liveseq/tag", "bells"), rest.udp.getsockname())
    conductor._read(rest.udp)
    records = rest.engine.read()
    close(conductor)
    assert isinstance(records[0], Play)
    assert any(isinstance(record, PlayUnit) and record.layer == 1 for record in records)
    [entry] = [entry for entry in read_log(conductor.desk.recorder.path) if "address" in entry]
    assert (entry["address"], entry["arguments"]) == ("/liveseq/tag", ["bells"])


def test_a_clock_that_is_set_while_it_runs_delays_no_bundle(rest, monkeypatch):
    conductor = rest.compose()
    rest.start_engine()
    conductor._tick()
    wall = time.time
    for hours in (1.0, -2.0):
        monkeypatch.setattr(time, "time", lambda hours=hours: wall() + 3600.0 * hours)
        conductor._tick()
        timetag = ntp_time(time.time() + 0.03)
        rest.engine.read()
        rest.client.sendto(bundle(build("/liveseq/fade", -3.0, 0.0), timetag=timetag), rest.udp.getsockname())
        conductor._read(rest.udp)
        assert rest.engine.read() == []
        wait_for(lambda: conductor._tick() or rest.engine.read(), what="the fade")
    close(conductor)
    assert conductor.desk.inbox.n_clock_steps == 2
    assert conductor.announcer.status()[17] == 2


def test_a_predictor_that_says_no_number_is_named_once_counted_and_the_tag_plays(rest, folder, tmp_path, caplog):
    make_predictor(tmp_path / "mute", spread=np.nan)
    conductor = rest.compose(play="bells", predictor=str(tmp_path / "mute"))
    rest.start_engine()
    for _ in range(3):
        conductor._tick()
        asyncio.run(conductor._plan_ahead())
    conductor._tick()
    choices = conductor.announcer._choices
    close(conductor)
    assert {choice.source for choice in choices} == {"bells.wav"}
    [told] = [record.getMessage() for record in caplog.records]
    assert "mute: it says what is no finite number; its layers go on in the tag's own material; export it anew" in told
    assert conductor.announcer.status()[18] >= len(choices) > 0


def test_nothing_is_sent_while_no_engine_is_there_and_the_first_one_hears_everything(rest):
    conductor = rest.compose(play="bells")
    conductor._tick()
    assert conductor.desk.link.generation is None
    assert rest.engine.read() == []
    rest.start_engine()
    conductor._tick()
    close(conductor)
    assert conductor.desk.link.generation == 1
    assert {Play, PlayUnit} <= {type(record) for record in rest.engine.read()}


def a_death(rest, conductor, generation):
    """Another engine is there; returns what it is told."""
    rest.engine.read()
    rest.state.write_pulse(Pulse(clock=2 * SAMPLE_RATE, monotonic_ns=time.monotonic_ns()))
    rest.state.write_status(Status(generation=generation, state="ready", block_size=256))
    conductor._tick()
    return rest.engine.read()


def test_an_engine_in_place_of_another_is_told_what_that_one_held(rest):
    conductor = rest.compose(play="bells")
    rest.start_engine()
    conductor._tick()
    conductor._taken_up -= 60.0  # a minute ago
    asyncio.run(conductor._plan_ahead())
    planned = [record for record in rest.engine.read() if isinstance(record, PlayUnit)]
    told = a_death(rest, conductor, 2)
    close(conductor)
    assert any(isinstance(record, Play) for record in told)
    units = [record for record in told if isinstance(record, PlayUnit)]
    assert units
    assert set(units) <= set(planned)
    assert conductor.desk.link.block_size == 256
    entries = list(read_log(conductor.desk.recorder.path))
    assert [entry["took_over"] for entry in entries if "took_over" in entry] == [2]


def test_an_engine_that_dies_of_what_it_was_told_is_not_told_it_again(rest):
    conductor = rest.compose(play="bells")
    rest.start_engine()
    conductor._tick()
    a_death(rest, conductor, 2)  # at once
    close(conductor)
    entries = list(read_log(conductor.desk.recorder.path))
    assert [entry["engine"] for entry in entries if "engine" in entry] == [1, 2]


def test_the_supervisor_hears_which_audio_files_there_are(rest):
    conductor = rest.compose()
    rest.start_engine()
    conductor._tick()
    close(conductor)
    kind, shards = rest.supervisor.recv()
    assert kind == "shards"
    assert shards == tuple(conductor.desk.performance.instrument.corpus.shards())


def test_it_says_that_it_is_ready_and_ends_with_a_last_entry(rest):
    conductor = rest.compose()
    rest.supervisor.send(("end",))
    asyncio.run(conductor.run())
    assert rest.supervisor.recv() == ("ready", 105)
    assert rest.supervisor.recv() == ("log", conductor.desk.recorder.path)
    session = read_log(conductor.desk.recorder.path)
    header, [last] = session.header, list(session)
    assert (header["units"], header["resumed"], header["session"]) == (105, False, None)
    assert last["end"] is True


def test_what_cannot_be_opened_is_refused_before_anything_runs(rest):
    with pytest.raises(ModelError, match="no such model folder"):
        rest.compose(predictor="nothing")


def tell(conductor, rest, address, *arguments):
    rest.client.sendto(build(address, *arguments), rest.udp.getsockname())
    conductor._read(rest.udp)


def test_a_conductor_goes_on_where_the_one_before_was_without_a_disk(rest, tmp_path):
    first = rest.compose(play="bells")
    rest.start_engine()
    first._tick()
    tell(first, rest, "/liveseq/gain", -7.5)
    tell(first, rest, "/liveseq/layer/2/tag", "hum")
    close(first)
    shutil.rmtree(tmp_path / "state")
    (tmp_path / "state").write_text("in the way")
    second = rest.compose(play="bells", resume=True)
    second._tick()
    values = second.desk.performance.values
    assert (values["/liveseq/gain"], values["/liveseq/layer/2/tag"]) == ((-7.5,), ("hum",))
    assert second.desk.performance.playing
    wait_for(lambda: second.desk.recorder.problems)
    second._tick()
    assert "no log is written" in second.desk.recorder.problems[0]
    close(second)


def test_a_server_that_is_to_resume_takes_up_the_last_set_and_else_begins(rest, tmp_path, caplog):
    first = rest.compose(take_up=True, play="drone")
    rest.start_engine()
    first._tick()
    assert "no session to resume; starting afresh" in caplog.text
    assert first.desk.performance.values["/liveseq/layer/1/tag"] == ("drone",)
    tell(first, rest, "/liveseq/tag", "hum")
    close(first)
    with closing(SessionMemory.create()) as memory:
        second = rest.compose(take_up=True, play="bells", session=memory.name)
        assert second.desk.performance.values["/liveseq/layer/1/tag"] == ("hum",)
        assert second.desk.performance.playing
        assert read_log(second.desk.recorder.path).header["resumed"] is True
        close(second)


def test_a_log_that_begins_in_the_midst_of_a_set_begins_with_its_state(rest, tmp_path, monkeypatch):
    monkeypatch.setattr("liveseq.performance.recorder.RETRY_SECONDS", (0.0,))
    monkeypatch.setattr("liveseq.performance.recorder.LOOK_SECONDS", 0.0)
    conductor = rest.compose(play="bells")
    rest.start_engine()
    (tmp_path / "state").rename(tmp_path / "elsewhere")
    tell(conductor, rest, "/liveseq/gain", -7.5)
    wait_for(lambda: conductor.desk.recorder.problems)
    wait_for(lambda: conductor._tick() or not conductor.desk.recorder.problems)
    tell(conductor, rest, "/liveseq/gain", -8.5)
    close(conductor)
    log = read_log(conductor.desk.recorder.path)
    assert log.header["session"]["values"]["/liveseq/gain"] == [-7.5]
    entries = [one for one in log if "choice" not in one]
    assert (entries[0]["engine"], entries[-1]["arguments"]) == (1, [-8.5])
