"""Clouds: envelopes, pan, the cap, what surrounds them, and their ladder."""

import numpy as np
import pytest

from liveseq.engine.events import Panic
from liveseq.engine.grains import DROP_SECONDS, MAX_DROPPED, MAX_GRAINS
from liveseq.engine.layer import MAX_QUEUED, SILENCE_AFTER, Step
from liveseq.sequencer.timeline import CutLayer, GrainShape, StopLayer
from tests.support.engine_process import N_SHARD, SAMPLE_RATE, grain, play_unit
from tests.support.mixing import LATENCY, playing, power_db, sine

N_TAKE = 12_500


def a_cloudy_take(shard: np.ndarray, *, block: int, n_samples: int) -> np.ndarray:
    """Lines and clouds over each other, too many grains, fades, cuts, gaps: with n samples to a block."""
    rng = np.random.default_rng(3)
    mixer = playing(shard, n_layers=2)
    for turn in range(120):
        start = int(rng.integers(1, 11_000))
        length = int(rng.choice([1, 60, 900, 3_000]))
        attack = int(rng.integers(0, length + 1))
        mixer.push(
            grain(
                layer=1 + turn % 2,
                start=start,
                length=length,
                interval=int(rng.choice([1, 200, 700])),
                unit=turn,
                position=int(rng.integers(20_000, N_SHARD - 20_000)),
                attack=attack,
                release=int(rng.integers(0, length - attack + 1)),
                shape=GrainShape(int(rng.integers(3))),
                gain=float(rng.uniform(0.1, 0.5)),
                pan=float(rng.uniform(-1, 1)),
                ratio=float(rng.choice([0.5, 1.0, 1.1, 3.0])),
                reverse=bool(rng.integers(2)),
            )
        )
    for start in (3_000, 6_000):
        mixer.push(play_unit(start=start, length=500, position=start, source_end=start + 4_000))
    mixer.push(grain(layer=2, start=11_500))
    mixer.push(play_unit(layer=2, start=9_000, length=800))
    mixer.push(StopLayer(layer=2, start=10_000, fade=800))
    for turn in range(40):  # while all of it fades
        mixer.push(grain(layer=2, start=10_100 + 10 * turn, length=900, attack=100, release=100, interval=10))
    blocks = []
    while mixer.clock < n_samples:
        if mixer.clock == 8_192:
            mixer.push(CutLayer(layer=1, start=9_500))
        until = 8_192 if mixer.clock < 8_192 < n_samples else n_samples
        blocks.append(mixer.render(min(block, until - mixer.clock)))
    assert min(mixer.counters.dropped, mixer.counters.continued, mixer.counters.looped) > 0 or n_samples < N_TAKE
    return np.concatenate(blocks)


@pytest.mark.parametrize(("block", "n_samples"), [(1, 5_000), (64, N_TAKE), (65, N_TAKE), (128, N_TAKE)])
def test_samples_do_not_depend_on_the_block_size(noise, block, n_samples):
    whole = a_cloudy_take(noise, block=4096, n_samples=N_TAKE)
    np.testing.assert_array_equal(a_cloudy_take(noise, block=block, n_samples=n_samples), whole[:n_samples])


@pytest.mark.parametrize(
    ("shape", "attack", "release", "expected"),
    [
        (GrainShape.HANN, 500, 500, lambda x: np.sin(np.pi * x) ** 2),
        (GrainShape.TRAPEZOID, 250, 500, lambda x: np.minimum(1.0, np.minimum(x / 0.25, (1 - x) / 0.5))),
        (GrainShape.EXPONENTIAL, 0, 1_000, lambda x: (10.0 ** (-3 * x) - 1e-3) / (1 - 1e-3)),
        (GrainShape.TRAPEZOID, 0, 0, np.ones_like),
    ],
)
def test_envelope_is_the_shape(shape, attack, release, expected):
    steady = np.full((40_000, 2), 0.5, dtype=np.float32)
    mixer = playing(steady)
    mixer.push(grain(source_end=40_000, length=1_000, interval=9_000, attack=attack, release=release, shape=shape))
    y = mixer.render(2_000)[LATENCY:, 0]
    heard = y + 2 * np.pi * 5.0 / SAMPLE_RATE * np.cumsum(y)  # without the DC block
    np.testing.assert_allclose(heard[:1_000], 0.5 * expected((np.arange(1_000) + 0.5) / 1_000), atol=2e-3)
    np.testing.assert_allclose(heard[1_000:], 0.0, atol=2e-3)


