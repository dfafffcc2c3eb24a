"""Whether a server has more xruns than its share: equal ones have not, and one with three times as many has."""

import numpy as np
import pytest
from scipy.stats import binomtest

from benchmarks.live import soak
from benchmarks.rigs import xruns
from benchmarks.rigs.jack_client import MAX_XRUNS, Listener
from benchmarks.rigs.xruns import Minutes, chance, events, of_both, why_more

SECONDS = 300.0
PER_MINUTE = 4.0
N_SETS = 200


class Heard:
    """Calls of a listener, at so many seconds."""

    def __init__(self, *seconds):
        self.seconds = seconds

    def xrun_times(self):
        return np.array([round(1e9 * at) for at in sorted(self.seconds)], dtype=np.int64)


@pytest.fixture
def counted(monkeypatch):
    """Figures of a set in which the server is asked at these seconds, (cpu_peak, underruns, late) each time."""

    def count(ours, control, asked, *, length=60.0):
        minutes = Minutes(Heard(*ours), Heard(*control), length=length)
        for at, status in asked.items():
            monkeypatch.setattr(xruns.time, "monotonic_ns", lambda at=at: round(1e9 * at))
            minutes.note(("playing", 0.05, *status))
        minutes.end()
        return minutes.figures()

    return count


@pytest.fixture
def n_failed(counted, rng):
    """Number of sets that fail when calls come by chance. times: our rate over the control's."""

    def fail(*, times, shocks=0.0):
        def calls(per_minute):
            return rng.uniform(0.0, SECONDS, rng.poisson(per_minute * SECONDS / 60.0))

        failed = 0
        for _ in range(N_SETS):
            of_both = calls(shocks)
            ours, control = (
                np.concatenate([calls(rate), of_both + rng.uniform(0.0, 0.01, len(of_both))])
                for rate in (times * PER_MINUTE, PER_MINUTE)
            )
            failed += bool(why_more(counted(ours, control, {0.0: (0.1, 0, 0), SECONDS: (0.1, 0, 0)})))
        return failed

    return fail


def test_equal_servers_pass(n_failed):
    assert n_failed(times=1.0) <= 0.05 * N_SETS


def test_a_server_with_three_times_as_many_fails(n_failed):
    assert n_failed(times=3.0) > 0.9 * N_SETS


def test_what_befalls_both_is_nobodys(n_failed, counted):
    assert n_failed(times=1.0, shocks=20.0) <= 0.05 * N_SETS
    assert n_failed(times=3.0, shocks=20.0) > 0.9 * N_SETS  # nor does it hide anything
    both = np.arange(1.0, 100.0)
    found = counted(both, both + 0.019, {0.0: (0.1, 0, 0), 100.0: (0.1, 0, 0)})
    assert [found[key] for key in ("both", "xruns_alone", "control_alone", "xruns_p")] == [99, 0, 0, 1.0]


def test_an_xrun_seconds_apart_excuses_nothing(counted):
    found = counted(range(1, 8), (), {0.0: (0.1, 0, 0), 10.0: (0.1, 7, 0)})
    assert why_more(found) == ["7 xruns alone, and 0 of the control alone (p 0.008)"]
    assert why_more(counted(range(1, 8), (1.5,), {0.0: (0.1, 0, 0), 10.0: (0.1, 7, 0)})) == []


def test_calls_within_10_ms_are_one_event_and_more_are_not():
    assert len(events(Heard(1.0, 1.003, 1.01, 1.02).xrun_times())) == 2
    assert len(events(Heard(*np.arange(0.0, 1.0, 0.002)).xrun_times())) == pytest.approx(83, abs=1)  # no end of them
    assert len(events(Heard().xrun_times())) == 0


def test_an_event_of_the_control_is_shared_once():
    ours, control = Heard(1.0, 1.015, 2.0).xrun_times(), Heard(0.5, 1.01, 2.021).xrun_times()
    assert of_both(ours, control).tolist() == [1_000_000_000]


@pytest.mark.parametrize(("alone", "control"), [(0, 0), (7, 0), (3, 9), (30, 12), (9000, 8000)])
def test_the_chance_is_that_of_the_binomial_test(alone, control):
    expected = binomtest(alone, alone + control, 0.5, alternative="greater").pvalue if alone + control else 1.0
    assert chance(alone, control) == pytest.approx(expected)


def test_minutes_tell_what_was_in_each_of_them(counted, capsys):
    asked = {
        0.0: (0.9, 5, 1),  # that of the start is not counted
        1.0: (0.2, 6, 1),
        1.9: (0.4, 6, 1),
        2.1: (0.3, 7, 3),
        2.6: (0.1, 7, 3),
    }
    found = counted((-1.0, 0.5, 1.5, 2.0, 3.0), (0.51, 0.9, 9.0), asked, length=1.0)
    rows = [[row[key] for key in ("xruns", "control", "both", "late", "cpu_peak")] for row in found["by_minute"]]
    assert rows == [[1, 2, 1, 0, 0.2], [2, 0, 0, 2, 0.4], [0, 0, 0, 0, 0.1]]
    assert [found[key] for key in ("xruns", "control", "both", "underruns", "cpu_peak")] == [3, 2, 1, 2, 0.4]
    assert "minute 2: seconds 1.1  xruns 2  control 0  both 0  late 2" in capsys.readouterr().out


def test_a_listener_remembers_the_latest():
    listener = Listener.__new__(Listener)
    listener._notes = np.zeros(2 + MAX_XRUNS, dtype=np.int64)
    listener._notes[1:5] = 3, 30, 10, 20
    assert listener.xrun_times().tolist() == [10, 20, 30]
    listener._notes[1] = MAX_XRUNS + 1
    assert len(listener.xrun_times()) == MAX_XRUNS


def test_the_figures_become_a_section_of_the_page(counted):
    found = counted((0.5, 1.5), (0.51,), {0.0: (0.1, 0, 0), 2.0: (0.2, 2, 1)})
    keys = ("minutes", "blocks", "busy_processes", "cpu", "late", "dropped", "missed", "steal", "memory_mb")
    more = ("sample_p50_ms", "sample_p99_ms", "sample_max_ms", "memory_mb_per_hour")
    page = soak.section(dict.fromkeys(keys + more, 0) | found | {"why_not": why_more(found)})
    assert "**passed**" in page
    assert "| xruns of both | 1 |" in page
    assert "| 1 | 2 | 1 | 1 | 1 | 0.2 |" in page
