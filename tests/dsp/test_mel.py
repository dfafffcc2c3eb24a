"""The front end of sound models: librosa's numbers, and the same ones however it is asked."""

import dataclasses

import librosa
import numpy as np
import pytest

from liveseq.dsp.mel import PRESETS, MelFrontEnd
from liveseq.errors import ModelError, SignalError

MUSIC, DEMIURGE = PRESETS["music48"], PRESETS["demiurge"]


@pytest.fixture(scope="module")
def sound():
    rng = np.random.default_rng(1)
    time = np.arange(40_000) / 48_000
    tones = np.sin(2 * np.pi * 220 * time) + 0.1 * np.sin(2 * np.pi * 3210 * time)
    noise = rng.standard_normal(len(time)) * np.exp(-5 * time)
    return (0.3 * tones + 0.05 * noise).astype(np.float32)


def by_librosa(y: np.ndarray, front_end: MelFrontEnd) -> np.ndarray:
    n_around = front_end.n_fft - front_end.hop_length
    if front_end.padding == "causal":
        padded = np.pad(y.astype(np.float64), (n_around, 0))
    else:
        padded = np.pad(y.astype(np.float64), n_around // 2, mode="reflect")
    spectrum = np.abs(librosa.stft(padded, n_fft=front_end.n_fft, hop_length=front_end.hop_length, center=False))
    filters = librosa.filters.mel(
        sr=front_end.sample_rate,
        n_fft=front_end.n_fft,
        n_mels=front_end.n_mels,
        fmin=front_end.f_min,
        fmax=front_end.f_max,
        dtype=np.float64,
    )
    return np.log10(np.maximum(filters @ spectrum, 1e-5)).T


@pytest.mark.parametrize(
    "front_end", [MUSIC, DEMIURGE, dataclasses.replace(DEMIURGE, f_min=60.0, f_max=16_000.0)], ids=str
)
def test_it_is_librosas(front_end, sound):
    found = front_end.log_mel(sound)
    assert found.dtype == np.float32
    assert found.shape == (len(sound) // front_end.hop_length, front_end.n_mels)
    np.testing.assert_allclose(found, by_librosa(sound, front_end), atol=1e-5)


def test_several_signals_at_once_are_each_alone_to_the_bit(sound):
    both = np.stack((sound, sound[::-1]))
    together = MUSIC.log_mel(both)
    np.testing.assert_array_equal(together[0], MUSIC.log_mel(sound))
    np.testing.assert_array_equal(together[1], MUSIC.log_mel(np.ascontiguousarray(sound[::-1])))


def test_a_causal_frame_knows_nothing_of_what_comes_after_it(sound):
    whole = MUSIC.log_mel(sound)
    np.testing.assert_array_equal(MUSIC.log_mel(sound[: 20 * 512]), whole[:20])
    later = sound.copy()
    later[20 * 512 :] = 1.0
    np.testing.assert_array_equal(MUSIC.log_mel(later)[:20], whole[:20])


@pytest.mark.parametrize("front_end", [MUSIC, DEMIURGE])
def test_its_filter_bank_is_librosas(front_end):
    spectrum = np.random.default_rng(0).uniform(0.1, 1.0, 1 + front_end.n_fft // 2)
    found = front_end.filterbank() @ spectrum
    wanted = librosa.filters.mel(
        sr=front_end.sample_rate,
        n_fft=front_end.n_fft,
        n_mels=front_end.n_mels,
        fmin=front_end.f_min,
        fmax=front_end.f_max,
    )
    np.testing.assert_allclose(found, wanted @ spectrum, rtol=1e-4, atol=1e-6)


def test_silence_is_the_floor():
    np.testing.assert_allclose(MUSIC.log_mel(np.zeros(4096, dtype=np.float32)), -5.0, rtol=1e-6)


def test_it_goes_into_a_manifest_and_back():
    assert MelFrontEnd.from_dict(DEMIURGE.as_dict(), where="model.yaml") == DEMIURGE
    values = DEMIURGE.as_dict()
    values["n_bands"] = values.pop("n_mels")
    with pytest.raises(ModelError, match=r"model\.yaml: front end: .*unknown or missing: n_bands, n_mels"):
        MelFrontEnd.from_dict(values, where="model.yaml")


def test_another_front_end_is_refused_by_name():
    MUSIC.check(MUSIC, where="models/vocoder")
    with pytest.raises(ModelError, match="models/vocoder: front end: sample_rate: expected 48000, found 44100"):
        MUSIC.check(DEMIURGE, where="models/vocoder")
    with pytest.raises(ModelError, match="hop_length: expected 512, found 256"):
        MUSIC.check(dataclasses.replace(MUSIC, hop_length=256), where="models/vocoder")


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ModelError, match="padding: expected causal or reflect, found 'same'"):
        dataclasses.replace(MUSIC, padding="same")
    with pytest.raises(ModelError, match="f_min, f_max: expected 0 to 24000 Hz"):
        dataclasses.replace(MUSIC, f_max=30_000.0)
    with pytest.raises(ModelError, match="hop_length: expected 1 to n_fft"):
        dataclasses.replace(MUSIC, hop_length=0)
    with pytest.raises(SignalError, match="at least 512"):
        MUSIC.log_mel(np.zeros(511, dtype=np.float32))
    with pytest.raises(SignalError, match="more than 384"):
        DEMIURGE.log_mel(np.zeros(300, dtype=np.float32))


def test_fine_bands_are_a_bin_or_a_24th_octave_wide_and_mel_bands_follow():
    end = PRESETS["notes48"]
    centres = np.array(end.edges[1:-1])
    bin_hz = end.sample_rate / end.n_fft
    apart, fine = np.diff(centres), centres[:-1] < 1900.0
    assert end.filterbank().shape == (192, 2049)
    np.testing.assert_allclose(apart[centres[:-1] < 380.0], bin_hz)
    np.testing.assert_allclose((centres[1:] / centres[:-1])[fine & (centres[:-1] > 420.0)], 2.0 ** (1 / 24))
    assert (np.diff(centres[~np.append(fine, False)]) > 45.0).all()
    two = (0.1 * np.sin(2 * np.pi * np.outer((440.0, 523.3), np.arange(24_000) / 48_000))).sum(axis=0)
    frame = end.log_mel(two.astype(np.float32))[40]
    peaks = centres[1:-1][(frame[1:-1] > frame[:-2]) & (frame[1:-1] > frame[2:]) & (frame[1:-1] > 0.0)]
    np.testing.assert_allclose(peaks, (440.0, 523.3), rtol=0.015)


@pytest.mark.parametrize(("f_split", "n_mels"), [(0.0, 192), (30_000.0, 192), (2000.0, 80)])
def test_fine_bands_that_leave_no_room_are_refused(f_split, n_mels):
    with pytest.raises(ModelError, match=r"f_split|n_mels"):
        dataclasses.replace(PRESETS["notes48"], f_split=f_split, n_mels=n_mels)
