"""Units that are read faster, slower, or backwards: invariance, pitch, duration, seams, the ladder."""

import numpy as np
import pytest

from liveseq.engine.layer import Step
from liveseq.engine.voices import LOOP_SECONDS
from liveseq.sequencer.timeline import CutLayer, StopLayer
from tests.support.engine_process import SAMPLE_RATE, play_unit
from tests.support.mixing import LATENCY, playing, power_db, sine

SEMITONE = 2.0 ** (1 / 12)
N_TAKE = 15_000


def pitch(y: np.ndarray) -> float:
    """Hz of a lone sine, float (n_samples,), by the phase that its fundamental has gone through."""
    windowed = y * np.hanning(len(y))
    near = np.argmax(np.abs(np.fft.rfft(windowed))) * SAMPLE_RATE / len(y)
    half = len(y) // 2
    turn = np.exp(-2j * np.pi * near * np.arange(len(y)) / SAMPLE_RATE)
    window = np.hanning(half)
    first, second = (np.sum(window * (y * turn)[begin : begin + half]) for begin in (0, half))
    return near + float(np.angle(second / first)) * SAMPLE_RATE / (2 * np.pi * half)


def a_bent_take(shard: np.ndarray, *, block: int, n_samples: int) -> np.ndarray:
    """Every ratio, both directions, crossfades that overlap, loops, glides, a cut: with n samples to a block."""
    rng = np.random.default_rng(5)
    mixer = playing(shard, n_layers=3)
    for layer in (1, 2, 3):
        for turn in range(16):
            begin = int(rng.integers(0, len(shard) - 50_000))
            length = int(rng.integers(1_000, 5_000))
            mixer.push(
                play_unit(
                    layer=layer,
                    start=turn * 900 + 17 * layer,
                    length=700,
                    position=begin + int(rng.integers(0, length)),
                    source_start=begin,
                    source_end=begin + length,
                    fade=int(rng.integers(0, 2_500)),
                    gain=float(rng.uniform(0.2, 2.0)),
                    ratio=float(rng.choice([0.25, 0.97, 1.0, SEMITONE, 2.0, 3.7])),
                    reverse=bool(rng.integers(2)),
                    correlation=float(rng.choice([0.0, 0.6, 1.0])),
                )
            )
    mixer.push(StopLayer(layer=3, start=12_000, fade=1_000))
    blocks = []
    while mixer.clock < n_samples:
        if mixer.clock == 2 * 4096:
            mixer.push(CutLayer(layer=1, start=9_000))
        until = 2 * 4096 if mixer.clock < 2 * 4096 < n_samples else n_samples
        blocks.append(mixer.render(min(block, until - mixer.clock)))
    assert mixer.counters.looped > 0
    return np.concatenate(blocks)


@pytest.mark.parametrize(("block", "n_samples"), [(1, 5_000), (64, N_TAKE), (65, N_TAKE), (128, N_TAKE)])
def test_samples_do_not_depend_on_the_block_size(noise, block, n_samples):
    whole = a_bent_take(noise, block=4096, n_samples=N_TAKE)
    np.testing.assert_array_equal(a_bent_take(noise, block=block, n_samples=n_samples), whole[:n_samples])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("ratio", [0.5, 1 / SEMITONE, SEMITONE, 2.0, 4.0])
