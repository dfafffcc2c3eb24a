"""Limits of a stream: it stays within the extremes of its tag's recordings, and is as loud as they are.

A prior that goes its own way for minutes can wander to where it learned nothing, and louder and louder there. So its
latents stay between the extremes that the recordings of the tag have, and so does the loudness of each band.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from liveseq.train.sound.frames.tracks import Track

RARE = 0.005
"""Share of a tag's steps beyond an extreme."""
RARE_FRAMES = 0.002
"""Share of a tag's frames that are louder than its loudest."""
MOST_GAIN = 0.5
"""log10: 10 dB."""
LOUDEST = 1.5
"""log10 of the magnitude of a band before recordings tell; these had up to 1.3 on music48."""
SILENT = 2.0
"""log10 of the loudest band's level below the loudest that its tag has, 40 dB, at which frames are silence."""
MOST_STEPS = 20_000
"""Steps of a tag that the extremes are taken from, at most."""


class Limits(nn.Module):
    """Extremes of latents and bands, and gains, by tag."""

    least: Tensor
    largest: Tensor
    loudest: Tensor
    gains: Tensor

    def __init__(self, *, n_tags: int, z_size: int, n_mels: int, per_step: int) -> None:
        """z_size: numbers of a latent; per_step: its frames."""
        super().__init__()
        self.per_step = per_step
        self.register_buffer("least", torch.full((n_tags, z_size), -4.0))
        self.register_buffer("largest", torch.full((n_tags, z_size), 4.0))
        self.register_buffer("loudest", torch.full((n_tags, n_mels), LOUDEST))
        self.register_buffer("gains", torch.zeros(n_tags))  # log10

    def latents(self, near: Tensor) -> tuple[Tensor, Tensor]:
        """Weights of the learned tags (..., n_tags) -> the least and the largest latent, (..., z_size) each."""
        return near @ self.least, near @ self.largest

    def levelled(self, mel: Tensor, near: Tensor) -> Tensor:
        """log10 mel (B, n_mels, per_step * S) with the tag's gain, and no louder than it ever is.

        near: weights of the learned tags (B, S, n_tags).
        """
        mel = mel + (near @ self.gains)[:, None].repeat_interleave(self.per_step, dim=-1)
        most = (near @ self.loudest).transpose(1, 2).repeat_interleave(self.per_step, dim=-1)
        return torch.minimum(mel, most)

    def silent(self, mel: Tensor, near: Tensor) -> Tensor:
        """Whether frames are silence, 1 or 0 (B,). mel: log10 (B, n_mels, T); near: weights of the tags (B, n_tags)."""
        return (mel.flatten(1).amax(dim=1) < (near @ self.loudest).amax(dim=1) - SILENT).to(mel.dtype)

    @torch.no_grad()
    def learn(self, encode: Callable[[Tensor], Tensor], tracks: Sequence[Track]) -> None:
        """Take the extremes from the steps of the recordings; there is no gain then.

        encode: log10 frames (1, n_bands, per_step * S) -> latents (1, S, z_size); the first n_mels bands are meant.
        """
        self.gains.zero_()
        for tag in sorted({track.tag for track in tracks}):
            own = [track.mel for track in tracks if track.tag == tag]
            share = min(1.0, MOST_STEPS * self.per_step / sum(map(len, own)))
            ends = [math.ceil(share * (len(mel) // self.per_step)) * self.per_step for mel in own]
            parts = [mel[:end].astype(np.float32) for mel, end in zip(own, ends, strict=True)]
            frames = torch.from_numpy(np.concatenate(parts))  # (n_frames, n_bands)
            latent = encode(frames.T[None])[0]
            for number, extreme in ((RARE, self.least), (1.0 - RARE, self.largest)):
                extreme[tag] = _quantile(latent, number)
            self.loudest[tag] = _quantile(frames[:, : self.loudest.shape[1]], 1.0 - RARE_FRAMES)

    @torch.no_grad()
    def learn_gain(self, tag: int, *, real: Tensor, drawn: Tensor) -> None:
        """Take a tag's gain from log10 frames (1, n_mels, T) of recordings and of streams, which are milder."""
        ratio = 0.5 * (_power(real) / _power(drawn)).log10()
        self.gains[tag] = ratio.clamp(-MOST_GAIN, MOST_GAIN)


def _quantile(values: Tensor, share: float) -> Tensor:
    """Quantile of each column (n, size): (size,). torch takes no more than 16 million numbers at once."""
    return torch.stack([part.quantile(share, dim=0) for part in values.unbind(1)])


def _power(mel: Tensor) -> Tensor:
    return (10.0 ** (2.0 * mel)).sum(dim=1).mean()
