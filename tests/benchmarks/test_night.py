"""The night: what is made of its looks, its verdict, and two minutes of it on the real server."""

import numpy as np
import pytest

from benchmarks.faults.family import Resources
from benchmarks.faults.kinds import FAULTS
from benchmarks.live.chaos import chosen
from benchmarks.live.night import Look, memory, night, section, slope, why_not
from benchmarks.rigs.jack_server import JackServer

HEALING = ("conductor dies", "generator dies", "streamer dies", "listener dies")


def look(seconds, **megabytes):
    """A look at processes whose ids are in their names."""
    processes = {name.rstrip("0123456789"): Resources(int(name[-1]), mb, 20, 3) for name, mb in megabytes.items()}
    return Look(seconds=seconds, processes=processes, shared=4, log_mb=0.1)


def life(begin, level, per_second, n=60):
    seconds = begin + 5.0 * np.arange(n)
    return np.stack([seconds, level + per_second * seconds], axis=1)


def test_growth_is_that_within_lives_not_between_them():
    assert slope([life(0.0, 100.0, 0.01), life(300.0, 10.0, 0.01), life(600.0, 500.0, 0.01)]) == pytest.approx(0.01)
    assert slope([life(0.0, 100.0, 0.0), life(300.0, 400.0, 0.0)]) == pytest.approx(0.0)


def test_the_first_half_minute_and_short_lives_are_left_out():
    young = life(0.0, 100.0, 0.0)
    young[:6, 1] = 10.0
    assert slope([young, life(400.0, 0.0, 9.0, n=8)]) == pytest.approx(0.0)
    assert slope([]) == 0.0


def test_memory_is_told_by_role_from_the_first_look_to_the_last():
    looks = [look(5.0 * n, engine1=50.0, conductor2=100.0 + 0.5 * n) for n in range(20)]
    looks += [look(100.0 + 5.0 * n, engine1=50.0, conductor3=80.0 + 0.5 * n) for n in range(20)]
    found = memory(looks)
    assert found["engine"] == {"first_mb": 50.0, "last_mb": 50.0, "mb_per_hour": 0.0}
    assert (found["conductor"]["first_mb"], found["conductor"]["last_mb"]) == (100.0, 89.5)
    assert found["conductor"]["mb_per_hour"] == pytest.approx(360.0)


GOOD = {
    "minutes": 60.0,
    "every": 5.0,
    "gap_ms": 3.0,
    "xruns": 2,
    "own_underruns": 0,
    "late": 0,
    "dropped": 0,
    "grown_units": 70,
    "log_mb": 0.4,
    "descriptors": [90, 92],
    "threads": [20, 20],
    "shared": [4, 4],
    "memory": {"engine": {"first_mb": 50.0, "last_mb": 50.0, "mb_per_hour": 0.0}},
    "faults": [
        {"fault": "engine dies", "minute": 5.2, "heard": 900.0, "control": 30.0, "lost": [], "misses": ["heard"]}
    ],
}
ROW = GOOD["faults"][0]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, []),
        ({"gap_ms": 55.0}, ["55 ms of silence that no fault made"]),
        ({"faults": [ROW | {"control": None}]}, ["engine dies: it does not heal"]),
        ({"faults": [ROW | {"lost": ["/liveseq/gain"]}]}, ["engine dies: lost /liveseq/gain"]),
        ({"descriptors": [90, 130]}, ["descriptors: 90 have become 130"]),
        ({"shared": [4, 5]}, ["shared memory: 4 pieces have become 5"]),
    ],
)
def test_the_verdict(change, why):
    assert why_not(GOOD | change) == why


def test_the_figures_become_a_section_of_the_page():
    text = section(GOOD | {"why_not": []})
    assert "**passed**" in text
    assert "| engine | 50 | 50 | 0 |" in text
    assert "| 5 | engine dies | 900 | 30 | heard |" in text
    assert "**gone**" in section(GOOD | {"why_not": ["gone"]})


@pytest.mark.device
@pytest.mark.live
@pytest.mark.slow
def test_two_minutes_of_it_pass():
    if not JackServer.is_installed():
        pytest.skip("jackd is not installed")
    figures = night(chosen(FAULTS, HEALING), minutes=2.0, every=0.4, seed=1)
    assert figures["why_not"] == []
    assert len(figures["faults"]) == 4
    assert figures["grown_units"] > 0
    assert {"supervisor", "engine", "conductor", "generator", "listener"} <= figures["memory"].keys()
