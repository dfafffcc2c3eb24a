"""Silence on a tape, against signals whose silence is known."""

import numpy as np
import pytest

from benchmarks.faults.gaps import first_sound_ns, is_cut, longest_gap_ms

RATE, SIZE = 48_000, 128
BLOCK_NS = SIZE / RATE * 1e9
SECOND = 1_000_000_000


@pytest.fixture
def tape(rng):
    """Two seconds of noise, and when each block came, from second 10 on."""
    n = 2 * RATE // SIZE
    signs = rng.choice(np.array([-0.2, 0.2], np.float32), (n, SIZE, 2))
    return signs, (10 * SECOND + np.arange(n) * BLOCK_NS).astype(np.int64)


def gap(tape, since=10.0, until=12.0):
    return longest_gap_ms(*tape, since=int(since * SECOND), until=int(until * SECOND), sample_rate=RATE)


def silence(tape, begin, n):
    """So many samples from one on."""
    tape[0].reshape(-1, 2)[begin : begin + n] = 1e-5


def test_steady_sound_has_no_gap(tape):
    assert gap(tape) == 0.0


@pytest.mark.parametrize("n", [1, 100, SIZE, 48 * 37, RATE // 2])
def test_a_gap_is_as_long_as_the_silence_to_the_sample(tape, n):
    silence(tape, 20_001, n)
    silence(tape, 60_000, n // 2)
    assert gap(tape) == pytest.approx(n / 48.0)


def test_silence_on_one_side_is_none(tape):
    tape[0][300:400, :, 0] = 0.0
    assert gap(tape) == 0.0


def test_only_the_time_that_was_asked_for_counts(tape):
    silence(tape, 24_000, 12_000)  # from 10.5 s to 10.75 s
    assert gap(tape, since=10.8) == 0.0
    assert gap(tape, until=10.4) == 0.0
    assert gap(tape, since=10.6) == pytest.approx(150.0, abs=5.0)


def test_silence_that_goes_on_to_the_end_counts(tape):
    silence(tape, 90_000, 6_000)
    assert gap(tape) == pytest.approx(125.0, abs=3.0)
    assert gap(tape, until=13.0) == pytest.approx(1125.0, abs=6.0)  # nothing is on the tape any more


def test_no_block_at_all_is_all_silence(tape):
    assert gap(tape, since=20.0, until=21.5) == 1500.0


def test_a_cycle_that_only_came_late_is_no_gap(tape, rng):
    blocks, times = tape
    late = times + rng.integers(0, 4_000_000, len(times))  # the thread that noted the time had no core
    assert gap((blocks, np.maximum.accumulate(late))) == 0.0


def test_cycles_that_the_tape_missed_are_silence_only_beside_silence(tape):
    blocks, times = tape
    missed = np.delete(blocks, range(300, 340), axis=0), np.delete(times, range(300, 340))
    assert gap(missed) == 0.0
    silence(missed, 300 * SIZE, 10 * SIZE)
    assert gap(missed) == pytest.approx(50 * SIZE / 48.0, abs=0.01)


def test_the_first_sound_is_that_of_its_block(tape):
    silence(tape, 0, 40 * SIZE + 64)
    assert first_sound_ns(*tape) == tape[1][40]
    silence(tape, 0, 2 * RATE)
    assert first_sound_ns(*tape) is None
    assert first_sound_ns(tape[0][:0], tape[1][:0]) is None


@pytest.mark.parametrize(("fade_ms", "cut"), [(0, True), (0.5, True), (10, False), (200, False)])
def test_an_end_is_a_fade_or_a_cut(tape, fade_ms, cut):
    samples = tape[0].reshape(-1, 2)
    n = int(fade_ms * 48)
    samples[RATE - n : RATE] *= np.linspace(1.0, 0.0, n, dtype=np.float32)[:, None]
    samples[RATE:] = 0.0
    assert is_cut(tape[0], sample_rate=RATE) is cut


def test_what_never_sounded_is_not_cut():
    assert not is_cut(np.zeros((10, SIZE, 2), np.float32), sample_rate=RATE)
