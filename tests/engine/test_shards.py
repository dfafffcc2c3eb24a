"""What is brought into memory before it sounds, of a corpus that is larger than memory."""

import os
import threading
import time
import weakref

import numpy as np
import pytest

from liveseq.corpus.held import HeldFile
from liveseq.engine import shards
from liveseq.engine.shards import AHEAD_SECONDS, Shards
from tests.support.engine_process import N_SHARD, SAMPLE_RATE, grain, play_unit
from tests.support.waiting import wait_for

AHEAD = int(AHEAD_SECONDS * SAMPLE_RATE)


@pytest.fixture
def read(audio_folder, monkeypatch):
    """Shards without room, and the places (first sample, number of samples) that they have read."""
    monkeypatch.setattr(shards, "MEMORY_SHARE", 0.0)
    places: list[tuple[int, int]] = []

    class Noted(Shards):
        def _read(self, number: int, position: int, n_samples: int) -> None:
            places.append((position, n_samples))
            super()._read(number, position, n_samples)

    found = Noted(audio_folder, [(0, N_SHARD)], sample_rate=SAMPLE_RATE)
    assert not found.resident
    found.start(lambda *_: None, list)
    return found, places


@pytest.mark.parametrize(
    ("event", "first", "last"),
    [
        (play_unit(position=500_000), 500_000, 500_000 + AHEAD),
        (play_unit(position=500_000, reverse=True), 500_000 - AHEAD, 500_000),
        (play_unit(position=500, reverse=True), 0, 500),
        (grain(position=500_000, ratio=2.0), 500_000, 509_600),
        (grain(position=500_000, ratio=2.0, reverse=True), 490_400, 500_000),
    ],
)
def test_what_an_event_reads_is_in_memory_before_it_sounds(read, event, first, last):
    found, places = read
    found.expect(event)
    wait_for(lambda: places)
    begin, n_samples = places[0]
    assert begin <= first
    assert begin + n_samples > last
    assert n_samples < 1.01 * AHEAD


def test_what_a_voice_read_last_is_not_unmapped_by_the_audio_thread(audio_folder):
    found = Shards(audio_folder, [(0, N_SHARD - 1000)], sample_rate=SAMPLE_RATE)
    read = found.arrays[0][::-1][100:200]  # as a voice holds it
    unmapped: list[str] = []
    weakref.finalize(found.arrays[0].base, lambda: unmapped.append(threading.current_thread().name))
    given = {}
    found.start(given.__setitem__, list)
    found.added(0, N_SHARD)
    wait_for(lambda: 0 in given)
    assert len(given[0]) == N_SHARD
    time.sleep(30 * shards.POLL_SECONDS)
    assert unmapped == []
    del read
    wait_for(lambda: unmapped)
    assert unmapped == ["shards"]


def test_a_shard_that_has_not_grown_stays_as_it_is(audio_folder):
    found = Shards(audio_folder, [(0, N_SHARD)], sample_rate=SAMPLE_RATE)
    given = {}
    found.start(given.__setitem__, list)
    found.added(0, N_SHARD)
    time.sleep(30 * shards.POLL_SECONDS)
    assert given == {}


@pytest.fixture
def folder(tmp_path, noise):
    noise[:100_000].tofile(tmp_path / "0000.f32")
    return tmp_path


def test_what_is_held_open_is_mapped_after_its_folder_has_gone(folder, noise):
    path = folder / "0000.f32"
    number = os.open(path, os.O_RDONLY)
    path.unlink()
    found = Shards(folder, [(0, 100_000)], sample_rate=SAMPLE_RATE, held={path: HeldFile(number)})
    np.testing.assert_array_equal(found.arrays[0], noise[:100_000])
    assert found.missing == {}
    os.close(number)
    found._files[0].close()


def test_what_is_missing_or_cut_is_played_as_far_as_it_goes_and_found_again(folder, noise, monkeypatch):
    monkeypatch.setattr(shards, "LOOK_SECONDS", 0.0)
    found = Shards(folder, [(0, 200_000), (1, 100)], sample_rate=SAMPLE_RATE)
    assert [len(found.arrays[0]), found.arrays.get(1)] == [100_000, None]
    assert found.missing == {0: 200_000, 1: 100}
    given = {}
    found.start(given.__setitem__, list)
    noise[:200_000].tofile(folder / "again.f32")
    (folder / "again.f32").rename(folder / "0000.f32")
    noise[:100].tofile(folder / "0001.f32")
    wait_for(lambda: not found.missing)
    wait_for(lambda: len(given.get(0, ())) == 200_000 and 1 in given)
    np.testing.assert_array_equal(given[0], noise[:200_000])
