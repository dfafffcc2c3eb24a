"""The engine as its supervisor sees it: a process, a pipe, shared memory."""

import dataclasses
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from liveseq.engine.events import HandOver, Panic, Play, Quit, ShardAdded
from liveseq.engine.pipe import MAX_PER_BLOCK, RecordReader
from liveseq.engine.state import HANDED_OVER
from liveseq.memory.heartbeat import Heart
from liveseq.server.children import stand_by
from tests.support import engine_process
from tests.support.engine_process import BLOCK_SIZE, SAMPLE_RATE, grain, play_unit
from tests.support.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.live


def test_clock_runs_at_the_sample_rate_without_a_device(start_engine):
    engine = start_engine("none")
    engine.wait_until_ready()
    first = lag_on_time(engine, seconds=1.0)
    wait_for(lambda: abs(lag_on_time(engine, seconds=0.2) - first) < 0.005)
    assert engine.state.read_status().pid == engine.process.pid


def lag_on_time(engine, *, seconds):
    """How far the samples that were asked for, or missed, are behind the time: of the block that came most on time."""
    lags, end = [], engine.state.read_pulse().clock + seconds * SAMPLE_RATE

    def heard():
        pulse = engine.state.read_pulse()
        lags.append(1e-9 * pulse.monotonic_ns - (pulse.clock + BLOCK_SIZE * pulse.underruns) / SAMPLE_RATE)
        return pulse.clock > end

    wait_for(heard)
    return min(lags)


def test_unit_sounds_in_meters_and_panic_silences_it(start_engine):
    engine = start_engine("none")
    engine.wait_until_ready()
    engine.send(Play(seconds=0.01), play_unit(unit=3))
    wait_for(lambda: engine.state.read_pulse().units[0] == 3)
    wait_for(lambda: engine.state.read_pulse().rms[0] > 0.05)
    assert engine.state.read_pulse().transport == 1
    engine.send(Panic())
    wait_for(lambda: engine.state.read_pulse().transport == 0)
    assert engine.state.read_pulse().units[0] is None


def test_cloud_sounds_and_goes_on_without_its_conductor(start_engine):
    engine = start_engine("none")
    engine.wait_until_ready()
    engine.send(Play(seconds=0.01), *(grain(unit=turn, ratio=1.1) for turn in range(3)))
    wait_for(lambda: engine.state.read_pulse().units[0] == 2)
    wait_for(lambda: engine.state.read_pulse().looped == 1)
    assert engine.state.read_pulse().rms[0] > 0.01
    assert engine.state.read_pulse().dropped == 0


def test_wav_holds_what_was_played(start_engine, tmp_path, noise):
    path = tmp_path / "take with space ü.wav"
    engine = start_engine(f"wav:{path}")
    engine.wait_until_ready()
    engine.send(Play(seconds=0.0), play_unit(position=48_000, fade=0))
    wait_for(lambda: engine.state.read_pulse().units[0] == 3)
    begin = engine.state.read_pulse().clock
    wait_for(lambda: engine.state.read_pulse().clock > begin + SAMPLE_RATE)
    engine.send(Quit())
    engine.process.join(PATIENCE)
    assert engine.process.exitcode == 0
    assert engine.state.read_status().state == "ended"
    y, rate = soundfile.read(path, dtype="float32")
    assert (rate, y.shape[1]) == (SAMPLE_RATE, 2)
    first = int(np.flatnonzero(np.abs(y[:, 0]) > 1e-6)[0])
    heard, played = y[first : first + 40_000], noise[48_000:88_000]
    # The DC block is all that lies between them.
    assert np.corrcoef(heard[:, 0], played[:, 0])[0, 1] > 0.999
    assert np.abs(y[-4:]).max() == 0.0  # faded out


def test_wav_is_whole_after_a_kill(start_engine, tmp_path):
    path = tmp_path / "take.wav"
    engine = start_engine(f"wav:{path}")
    engine.wait_until_ready()
    begin = engine.state.read_pulse().clock
    wait_for(lambda: engine.state.read_pulse().clock > begin + SAMPLE_RATE)
    engine.kill()
    assert soundfile.info(path).frames > SAMPLE_RATE // 4


def test_second_take_does_not_overwrite_the_first(start_engine, tmp_path):
    path = tmp_path / "take.wav"
    path.write_bytes(b"a take")
    engine = start_engine(f"wav:{path}")
    engine.wait_until_ready()
    assert engine.state.read_status().device == f"wav:{tmp_path / 'take.2.wav'}"
    assert path.read_bytes() == b"a take"


@pytest.mark.parametrize(("name", "reason"), [("missing/take.wav", "cannot be written"), ("", "found a folder")])
def test_unwritable_recording_is_reported_and_the_clock_runs(start_engine, tmp_path, name, reason):
    engine = start_engine(f"wav:{tmp_path / name}")
    engine.wait_until_ready(state="no_device")
    assert reason in engine.state.read_status().device


def test_clock_and_counts_go_on_in_a_new_engine(start_engine):
    engine = start_engine("none")
    engine.wait_until_ready()
    engine.send(play_unit())  # dropped: the transport is stopped
    wait_for(lambda: engine.state.read_pulse().dropped == 1)
    engine.kill()
    before = engine.state.read_pulse()
    began = time.monotonic_ns()
    new = engine.replacement()
    try:
        new.wait_until_ready()
        after = engine.state.read_pulse()
        first = after.clock - BLOCK_SIZE * (after.blocks - before.blocks - 1)
        seconds = (first - before.clock) / SAMPLE_RATE
        # Where the one before would be, at a moment of its own start.
        assert 1e-9 * (began - before.monotonic_ns) <= seconds + 1e-4
        assert seconds <= 1e-9 * (after.monotonic_ns - before.monotonic_ns)
        assert after.blocks > before.blocks
        assert after.dropped == 1
        assert engine.state.read_status().generation == 2
        assert after.transport == 0
        new.send(Play(seconds=0.0), play_unit(unit=9))
        wait_for(lambda: engine.state.read_pulse().units[0] == 9)
    finally:
        new.close()


