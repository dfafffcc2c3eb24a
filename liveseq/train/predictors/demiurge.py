"""Material from Demiurge's descriptor JSON, without its sound files.

It holds MFCC alone. Thirteen of them are a smooth log-mel spectrum, so loudness, centroid and flatness are measured on
that: against the sound itself they correlate 0.89 or more (demo corpus and CC0 recordings), but are about 5 dB too soft
and, being smooth, 8 to 10 dB too flat. Pitch is in no smooth spectrum: every frame counts as one where none is heard.
"""

from pathlib import Path

import numpy as np
import scipy.fft

from liveseq.corpus.demiurge_json import read_recordings
from liveseq.dsp.descriptors import FRAME_LENGTH, MFCC_NAMES, N_MELS, N_MFCC, base_descriptors
from liveseq.dsp.spectral import mel_filterbank

NOTE = (
    "{name}: holds MFCC alone; loudness, centroid and flatness are estimated from them, and no pitch is heard; "
    "where the sound files are at hand, make a corpus of it first: liveseq corpus import-demiurge"
)
_FRAMES_AT_ONCE = 4096  # 32 MB of spectra: memory does not grow with the database
_HANN_POWER = 0.375
"""Mean square of a Hann window: the share of a frame's power that it leaves."""


def json_files(path: Path) -> list[Path]:
    """Databases of a path: the file itself, or the .json files of a folder (processed_descriptors), sorted; or none."""
    if path.is_dir():
        return sorted(path.glob("*.json"))
    return [path] if path.suffix.lower() == ".json" else []


def read_frames(path: Path, *, sample_rate: int) -> dict[str, np.ndarray]:
    """Base descriptors by `_id`, float32 (n_frames, 17).

    Raises CorpusError where the file is no such database, has gaps, or holds NaN.
    """
    frames = {}
    for name, mfcc in read_recordings(path).items():
        parts = [mfcc[i : i + _FRAMES_AT_ONCE] for i in range(0, len(mfcc), _FRAMES_AT_ONCE)]
        frames[name] = np.concatenate([with_estimates(part, sample_rate=sample_rate) for part in parts])
    return frames


def with_estimates(mfcc: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """Base descriptors float32 (n_frames, 17) of MFCC (n_frames, 39), the other four from the smooth spectrum."""
    power = smooth_power(mfcc[:, :N_MFCC], sample_rate=sample_rate)  # (n_frames, n_bins)
    magnitude = np.sqrt(power)
    hz = np.arange(power.shape[1]) * (sample_rate / FRAME_LENGTH)
    loudness = 2.0 * power.sum(axis=1) / (_HANN_POWER * FRAME_LENGTH**2)  # Parseval; half of the bins are there
    estimates = np.stack(
        (
            10.0 * np.log10(np.maximum(loudness, 1e-10)),
            magnitude @ hz / magnitude.sum(axis=1),
            np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1),
            np.zeros(len(mfcc)),
        ),
        axis=1,
    )
    return base_descriptors(np.concatenate((mfcc[:, : len(MFCC_NAMES)], estimates), axis=1).astype(np.float32))


def smooth_power(mfcc: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """Power of each frequency bin by the first 13 MFCC, float64 (n_frames, 1 + FRAME_LENGTH // 2).

    mfcc: (n_frames, 13). The log-mel bands of the inverse DCT, over the width of each band, joined by straight lines in
    dB.
    """
    missing = ((0, 0), (0, N_MELS - N_MFCC))
    log_mel = scipy.fft.idct(np.pad(mfcc.astype(np.float64), missing), norm="ortho", axis=1)  # dB
    filters = mel_filterbank(sample_rate=sample_rate, n_fft=FRAME_LENGTH, n_mels=N_MELS)
    areas = filters.sum(axis=1)
    used = areas > 0.0  # narrower than a bin at high rates: empty
    density = log_mel[:, used] - 10.0 * np.log10(areas[used])
    bins = np.arange(filters.shape[1])
    centres = filters[used] @ bins / areas[used]
    before = np.clip(np.searchsorted(centres, bins) - 1, 0, len(centres) - 2)
    along = np.clip((bins - centres[before]) / (centres[before + 1] - centres[before]), 0.0, 1.0)
    db = density[:, before] * (1.0 - along) + density[:, before + 1] * along
    power: np.ndarray = 10.0 ** (db / 10.0)
    return power
