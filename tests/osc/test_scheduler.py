"""Timetags in monotonic time."""

import pytest

from liveseq.errors import OscError
from liveseq.osc.scheduler import MAX_QUEUED, NtpClock, Scheduler, ntp_time

WALL = 1_800_000_000.0


def test_a_timetag_lies_as_far_from_now_as_it_says():
    clock = NtpClock(wall=WALL, monotonic=50.0)
    assert clock.monotonic(ntp_time(WALL + 1.5)) == pytest.approx(51.5, abs=1e-6)
    assert clock.monotonic(ntp_time(WALL - 2.0)) == pytest.approx(48.0, abs=1e-6)


@pytest.mark.parametrize(
    "timetag",
    [0, 2, 1000, 7 << 32, int(WALL) << 32, int(WALL - 978_307_200) << 32, int(WALL), int(WALL * 1e3), 2**64 - 1],
)
def test_a_timetag_of_another_epoch_is_no_time(timetag):
    assert NtpClock(wall=WALL, monotonic=50.0).monotonic(timetag) is None


@pytest.mark.parametrize("seconds", [-3600.0, -86_000.0, 3600.0])
def test_a_timetag_of_a_clock_that_is_wrong_is_a_time(seconds):
    assert NtpClock(wall=WALL, monotonic=50.0).monotonic(ntp_time(WALL + seconds)) == pytest.approx(50.0 + seconds)


def test_the_year_2036_is_no_border():
    end_of_era = 2**32 - 2_208_988_800
    clock = NtpClock(wall=end_of_era - 1.0, monotonic=10.0)
    assert clock.monotonic(ntp_time(end_of_era + 1.0)) == pytest.approx(12.0, abs=1e-6)


@pytest.mark.parametrize("step", [5.0, -5.0, 3600.0, 0.06])
def test_a_wall_clock_that_is_set_takes_the_map_along_at_once(step):
    clock = NtpClock(wall=WALL, monotonic=0.0)
    assert clock.update(wall=WALL + step + 1.0, monotonic=1.0) == pytest.approx(step, abs=1e-6)
    assert clock.monotonic(ntp_time(WALL + step + 3.0)) == pytest.approx(3.0, abs=1e-6)
    assert clock.wall(3.0) == pytest.approx(WALL + step + 3.0, abs=1e-6)
    assert clock.update(wall=WALL + step + 2.0, monotonic=2.0) == 0.0


def test_a_wall_clock_that_differs_a_little_does_not_move_the_map_by_more_than_a_little():
    clock = NtpClock(wall=WALL, monotonic=0.0)
    assert clock.update(wall=WALL + 0.04 + 1.0, monotonic=1.0) == 0.0
    assert clock.monotonic(ntp_time(WALL + 1.0)) == pytest.approx(1.0, abs=2e-3)


def test_a_drifting_wall_clock_is_followed():
    clock = NtpClock(wall=WALL, monotonic=0.0)
    for second in range(1, 101):
        clock.update(wall=WALL + second * 1.0001, monotonic=float(second))
    assert clock.monotonic(ntp_time(WALL + 100.01)) == pytest.approx(100.0, abs=1e-3)


def test_items_come_in_the_order_of_their_times_and_equal_ones_in_the_order_of_arrival():
    scheduler = Scheduler()
    for due, item in ((3.0, "c"), (1.0, "a"), (2.0, "b"), (2.0, "b2")):
        scheduler.add(item, due=due, now=0.0)
    assert scheduler.due(2.0) == [(1.0, "a"), (2.0, "b"), (2.0, "b2")]
    assert scheduler.due(2.5) == []
    assert scheduler.clear() == 1


def test_what_is_too_far_or_too_much_is_refused():
    scheduler = Scheduler()
    with pytest.raises(OscError, match=r"timetag is 60\.0 s ahead") as far:
        scheduler.add("x", due=60.0, now=0.0)
    assert far.value.code == "out_of_range"
    for _ in range(MAX_QUEUED):
        scheduler.add("x", due=1.0, now=0.0)
    with pytest.raises(OscError, match="waiting already") as full:
        scheduler.add("x", due=1.0, now=0.0)
    assert full.value.code == "busy"
