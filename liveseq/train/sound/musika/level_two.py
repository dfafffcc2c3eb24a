"""Level 2 of the autoencoder, for one channel of sound: several frames (8 at 48 kHz and hop 512) are one latent.

The encoder may look ahead (it never runs live); the decoder is causal, so that the encoder has to put into a latent
all that it must know of the future, and a stream has no latency of its own.
"""

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from liveseq.train.sound.streaming import CausalConv1d, ChannelNorm, Tape

LIMIT = 5.0
"""Largest number of a latent; one standard deviation is about 1, so that tanh hardly bends it."""


class ResidualBlock(nn.Module):
    """Normalises each frame, looks back (or around), mixes channels."""

    def __init__(self, channels: int, *, causal: bool) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.conv = CausalConv1d(channels, channels, 3) if causal else nn.Conv1d(channels, channels, 3, padding=1)
        self.mix = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor, tape: Tape | None = None) -> Tensor:
        """(B, channels, T) -> the same."""
        y = self.norm(x)
        y = self.conv(y, tape) if isinstance(self.conv, CausalConv1d) else self.conv(y)
        return x + self.mix(functional.gelu(y))


class Encoder(nn.Module):
    """Frames to latents within LIMIT: a linear path, and a network's addition."""

    def __init__(self, frame_size: int, depth: int, widths: tuple[int, ...]) -> None:
        """widths: channels from the frames' end to the latents'; one halving of the rate between two."""
        super().__init__()
        ratio = 1 << (len(widths) - 1)
        self.linear = nn.Conv1d(frame_size, depth, ratio, stride=ratio)
        self.first = nn.Conv1d(frame_size, widths[0], 3, padding=1)
        self.blocks = nn.ModuleList(ResidualBlock(w, causal=False) for w in widths)
        self.downs = nn.ModuleList(nn.Conv1d(a, b, 4, stride=2, padding=1) for a, b in itertools.pairwise(widths))
        self.last = nn.Conv1d(widths[-1], depth, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, frames: Tensor) -> Tensor:
        """Normalised frames (B, frame_size, ratio * n) -> latents (B, depth, n)."""
        x = self.blocks[0](self.first(frames))
        for down, block in zip(self.downs, self.blocks[1:], strict=True):
            x = block(functional.gelu(down(x)))
        return LIMIT * torch.tanh((self.linear(frames) + self.last(x)) / LIMIT)


class Decoder(nn.Module):
    """Latents to frames, causal."""

    def __init__(self, frame_size: int, depth: int, widths: tuple[int, ...]) -> None:
        """widths: those of the encoder."""
        super().__init__()
        ratio = 1 << (len(widths) - 1)
        long_first = widths[::-1]
        self.linear = nn.ConvTranspose1d(depth, frame_size, ratio, stride=ratio)
        self.first = CausalConv1d(depth, long_first[0], 3)
        self.blocks = nn.ModuleList(ResidualBlock(w, causal=True) for w in long_first)
        self.ups = nn.ModuleList(CausalConv1d(a, b, 3) for a, b in itertools.pairwise(long_first))
        self.last = CausalConv1d(long_first[-1], frame_size, 3)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, latents: Tensor, tape: Tape | None = None) -> Tensor:
        """Latents (B, depth, n) -> normalised frames (B, frame_size, ratio * n)."""
        x = self.blocks[0](self.first(latents, tape), tape)
        for up, block in zip(self.ups, self.blocks[1:], strict=True):
            x = block(functional.gelu(up(torch.repeat_interleave(x, 2, dim=-1), tape)), tape)
        return self.linear(latents) + self.last(functional.gelu(x), tape)


@torch.no_grad()
def begin_from_principal_components(encoder: Encoder, decoder: Decoder, blocks: Tensor) -> None:
    """Set the linear paths to the principal components, so that training begins with a good sound.

    blocks: normalised frames, float32 (n, frame_size, ratio). A component has a standard deviation of 1.
    """
    depth, _, ratio = encoder.linear.weight.shape
    flat = blocks.flatten(1).double()
    mean = flat.mean(dim=0)
    values, vectors = torch.linalg.eigh((flat - mean).T @ (flat - mean) / len(flat))
    vectors = vectors[:, -depth:].flip(1)  # (frame_size * 8, depth)
    scale = 1.0 / values[-depth:].flip(0).clamp(min=1e-6).sqrt()
    encoder.linear.weight.copy_((vectors * scale).T.reshape(depth, -1, ratio))
    encoder.linear.bias.copy_(-(mean @ vectors) * scale)
    decoder.linear.weight.copy_((vectors / scale).T.reshape(depth, -1, ratio))
    # one number for each band is all the bias that a transposed convolution has; the mean's course is the network's
    decoder.linear.bias.copy_(mean.reshape(-1, ratio).mean(dim=1))
