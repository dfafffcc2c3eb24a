"""Base class of all vocoders: mel frames to sound."""

from pathlib import Path

from torch import Tensor, nn

from liveseq.dsp.mel import MelFrontEnd
from liveseq.errors import ModelError
from liveseq.train.sound.family import OpenVocoder
from liveseq.train.sound.streaming import Tape


class Vocoder(nn.Module):
    """Mel frames to sound, whole or in steps."""

    def __init__(self, front_end: MelFrontEnd, *, latency: int) -> None:
        """latency: samples by which the sound comes later than in the recording that the frames are of."""
        super().__init__()
        self.front_end = front_end
        self.n_mels = front_end.n_mels
        self.hop_length = front_end.hop_length
        self.sample_rate = front_end.sample_rate
        self.latency = latency

    def forward(self, mel: Tensor, tape: Tape | None = None) -> Tensor:
        """log10 mel frames of the front end (B, n_mels, T) -> (B, T * hop_length). Without a tape: from silence."""
        raise NotImplementedError


def named_vocoder(folder: str | None, open_vocoder: OpenVocoder, *, front_end: MelFrontEnd, family: str) -> Vocoder:
    """The trained vocoder that a generator's config names. front_end, family: the generator's.

    Raises ModelError where it names none, and where that is for other frames.
    """
    if folder is None:
        raise ModelError(f"{family}: no vocoder stands in its config; train with --vocoder models/vocoder")
    vocoder = open_vocoder(Path(folder))
    front_end.check(vocoder.front_end, where=folder)
    return vocoder
