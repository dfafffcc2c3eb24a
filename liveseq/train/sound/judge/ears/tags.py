"""Tags of a take, heard by musicnn (Pons & Serra 2019, "musicnn: Pre-trained convolutional neural networks"), as it was
trained on MagnaTagATune: fifty tags, among them piano, guitar, strings, choir, flute, harp, techno, drums, ambient.
"""

from pathlib import Path

import librosa
import numpy as np

from liveseq.dsp.files import resample
from liveseq.runtime.session import Session, open_session

GRAPH = Path(__file__).with_name("musicnn.onnx")
WHEEL = "musicnn==0.1.0"
"""Package that holds its weights."""
SAMPLE_RATE = 16_000
"""Hz, of the sound that the network hears."""
N_FFT, HOP_LENGTH, N_MELS = 512, 256, 96
N_FRAMES = 187
"""Frames of a patch: three seconds."""
TAGS = (
    *("guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast", "piano", "ambient"),
    *("beat", "violin", "vocal", "synth", "female", "indian", "opera", "male", "singing", "vocals", "no vocals"),
    *("harpsichord", "loud", "quiet", "flute", "woman", "male vocal", "no vocal", "pop", "soft", "sitar", "solo"),
    *("man", "classic", "choir", "voice", "new age", "dance", "male voice", "female vocal", "beats", "harp", "cello"),
    *("no voice", "weird", "country", "metal", "female voice", "choral"),
)


class TagEar:
    """Hears tags. One thread at a time."""

    def __init__(self) -> None:
        """Raises ModelError where the graph is missing or cannot be run."""
        self._session: Session = open_session(GRAPH)

    def hear(self, audio: np.ndarray, *, sample_rate: int) -> dict[str, float]:
        """Score of each of TAGS in 0 to 1, the mean over patches of three seconds; empty for a shorter take.

        audio: float32 (n_samples, n_channels), sample_rate in Hz.
        """
        mono = resample(audio.mean(axis=1), sample_rate=sample_rate, to_rate=SAMPLE_RATE)
        mel = log_mel(mono)
        starts = range(0, len(mel) - N_FRAMES + 1, N_FRAMES)
        scores = [self._session.run({"mel": mel[None, at : at + N_FRAMES]})[0][0] for at in starts]
        return dict(zip(TAGS, map(float, np.mean(scores, axis=0)), strict=True)) if scores else {}


def log_mel(y: np.ndarray) -> np.ndarray:
    """Mel spectrogram as musicnn wants it, log10(1 + 10^4 power): float32 (n_frames, 96).

    y: float32 (n_samples,) at 16 kHz.

    In float32 throughout: the published code's float16 overflows where loud, with a current numpy.
    """
    power = librosa.feature.melspectrogram(y=y, sr=SAMPLE_RATE, hop_length=HOP_LENGTH, n_fft=N_FFT, n_mels=N_MELS)
    return np.log10(1e4 * power.T + 1.0).astype(np.float32)