def test_ratio_is_the_pitch_and_nothing_else_sounds(ratio, reverse):
    tone = sine(440.0, n_samples=8 * SAMPLE_RATE, amplitude=0.25)
    mixer = playing(tone)
    mixer.push(
        play_unit(position=len(tone) // 2, source_end=len(tone), fade=0, ratio=ratio, reverse=reverse, length=40_000)
    )
    y = mixer.render(40_000)[8_000:, 0].astype(np.float64)
    assert pitch(y) == pytest.approx(440.0 * ratio, rel=1e-6)
    t = np.arange(len(y)) / SAMPLE_RATE
    basis = np.stack([np.cos(2 * np.pi * 440.0 * ratio * t), np.sin(2 * np.pi * 440.0 * ratio * t), np.ones(len(y))])
    rest = y - np.linalg.lstsq(basis.T, y, rcond=None)[0] @ basis
    assert power_db(rest) < power_db(y) - 80.0
    assert power_db(y) == pytest.approx(power_db(tone), abs=0.01)


def test_unit_lasts_as_long_at_every_pitch(noise):
    """What follows begins on its sample whatever the ratio of what went before."""
    for ratio in (0.5, 1.0, 1.5):
        mixer = playing(noise)
        mixer.push(play_unit(fade=0, length=5_000, ratio=ratio))
        mixer.push(play_unit(start=5_000, unit=8, position=900_000, fade=0, length=5_000))
        y = mixer.render(10_000)
        np.testing.assert_allclose(y[5_000 + LATENCY :], noise[900_000 : 905_000 - LATENCY], atol=0.02)
        assert mixer.counters.continued == 0


def test_backwards_is_the_source_mirrored(noise):
    mixer = playing(noise)
    mixer.push(play_unit(position=30_000, fade=0, reverse=True))
    y = mixer.render(20_000)
    mirrored = noise[30_000 - 20_000 + LATENCY + 1 : 30_001][::-1]
    assert power_db(y[LATENCY:] - mirrored) < power_db(noise[:20_000]) - 25  # the DC block lies between


@pytest.mark.parametrize(("ratio", "reverse"), [(1.0, True), (SEMITONE, False), (SEMITONE, True), (0.5, False)])
def test_event_that_goes_on_where_the_head_is_has_no_seam(noise, ratio, reverse):
    first = play_unit(position=600_000, length=8_192, ratio=ratio, reverse=reverse)
    alone, followed = playing(noise), playing(noise)
    alone.push(first)
    followed.push(first)
    for turn in (1, 2, 3):
        way = round(turn * 8_192 * ratio)
        position = 600_000 - way if reverse else 600_000 + way
        followed.push(
            play_unit(start=turn * 8_192, length=8_192, position=position, ratio=ratio, reverse=reverse, unit=turn)
        )
    np.testing.assert_array_equal(followed.render(30_000), alone.render(30_000))
    assert followed.layers[0].unit == 3


def test_pitch_that_changes_on_the_way_glides_from_the_same_place():
    tone = sine(440.0, n_samples=SAMPLE_RATE)
    mixer = playing(tone)
    mixer.push(play_unit(source_end=len(tone), fade=0))
    mixer.push(play_unit(source_end=len(tone), start=8_192, position=8_192, ratio=SEMITONE, fade=0))
    y = mixer.render(20_000)[:, 0].astype(np.float64)
    bend = 0.5 * (2 * np.pi * 440.0 * SEMITONE / SAMPLE_RATE) ** 2
    turn = 0.5 * (SEMITONE - 1.0) * 2 * np.pi * 440.0 / SAMPLE_RATE  # the slope changes, the value does not
    assert np.abs(np.diff(y[1_000:], n=2)).max() < 1.05 * (bend + turn)
    assert pitch(y[12_000:]) == pytest.approx(440.0 * SEMITONE, rel=1e-4)


@pytest.mark.parametrize(("ratio", "reverse"), [(1.0, True), (SEMITONE, False), (2.0, True)])
def test_ladder_holds_at_every_pitch_in_both_directions(noise, ratio, reverse):
    source = 6 * SAMPLE_RATE
    mixer = playing(noise)
    layer, counters = mixer.layers[0], mixer.counters
    mixer.push(play_unit(position=source // 2, source_end=source, length=SAMPLE_RATE, ratio=ratio, reverse=reverse))
    level = power_db(mixer.render(SAMPLE_RATE // 2)[2_000:])
    mixer.render(SAMPLE_RATE)
    assert (layer.step, counters.continued, counters.looped) == (Step.CONTINUED, 1, 0)
    looped = mixer.render(10 * SAMPLE_RATE)
    assert (layer.step, counters.looped) == (Step.LOOPED, 1)
    for second in range(10):
        assert abs(power_db(looped[second * SAMPLE_RATE :][:SAMPLE_RATE]) - level) < 1.0
    period = int(int(LOOP_SECONDS * SAMPLE_RATE * ratio) / ratio)  # the same place again, up to a part of a sample
    if ratio != SEMITONE:
        np.testing.assert_allclose(looped[-period:], looped[-2 * period : -period], atol=1e-3)
    mixer.render(20 * SAMPLE_RATE)
    assert layer.step == Step.SILENCED
    mixer.render(5 * SAMPLE_RATE)
    assert layer.unit is None


@pytest.mark.parametrize("reverse", [False, True])
def test_nothing_is_read_outside_the_source(reverse):
    """Next to a quiet recording lies one at full scale."""
    shard = np.ones((30_000, 2), dtype=np.float32)
    shard[10_000:20_000] = 0.0
    for ratio in (1.0, 0.9, SEMITONE, 4.0):
        mixer = playing(shard)
        mixer.push(
            play_unit(position=15_000, source_start=10_000, source_end=20_000, fade=0, ratio=ratio, reverse=reverse)
        )
        assert np.abs(mixer.render(60_000)).max() == 0.0


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9, 1.0])
def test_fade_between_sounds_that_are_alike_keeps_the_power(noise, correlation):
    """Two recordings that share as much of their power."""
    n = 4 * SAMPLE_RATE
    other = correlation * noise[:n] + np.sqrt(1.0 - correlation**2) * noise[n : 2 * n]
    mixer = playing(noise[:n], other.astype(np.float32))
    fade = 2 * SAMPLE_RATE
    mixer.push(play_unit(source_end=n, fade=0, length=SAMPLE_RATE))
    mixer.push(
        play_unit(
            shard=1, source_end=n, start=SAMPLE_RATE, position=SAMPLE_RATE, fade=fade, correlation=correlation, length=n
        )
    )
    y = mixer.render(n)
    level = power_db(noise[:n])
    for begin in range(1_000, n - 12_000, 12_000):
        assert abs(power_db(y[begin : begin + 12_000]) - level) < 0.3
