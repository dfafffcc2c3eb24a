"""The engine on a real device: PortAudio into a JACK server with the dummy driver."""

import numpy as np
import pytest

from benchmarks.rigs.jack_probe import Probe
from benchmarks.rigs.jack_server import JackServer
from liveseq.engine.events import Play
from liveseq.engine.state import EXIT_DEVICE_LOST
from tests.support.engine_process import SAMPLE_RATE, play_unit
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.device, pytest.mark.live]


@pytest.fixture
def jack_server(monkeypatch):
    if not JackServer.is_installed():
        pytest.skip("jackd is not installed")
    with JackServer(sample_rate=SAMPLE_RATE, block_size=128) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


def test_unit_is_heard_at_the_device(start_engine, jack_server):
    engine = start_engine("system")
    engine.wait_until_ready()
    assert engine.state.read_status().device.startswith("system, JACK")
    probe = Probe("liveseq.*:out_0")
    try:
        probe.wait_for_silence(blocks=20)
        since = probe.n_blocks
        engine.send(Play(seconds=0.0), play_unit(fade=0))
        wait_for(lambda: probe.first_sound(since) is not None, what="sound at the port")
    finally:
        probe.close()
    clocks = []
    for _ in range(2):
        pulse = engine.state.read_pulse()
        clocks.append((pulse.clock, pulse.monotonic_ns))
        wait_for(lambda clock=pulse.clock: engine.state.read_pulse().clock > clock + SAMPLE_RATE // 2)
    rate = (clocks[1][0] - clocks[0][0]) / (clocks[1][1] - clocks[0][1]) * 1e9
    assert rate == pytest.approx(SAMPLE_RATE, rel=0.02)


def test_lost_device_ends_the_engine_and_a_new_one_waits_for_it(start_engine, jack_server):
    engine = start_engine("system")
    engine.wait_until_ready()
    jack_server.kill()
    wait_for(lambda: not engine.process.is_alive(), what="the engine to notice")
    assert engine.process.exitcode == EXIT_DEVICE_LOST
    assert engine.state.read_status().state == "device_lost"
    new = engine.replacement()
    try:
        new.wait_until_ready(state="no_device")
        assert "system" in engine.state.read_status().device
        clock = engine.state.read_pulse().clock
        with JackServer(sample_rate=SAMPLE_RATE, block_size=128):
            wait_for(lambda: engine.state.read_status().state == "ready", what="the device to be found again")
            wait_for(lambda: engine.state.read_pulse().clock > clock)
            new.close()
    finally:
        new.close()


def test_unknown_device_is_named_with_the_near_ones(start_engine, jack_server):
    engine = start_engine("sistem")
    engine.wait_until_ready(state="no_device")
    text = engine.state.read_status().device
    assert "no output device named 'sistem'" in text
    assert "did you mean system, JACK" in text
    assert np.isfinite(engine.state.read_pulse().cpu)
