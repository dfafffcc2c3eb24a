"""Phases found as magnitudes come: as good as Griffin and Lim's at less cost, and the same in any steps."""

import librosa
import numpy as np
import pytest

from liveseq.dsp.mel import MelFrontEnd
from liveseq.dsp.rtisi import Rtisi, mel_to_magnitude
from liveseq.errors import SignalError

N_FFT, HOP, RATE = 1024, 256, 24_000
MEL = MelFrontEnd(sample_rate=RATE, n_fft=N_FFT, hop_length=HOP, n_mels=80, f_max=12_000.0)


def music(seconds: float = 1.5) -> np.ndarray:
    """Three chords of decaying partials and a hit of noise on each."""
    rng = np.random.default_rng(0)
    t = np.arange(int(seconds / 3 * RATE)) / RATE
    chords = []
    for root in (110.0, 146.8, 98.0):
        tone = sum(np.sin(2 * np.pi * root * k * t * ratio) / k for k in range(1, 12) for ratio in (1.0, 1.5))
        chords.append(0.1 * tone * np.exp(-3 * t) + 0.2 * rng.standard_normal(len(t)) * np.exp(-40 * t))
    return np.concatenate(chords).astype(np.float32)


def magnitudes(y: np.ndarray) -> np.ndarray:
    """(n_frames, n_bins), from the first sample on."""
    return np.abs(librosa.stft(y, n_fft=N_FFT, hop_length=HOP, center=False)).T.astype(np.float32)


def convergence(made: np.ndarray, wanted: np.ndarray) -> float:
    """Spectral convergence, in dB below the magnitudes that were wanted."""
    found = magnitudes(made)
    n = min(len(found), len(wanted))
    return 20 * float(np.log10(np.linalg.norm(found[:n] - wanted[:n]) / np.linalg.norm(wanted[:n])))


def rebuilt(wanted: np.ndarray, *, look_ahead: int, n_iterations: int) -> np.ndarray:
    inverse = Rtisi(n_fft=N_FFT, hop_length=HOP, look_ahead=look_ahead, n_iterations=n_iterations)
    silence = np.zeros((look_ahead, wanted.shape[1]), dtype=np.float32)
    return inverse.step(np.concatenate((wanted, silence)))[inverse.latency :]


def test_it_is_nearer_to_the_magnitudes_than_griffin_and_lim_at_equal_cost():
    """3 open frames refined 4 times each: every frame is transformed 12 times, as in 12 iterations over the whole."""
    wanted = magnitudes(music())
    whole = librosa.griffinlim(
        wanted.T, n_iter=12, hop_length=HOP, n_fft=N_FFT, center=False, momentum=0.0, random_state=0
    )
    ours = convergence(rebuilt(wanted, look_ahead=2, n_iterations=4), wanted)
    assert ours < convergence(whole, wanted) - 1.0
    assert ours < -12.0
    assert convergence(rebuilt(wanted, look_ahead=3, n_iterations=8), wanted) < ours


def test_any_steps_give_the_same_sound():
    wanted = magnitudes(music(0.6))
    whole = Rtisi(n_fft=N_FFT, hop_length=HOP).step(wanted)
    for size in (1, 7, 16):
        inverse = Rtisi(n_fft=N_FFT, hop_length=HOP)
        pieces = [inverse.step(wanted[at : at + size]) for at in range(0, len(wanted), size)]
        np.testing.assert_array_equal(np.concatenate(pieces), whole)
    inverse.reset()
    np.testing.assert_array_equal(inverse.step(wanted), whole)


def test_a_sine_keeps_its_pitch_and_level():
    y = 0.5 * np.sin(2 * np.pi * 1000.0 * np.arange(RATE) / RATE).astype(np.float32)
    made = rebuilt(magnitudes(y), look_ahead=2, n_iterations=4)[4 * N_FFT : 12 * N_FFT]
    spectrum = np.abs(np.fft.rfft(made * np.hanning(len(made))))
    assert abs(spectrum.argmax() * RATE / len(made) - 1000.0) < 3.0
    assert np.sqrt(np.mean(made**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.03)


def test_silence_is_silent_and_short():
    made = Rtisi(n_fft=N_FFT, hop_length=HOP).step(np.zeros((5, N_FFT // 2 + 1), dtype=np.float32))
    np.testing.assert_array_equal(made, np.zeros(5 * HOP, dtype=np.float32))


def test_magnitudes_of_mel_frames_have_these_mel_frames():
    y = music()
    log_mel = MEL.log_mel(y)
    found = mel_to_magnitude(log_mel, MEL)
    assert found.min() >= 0.0
    filters = librosa.filters.mel(sr=RATE, n_fft=N_FFT, n_mels=80)
    again = np.log10(np.maximum(found @ filters.T, 1e-5))
    assert np.abs(again - log_mel).mean() < 0.01
    true = np.abs(librosa.stft(np.pad(y, (N_FFT - HOP, 0)), n_fft=N_FFT, hop_length=HOP, center=False)).T
    inverse = np.maximum(10.0**log_mel @ np.linalg.pinv(filters).T, 0.0)
    assert np.linalg.norm(found - true) <= np.linalg.norm(inverse - true)


def test_too_little_overlap_is_refused():
    with pytest.raises(SignalError, match=r"a part of n_fft \(1024\) and at most a quarter of it, found 512"):
        Rtisi(n_fft=1024, hop_length=512)
