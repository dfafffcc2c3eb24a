"""Differences of a sound from the original after a vocoder or an autoencoder: spectra, loudness and MFCCs."""

import librosa
import numpy as np

from liveseq.dsp.loudness import integrated_loudness
from liveseq.dsp.mel import MelFrontEnd

SIZES = (2048, 1024, 512, 256)
"""Windows in samples; hops are a quarter."""
FLOOR = 1e-4
"""Linear magnitude beneath which nothing is compared: -80 dB under a full-scale bin."""
N_MFCC = 13


def reconstruction(original: np.ndarray, generated: np.ndarray, *, front_end: MelFrontEnd) -> dict[str, float]:
    """Differences of two sounds float32 (n_samples,), in time with each other; the end of the longer one is left out.

    log_magnitude: L1 of natural log magnitudes, mean over four STFTs; convergence: spectral convergence likewise (Arik
    et al. 2018); log_mel: L1 of natural log mels; mcd_db: mel-cepstral distortion (Kubichek 1993); loudness in LU.
    """
    n = min(len(original), len(generated))
    a, b = original[:n], generated[:n]
    spectra = [(_magnitude(a, size), _magnitude(b, size)) for size in SIZES]
    mel_a, mel_b = (np.log(10.0) * front_end.log_mel(y) for y in (a, b))  # (n_frames, n_mels), natural
    difference = (_mfcc(mel_a) - _mfcc(mel_b))[:, 1:]
    levels = [integrated_loudness(y, sample_rate=front_end.sample_rate) for y in (a, b)]
    return {
        "log_magnitude": float(np.mean([np.abs(np.log(x + FLOOR) - np.log(y + FLOOR)).mean() for x, y in spectra])),
        "convergence": float(np.mean([np.linalg.norm(x - y) / max(np.linalg.norm(x), 1e-9) for x, y in spectra])),
        "log_mel": float(np.abs(mel_a - mel_b).mean()),
        "mcd_db": float(10.0 / np.log(10.0) * np.sqrt(2.0) * np.linalg.norm(difference, axis=1).mean()),
        "loudness": abs(levels[0] - levels[1]),
    }


def _magnitude(y: np.ndarray, size: int) -> np.ndarray:
    return np.abs(librosa.stft(y, n_fft=size, hop_length=size // 4))


def _mfcc(log_mel: np.ndarray) -> np.ndarray:
    """(n_frames, 13)."""
    return librosa.feature.mfcc(S=log_mel.T, n_mfcc=N_MFCC).T
