"""Shared memory: what is written is read, whole or not at all."""

import multiprocessing
import time

import pytest

from liveseq.engine.state import EngineState, Pulse, Status
from tests.support.waiting import PATIENCE


@pytest.fixture
def state():
    state = EngineState.create()
    yield state
    state.close()


def test_reader_gets_what_the_writer_wrote(state):
    pulse = Pulse(clock=2**40, monotonic_ns=5, blocks=7, late=3, slow=2, peaks=[0.5, 0.25], latency=0.125, transport=1)
    pulse.units[1], pulse.steps[1], pulse.layer_peaks[1] = 12, 3, 0.75
    state.write_pulse(pulse)
    status = Status(generation=3, pid=17, sample_rate=44_100.0, state="ready", device="Gerät, ALSA", granted="all")
    state.write_status(status)
    reader = EngineState.attach(state.name)
    assert reader.read_pulse() == pulse
    assert reader.read_status() == status
    reader.close()


def test_long_text_is_cut_between_characters(state):
    state.write_status(Status(device="ü" * 300))
    assert state.read_status().device == "ü" * 128


def test_record_damaged_in_mid_write_leaves_the_one_before(state):
    state.write_pulse(Pulse(clock=1))
    state.write_pulse(Pulse(clock=2))
    newest = state._pulse._places[state._pulse._newest()[0] % 2]
    state._memory.buf[newest + 20] ^= 0xFF
    assert state.read_pulse().clock == 1


def test_records_that_are_both_damaged_are_our_own_bug(state):
    state.write_pulse(Pulse(clock=1))
    for place in state._pulse._places:
        state._memory.buf[place + 20] ^= 0xFF
    with pytest.raises(RuntimeError, match="nothing whole in shared memory"):
        state.read_pulse()


def test_clock_goes_on_with_time(state):
    then = time.monotonic_ns() - 2_000_000_000
    state.write_pulse(Pulse(clock=48_000, monotonic_ns=then))
    assert state.clock_now(sample_rate=48_000) >= 3 * 48_000
    assert state.clock_now(sample_rate=48_000) <= 48_000 + (time.monotonic_ns() - then) * 48_000 // 1_000_000_000


def _write_for_ever(name: str) -> None:
    state = EngineState.attach(name)
    pulse = Pulse()
    while True:
        pulse.clock += 1
        pulse.blocks = pulse.clock
        pulse.layer_rms[15] = float(pulse.clock % 1000)
        state.write_pulse(pulse)


def test_no_torn_read_beside_a_writer_and_none_after_its_death(state):
    writer = multiprocessing.get_context("spawn").Process(target=_write_for_ever, args=(state.name,))
    writer.start()
    try:
        end = time.monotonic() + PATIENCE
        while state.read_pulse().clock < 20_000:
            assert time.monotonic() < end
            pulse = state.read_pulse()
            assert pulse.blocks == pulse.clock
            assert pulse.layer_rms[15] == pulse.clock % 1000
    finally:
        writer.kill()
        writer.join()
    assert state.read_pulse().clock >= 20_000