def test_overlapping_hann_grains_of_one_place_are_that_place(noise):
    """Half overlapped, the envelopes add up to 1."""
    mixer = playing(noise)
    for turn in range(12):
        mixer.push(grain(start=2_400 * turn, position=20_000 + 2_400 * turn))
    y = mixer.render(12 * 2_400)
    plain = noise[20_000 + 2_400 : 20_000 + 11 * 2_400]
    heard = y[LATENCY + 2_400 : LATENCY + 11 * 2_400]
    assert power_db(heard - plain) < power_db(plain) - 25  # the DC block lies between


@pytest.mark.parametrize("reverse", [False, True])
def test_pitched_grain_is_the_unit_of_the_same_pitch(noise, reverse):
    units, grains = playing(noise), playing(noise)
    units.push(play_unit(position=500_000, fade=0, ratio=1.3, reverse=reverse))
    grains.push(grain(position=500_000, interval=90_000, attack=0, release=0, ratio=1.3, reverse=reverse))
    np.testing.assert_allclose(grains.render(4_800 + LATENCY), units.render(4_800 + LATENCY), atol=1e-6)


@pytest.mark.parametrize("pan", [-1.0, -0.3, 0.0, 0.8])
def test_pan_keeps_the_power(noise, pan):
    mixer = playing(noise)
    mixer.push(grain(length=48_000, interval=90_000, attack=0, release=0, pan=pan))
    left, right = np.mean(mixer.render(48_000).astype(np.float64) ** 2, axis=0)
    assert left + right == pytest.approx(0.02, rel=0.05)
    assert right / (left + right) == pytest.approx(np.sin((pan + 1) * np.pi / 4) ** 2, abs=0.02)


def test_first_grain_turns_a_line_into_a_cloud_and_a_unit_turns_it_back():
    low, high = sine(220.0, n_samples=SAMPLE_RATE), sine(3_520.0, n_samples=SAMPLE_RATE)
    mixer = playing(low, high)
    mixer.push(play_unit(source_end=SAMPLE_RATE, length=9_600, fade=0))
    for turn in range(8):
        mixer.push(grain(shard=1, source_end=SAMPLE_RATE, start=9_600 + 2_400 * turn, position=2_400 * turn))
    mixer.push(play_unit(source_end=SAMPLE_RATE, start=28_800, position=28_800, length=20_000, fade=960, unit=9))
    y = mixer.render(44_000)[LATENCY:, 0].astype(np.float64)

    def level(begin: int, end: int, hz: float) -> float:
        t = np.arange(begin, end)
        return 2 * abs(np.mean(y[begin:end] * np.hanning(len(t)) * 2 * np.exp(2j * np.pi * hz * t / SAMPLE_RATE)))

    assert level(4_000, 8_800, 220.0) == pytest.approx(0.5, rel=0.01)
    assert level(14_400, 19_200, 220.0) < 1e-3
    assert level(14_400, 19_200, 3_520.0) == pytest.approx(0.5, rel=0.01)
    assert level(34_000, 38_800, 3_520.0) < 1e-3
    assert level(34_000, 38_800, 220.0) == pytest.approx(0.5, rel=0.01)
    assert np.abs(np.diff(y, n=2)).max() < 1.05 * 0.5 * (2 * np.pi * 3_520 / SAMPLE_RATE) ** 2  # no click
    assert mixer.layers[0].unit == 9
    assert mixer.counters.continued == 0


def test_one_grain_too_many_fades_the_oldest_out(noise):
    mixer = playing(noise)
    for turn in range(MAX_GRAINS + 2):
        mixer.push(grain(start=100 * turn, length=20_000, position=20_000 * (1 + turn), attack=100, release=100))
    mixer.render(100 * MAX_GRAINS)
    assert mixer.counters.dropped == 0
    before = power_db(mixer.render(100))
    mixer.render(100 + int(DROP_SECONDS * SAMPLE_RATE))
    assert mixer.counters.dropped == 2
    assert power_db(mixer.render(4_800)) == pytest.approx(before, abs=1.0)
    assert len(mixer.layers[0].reading) == MAX_GRAINS


def test_flood_of_grains_is_bounded(noise):
    mixer = playing(noise)
    for turn in range(10_000):
        mixer.push(grain(start=1_000 + turn % 7, length=1 + turn % 500, attack=0, release=0))
    assert mixer.layers[0].n_queued == MAX_QUEUED
    mixer.render(1_100)
    assert len(mixer.layers[0].reading) <= MAX_GRAINS + MAX_DROPPED
    assert mixer.counters.dropped == 10_000 - MAX_GRAINS
    mixer.render(SAMPLE_RATE)
    assert np.abs(mixer.render(128)).max() < 2.0


