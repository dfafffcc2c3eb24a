"""Outputs: which device a name means, and a recording's file."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from liveseq.engine.devices import Device, find_device
from liveseq.engine.recording import Recording
from liveseq.errors import DeviceError

DEVICES = [
    Device(index=0, name="Scarlett 2i2 USB", host_api="MME"),
    Device(index=1, name="Scarlett 2i2 USB", host_api="Windows WASAPI"),
    Device(index=2, name="Scarlett 18i20 USB", host_api="Windows WASAPI"),
    Device(index=3, name="Built-in Output", host_api="Windows WASAPI"),
]


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("Built-in Output", 3),
        ("built-in", 3),
        ("Scarlett 2i2 USB", 1),  # the host API that answers sooner
        ("Scarlett 2i2 USB, MME", 0),
        ("18i20", 2),
        ("default", 3),
    ],
)
def test_device_is_found_by_name_and_host_api(name, index):
    assert find_device(name, DEVICES, default=3).index == index


def test_unknown_name_lists_the_near_ones():
    with pytest.raises(DeviceError, match=r"named 'Scarlet 2i2 USB'; did you mean Scarlett 2i2 USB, Windows WASAPI"):
        find_device("Scarlet 2i2 USB", DEVICES, default=None)


def test_name_like_no_other_lists_all():
    with pytest.raises(DeviceError, match=r"there are: .*Built-in Output, Windows WASAPI"):
        find_device("zzz", DEVICES, default=None)


def test_ambiguous_name_is_refused():
    with pytest.raises(DeviceError, match=r"'Scarlett' is ambiguous: .*18i20"):
        find_device("Scarlett", DEVICES, default=None)


@pytest.mark.parametrize("name", ["default", "Built-in"])
def test_machine_without_a_device_is_told_so(name):
    with pytest.raises(DeviceError, match=r"none at all|no output device on this machine"):
        find_device(name, [], default=None)


def test_recording_is_the_blocks_in_order(tmp_path, rng):
    y = rng.uniform(-1, 1, (10_000, 2)).astype(np.float32)
    recording = Recording(tmp_path / "take.wav", sample_rate=44_100)
    for begin in range(0, len(y), 125):
        recording.put(y[begin : begin + 125])
    recording.close()
    read, rate = soundfile.read(tmp_path / "take.wav", dtype="float32")
    assert rate == 44_100
    np.testing.assert_array_equal(read, y)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full here")
def test_full_disk_ends_the_recording_and_says_so(tmp_path):
    recording = Recording(tmp_path / "take.wav", sample_rate=1_000)
    with recording._file, open("/dev/full", "wb", buffering=0) as recording._file:
        recording.put(np.ones((1_000, 2), dtype=np.float32))
        recording.close()
    assert recording.problem == f"{recording.path}: recording ended, No space left on device"


def test_block_that_finds_the_queue_full_is_silence_in_the_file(tmp_path):
    recording = Recording(tmp_path / "take.wav", sample_rate=1_000)
    block = np.ones((1_000, 2), dtype=np.float32)
    for _ in range(6):  # faster than the disk may take them: room is for four seconds
        recording.put(block)
    lost = recording.n_lost
    recording._flush()
    recording.put(block)
    recording.close()
    assert lost == 2
    read, _ = soundfile.read(tmp_path / "take.wav")
    assert len(read) == 7_000
    assert [int(second.max()) for second in np.split(read, 7)] == [1, 1, 1, 1, 0, 0, 1]
