"""Base class of all vocoders: mel frames to sound."""

from torch import Tensor, nn

from liveseq.dsp.mel import MelFrontEnd
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
