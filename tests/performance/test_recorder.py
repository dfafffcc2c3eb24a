"""The recorder of a set whose disk is full, read-only or gone: the set needs none."""

import json
import os
import shutil

import pytest

from liveseq.files import replace_file
from liveseq.performance import recorder as recording
from liveseq.performance.log import read_log
from liveseq.performance.recorder import FlightRecorder
from liveseq.performance.session import MAX_BYTES, SessionMemory, last_session, load_session, packed
from tests.support.waiting import wait_for

HEADER = {"log": "liveseq", "seed": 1}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(recording, "RETRY_SECONDS", (0.0,))
    monkeypatch.setattr(recording, "LOOK_SECONDS", 0.0)


def begin_again(recorder, **header):
    """Until the log is written to again."""

    def goes_on():
        recorder.begin_again(lambda: HEADER | header, now=0.0)
        return not recorder.problems

    wait_for(goes_on)


def test_where_the_show_is_on_no_log_is_needed_and_it_is_begun_as_soon_as_it_can_be(tmp_path):
    folder = tmp_path / "state"
    folder.write_text("in the way")
    recorder = FlightRecorder(folder / "session-7700.json", HEADER, resumed=True)
    recorder.write({"at": 1})
    [problem] = wait_for(lambda: recorder.problems)
    assert problem.startswith(f"{folder}: no log is written (")
    assert problem.endswith("); it is tried again")
    wait_for(lambda: recorder.n_lost == 2)
    folder.unlink()
    begin_again(recorder, seed=2)
    recorder.write({"at": 5})
    recorder.close()
    read = read_log(recorder.path)
    assert (read.header["seed"], [line["at"] for line in read]) == (2, [5])


def test_a_log_whose_folder_has_gone_ends_with_a_word_and_goes_on_in_another_file(tmp_path):
    recorder = FlightRecorder(tmp_path / "state" / "session-7700.json", HEADER)
    recorder.write({"at": 1})
    shutil.rmtree(tmp_path / "state")
    recorder.write({"at": 2})
    wait_for(lambda: recorder.problems)
    assert "no log is written (No such file or directory)" in recorder.problems[0]
    recorder.save({"playing": True})
    begin_again(recorder)
    recorder.write({"at": 3})
    recorder.close()
    assert [line["at"] for line in read_log(recorder.path)] == [3]
    assert load_session(tmp_path / "state" / "session-7700.json")["playing"] is True


def test_the_folder_above_is_not_made_anew_where_a_disk_was(tmp_path):
    recorder = FlightRecorder(tmp_path / "stick" / "state" / "session-7700.json", HEADER)
    shutil.rmtree(tmp_path / "stick")
    recorder.write({"at": 1})
    wait_for(lambda: recorder.problems)
    assert not recorder.begin_again(lambda: HEADER, now=0.0)  # it has ended just now
    assert recorder.begin_again(lambda: HEADER, now=0.0)
    recorder.close()
    assert not (tmp_path / "stick").exists()
    assert recorder.problems


def test_what_a_full_disk_does_not_take_leaves_no_empty_log_and_removes_none(disk):
    folder = disk.path / "state"
    first = FlightRecorder(folder / "session-7700.json", HEADER)
    first.write({"at": 1})
    first.close()
    disk.fill()
    for _ in range(20):  # conductors that die one after another
        recorder = FlightRecorder(folder / "session-7700.json", HEADER | {"long": "x" * 10_000}, resumed=True)
        recorder.save({"playing": True})
        recorder.write({"at": 2})
        recorder.close()
        assert ["No space left on device" in one for one in recorder.problems] == [True, True]
    assert [one.name for one in folder.iterdir()] == [first.path.name]
    (disk.path / "others").unlink()
    recorder = FlightRecorder(folder / "session-7700.json", HEADER, resumed=True)
    recorder.save({"playing": True})
    recorder.close()
    assert recorder.problems == []
    assert len(list(folder.glob("log-*.jsonl"))) == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a pipe in place of a disk that hangs")
def test_a_disk_that_hangs_is_said_and_holds_nobody_up(tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "HANG_SECONDS", 0.1)
    folder = tmp_path / "state"
    folder.mkdir()
    part = folder / ".session-7700.json.part"
    os.mkfifo(part)  # who opens it to write waits for somebody who reads
    recorder = FlightRecorder(folder / "session-7700.json", HEADER, resumed=True)
    recorder.save({"playing": True})
    [problem] = wait_for(lambda: recorder.problems)
    assert problem == f"{folder}: its disk does not answer; what is set is kept in memory"
    for n in range(2 * recording.MAX_QUEUED):
        recorder.write({"at": n})
    assert recorder.n_lost >= recording.MAX_QUEUED
    assert json.loads(part.read_bytes())["playing"] is True
    wait_for(lambda: not recorder.problems)
    recorder.close()
    assert len(list(read_log(recorder.path))) >= recording.MAX_QUEUED - 1


def test_many_short_logs_stay_and_of_long_ones_the_oldest_go(tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "MAX_FOLDER_BYTES", 25_000)
    folder = tmp_path / "state"
    for _ in range(20):
        FlightRecorder(folder / "session-7700.json", HEADER).close()
    assert len(list(folder.glob("log-*.jsonl"))) == 20
    for _ in range(3):
        last = FlightRecorder(folder / "session-7700.json", HEADER | {"long": "x" * 10_000})
        last.close()
    sizes = sorted(one.stat().st_size > 10_000 for one in folder.glob("log-*.jsonl"))
    assert sizes[-2:] == [True, True]
    assert sum(sizes) == 2
    assert last.path.is_file()


def test_a_session_is_kept_in_memory_as_far_as_there_is_room(tmp_path):
    kept = SessionMemory.create()
    other = SessionMemory.attach(kept.name)
    try:
        assert other.read() is None
        recorder = FlightRecorder(tmp_path / "state" / "session-7700.json", HEADER, memory=kept)
        recorder.save({"playing": True})
        assert other.read()["playing"] is True
        assert recorder.problems == []
        recorder.save({"playing": "x" * MAX_BYTES})
        assert other.read()["playing"] is True
        [problem] = recorder.problems
        assert problem.endswith("are too long for a new conductor; it would go on with those before")
        recorder.save({"playing": False})
        assert (other.read()["playing"], recorder.problems) == (False, [])
        recorder.close()
    finally:
        other.close()
        kept.close()


def test_the_last_session_is_that_of_this_port_or_else_the_newest(tmp_path):
    here = tmp_path / "session-7700.json"
    assert last_session(here) is None
    replace_file(tmp_path / "session-7701.json", packed({"seed": 1}))
    (tmp_path / "session-7702.json").write_text(json.dumps({"format": 99}))
    assert last_session(here)["seed"] == 1
    replace_file(here, packed({"seed": 2}))
    replace_file(tmp_path / "session-7703.json", packed({"seed": 3}))
    assert last_session(here)["seed"] == 2
