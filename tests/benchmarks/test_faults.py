"""What faults are made of: a disk, a clock, predictors that go wrong, a tape that goes round."""

import errno
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.faults.home import Clock
from benchmarks.faults.predictors import HUNG, NAN, make_predictors
from benchmarks.paths import ROOT
from benchmarks.rigs.disk import Disk
from benchmarks.rigs.jack_tape import Tape
from liveseq.corpus.units import FEATURE_NAMES
from liveseq.runtime.predictor import Condition, OnnxPredictor

SOUND = np.ones(len(FEATURE_NAMES), np.float32)
NOTHING = Condition(tag=np.zeros(1, np.float32), phase=np.zeros(3, np.float32))


@pytest.fixture
def disk(tmp_path):
    if not Disk.can_be():
        pytest.skip("needs the right to mount")
    with Disk(tmp_path / "disk", megabytes=1) as disk:
        yield disk


def test_a_disk_that_is_full_takes_no_byte_until_it_is_emptied(disk):
    disk.fill()
    with pytest.raises(OSError, match="No space left") as found:
        (disk.path / "a").write_bytes(b"one")
    assert found.value.errno == errno.ENOSPC
    disk.empty()
    assert (disk.path / "a").write_bytes(bytes(5000)) == 5000


def test_a_disk_turns_read_only_beside_files_that_are_open(disk):
    with (disk.path / "log").open("w") as log:
        disk.freeze()
        with pytest.raises(OSError, match="Read-only"):
            (disk.path / "a").write_bytes(b"one")
        assert log.write("open before") > 0
    disk.thaw()
    assert (disk.path / "log").read_text() == "open before"


def test_a_disk_vanishes_with_its_folder_and_comes_back_empty(disk):
    (disk.path / "a").write_bytes(b"one")
    disk.vanish()
    assert not disk.path.exists()
    disk.restore()
    assert list(disk.path.iterdir()) == []


def test_a_clock_is_set_for_whoever_was_started_with_it(tmp_path):
    clock = Clock(tmp_path / "clock")
    code = "import time; print(time.time() - time.clock_gettime(time.CLOCK_REALTIME))"
    for seconds in (0.0, 3600.0, -5.0):
        clock.set(seconds)
        assert clock.offset == seconds
        found = subprocess.run([sys.executable, "-c", code], env=clock.environment, capture_output=True, check=True)
        assert float(found.stdout) == pytest.approx(seconds, abs=0.5)
    clock.close()


STEP = """
import sys
from pathlib import Path
from tests.benchmarks.test_faults import NOTHING, SOUND
from liveseq.runtime.predictor import OnnxPredictor
predictor = OnnxPredictor(Path(sys.argv[1]))
print("opened", flush=True)
predictor.step(SOUND, predictor.start(), NOTHING)
"""


def test_predictors_open_and_go_wrong_when_they_are_played(tmp_path):
    make_predictors(tmp_path)
    says = OnnxPredictor(tmp_path / NAN)
    mixture, _ = says.step(SOUND, says.start(), NOTHING)
    assert np.isnan(mixture.means).all()
    command = [sys.executable, "-c", STEP, tmp_path / HUNG]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "opened\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.0)
        process.kill()


def test_a_tape_that_goes_round_holds_the_latest_blocks():
    tape = Tape.__new__(Tape)
    tape._count, tape._times = np.zeros(1, np.int64), np.zeros(4, np.int64)
    tape._audio = np.zeros((4, 2, 3), np.float32)
    for number in range(1, 7):
        place = int(tape._count[0]) % 4
        tape._times[place], tape._audio[place] = 10 * number, number
        tape._count[0] += 1
        blocks, times = tape.take()
        assert times.tolist() == [10 * n for n in range(max(1, number - 2 if number > 4 else 1), number + 1)]
        assert blocks.shape == (len(times), 3, 2)
        assert blocks[:, 0, 0].tolist() == (times / 10).tolist()
    assert tape.take(since=50)[1].tolist() == [50, 60]
