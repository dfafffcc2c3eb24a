"""The mixer: invariance, continuity, levels, the deadline ladder."""

import gc
from dataclasses import replace

import numpy as np
import pytest

from liveseq.engine.events import (
    LayerPan,
    MasterGain,
)
from liveseq.engine.guard import CEILING
from liveseq.engine.layer import MAX_QUEUED, Counters, Layer, Step
from liveseq.engine.ramps import Scratch
from liveseq.engine.voices import LOOP_SECONDS
from liveseq.sequencer.timeline import CutLayer, PlayUnit, StopLayer
from tests.support.engine_process import N_SHARD, SAMPLE_RATE, grain, play_unit
from tests.support.mixing import LATENCY, playing, power_db, sine

N_BUSY = 15_000


def a_busy_take(shard: np.ndarray, *, block: int) -> np.ndarray:
    """Everything at once: crossfades that overlap, loops, gains, pans, the limiter at work."""
    rng = np.random.default_rng(11)
    mixer = playing(shard * 8, n_layers=3)
    for layer in (1, 2, 3):
        for turn in range(16):
            begin = int(rng.integers(0, len(shard) - 50_000))
            mixer.push(
                play_unit(
                    layer=layer,
                    start=turn * 900 + 17 * layer,
                    length=700,
                    position=begin + 900,
                    source_start=begin,
                    source_end=begin + int(rng.integers(1_000, 3_000)),
                    fade=int(rng.integers(0, 2_500)),
                    gain=float(rng.uniform(0.2, 2.0)),
                )
            )
    mixer.push(StopLayer(layer=3, start=12_000, fade=1_000))
    mixer.push(MasterGain(gain_db=-3.0, seconds=0.2))
    mixer.push(LayerPan(layer=2, pan=-0.6))
    blocks = []
    while mixer.clock < N_BUSY:
        blocks.append(mixer.render(min(block, N_BUSY - mixer.clock)))
    assert mixer.counters.continued > 0
    assert mixer.counters.looped > 0
    return np.concatenate(blocks)


@pytest.mark.parametrize("block", [1, 64, 65])
def test_samples_do_not_depend_on_the_block_size(noise, block):
    whole = a_busy_take(noise, block=4096)
    assert np.abs(whole).max() > 0.5
    np.testing.assert_array_equal(a_busy_take(noise, block=block), whole)


def test_output_is_the_source_when_nothing_is_to_be_guarded(noise):
    mixer = playing(noise)
    mixer.push(play_unit(position=1_000, fade=0))
    y = mixer.render(20_000)
    np.testing.assert_array_equal(y[:LATENCY], 0.0)
    # All that lies between is the DC block, which takes little from noise.
    assert power_db(y[LATENCY:] - noise[1_000 : 21_000 - LATENCY]) < power_db(noise[:20_000]) - 25


def test_contiguous_event_has_no_seam(tone):
    def second_differences(*events) -> np.ndarray:
        mixer = playing(tone)
        for event in events:
            mixer.push(event)
        return np.abs(np.diff(mixer.render(24_000)[:, 0], n=2))[2_000:]

    alone = second_differences(play_unit(source_end=len(tone), length=30_000))
    followed = second_differences(
        play_unit(source_end=len(tone), length=8_192),
        play_unit(source_end=len(tone), length=8_192, start=8_192, position=8_192),
        play_unit(source_end=len(tone), length=8_192, start=16_384, position=16_384),
    )
    np.testing.assert_array_equal(followed, alone)


def test_late_contiguous_event_has_no_seam_either(tone):
    mixer, alone = playing(tone), playing(tone)
    mixer.push(play_unit(source_end=len(tone), length=8_192))
    alone.push(play_unit(source_end=len(tone), length=50_000))
    first = mixer.render(9_000)
    mixer.push(play_unit(source_end=len(tone), start=8_192, position=8_192, length=20_000))
    y = np.concatenate([first, mixer.render(8_000)])
    np.testing.assert_array_equal(y, alone.render(17_000))
    assert mixer.counters.late == 1
    assert mixer.counters.continued == 1


