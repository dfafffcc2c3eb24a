"""Descriptors against librosa, against known answers, and at the edges."""

import time

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from liveseq.dsp.descriptors import (
    BASE_NAMES,
    DESCRIPTOR_NAMES,
    FRAME_LENGTH,
    HOP_LENGTH,
    StreamingDescriptors,
    base_descriptors,
    describe,
)
from liveseq.errors import SignalError
from tests.support.recordings import RECORDINGS

SAMPLE_RATE = 48_000
COLUMN = {name: i for i, name in enumerate(DESCRIPTOR_NAMES)}
BASE = {name: i for i, name in enumerate(BASE_NAMES)}


def sine(hz, *, n_samples=SAMPLE_RATE, sample_rate=SAMPLE_RATE, level=1.0):
    return (level * np.sin(2 * np.pi * hz * np.arange(n_samples) / sample_rate)).astype(np.float32)


def noise(n_samples=2 * SAMPLE_RATE, *, seed=1):
    return np.random.default_rng(seed).normal(0, 0.1, n_samples).astype(np.float32)


def chirp():
    return librosa.chirp(fmin=60, fmax=12_000, sr=SAMPLE_RATE, duration=3.0).astype(np.float32)


def drum_then_nothing():
    y = noise()
    y *= np.exp(-np.arange(len(y)) / 4000).astype(np.float32)
    y[60_000:] = 0
    return y


def from_librosa(y, *, sample_rate, hop_length=HOP_LENGTH, top_db=None):
    """The 43 columns by librosa 0.11 itself, (n_frames, 43)."""
    sizes = {"n_fft": FRAME_LENGTH, "hop_length": hop_length}
    mel = librosa.feature.melspectrogram(y=y, sr=sample_rate, **sizes)
    mfcc = librosa.feature.mfcc(S=librosa.power_to_db(mel, top_db=top_db), n_mfcc=13)
    rms = librosa.feature.rms(y=y, frame_length=FRAME_LENGTH, hop_length=hop_length)
    rows = (
        mfcc,
        librosa.feature.delta(mfcc, order=1),
        librosa.feature.delta(mfcc, order=2),
        librosa.power_to_db(rms**2, top_db=None),
        librosa.feature.spectral_centroid(y=y, sr=sample_rate, **sizes),
        librosa.feature.spectral_flatness(y=y, **sizes),
        librosa.yin(y, fmin=50, fmax=2000, sr=sample_rate, frame_length=FRAME_LENGTH, hop_length=hop_length)[None],
    )
    return np.vstack(rows).T


def assert_like_librosa(y, *, sample_rate=SAMPLE_RATE, hop_length=HOP_LENGTH, top_db=None):
    ours = describe(y, sample_rate=sample_rate, hop_length=hop_length, top_db=top_db)
    theirs = from_librosa(y, sample_rate=sample_rate, hop_length=hop_length, top_db=top_db)
    assert ours.shape == theirs.shape
    assert ours.dtype == np.float32
    f0 = COLUMN["f0_hz"]
    # librosa gives silence and noise a pitch too; ours is 0 there
    pitched = ours[:, f0] > 0
    np.testing.assert_allclose(ours[pitched, f0], theirs[pitched, f0], rtol=1e-4)
    np.testing.assert_allclose(ours[:, : COLUMN["centroid_hz"]], theirs[:, : COLUMN["centroid_hz"]], atol=1e-3)
    np.testing.assert_allclose(ours[:, COLUMN["centroid_hz"]], theirs[:, COLUMN["centroid_hz"]], atol=0.02)
    np.testing.assert_allclose(ours[:, COLUMN["flatness"]], theirs[:, COLUMN["flatness"]], rtol=1e-4, atol=1e-6)
    return ours


@pytest.mark.parametrize("top_db", [None, 80.0])
@pytest.mark.parametrize(
    "make", [noise, chirp, drum_then_nothing, lambda: sine(440.0, level=0.5), lambda: np.sign(sine(101.0))]
)
def test_equal_to_librosa(make, top_db):
    assert_like_librosa(make(), top_db=top_db)


@pytest.mark.parametrize(("sample_rate", "hop_length"), [(22_050, 512), (44_100, 1024), (40_000, 2048)])
def test_equal_to_librosa_at_other_rates_and_hops(sample_rate, hop_length):
    assert_like_librosa(chirp(), sample_rate=sample_rate, hop_length=hop_length)


@pytest.mark.parametrize("name", ["ambi_choir", "bass_voxy_c", "loop_amen", "drum_cymbal_pedal", "tabla_re"])
def test_equal_to_librosa_on_recordings(name):
    y, sample_rate = soundfile.read(RECORDINGS / f"{name}.flac", dtype="float32", always_2d=True)
    ours = assert_like_librosa(y.mean(axis=1), sample_rate=sample_rate)
    assert len(ours) > 8


def test_top_db_80_is_the_default_of_librosa():
    y = drum_then_nothing()
    theirs = librosa.feature.mfcc(y=y, sr=SAMPLE_RATE, n_mfcc=13, n_fft=FRAME_LENGTH, hop_length=HOP_LENGTH).T
    np.testing.assert_allclose(describe(y, sample_rate=SAMPLE_RATE, top_db=80.0)[:, :13], theirs, atol=1e-3)
    assert np.abs(describe(y, sample_rate=SAMPLE_RATE)[-1, 0] - theirs[-1, 0]) > 100  # it does matter