def test_an_engine_that_hands_over_reads_and_tells_nothing_more_and_ends(start_engine):
    engine = start_engine("none")
    engine.wait_until_ready()
    engine.send(HandOver(pid=engine.process.pid + 1))  # meant for one that has died before it read this
    blocks = engine.state.read_pulse().blocks
    wait_for(lambda: engine.state.read_pulse().blocks > blocks + 100)
    engine.send(HandOver(pid=engine.process.pid))
    wait_for(lambda: engine.state.read_pulse().transport == HANDED_OVER)
    last = engine.state.read_pulse().blocks
    engine.send(Play(seconds=0.0))
    engine.process.join(PATIENCE)
    assert engine.process.exitcode == 0
    assert engine.state.read_pulse().blocks == last
    assert engine.state.read_status().state == "ready"
    assert [type(record) for record in RecordReader(engine.reader).read()] == [Play]


def test_a_spare_engine_opens_nothing_before_it_is_told_and_then_plays_at_once(start_engine, tmp_path):
    engine = start_engine("none")
    engine.wait_until_ready()
    context = multiprocessing.get_context("spawn")
    orders, theirs = context.Pipe()
    arguments = dataclasses.replace(engine.arguments, output=f"wav:{tmp_path / 'take.wav'}")
    spare = context.Process(target=stand_by, args=(arguments, engine.reader, theirs, Heart.unheard()), daemon=True)
    spare.start()
    try:
        assert orders.poll(PATIENCE)
        assert orders.recv() == ("waits",)
        orders.send(("open", f"wav:{tmp_path / 'no' / 'folder.wav'}", 64))
        kind, reason = orders.recv()
        assert (kind, "cannot be written" in reason) == ("failed", True)
        assert list(tmp_path.iterdir()) == []
        assert engine.state.read_status().generation == 1
        engine.kill()
        killed = engine.state.read_pulse()
        orders.send(("play",))
        wait_for(lambda: engine.state.read_pulse().blocks > killed.blocks + 5)
        now = engine.state.read_pulse()
        lag = (now.clock - killed.clock) / SAMPLE_RATE - (now.monotonic_ns - killed.monotonic_ns) * 1e-9
        assert abs(lag) < 0.01  # where the one before would be
        wait_for(lambda: engine.state.read_status().generation == 2)
        assert engine.state.read_status().device == f"wav:{tmp_path / 'take.wav'}"
    finally:
        spare.terminate()
        spare.join(PATIENCE)


def test_sigterm_ends_it_cleanly_and_sigint_does_not(start_engine):
    engine = start_engine("none")
    engine.wait_until_ready()
    os.kill(engine.process.pid, signal.SIGINT)
    blocks = engine.state.read_pulse().blocks
    wait_for(lambda: engine.state.read_pulse().blocks > blocks + 50)
    engine.process.terminate()
    engine.process.join(PATIENCE)
    assert engine.process.exitcode == 0


def test_suspended_engine_counts_what_it_missed_and_goes_on(start_engine):
    engine = start_engine("none")
    engine.wait_until_ready()
    os.kill(engine.process.pid, signal.SIGSTOP)
    time.sleep(0.7)
    os.kill(engine.process.pid, signal.SIGCONT)
    wait_for(lambda: engine.state.read_pulse().underruns > 100)
    blocks = engine.state.read_pulse().blocks
    wait_for(lambda: engine.state.read_pulse().blocks > blocks + 100)
    assert engine.process.is_alive()


def test_engine_whose_parent_dies_fades_out_and_ends(audio_folder):
    parent = subprocess.Popen(
        [sys.executable, engine_process.__file__, audio_folder],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert psutil.pid_exists(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_for(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_new_shard_can_be_played(start_engine, audio_folder, noise):
    noise[:SAMPLE_RATE].tofile(audio_folder / "0001.f32")
    engine = start_engine("none")
    engine.wait_until_ready()
    engine.send(Play(seconds=0.0), ShardAdded(number=1, n_samples=SAMPLE_RATE))

    def sounds():
        engine.send(play_unit(unit=4, shard=1, source_end=SAMPLE_RATE))  # refused until the helper has mapped it
        return engine.state.read_pulse().units[0] == 4

    wait_for(sounds)


def test_a_flood_is_read_block_by_block_and_the_clock_goes_on(start_engine):
    engine = start_engine("none")
    engine.wait_until_ready()
    engine.send(Play(seconds=0.0))
    start = engine.state.read_pulse()
    n_sent = 0
    while n_sent < 30_000:
        assert engine.process.is_alive()
        n_sent += engine.writer.send([play_unit(start=2**40 + n_sent)] * 50)
    wait_for(lambda: engine.state.read_pulse().dropped >= n_sent - 256)  # what a layer keeps is not dropped
    end = engine.state.read_pulse()
    assert end.blocks - start.blocks >= (end.dropped - start.dropped) / MAX_PER_BLOCK
    assert end.clock - start.clock == BLOCK_SIZE * (end.blocks - start.blocks)