def line(audio: np.ndarray, *events: PlayUnit, came: int, n_samples: int) -> np.ndarray:
    """What a layer sounds that gets its events at the sample `came`: (n_samples, 2), unguarded."""
    layer, scratch = Layer(sample_rate=SAMPLE_RATE, counters=Counters()), Scratch(max_block=n_samples)
    out = np.zeros((n_samples, 2), dtype=np.float32)
    layer.add_to(out[:came], 0, scratch=scratch)
    for event in events:
        layer.push(event, audio)
    layer.add_to(out[came:], came, scratch=scratch)
    return out


@pytest.mark.parametrize(("ratio", "reverse"), [(1.0, False), (1.0, True), (0.9, False), (2.0, True)])
@pytest.mark.parametrize(("late", "fade", "faded"), [(300, 960, 960), (300, 0, 780), (2_000, 960, 2_480)])
def test_unit_that_comes_late_sounds_as_it_would_by_then(noise, ratio, reverse, late, fade, faded):
    unit = play_unit(start=1_000, length=8_192, position=600_000, ratio=ratio, reverse=reverse, fade=fade)
    way = round(8_192 * ratio)
    follows = replace(unit, start=9_192, position=600_000 - way if reverse else 600_000 + way, fade=0)
    on_time, y = (line(noise, unit, follows, came=came, n_samples=20_000) for came in (0, 1_000 + late))
    np.testing.assert_array_equal(y[1_000 + faded :], on_time[1_000 + faded :])
    np.testing.assert_array_equal(y[: 1_000 + late], 0.0)
    assert np.abs(y[1_000 + late]).max() < 0.01 * np.abs(noise).max()  # faded in, not cut


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("late", [9_000, 47_000, 500_000])
def test_unit_that_is_over_when_it_comes_plays_on(tone, late, reverse):
    """In its source, and beyond its end in the loop that it would be in."""
    mixer = playing(tone)
    n_source = 32_000
    mixer.render(late)
    mixer.push(
        play_unit(start=1, length=8_192, position=n_source - 1 if reverse else 0, source_end=n_source, reverse=reverse)
    )
    y = mixer.render(SAMPLE_RATE)[:, 0]
    assert power_db(y[2_000:]) == pytest.approx(power_db(tone), abs=1.0)
    bend = np.abs(np.diff(tone[:, 0], n=2)).max()
    assert np.abs(np.diff(y, n=2)).max() < 1.5 * bend
    assert mixer.counters.continued == 1