def test_a_sine_has_its_pitch_its_centroid_and_its_level():
    inner = describe(sine(440.0), sample_rate=SAMPLE_RATE)[2:-2]
    np.testing.assert_allclose(inner[:, COLUMN["f0_hz"]], 440.0, rtol=3e-3)
    np.testing.assert_allclose(inner[:, COLUMN["centroid_hz"]], 440.0, rtol=5e-3)
    np.testing.assert_allclose(inner[:, COLUMN["loudness_db"]], -3.01, atol=0.05)
    assert inner[:, COLUMN["flatness"]].max() < 1e-6


def test_noise_is_flat_and_has_no_pitch():
    inner = describe(noise(), sample_rate=SAMPLE_RATE)[1:-1]
    assert inner[:, COLUMN["flatness"]].min() > 0.4
    assert not inner[:, COLUMN["f0_hz"]].any()
    np.testing.assert_allclose(inner[:, COLUMN["centroid_hz"]].mean(), SAMPLE_RATE / 4, rtol=0.02)


def test_a_ramp_of_level_has_a_constant_delta():
    y = noise(4 * SAMPLE_RATE) * np.logspace(0, -4, 4 * SAMPLE_RATE, dtype=np.float32)
    got = describe(y, sample_rate=SAMPLE_RATE)[8:-8]
    db_per_frame = -80 * HOP_LENGTH / len(y)
    # mfcc0 is the sum of 128 bands in dB over sqrt(128)
    np.testing.assert_allclose(got[:, COLUMN["mfcc13"]].mean(), db_per_frame * 128**0.5, rtol=0.02)
    assert abs(got[:, COLUMN["mfcc26"]].mean()) < 0.01


def test_silence():
    got = describe(np.zeros(SAMPLE_RATE, dtype=np.float32), sample_rate=SAMPLE_RATE)
    expected = np.zeros(43)
    expected[[COLUMN["mfcc0"], COLUMN["loudness_db"], COLUMN["flatness"]]] = [-100 * 128**0.5, -100, 1]
    np.testing.assert_allclose(got, np.tile(expected, (47, 1)), atol=1e-3)
    np.testing.assert_allclose(
        base_descriptors(got)[:, -3:], np.tile(np.log2([20, 2, 316.23]), (47, 1)) * [1, 0, 1], atol=1e-3
    )


def test_base_picks_and_scales():
    table = np.zeros((2, 43), dtype=np.float32)
    table[:, :13] = np.arange(13)
    table[:, 39:] = [[-20, 1024, 0.01, 256], [-3, 0, 0, 0]]
    got = base_descriptors(table)
    assert got.shape == (2, len(BASE_NAMES))
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got[:, :13], table[:, :13])
    np.testing.assert_allclose(got[0, 13:], [-20, 10, -20, 8], rtol=1e-6)
    np.testing.assert_allclose(got[1, 13:], [-3, np.log2(20), -100, np.log2(316.2278)], rtol=1e-6)


def test_names_are_those_of_demiurge_and_four_more():
    assert len(DESCRIPTOR_NAMES) == 43
    assert DESCRIPTOR_NAMES[:39] == tuple(f"mfcc{i}" for i in range(39))
    assert len(BASE_NAMES) == 17


@pytest.mark.parametrize(
    "y",
    [
        np.full(20_000, 0.7),
        np.clip(sine(100.0) * 1e4, -1, 1),
        np.full(20_000, 1e-30),
        np.full(20_000, 1e-42),
        sine(3.0) * 1e-7,
        sine(440.0) * 90,
        np.eye(1, 20_000, 9_000)[0],
        noise(1),
        noise(1023),
        noise(5 * 1024),
    ],
    ids=["dc", "clipped", "tiny", "denormal", "subsonic", "hot", "click", "one sample", "short", "six frames"],
)
@pytest.mark.parametrize("sample_rate", [8000, 48_000, 192_000])
def test_everything_is_finite(y, sample_rate):
    got = describe(y.astype(np.float32), sample_rate=sample_rate)
    assert got.shape == (1 + len(y) // HOP_LENGTH, 43)
    assert np.isfinite(got).all()
    assert np.isfinite(base_descriptors(got)).all()


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(-12, 1.5),
    st.floats(-1, 1),
    st.integers(1, 9000),
)
def test_everything_is_finite_whatever_the_level_and_the_offset(seed, exponent, offset, n_samples):
    y = noise(n_samples, seed=seed) * 10**exponent + offset
    assert np.isfinite(base_descriptors(describe(y.astype(np.float32), sample_rate=SAMPLE_RATE))).all()


def test_bad_signals_are_refused():
    broken = noise(4000)
    broken[1234] = np.nan
    with pytest.raises(SignalError, match="sample 1234 of the signal is not finite"):
        describe(broken, sample_rate=SAMPLE_RATE)
    with pytest.raises(SignalError, match="without samples"):
        describe(broken[:0], sample_rate=SAMPLE_RATE)
    with pytest.raises(SignalError, match=r"mono signal of shape \(n_samples,\), got \(2000, 2\)"):
        describe(noise(4000).reshape(-1, 2), sample_rate=SAMPLE_RATE)
    with pytest.raises(SignalError, match="hop_length must be 1 to 2048 samples, got 4620"):
        describe(noise(4000), sample_rate=SAMPLE_RATE, hop_length=4620)
    with pytest.raises(SignalError, match="hop_length must be 1 to 2048 samples, got 0"):
        StreamingDescriptors(sample_rate=SAMPLE_RATE, hop_length=0)
    with pytest.raises(SignalError, match="not finite"):
        StreamingDescriptors(sample_rate=SAMPLE_RATE).push(broken)


def test_80_times_faster_than_real_time():
    y = noise(20 * SAMPLE_RATE)
    describe(y[:SAMPLE_RATE], sample_rate=SAMPLE_RATE)
    start = time.process_time()
    describe(y, sample_rate=SAMPLE_RATE)
    assert time.process_time() - start < 20 / 80
