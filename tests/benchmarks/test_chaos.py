"""Chaos: its order, its table, and a few faults that are done to the real server."""

import math

import pytest

from benchmarks.faults.fault import CUT, FADES, UNHEARD, Fault, Seen, misses
from benchmarks.faults.kinds import FAULTS
from benchmarks.live.chaos import announced, beside, cell, chaos, chosen, lost, order, row, section
from benchmarks.rigs.jack_server import JackServer

DEATH = Fault(name="engine dies", most_ms=250.0)
QUIET = Fault(name="conductor dies")


def test_every_fault_has_a_name_of_its_own():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) > 30


def test_the_order_is_by_seed_and_every_run_has_each_fault_once():
    faults = FAULTS[:12]
    found = order(faults, runs=3, seed=7)
    assert found == order(faults, runs=3, seed=7)
    assert found != order(faults, runs=3, seed=8)
    runs = [found[begin : begin + 12] for begin in (0, 12, 24)]
    for run in runs:
        assert sorted(fault.name for fault in run) == sorted(fault.name for fault in faults)
    assert runs[0] != runs[1] != runs[2]


def test_faults_are_chosen_by_the_beginning_of_their_names():
    assert [fault.name for fault in chosen(FAULTS, ["conductor dies", "TERM"])] == ["conductor dies", "TERM"]
    assert chosen(FAULTS, None) == list(FAULTS)


@pytest.mark.parametrize(
    ("fault", "seen", "missed"),
    [
        (QUIET, Seen(heard=0.0, control=1100.0, said=["stderr: dead"]), []),
        (QUIET, Seen(heard=9.0, control=1100.0, said=["stderr: dead"]), []),  # what JACK itself drops
        (QUIET, Seen(heard=30.0, control=2100.0), ["heard", "control", "announced"]),
        (DEATH, Seen(heard=240.0, control=5.0, said=["/log: dead"], lost=["/liveseq/gain"]), ["lost"]),
        (DEATH, Seen(heard=math.inf, control=math.inf, said=["/log: dead"]), ["heard", "control"]),
        (Fault(name="device", most_ms=None), Seen(heard=3000.0, control=5.0, said=["/log: gone"]), []),
        (QUIET, Seen(heard=CUT, control=None, said=["stdout: bye"]), ["heard"]),
        (QUIET, Seen(heard=FADES, control=None, said=["stdout: bye"]), []),
        (QUIET, Seen(heard=UNHEARD, control=3.0, said=["status: dropped 4"]), []),
    ],
)
def test_what_is_held_and_what_is_missed(fault, seen, missed):
    assert misses(fault, seen) == missed


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], ""),
        ([12.4], "12"),
        ([12.0, 900.0, 14.0], "14 / 900"),
        ([12.0, None, 14.0], "14 / never"),
        ([None, None, 14.0], "never"),
        ([FADES, FADES], FADES),
        ([FADES, CUT, FADES], CUT),
        ([UNHEARD], UNHEARD),
    ],
)
def test_a_cell_has_median_and_worst(values, text):
    assert cell(values) == text


def test_what_was_announced_where_and_how_often():
    assert announced({"said": [], "announced": 0.0, "tells": True}) == "no"
    assert announced({"said": [], "announced": 0.0, "tells": False}) == ""
    assert announced({"said": ["/log: a", "stderr: b", "/log: c"], "announced": 1.0}) == "/log, stderr"
    assert announced({"said": ["/log: a"], "announced": 0.6}) == "/log (60%)"


def test_what_was_lost_is_named_and_the_rest_counted():
    assert lost([]) == "nothing"
    assert lost(["/liveseq/gain", "the take"]) == "`/liveseq/gain`, the take"
    assert lost([f"/liveseq/{letter}" for letter in "abcde"]).endswith("`/liveseq/c`, 2 more")


def test_rows_of_every_load_become_a_table():
    good = Seen(heard=0.0, control=900.0, said=["stderr: dead"])
    bad = Seen(heard=math.inf, control=math.inf, lost=["/liveseq/gain"])
    rows = [
        row(QUIET, {"idle": [good, good], "busy": [good, bad]}),
        row(DEATH, {"idle": [good, good], "busy": [good, good]}),
    ]
    assert rows[0]["heard"] == {"idle": [0.0, 0.0], "busy": [0.0, None]}
    figures = {"runs": 2, "seed": 1, "busy_processes": 4, "loads": ["idle", "busy"], "rows": rows}
    text = section(figures | {"skipped": {"state folder full": "needs the right to mount"}})
    conductor = "| conductor dies | 0 | never | 0 | 900 | never | stderr (75%) | `/liveseq/gain` |"
    assert f"{conductor} announced, control, heard, lost |" in text
    assert "| engine dies | 0 | 0 | 250 | 900 | 900 | stderr | nothing | held |" in text
    assert text.startswith("1 of 2 hold their targets.")
    assert "Not done on this machine: state folder full (needs the right to mount)." in text


def test_rows_of_other_faults_stay_where_they_were_measured_in_the_same_way():
    last, new = (
        {"runs": 1, "seed": 1, "loads": ["idle"], "heard": True, "busy_processes": 4, "skipped": {}, "rows": rows}
        for rows in (
            [{"fault": name, "n": 1} for name in ("engine dies", "TERM")],
            [{"fault": name, "n": 2} for name in ("conductor dies", "engine dies")],
        )
    )
    found = [(one["fault"], one["n"]) for one in beside(new, last)["rows"]]
    assert found == [("engine dies", 2), ("conductor dies", 2), ("TERM", 1)]
    assert beside(new, None) == beside(new, last | {"runs": 5}) == new


@pytest.mark.device
@pytest.mark.live
@pytest.mark.slow
def test_a_server_suffers_faults_and_its_output_control_words_and_settings_are_looked_at():
    if not JackServer.is_installed():
        pytest.skip("jackd is not installed")
    faults = chosen(FAULTS, ["conductor dies", "its own port", "TERM"])
    figures = chaos(faults, loads=["idle"], runs=1, seed=1)
    assert figures["skipped"] == {}
    dies, own_port, term = figures["rows"]
    assert dies["heard"]["idle"][0] < 10.0
    assert 0.0 < dies["control"]["idle"][0] < 20_000.0
    assert any("conductor" in text for text in dies["said"])
    assert own_port["heard"]["idle"][0] < 10.0
    assert any("denied" in text for text in own_port["said"])
    assert (term["heard"]["idle"], term["control"]["idle"]) == ([FADES], [])
    assert any(text.startswith("stdout: liveseq stopped") for text in term["said"])
    assert [found["lost"] for found in figures["rows"]] == [[], [], []]
