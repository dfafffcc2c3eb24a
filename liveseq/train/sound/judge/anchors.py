"""Takes that a generator must beat: anybody can make them without learning anything."""

import librosa
import numpy as np

from liveseq.dsp.mel import MelFrontEnd
from liveseq.dsp.rtisi import mel_to_magnitude
from liveseq.train.sound.judge.verdict import Takes

PIECE_SECONDS = 0.17
"""Length of a piece that is shuffled."""
ITERATIONS = 32


def white_noise(real: Takes, *, seed: int = 0) -> dict[str, np.ndarray]:
    """White noise as loud as each real take, and as long."""
    rng = np.random.default_rng(seed)
    return {
        tag: (take.std() * rng.standard_normal(take.shape)).clip(-1.0, 1.0).astype(np.float32)
        for tag, take in real.items()
    }


def shuffled(train: Takes, *, sample_rate: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Pieces of the training set in any order under any tag: the right sounds, and no sense."""
    rng = np.random.default_rng(seed)
    n = int(PIECE_SECONDS * sample_rate)
    pieces = np.concatenate([take[: len(take) // n * n].reshape(-1, n, take.shape[1]) for take in train.values()])
    pieces = pieces[rng.permutation(len(pieces))]
    takes, begin = {}, 0
    for tag, take in train.items():
        count = len(take) // n
        takes[tag] = np.concatenate(list(pieces[begin : begin + count]))
        begin += count
    return takes


def griffin_lim(real: Takes, *, front_end: MelFrontEnd, seed: int = 0) -> dict[str, np.ndarray]:
    """The real takes' own mels, in mono, with phases from 32 rounds of Griffin and Lim (1984), accelerated."""
    return {
        tag: invert(front_end.log_mel(take.mean(axis=1)), front_end=front_end, seed=seed)[:, None]
        for tag, take in real.items()
    }


def invert(log_mel: np.ndarray, *, front_end: MelFrontEnd, seed: int = 0) -> np.ndarray:
    """Audio float32 (n_samples,) in time with the log10 mel of any front end, float32 (n_frames, n_mels)."""
    y = librosa.griffinlim(
        mel_to_magnitude(log_mel, front_end).T,
        n_iter=ITERATIONS,
        hop_length=front_end.hop_length,
        n_fft=front_end.n_fft,
        random_state=seed,
    )
    # librosa centres frame k on sample k * hop: a causal one is centred earlier, a mirrored one half a hop later.
    if front_end.padding == "causal":
        y = y[front_end.n_fft // 2 - front_end.hop_length :]
    else:
        y = np.pad(y, (front_end.hop_length // 2, 0))
    return np.asarray(y, dtype=np.float32)