def test_jump_is_crossfaded_at_constant_power(noise):
    mixer = playing(noise)
    fade = SAMPLE_RATE
    mixer.push(play_unit(position=0, fade=0, length=SAMPLE_RATE))
    mixer.push(play_unit(position=20 * SAMPLE_RATE, start=SAMPLE_RATE, fade=fade, length=SAMPLE_RATE))
    y = mixer.render(2 * SAMPLE_RATE)
    level = power_db(y[SAMPLE_RATE // 2 : SAMPLE_RATE])
    for begin in range(SAMPLE_RATE, SAMPLE_RATE + fade, fade // 8):
        assert abs(power_db(y[begin : begin + fade // 8]) - level) < 1.0


def test_event_of_the_past_starts_now(noise):
    mixer = playing(noise)
    mixer.render(10_000)
    mixer.push(play_unit(start=500, position=4_000, fade=0))
    y = mixer.render(1_000)
    assert np.abs(y[LATENCY]).max() > 0.0
    assert mixer.counters.late == 1
    mixer.push(play_unit(start=0))  # asks for now
    assert mixer.counters.late == 1


def test_cut_forgets_what_has_not_started(noise):
    mixer = playing(noise)
    for turn in range(5):
        mixer.push(play_unit(unit=turn, start=turn * 1_000, position=turn * 50_000))
    mixer.push(CutLayer(layer=1, start=2_000))
    mixer.render(6_000)
    assert mixer.layers[0].unit == 1


def test_stopped_layer_is_silent_and_not_a_failure(noise):
    mixer = playing(noise)
    mixer.push(play_unit(length=2_000))
    mixer.push(StopLayer(layer=1, start=1_000, fade=500))
    y = mixer.render(SAMPLE_RATE)
    assert mixer.layers[0].unit is None
    assert mixer.counters.continued == 0
    assert np.abs(y[SAMPLE_RATE // 2 :]).max() < 1e-4  # what the DC block rings on with


def test_queue_is_bounded_and_the_newest_are_dropped(noise):
    mixer = playing(noise)
    event = play_unit(start=10_000)
    for _ in range(100_000):
        mixer.push(event)
    assert mixer.layers[0].n_queued == MAX_QUEUED
    assert mixer.counters.dropped == 100_000 - MAX_QUEUED
    mixer.render(10_001)
    assert mixer.layers[0].n_queued == 0


@pytest.mark.parametrize(
    "change",
    [{"layer": 9}, {"shard": 5}, {"source_end": N_SHARD + 1}, {"source_start": 0, "source_end": 10}],
)
def test_event_that_cannot_be_played_is_counted_not_raised(noise, change):
    mixer = playing(noise)
    mixer.push(play_unit(**change))
    assert mixer.counters.dropped == 1
    assert np.abs(mixer.render(1_000)).max() == 0.0


def test_ladder_goes_down_step_by_step_and_back_up(noise):
    source = 4 * SAMPLE_RATE
    mixer = playing(noise)
    layer, counters = mixer.layers[0], mixer.counters
    mixer.push(play_unit(position=SAMPLE_RATE, length=SAMPLE_RATE, source_end=source))

    def advance(seconds: float) -> np.ndarray:
        return mixer.render(int(seconds * SAMPLE_RATE))

    level = power_db(advance(0.9))
    assert (layer.step, counters.continued) == (Step.PLANNED, 0)
    assert abs(power_db(advance(1.0)) - level) < 1.0
    assert (layer.step, counters.continued, counters.looped) == (Step.CONTINUED, 1, 0)
    looped = advance(10.0)
    assert (layer.step, counters.looped) == (Step.LOOPED, 1)
    for second in range(10):
        assert abs(power_db(looped[second * SAMPLE_RATE :][:SAMPLE_RATE]) - level) < 1.0
    period = int(LOOP_SECONDS * SAMPLE_RATE)
    np.testing.assert_allclose(looped[-period:], looped[-2 * period : -period], atol=1e-3)
    advance(30.0 + 1.0 - 11.9 + 0.1)
    assert (layer.step, counters.silenced) == (Step.SILENCED, 1)
    fading = advance(4.8)
    assert power_db(fading[-SAMPLE_RATE // 10 :]) < level - 15
    advance(0.2)
    assert np.abs(advance(1.0)[SAMPLE_RATE // 2 :]).max() < 1e-4
    mixer.push(play_unit(position=0, length=SAMPLE_RATE))
    assert abs(power_db(advance(0.5)) - level) < 1.0
    assert layer.step == Step.PLANNED
    assert (counters.continued, counters.looped, counters.silenced) == (1, 1, 1)


def test_event_during_the_fade_to_silence_fades_in_over_what_is_left(noise):
    mixer = playing(noise)
    mixer.push(play_unit(length=1_000, source_end=4 * SAMPLE_RATE))
    mixer.render(31 * SAMPLE_RATE)
    mixer.push(play_unit(position=8 * SAMPLE_RATE, fade=480, length=2 * SAMPLE_RATE))
    y = mixer.render(SAMPLE_RATE)
    assert abs(power_db(y[1_000:]) - power_db(noise)) < 0.5  # one voice, not two
    assert mixer.layers[0].step == Step.PLANNED


@pytest.mark.parametrize("n_source", [64, 100, 5_000])
def test_short_source_loops_without_a_jump(n_source):
    shard = sine(48_000 / n_source * 2, n_samples=n_source)
    mixer = playing(shard)
    mixer.push(play_unit(source_end=n_source, fade=0, length=n_source))
    y = mixer.render(20_000)
    assert mixer.layers[0].step == Step.LOOPED
    assert np.abs(np.diff(y[LATENCY + 1 :, 0])).max() < 2.0 * np.abs(np.diff(shard[:, 0])).max()


def test_rendering_makes_no_reference_cycles(noise):
    # The engine process runs without a garbage collector.
    mixer = playing(noise)
    gc.collect()
    gc.disable()
    try:
        for turn in range(300):
            mixer.push(play_unit(layer=1 + turn % 2, position=turn * 1_000, source_end=turn * 1_000 + 500, gain=9.0))
            if turn % 3 == 0:
                mixer.push(grain(layer=1, start=mixer.clock, position=20_000 + turn, ratio=1.5, attack=9, release=9))
            mixer.push(play_unit(layer=2, position=turn * 1_000, ratio=0.9, reverse=turn % 2 == 0))
            mixer.push(LayerPan(layer=1, pan=0.001 * turn))
            mixer.render(128)
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize("ratio", [1.0, 1.1])
def test_corpus_that_holds_nan_does_not_reach_the_output(ratio):
    shard = np.full((SAMPLE_RATE, 2), np.nan, dtype=np.float32)
    shard[::7] = np.inf
    shard[::3] = 1e6
    mixer = playing(shard)
    mixer.push(play_unit(source_end=SAMPLE_RATE, ratio=ratio))
    mixer.push(grain(layer=2, source_end=SAMPLE_RATE, ratio=ratio))
    y = mixer.render(SAMPLE_RATE)
    assert np.isfinite(y).all()
    assert np.abs(y).max() <= CEILING
    assert mixer.n_bad_blocks > 0


@pytest.mark.parametrize("value", [3e38, -3e38, 1e18, np.inf, np.nan])
def test_after_a_sample_that_is_no_sound_the_rest_is_heard_and_the_meters_come_back(noise, value):
    shard = np.concatenate([noise[:SAMPLE_RATE], noise[:SAMPLE_RATE]])
    clean = playing(shard)
    broken = playing(shard.copy())
    broken._shards[0][SAMPLE_RATE // 2] = value
    takes = []
    for mixer in (clean, broken):
        mixer.push(play_unit(length=2 * SAMPLE_RATE, source_end=2 * SAMPLE_RATE))
        takes.append(np.concatenate([mixer.render(128) for _ in range(2 * SAMPLE_RATE // 128)]))
    assert np.abs(takes[1]).max() <= CEILING
    np.testing.assert_allclose(takes[1][SAMPLE_RATE:], takes[0][SAMPLE_RATE:], atol=0.01)
    assert broken.n_bad_blocks == 1
    for _ in range(4 * SAMPLE_RATE // 128):
        broken.render(128)
    assert broken.layer_peaks[0] < 10.0
    assert broken.layer_powers[0] < 10.0


def test_source_that_ends_where_the_next_event_begins_is_not_looped(noise):
    """A hit that has rung out must not come back for the last 20 ms before the next one."""
    hit = np.zeros((48_000, 2), dtype=np.float32)
    hit[:4_000] = noise[:4_000]
    n_unit = 8_192
    mixer = playing(np.concatenate([hit[:n_unit], noise[:48_000]]))
    mixer.push(play_unit(length=n_unit, source_end=n_unit, fade=0))
    mixer.push(play_unit(start=n_unit, position=n_unit, source_start=n_unit, source_end=n_unit + 48_000, fade=960))
    y = mixer.render(n_unit)
    assert np.abs(y[5_000:]).max() < 0.01 * np.abs(y).max()  # what is left is the tail of the DC block
    assert mixer.counters.looped == 0


def test_what_follows_is_taken_back_after_the_end_and_the_layer_goes_on(noise):
    """A cut must not leave a layer silent that has let its recording end for the sake of what was cut."""
    n_unit = 8_192
    for cut_at in (n_unit - 100, n_unit - 1, n_unit):
        mixer = playing(noise[: 3 * n_unit])
        mixer.push(play_unit(length=n_unit, source_end=n_unit, fade=0))
        mixer.push(play_unit(start=n_unit + 10, position=n_unit, source_start=n_unit, source_end=2 * n_unit))
        mixer.push(CutLayer(layer=1, start=n_unit + 1))
        mixer.push(play_unit(start=n_unit, position=n_unit, source_start=n_unit, source_end=2 * n_unit))
        mixer.render(cut_at)
        mixer.push(CutLayer(layer=1, start=n_unit))
        y = mixer.render(20_000)
        assert power_db(y[3_000:]) > power_db(noise) - 3.0
        assert mixer.layers[0].step == Step.LOOPED
