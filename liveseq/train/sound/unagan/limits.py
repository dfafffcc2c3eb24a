"""Limits of a stream: it stays within the extremes of its tag's recordings, and is as loud as they are.

A prior that goes its own way for minutes can wander to where it learned nothing, and louder and louder there. So its
latents stay between the extremes that the recordings of the tag have, and so does the loudness of each band.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from liveseq.train.sound.unagan.codec import Codec
from liveseq.train.sound.unagan.networks import FRAMES_PER_STEP
from liveseq.train.sound.unagan.tracks import Track

RARE = 0.005
"""Share of a tag's steps beyond an extreme."""
RARE_FRAMES = 0.002
"""Share of a tag's frames that are louder than its loudest."""
MOST_GAIN = 0.5
"""log10: 10 dB."""
LOUDEST = 1.5
"""log10 of the magnitude of a band; recordings have up to 1.3."""


class Limits(nn.Module):
    """Extremes of latents and bands, and gains, by tag."""

    least: Tensor
    largest: Tensor
    loudest: Tensor
    gains: Tensor

    def __init__(self, *, n_tags: int, z_size: int, n_mels: int) -> None:
        super().__init__()
        self.register_buffer("least", torch.full((n_tags, z_size), -4.0))
        self.register_buffer("largest", torch.full((n_tags, z_size), 4.0))
        self.register_buffer("loudest", torch.full((n_tags, n_mels), LOUDEST))
        self.register_buffer("gains", torch.zeros(n_tags))  # log10

    def latents(self, near: Tensor) -> tuple[Tensor, Tensor]:
        """Weights of the learned tags (..., n_tags) -> the least and the largest latent, (..., z_size) each."""
        return near @ self.least, near @ self.largest

    def levelled(self, mel: Tensor, near: Tensor) -> Tensor:
        """log10 mel (B, n_mels, 16 S) with the tag's gain, and no louder than it ever is. near: (B, S, n_tags)."""
        mel = mel + (near @ self.gains)[:, None].repeat_interleave(FRAMES_PER_STEP, dim=-1)
        most = (near @ self.loudest).transpose(1, 2).repeat_interleave(FRAMES_PER_STEP, dim=-1)
        return torch.minimum(mel, most)

    @torch.no_grad()
    def learn(self, codec: Codec, tracks: Sequence[Track]) -> None:
        """Take the extremes from every step of the recordings."""
        for tag in sorted({track.tag for track in tracks}):
            own = [
                torch.from_numpy(t.mel[: len(t.mel) // FRAMES_PER_STEP * FRAMES_PER_STEP]).float()
                for t in tracks
                if t.tag == tag
            ]
            mel = torch.cat(own)  # (n_frames, n_mels)
            latent = codec.encode(codec.scored(mel.T[None]))[0]
            self.least[tag] = latent.quantile(RARE, dim=0)
            self.largest[tag] = latent.quantile(1.0 - RARE, dim=0)
            self.loudest[tag] = mel.quantile(1.0 - RARE_FRAMES, dim=0)

    @torch.no_grad()
    def learn_gain(self, tag: int, *, real: Tensor, drawn: Tensor) -> None:
        """Take a tag's gain from log10 frames (1, n_mels, T) of recordings and of streams, which are milder."""
        ratio = 0.5 * (_power(real) / _power(drawn)).log10()
        self.gains[tag] = ratio.clamp(-MOST_GAIN, MOST_GAIN)


def _power(mel: Tensor) -> Tensor:
    return (10.0 ** (2.0 * mel)).sum(dim=1).mean()
