"""Joins: where one recording is entered so that it fits what sounds."""

import time

import numpy as np
import pytest

from liveseq.corpus.units import UnitTable
from liveseq.dsp.crossfade import fade_in, fade_out
from liveseq.sequencer.joins import align, nearest_attack

RATE = 48_000
FADE, SEARCH = 960, 240


def around(y: np.ndarray, place: int) -> np.ndarray:
    """What `align` is shown of a destination."""
    return y[place - SEARCH : place + FADE + SEARCH].astype(np.float32)


@pytest.mark.parametrize("shift", [-240, -37, 0, 1, 240])
def test_same_sound_is_found_again(rng, shift):
    y = rng.standard_normal(10_000).astype(np.float32)
    join = align(y[5_000 : 5_000 + FADE], around(y, 5_000 - shift), search=SEARCH)
    assert join.shift == shift
    assert join.correlation == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("hz", [110.0, 440.0, 1_000.0])
def test_phases_of_a_tone_agree_at_the_nearest_place(hz):
    """Every period would do: the nearest is taken, or for a low tone the best that can be reached."""
    t = np.arange(10_000) / RATE
    going, coming = np.sin(2 * np.pi * hz * t), 0.5 * np.sin(2 * np.pi * hz * t + 2.0)
    join = align(going[5_000 : 5_000 + FADE].astype(np.float32), around(coming, 5_000), search=SEARCH)
    assert join.shift == pytest.approx(-2.0 / (2 * np.pi) * RATE / hz, abs=4.0)
    mean = (1.0 + 0.25) / 2
    assert join.correlation == pytest.approx(0.5 / mean, abs=0.02)  # of unequal loudness: less is to be evened


def test_sum_keeps_its_power_during_the_fade():
    t = np.arange(20_000) / RATE
    for gain in (0.3, 1.0, 2.0):
        going, coming = np.sin(2 * np.pi * 440.0 * t), gain * np.sin(2 * np.pi * 440.0 * t + 1.0)
        join = align(going[5_000 : 5_000 + FADE].astype(np.float32), around(coming, 5_000), search=SEARCH)
        done = (np.arange(FADE) + 0.5) / FADE
        place = 5_000 + join.shift
        mixed = going[5_000 : 5_000 + FADE] * fade_out(done, correlation=join.correlation)
        mixed += coming[place : place + FADE] * fade_in(done, correlation=join.correlation)
        expected = 0.5 * (fade_out(done) ** 2 + (gain * fade_in(done)) ** 2)
        middle = slice(FADE // 4, 3 * FADE // 4)
        change = 10 * np.log10(np.mean(mixed[middle] ** 2) / np.mean(expected[middle]))
        assert abs(change) < 0.3


@pytest.mark.parametrize(
    ("going", "coming"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0), (0.5, 0.5), (0.5, None), (None, -0.7), (None, 0.0)]
)
def test_silence_and_constants_stay_where_they_are(rng, going, coming):
    noise = rng.standard_normal(FADE + 2 * SEARCH).astype(np.float32)
    outgoing = noise[:FADE] if going is None else np.full(FADE, going, dtype=np.float32)
    incoming = noise if coming is None else np.full(FADE + 2 * SEARCH, coming, dtype=np.float32)
    join = align(outgoing, incoming, search=SEARCH)
    assert (join.shift, join.correlation) == (0, 0.0)


def test_opposites_have_nothing_in_common(rng):
    y = rng.standard_normal(FADE).astype(np.float32)
    join = align(y, -y, search=0)
    assert (join.shift, join.correlation) == (0, 0.0)


@pytest.mark.parametrize(
    ("attack", "expected"),
    [
        (FADE + 150, 150),  # the best place would be 200 samples later: an attack is in the way
        (FADE + 201, 200),
        (FADE - 100, -100),  # inside the fade as planned: moved behind it
        (FADE - 500, 200),  # out of reach
        (None, 200),
    ],
)
def test_attack_comes_in_whole_behind_the_fade(rng, attack, expected):
    """The likeness grows towards a shift of 200."""
    tone = np.sin(2 * np.pi * 40.0 / RATE * np.arange(10_000)).astype(np.float32)
    join = align(tone[5_000 : 5_000 + FADE], around(tone, 4_800), search=SEARCH, attack=attack)
    assert join.shift == pytest.approx(expected, abs=15)
    if attack is not None and attack - FADE >= -SEARCH:
        assert attack - join.shift >= FADE


def test_nearest_attack_is_that_of_the_unit_or_of_the_one_before():
    def attack(*onsets: int) -> int | None:
        n = len(onsets)
        fields = dict.fromkeys(UnitTable.__dataclass_fields__)
        fields["onset"] = np.array(onsets, dtype=np.int32)
        fields["length"] = np.full(n, 8_192)
        fields["successor"] = np.append(np.arange(1, n), -1)
        return nearest_attack(UnitTable(**fields), n - 1, fade=FADE)

    assert attack(-1) is None
    assert attack(100) == FADE + 100
    assert attack(-1, 100) == FADE + 100
    assert attack(8_100, -1) == FADE - 92
    assert attack(8_100, 500) == FADE - 92
    assert attack(8_100, 50) == FADE + 50


def test_takes_far_less_time_than_a_plan(rng):
    y = rng.standard_normal(10_000).astype(np.float32)
    seconds = []
    for turn in range(200):
        began = time.thread_time()
        align(y[5_000 : 5_000 + FADE], around(y, 4_900 + turn), search=SEARCH)
        seconds.append(time.thread_time() - began)
    assert np.median(seconds) < 1e-3  # 0.1 ms on an idle machine
