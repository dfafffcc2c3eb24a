"""The autoencoder as one network: frames of one channel to latents and back, and from there to sound."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from liveseq.dsp.mel import FLOOR, MelFrontEnd
from liveseq.train.sound.musika.levels import Decoder, Encoder, begin_from_principal_components
from liveseq.train.sound.streaming import Tape
from liveseq.train.sound.vocoder import Vocoder

_QUIETEST = float(np.log10(FLOOR))


class Codec(nn.Module):
    """Level 2 between level 1's frames (mel bands, or what a learned level 1 makes of a spectrum) and latents."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, *, frame_size: int, depth: int, widths: Sequence[int]) -> None:
        """widths: of the networks, from the frames' end to the latents'; one halving of the rate between two."""
        super().__init__()
        self.depth = depth
        self.ratio = 1 << (len(widths) - 1)
        self.encoder = Encoder(frame_size, depth, tuple(widths))
        self.decoder = Decoder(frame_size, depth, tuple(widths))
        self.register_buffer("mean", torch.zeros(frame_size))
        self.register_buffer("deviation", torch.ones(1))

    @torch.no_grad()
    def begin_from(self, frames: Tensor) -> None:
        """Statistics and linear paths from frames (n, frame_size, ratio) as they will come."""
        self.mean.copy_(frames.mean(dim=(0, 2)))
        self.deviation.copy_((frames - self.mean[:, None]).std())
        begin_from_principal_components(self.encoder, self.decoder, self.normalised(frames))

    def normalised(self, frames: Tensor) -> Tensor:
        """(B, frame_size, T) -> the same with a mean of 0 in each band, and one deviation for all."""
        return (frames - self.mean[:, None]) / self.deviation

    def encode(self, frames: Tensor) -> Tensor:
        """Frames (B, frame_size, T) -> latents (B, depth, T / ratio)."""
        return self.encoder(self.normalised(frames))

    def decode(self, latents: Tensor, grains: Tensor, tape: Tape | None = None) -> Tensor:
        """Latents (B, depth, n), random numbers (B, N_GRAINS, T) -> frames (B, frame_size, T), T = ratio * n."""
        return self.decoder(latents, grains, tape) * self.deviation + self.mean[:, None]


class Level(nn.Module):
    """Level 1: sound of one channel to frames and back."""

    frame_size: int
    """Numbers of a frame."""
    sample_rate: int
    hop_length: int
    latency: int = 0
    """Samples by which sound comes later than its frames were."""
    samples_per_latent: int = 4096
    logarithmic = False
    """A gain is added to the frames."""

    def frames(self, audio: np.ndarray, multiple: int) -> np.ndarray:
        """Audio float32 (2, n_samples) -> (2, frame_size, n_frames), n_frames a multiple of `multiple`."""
        raise NotImplementedError

    def sound(self, frames: Tensor, tape: Tape | None = None) -> Tensor:
        """(B, frame_size, T) -> (B, T * hop_length)."""
        raise NotImplementedError


class MelLevel(Level):
    """Mel frames, and the vocoder that turns them into sound: nothing to learn here."""

    logarithmic = True

    def __init__(self, front_end: MelFrontEnd, vocoder: Vocoder | None) -> None:
        """vocoder: None where nothing is to be heard. Raises ModelError where it was taught other frames."""
        super().__init__()
        if vocoder is not None:
            front_end.check(vocoder.front_end, where="vocoder")
            self.latency = vocoder.latency
        self.front_end, self.vocoder = front_end, vocoder
        self.frame_size = front_end.n_mels
        self.sample_rate, self.hop_length = front_end.sample_rate, front_end.hop_length

    def frames(self, audio: np.ndarray, multiple: int) -> np.ndarray:
        step = multiple * self.hop_length
        whole = audio[:, : audio.shape[1] // step * step]
        return self.front_end.log_mel(np.ascontiguousarray(whole)).transpose(0, 2, 1)

    def sound(self, frames: Tensor, tape: Tape | None = None) -> Tensor:
        assert self.vocoder is not None, "loaded without a vocoder"
        return self.vocoder(frames.clamp(min=_QUIETEST), tape)