def test_ladder_of_a_cloud_goes_down_step_by_step_and_back_up(noise):
    mixer = playing(noise)
    layer, counters = mixer.layers[0], mixer.counters
    for turn in range(4):
        mixer.push(grain(start=2_400 * turn, position=20_000 + 2_400 * turn))
    level = power_db(mixer.render(4 * 2_400)[4_800:])
    assert (layer.step, counters.continued) == (Step.PLANNED, 0)
    again = mixer.render(2_400)
    assert (layer.step, counters.continued, counters.looped) == (Step.CONTINUED, 1, 0)
    looped = np.concatenate([again, mixer.render(10 * SAMPLE_RATE)])
    assert (layer.step, counters.looped) == (Step.LOOPED, 1)
    for begin in range(0, len(looped) - 2_400, 2_400):
        assert abs(power_db(looped[begin : begin + 2_400]) - level) < 2.0
    np.testing.assert_allclose(looped[-2_400:], looped[-4_800:-2_400], atol=1e-3)
    mixer.render(int(SILENCE_AFTER - 10.0) * SAMPLE_RATE)
    assert (layer.step, counters.silenced) == (Step.SILENCED, 1)
    mixer.render(4_800)
    assert layer.unit is None
    assert not layer.sounding
    mixer.push(grain())
    mixer.render(2_400)
    assert layer.step == Step.PLANNED
    assert (counters.continued, counters.looped, counters.silenced) == (1, 1, 1)


def test_cloud_whose_grains_are_taken_back_goes_on(noise):
    mixer = playing(noise)
    for turn in range(4):
        mixer.push(grain(start=2_400 * turn, unit=turn))
    mixer.render(3_000)
    mixer.push(CutLayer(layer=1, start=3_000))
    assert power_db(mixer.render(24_000)[4_800:]) > power_db(noise) - 6.0
    assert mixer.layers[0].unit == 1


def test_densest_ladder_stays_within_the_cap(noise):
    mixer = playing(noise)
    mixer.push(grain(length=48_000, interval=1))
    mixer.render(4 * SAMPLE_RATE)
    assert MAX_GRAINS - 1 <= len(mixer.layers[0].reading) <= MAX_GRAINS
    assert mixer.counters.dropped == 0


@pytest.mark.parametrize("record", [StopLayer(layer=1, start=0, fade=300), Panic()])
def test_stop_and_panic_end_grains_that_sound_and_that_wait(noise, record):
    mixer = playing(noise)
    for turn in range(40):
        mixer.push(grain(start=1_000 * turn, length=20_000))
    mixer.render(10_000)
    mixer.push(record)
    y = mixer.render(20_000)
    assert np.abs(y[:100]).max() > 0.01  # a fade, no cut
    assert np.abs(np.diff(y[600:], axis=0)).max() < 1e-4  # what the DC block rings on with
    assert mixer.layers[0].unit is None
    assert not mixer.layers[0].sounding
    assert mixer.counters.continued == 0


def test_late_grains_sound_now_but_not_those_that_are_over(noise):
    mixer = playing(noise)
    mixer.render(50_000)
    for turn in range(10):
        mixer.push(grain(start=1 + 4_000 * turn, position=20_000 + 30_000 * turn, length=4_800))
    mixer.render(64)
    assert len(mixer.layers[0].reading) == 1
    assert (mixer.counters.late, mixer.counters.dropped) == (10, 9)
    mixer.push(grain(start=50_000, position=90_000))  # late, but not over
    mixer.push(grain(start=0, position=120_000))  # now
    mixer.render(64)
    assert len(mixer.layers[0].reading) == 3
    assert mixer.layers[0].reading[0] == (0, 290_000, False)


@pytest.mark.parametrize(
    "change",
    [
        {"layer": 9},
        {"shard": 5},
        {"source_end": N_SHARD + 1},
        {"position": N_SHARD - 4_000},
        {"position": 4_000, "reverse": True},
        {"position": 20_000, "source_end": 26_000, "ratio": 2.0},
    ],
)
def test_grain_that_cannot_be_played_is_counted_not_raised(noise, change):
    mixer = playing(noise)
    mixer.push(grain(**change))
    assert mixer.counters.dropped == 1
    assert np.abs(mixer.render(1_000)).max() == 0.0
