"""Codec of Musika, the second level of the autoencoder as one network: frames of one channel to latents and back."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from liveseq.train.sound.musika.level_two import Decoder, Encoder, begin_from_principal_components
from liveseq.train.sound.streaming import Tape


class Codec(nn.Module):
    """Level 1's frames (mel bands, or those of a learned level 1) to latents and back."""

    mean: Tensor
    deviation: Tensor
    highest: Tensor

    def __init__(self, *, frame_size: int, depth: int, widths: Sequence[int]) -> None:
        """widths: channels from the frames' end to the latents'; one halving of the rate between two."""
        super().__init__()
        self.depth = depth
        self.ratio = 1 << (len(widths) - 1)
        self.encoder = Encoder(frame_size, depth, tuple(widths))
        self.decoder = Decoder(frame_size, depth, tuple(widths))
        self.register_buffer("mean", torch.zeros(frame_size))
        self.register_buffer("deviation", torch.ones(1))
        self.register_buffer("highest", torch.full((frame_size,), torch.inf))

    @torch.no_grad()
    def begin_from(self, frames: Tensor) -> None:
        """Take statistics and linear paths from frames (n, frame_size, ratio)."""
        self.mean.copy_(frames.mean(dim=(0, 2)))
        self.deviation.copy_((frames - self.mean[:, None]).std())
        self.highest.copy_(frames.amax(dim=(0, 2)))
        begin_from_principal_components(self.encoder, self.decoder, self.normalised(frames))

    def normalised(self, frames: Tensor) -> Tensor:
        """Frames (B, frame_size, T) -> the same with a mean of 0 in each band, and one deviation for all."""
        return (frames - self.mean[:, None]) / self.deviation

    def encode(self, frames: Tensor) -> Tensor:
        """Frames (B, frame_size, T) -> latents (B, depth, T / ratio)."""
        return self.encoder(self.normalised(frames))

    def decode(self, latents: Tensor, tape: Tape | None = None) -> Tensor:
        """Latents (B, depth, n) -> frames (B, frame_size, ratio * n), their mean course, without grain."""
        frames = self.decoder(latents, tape) * self.deviation + self.mean[:, None]
        # Frames are logarithms, or nearly: a latent that is a little too far out would be much too loud.
        return torch.minimum(frames, self.highest[:, None])
