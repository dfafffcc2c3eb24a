"""Gains, pans, fades, meters and panic of the mixer."""

import numpy as np
import pytest

from liveseq.engine.events import (
    LayerGain,
    LayerMute,
    LayerPan,
    MasterGain,
    MasterMute,
    Panic,
    Play,
    Quit,
    Stop,
)
from liveseq.engine.mixer import Transport
from tests.support.engine_process import SAMPLE_RATE, play_unit
from tests.support.mixing import LATENCY, playing, power_db, sine


@pytest.mark.parametrize("block", [64, 128, 1024])
def test_panic_is_silent_within_a_block_and_ten_milliseconds(noise, block):
    mixer = playing(noise)
    for turn in range(50):
        mixer.push(play_unit(start=turn * 1_000, position=turn * 3_000))
    for _ in range(20):
        mixer.render(block)
    mixer.push(Panic())
    y = np.concatenate([mixer.render(block) for _ in range(60)])
    assert np.abs(y[: SAMPLE_RATE // 500]).max() > 0.0  # a fade, no cut
    assert np.abs(y[SAMPLE_RATE // 100 :]).max() == 0.0
    assert mixer.transport is Transport.STOPPED
    assert mixer.layers[0].n_queued == 0
    mixer.push(play_unit())
    assert mixer.counters.dropped == 1
    mixer.push(Play(seconds=0.01))
    mixer.push(play_unit())
    assert np.abs(mixer.render(2_000)).max() > 0.1


def test_play_at_once_after_panic_does_not_bring_the_old_sound_back(noise):
    mixer = playing(noise)
    mixer.push(play_unit())
    mixer.render(4_096)
    mixer.push(Panic())
    mixer.push(Play(seconds=0.0))
    mixer.render(SAMPLE_RATE)
    assert mixer.layers[0].unit is None
    assert np.abs(mixer.render(1_000)).max() < 1e-6


def test_stop_fades_and_quit_finishes(noise):
    mixer = playing(noise)
    mixer.push(play_unit())
    mixer.render(4_096)
    mixer.push(Stop(seconds=1.0))
    half = mixer.render(SAMPLE_RATE // 2)
    assert abs(power_db(half[-2_400:]) - power_db(noise) + 6.0) < 1.0
    mixer.render(SAMPLE_RATE // 2 + LATENCY)
    assert np.abs(mixer.render(1_000)).max() == 0.0
    mixer.push(Quit())
    assert not mixer.finished
    mixer.render(SAMPLE_RATE // 10)
    assert mixer.finished


@pytest.mark.parametrize(
    ("record", "change_db"),
    [
        (MasterGain(gain_db=-12.0, seconds=0.0), -12.0),
        (LayerGain(layer=1, gain_db=-12.0), -12.0),
        (LayerGain(layer=1, gain_db=6.0), 6.0),
        (MasterMute(mute=True), -200.0),
        (LayerMute(layer=1, mute=True), -200.0),
    ],
)
def test_gain_moves_within_ten_milliseconds_and_never_jumps(record, change_db):
    tone = sine(50.0, n_samples=SAMPLE_RATE, amplitude=0.2)
    mixer = playing(tone)
    mixer.push(play_unit(source_end=len(tone), fade=0))
    mixer.render(10_000)
    before = mixer.render(9_600)
    mixer.push(record)
    after = mixer.render(9_600)
    steps = np.abs(np.diff(np.concatenate([before, after])[:, 0]))
    assert steps.max() < 0.2 * 2 * np.pi * 50 / SAMPLE_RATE * 2 + 0.4 / 480
    settled = after[480 + LATENCY :]
    change = power_db(settled[-4_800:] + 1e-12) - power_db(before[-4_800:])
    assert abs(change - change_db) < 0.1 or (change_db < -100 and change < -55)  # the DC block rings on


def test_long_fade_lasts_as_long_as_it_says(noise):
    mixer = playing(noise)
    mixer.push(play_unit())
    mixer.render(4_800)
    mixer.push(MasterGain(gain_db=-np.inf, seconds=2.0))
    assert abs(power_db(mixer.render(SAMPLE_RATE)[-4_800:]) - power_db(noise) + 5.6) < 1.0
    mixer.render(SAMPLE_RATE + LATENCY)
    assert np.abs(mixer.render(1_000)).max() == 0.0


@pytest.mark.parametrize("pan", [-1.0, -0.5, 0.0, 0.3, 1.0])
def test_pan_keeps_the_power(noise, pan):
    mixer = playing(noise)
    mixer.push(LayerPan(layer=1, pan=pan))
    mixer.push(play_unit(fade=0))
    y = mixer.render(SAMPLE_RATE)[1_000:].astype(np.float64)
    left, right = np.mean(y**2, axis=0)
    assert left + right == pytest.approx(2 * 0.01, rel=0.05)
    angle = (pan + 1) * np.pi / 4
    assert right / (left + right) == pytest.approx(np.sin(angle) ** 2, abs=0.02)


def test_layers_add(noise):
    mixer = playing(noise)
    mixer.push(play_unit(layer=1, position=0, fade=0))
    mixer.push(play_unit(layer=2, position=10 * SAMPLE_RATE, fade=0))
    assert power_db(mixer.render(SAMPLE_RATE)) == pytest.approx(power_db(noise) + 3.0, abs=0.3)


def test_meters_tell_peak_and_power(tone):
    mixer = playing(tone)
    mixer.push(LayerGain(layer=1, gain_db=-6.0))
    mixer.push(play_unit(source_end=len(tone)))
    for _ in range(750):
        mixer.render(128)
    assert mixer.peaks == pytest.approx([0.25, 0.25], rel=0.02)
    assert np.sqrt(mixer.powers) == pytest.approx([0.25 / 2**0.5] * 2, rel=0.03)
    assert mixer.layer_peaks[0] == pytest.approx(0.25, rel=0.02)
    assert mixer.layer_peaks[1] == 0.0
