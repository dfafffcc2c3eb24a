"""Heartbeats: who hangs is found by turns, and nobody by seconds."""

import pytest

from liveseq.memory.heartbeat import PATIENCE_SECONDS, START_SECONDS, TURN_SECONDS, Heart, Hearts, Listener

TURN = 1.01 * TURN_SECONDS


class Pair:
    """A heart and who listens to it, on a clock of their own."""

    def __init__(self):
        cell = bytearray(64)
        self.listener = Listener(cell, 0)
        self.listener.begin()
        self.heart = Heart(cell, 0)
        self.now = 100.0

    def turns_until_it_hangs(self, most=100_000):
        for n in range(1, most):
            self.now += TURN
            if self.listener.hangs(self.now):
                return n
        return None


@pytest.fixture
def pair():
    return Pair()


def turns(seconds):
    return pytest.approx(seconds / TURN_SECONDS, abs=2)


def test_silence_of_two_seconds_is_a_hang_once_it_goes_its_rounds(pair):
    pair.heart.go_rounds()
    assert pair.turns_until_it_hangs() == turns(PATIENCE_SECONDS)


def test_who_beats_never_hangs(pair):
    pair.heart.go_rounds()
    for _ in range(1000):
        pair.heart.beat()
        pair.now += 10 * TURN
        assert not pair.listener.hangs(pair.now)


def test_however_long_a_turn_has_lasted_it_is_one(pair):
    """A laptop that slept for a night."""
    pair.heart.go_rounds()
    pair.listener.hangs(pair.now)
    pair.now += 30_000.0
    assert not pair.listener.hangs(pair.now)
    pair.now += TURN
    assert not pair.listener.hangs(pair.now)


def test_many_looks_within_a_moment_are_one_turn(pair):
    pair.heart.go_rounds()
    pair.listener.hangs(pair.now)
    assert not any(pair.listener.hangs(pair.now + n * 1e-6) for n in range(1000))


def test_a_start_may_be_long_and_has_an_end(pair):
    assert pair.turns_until_it_hangs() == turns(START_SECONDS)


def test_long_work_that_was_said_beforehand_is_no_hang_and_what_follows_it_is_heard(pair):
    pair.heart.go_rounds(patience=1.0)
    with pair.heart.silent(10.0), pair.heart.silent(5.0):
        for _ in range(int(9.0 / TURN_SECONDS)):
            pair.now += TURN
            assert not pair.listener.hangs(pair.now)
    assert pair.turns_until_it_hangs() == turns(1.0)


def test_long_work_that_does_not_end_is_a_hang(pair):
    pair.heart.go_rounds()
    with pair.heart.silent(10.0):
        assert pair.turns_until_it_hangs() == turns(10.0)


def test_works_of_two_threads_may_end_in_any_order(pair):
    pair.heart.go_rounds()
    first, second = pair.heart.silent(10.0), pair.heart.silent(20.0)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert pair.turns_until_it_hangs() == turns(20.0)
    second.__exit__(None, None, None)
    assert pair.turns_until_it_hangs() == turns(PATIENCE_SECONDS)


def test_a_new_process_of_a_name_beats_where_the_old_one_did_and_begins_anew():
    hearts = Hearts.create()
    try:
        listener = hearts.listener("engine")
        assert hearts.place("conductor") != hearts.place("engine")
        old = Heart.attach(hearts.memory, hearts.place("engine"))
        old.go_rounds()
        listener.begin()
        new = Heart.attach(hearts.memory, hearts.place("engine"))
        now = 0.0
        for _ in range(int(3 * PATIENCE_SECONDS / TURN_SECONDS)):  # it starts, and has time for that
            now += TURN
            assert not listener.hangs(now)
        new.go_rounds()
        assert not listener.hangs(now + TURN)
        del old, new
    finally:
        hearts.close()
