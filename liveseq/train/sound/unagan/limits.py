"""What recordings of a tag never do, a stream of that tag does not do either, and it is as loud as they are.

A prior that goes its own way for minutes can wander to where it learned nothing, and louder and louder there. So its
latents stay between the extremes that the recordings of the tag have, and so does the loudness of each band.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from liveseq.train.sound.unagan.codec import Codec
from liveseq.train.sound.unagan.data import Track
from liveseq.train.sound.unagan.nets import FRAMES_PER_STEP

RARE = 0.005
"""Share of a tag's steps beyond an extreme."""
RARE_FRAMES = 0.002
MOST_GAIN = 0.5
"""log10: 10 dB."""
LOUDEST = 1.5
"""log10 of the magnitude of a band; recordings have up to 1.3."""


class Limits(nn.Module):
    """Extremes by tag."""

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
        """near: what a tag is of those that were learned (..., n_tags) -> least and largest latent, (..., z_size)."""
        return near @ self.least, near @ self.largest

    def levelled(self, mel: Tensor, near: Tensor) -> Tensor:
        """mel (B, n_mels, 16 S), log10; near (B, S, n_tags)."""
        mel = mel + (near @ self.gains)[:, None].repeat_interleave(FRAMES_PER_STEP, dim=-1)
        most = (near @ self.loudest).transpose(1, 2).repeat_interleave(FRAMES_PER_STEP, dim=-1)
        return torch.minimum(mel, most)

    @torch.no_grad()
    def learn(self, codec: Codec, tracks: Sequence[Track]) -> None:
        """Of every step of the recordings."""
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
        """Of frames of recordings and of streams, log10 (1, n_mels, T): what is drawn is milder, so it is quieter."""
        ratio = 0.5 * (_power(real) / _power(drawn)).log10()
        self.gains[tag] = ratio.clamp(-MOST_GAIN, MOST_GAIN)


def _power(mel: Tensor) -> Tensor:
    return (10.0 ** (2.0 * mel)).sum(dim=1).mean()
