"""Frames, spectra and mel bands."""

import warnings

import librosa
import numpy as np
import pytest

from liveseq.dsp.pitch import yin
from liveseq.dsp.spectral import frame, mel_filterbank, mel_power, power_spectrum
from liveseq.errors import SignalError


def test_frames_overlap_and_the_rest_is_left():
    got = frame(np.arange(10), frame_length=4, hop_length=3)
    np.testing.assert_array_equal(got, [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]])
    with pytest.raises(SignalError, match="3 samples is shorter than one frame of 4"):
        frame(np.arange(3), frame_length=4, hop_length=3)


def test_power_of_a_sine_stands_in_its_bin():
    power = power_spectrum(np.cos(2 * np.pi * 100 * np.arange(2048) / 2048)[None])
    assert power.dtype == np.float32
    np.testing.assert_allclose(power[0, 99:102], [256.0**2, 512.0**2, 256.0**2], rtol=1e-5)  # Hann: 1/4, 1/2, 1/4
    assert power[0, 200:].max() < 1e-15


@pytest.mark.parametrize("sample_rate", [8000, 22_050, 44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize(("n_fft", "n_mels"), [(2048, 128), (1024, 80)])
def test_mel_bands_are_those_of_librosa(sample_rate, n_fft, n_mels, rng):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # librosa warns of bands narrower than a bin
        theirs = librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels)
    np.testing.assert_allclose(
        mel_filterbank(sample_rate=sample_rate, n_fft=n_fft, n_mels=n_mels), theirs, rtol=1e-5, atol=1e-9
    )
    power = rng.random((3, 1 + n_fft // 2), dtype=np.float32)
    np.testing.assert_allclose(
        mel_power(power, sample_rate=sample_rate, n_mels=n_mels), power @ theirs.T, rtol=1e-4, atol=1e-9
    )


@pytest.mark.parametrize("sample_rate", [44_100, 48_000])
@pytest.mark.parametrize("level", [1e-4, 0.1, 1.0])
def test_pitch_of_sines(sample_rate, level):
    hz = np.geomspace(60, 1950, 150)
    frames = level * np.sin(2 * np.pi * hz[:, None] * np.arange(2048) / sample_rate + 0.3)
    got = yin(frames.astype(np.float32), sample_rate=sample_rate)
    np.testing.assert_allclose(got, hz, rtol=0.04)  # the method's own error below 100 Hz in 2048 samples
    np.testing.assert_allclose(got[hz > 200], hz[hz > 200], rtol=0.01)


def test_pitch_is_the_fundamental_even_when_it_is_missing():
    t = np.arange(2048) / 48_000
    y = sum(np.sin(2 * np.pi * 220 * k * t) for k in (2, 3, 4, 5))
    np.testing.assert_allclose(yin(y[None].astype(np.float32), sample_rate=48_000), 220, rtol=0.01)


def test_noise_dc_and_silence_have_no_pitch(rng):
    frames = [*rng.normal(0, 0.1, (500, 2048)), np.zeros(2048), np.full(2048, 0.5), np.sin(np.arange(2048.0)) * 1e-6]
    assert not yin(np.stack(frames).astype(np.float32), sample_rate=48_000).any()
