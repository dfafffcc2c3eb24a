"""Loudness with known answers, and against the cases of EBU Tech 3341."""

import numpy as np
import pytest

from liveseq.dsp.loudness import SILENCE_LUFS, integrated_loudness, k_weighting

SAMPLE_RATE = 48_000


def stereo_sine(levels_db, seconds, *, sample_rate=SAMPLE_RATE):
    """1 kHz on both channels, one level after the other."""
    gain = np.repeat([10 ** (db / 20) for db in levels_db], [round(s * sample_rate) for s in seconds])
    y = gain * np.sin(2 * np.pi * 1000 * np.arange(len(gain)) / sample_rate)
    return np.repeat(y[:, None], 2, axis=1).astype(np.float32)


def test_a_full_scale_sine_on_one_channel_is_minus_3_01_lufs():
    y = np.sin(2 * np.pi * 997 * np.arange(5 * SAMPLE_RATE) / SAMPLE_RATE)
    assert integrated_loudness(y, sample_rate=SAMPLE_RATE) == pytest.approx(-3.01, abs=0.01)


@pytest.mark.parametrize("sample_rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize(
    ("levels_db", "seconds", "lufs"),
    [
        ([-23.0], [20.0], -23.0),
        ([-33.0], [20.0], -33.0),
        ([-36.0, -23.0, -36.0], [10.0, 60.0, 10.0], -23.0),
        ([-72.0, -36.0, -23.0, -36.0, -72.0], [10.0, 10.0, 60.0, 10.0, 10.0], -23.0),
        ([-26.0, -20.0, -26.0], [20.0, 20.1, 20.0], -23.0),
    ],
)
def test_ebu_cases(levels_db, seconds, lufs, sample_rate):
    y = stereo_sine(levels_db, [s / 4 for s in seconds], sample_rate=sample_rate)
    assert integrated_loudness(y, sample_rate=sample_rate) == pytest.approx(lufs, abs=0.1)


@pytest.mark.parametrize("hz", [40.0, 100.0, 1000.0, 8000.0])
def test_what_the_ear_makes_of_each_frequency_is_what_a_sine_of_it_is_heard_as(hz):
    y = np.sin(2 * np.pi * hz * np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE)
    gain_db = 10.0 * np.log10(float(k_weighting(np.array([hz]), sample_rate=SAMPLE_RATE)[0]))
    assert integrated_loudness(y, sample_rate=SAMPLE_RATE) == pytest.approx(-3.01 - 0.691 + gain_db, abs=0.05)


def test_a_short_sound_is_one_block():
    y = stereo_sine([-20.0], [0.18])
    assert integrated_loudness(y, sample_rate=SAMPLE_RATE) == pytest.approx(-20.0, abs=0.3)


@pytest.mark.parametrize("n_samples", [0, 1, 48_000])
def test_silence_is_finite(n_samples):
    y = np.zeros((n_samples, 2), dtype=np.float32)
    assert integrated_loudness(y, sample_rate=SAMPLE_RATE) == SILENCE_LUFS
