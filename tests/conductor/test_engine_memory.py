"""What an engine is told in another one's place, held against what that one would have played."""

import numpy as np
import pytest

from liveseq.conductor.engine_memory import EngineMemory
from liveseq.engine.events import Panic, Play, Stop
from liveseq.engine.layer import MAX_QUEUED
from liveseq.engine.mixer import Mixer
from liveseq.sequencer.timeline import CutLayer, StopLayer
from tests.support.engine_process import SAMPLE_RATE, grain, play_unit

DEATH, BACK, END = 12_800, 19_200, 57_600
"""Samples: at the second the new engine begins."""


@pytest.fixture(scope="module")
def shard():
    return (np.random.default_rng(7).standard_normal((10 * SAMPLE_RATE, 2)) * 0.1).astype(np.float32)


def played(shard, records):
    """Takes of a mixer that lived on, and of one in its place, float32 (END - BACK, 2) each; what it was told.

    records: (sample at which it is sent, record).
    """
    memory = EngineMemory(sample_rate=SAMPLE_RATE)
    mixers = [Mixer({0: shard}, sample_rate=SAMPLE_RATE, n_layers=2) for _ in range(2)]
    mixers[0].push(Play(seconds=0.0))
    waiting = sorted(records, key=lambda pair: pair[0])
    takes = []
    told = []
    for clock in range(0, END, 128):
        due = [record for at, record in waiting if clock <= at < clock + 128]
        memory.note(due, clock=clock)
        for record in due:
            mixers[0].push(record)
        if clock == BACK:
            mixers[1].join(clock)
            told = memory.recall(clock=clock)
            for record in (Play(seconds=0.005), *told):
                mixers[1].push(record)
        elif clock > BACK:
            for record in due:
                mixers[1].push(record)
        heard = mixers[0].render(128)
        if clock >= BACK:
            takes.append((heard, mixers[1].render(128)))
    return *(np.concatenate(take) for take in zip(*takes, strict=True)), told


def unit(**change):
    return play_unit(source_end=10 * SAMPLE_RATE, **change)


@pytest.mark.parametrize(
    "records",
    [
        [(0, unit(start=1_000, position=5_000))],
        [(0, unit(start=1_000, position=5_000)), (0, unit(start=9_192, position=13_192))],
        [(0, unit(start=1_000, position=5_000)), (16_000, unit(start=18_000, position=200_000, fade=480))],
        [(0, unit(start=1_000, position=5_000, ratio=1.3)), (18_000, unit(start=30_000, position=90_000, gain=0.3))],
        [(0, unit(start=1_000, layer=2, reverse=True, position=400_000)), (0, unit(start=2_000, position=700))],
        [(0, unit(start=1_000)), (100, unit(start=25_000, position=9)), (17_000, CutLayer(layer=1, start=24_000))],
        [(0, unit(start=1_000)), (17_000, StopLayer(layer=1, start=40_000, fade=2_400))],
    ],
)
def test_what_sounded_and_what_waited_is_taken_up_where_it_would_be(shard, records):
    lived_on, new, _ = played(shard, records)
    settled = 0.05 * SAMPLE_RATE  # fades, and what the DC block keeps of them
    both = lived_on[int(settled) :], new[int(settled) :]
    assert np.abs(both[0]).max() > 0.1
    assert np.abs(both[0] - both[1]).max() < 0.01


def test_it_comes_in_without_a_click(shard):
    tone = (0.5 * np.sin(2 * np.pi * 110 * np.arange(len(shard)) / SAMPLE_RATE)).astype(np.float32)
    lived_on, new, _ = played(np.stack([tone, tone], axis=1), [(0, unit(start=1_000, position=5_000))])
    steepest = np.abs(np.diff(lived_on, axis=0)).max()
    assert np.abs(np.diff(new, axis=0)).max() <= 1.05 * steepest
    assert np.abs(new[:10]).max() < 0.01


def test_a_cloud_goes_on_with_its_last_grain(shard):
    grains = [(turn * 2_400, grain(start=turn * 2_400 + 600)) for turn in range(20)]
    lived_on, new, told = played(shard, grains)
    assert len(told) <= 2
    loudness = [np.sqrt(np.mean(take[SAMPLE_RATE // 4 :] ** 2)) for take in (lived_on, new)]
    assert loudness[1] == pytest.approx(loudness[0], rel=0.1)


@pytest.mark.parametrize("end", [Panic(), Stop(seconds=0.05), StopLayer(layer=1, start=15_000, fade=480)])
def test_what_was_stopped_does_not_come_back(shard, end):
    _, new, told = played(shard, [(0, unit(start=1_000)), (100, unit(start=16_000)), (14_900, end)])
    assert told == []
    assert np.abs(new).max() == 0.0


def test_what_has_long_been_silent_does_not_come_back():
    memory = EngineMemory(sample_rate=SAMPLE_RATE)
    memory.note([unit(start=1_000, length=8_192)], clock=0)
    assert memory.recall(clock=20 * SAMPLE_RATE) != []
    assert memory.recall(clock=31 * SAMPLE_RATE) == []


def test_an_hour_of_rests_is_no_more_than_one():
    memory = EngineMemory(sample_rate=SAMPLE_RATE)
    for number in range(10_000):
        memory.note([StopLayer(layer=1, start=8192 * number, fade=0)], clock=8192 * number)
    assert len(memory._layers[0]) <= MAX_QUEUED


def test_so_much_is_held_and_no_more():
    memory = EngineMemory(sample_rate=SAMPLE_RATE)
    memory.note([grain(start=10 + turn) for turn in range(100_000)], clock=0)
    assert len(memory.recall(clock=0)) == 256
