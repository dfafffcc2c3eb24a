"""Shared memory between listener and conductor."""

import dataclasses

import numpy as np
import pytest

from liveseq.listener.heard import STEP_FRAMES, InputState, InputStatus, Order, step_seconds
from liveseq.memory.slots import Slots, read_slot, slot_size, write_slot

RATE = 48_000


@pytest.fixture
def memory():
    state = InputState.create(sample_rate=RATE)
    yield state
    state.close()


def step(number):
    return np.full((STEP_FRAMES, 43), number, dtype=np.float32) + np.arange(43, dtype=np.float32) / 100


def test_status_and_order_are_read_as_they_were_written_by_another_process(memory):
    other = InputState.attach(memory.name, sample_rate=RATE)
    assert memory.read_status() == InputStatus()
    assert memory.read_order() == Order()
    status = InputStatus(
        generation=2, pid=7, n_steps=9, level_db=-3.5, state="ready", device="Scarlett é", take="x" * 300
    )
    other.write_status(status)
    assert memory.read_status() == dataclasses.replace(status, take="x" * 256)
    memory.write_order(Order(number=1, record=True, tag="verzögert"))
    assert other.read_order() == Order(number=1, record=True, tag="verzögert")
    other.close()


def test_the_last_steps_come_out_in_order(memory):
    for number in range(5):
        memory.write_step(number, step(number))
    status = InputStatus(n_steps=5)
    frames = memory.frames(status, n_steps=2)
    np.testing.assert_array_equal(frames, np.concatenate([step(3), step(4)]))
    np.testing.assert_array_equal(memory.frames(status, n_steps=2, before=3), np.concatenate([step(0), step(1)]))
    assert len(memory.frames(status, n_steps=99)) == 5 * STEP_FRAMES


def test_nothing_is_joined_on_to_what_a_listener_before_has_heard(memory):
    for number in range(5):
        memory.write_step(number, step(number))
    np.testing.assert_array_equal(memory.frames(InputStatus(n_steps=5, first_step=4), n_steps=99), step(4))


def test_a_minute_is_kept_and_what_is_overwritten_is_left_out(memory):
    n_steps = int(60.0 / step_seconds(RATE))
    for number in range(3 * n_steps):
        memory.write_step(number, step(number))
    frames = memory.frames(InputStatus(n_steps=3 * n_steps), n_steps=n_steps)
    assert len(frames) == n_steps * STEP_FRAMES
    assert frames[0, 0] == 2 * n_steps
    stale = memory.frames(InputStatus(n_steps=n_steps), n_steps=n_steps)  # as if read long after
    assert len(stale) == 0


def test_a_torn_record_is_not_read():
    buffer = memoryview(bytearray(4 * slot_size(100)))
    slots = Slots(buffer, 0, size=100)
    assert slots.read() is None
    slots.write(b"a" * 100)
    slots.write(b"b" * 100)
    assert slots.read() == b"b" * 100
    for at in (0, slot_size(100)):
        if read_slot(buffer, at, 100)[1] == b"b" * 100:
            buffer[at + 20 : at + 30] = b"torn      "
    assert slots.read() == b"a" * 100
    write_slot(buffer, 2 * slot_size(100), 7, b"c" * 100)
    assert read_slot(buffer, 2 * slot_size(100), 100) == (7, b"c" * 100)
