"""Grain of mel frames: as much noise for each tag as its recordings have beyond what comes back from their latents."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from liveseq.train.sound.grain import Grain, needed_strength
from liveseq.train.sound.streaming import Tape


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """Mel frames of a tag's recordings, and the same through latents and decoder."""

    tag: int
    latent: Tensor
    """(1, S, z_size), those of the recordings."""
    mel: Tensor
    """(1, n_mels, n_frames * S), scored, of the recordings."""
    decoded: Tensor
    """(1, n_mels, n_frames * S), scored, of the decoder."""


class TagGrain(Grain):
    """Grain of scored mel frames, by tag."""

    strengths: Tensor

    def __init__(self, n_mels: int, *, z_size: int, n_tags: int, n_frames: int) -> None:
        """n_frames: of a latent."""
        super().__init__(n_mels, z_size=z_size, n_frames=n_frames)
        self.register_buffer("strengths", torch.ones(n_tags))

    def forward(self, latent: Tensor, normal: Tensor, near: Tensor, tape: Tape | None = None) -> Tensor:
        """Grain of latents (B, S, z_size): scored mel (B, n_mels, n_frames * S).

        normal: standard normal numbers (B, S, size); near: weights of the learned tags (B, S, n_tags).
        """
        return self.noise(latent, normal, near @ self.strengths, tape)

    @torch.no_grad()
    def learn(self, pairs: Sequence[Reconstruction], *, width: Tensor, seed: int) -> None:
        """Fit to what the trained decoder leaves out. width: log10 of a score of 1 in each band, (n_mels, 1)."""
        left = [(one.mel - one.decoded)[0].T.reshape(-1, self.n_frames, self.n_bands) for one in pairs]
        self.fit(torch.cat([one.latent[0] for one in pairs]), torch.cat(left))
        self.strengths.fill_(1.0)
        random = torch.Generator().manual_seed(seed)
        real, decoded = (torch.cat(parts, dim=-1) for parts in zip(*((p.mel, p.decoded) for p in pairs), strict=True))
        alone = torch.cat([self._alone(one, random) for one in pairs], dim=-1)
        self.tune(real * width, decoded * width, alone * width)
        for one in pairs:
            alone = self._alone(one, random)
            self.strengths[one.tag] = needed_strength(one.mel * width, one.decoded * width, alone * width)

    def _alone(self, one: Reconstruction, random: torch.Generator) -> Tensor:
        """The grain alone, at the strength of now: (1, n_mels, n_frames * S)."""
        n = one.latent.shape[1]
        near = one_hot(torch.tensor(one.tag), len(self.strengths)).float().expand(1, n, -1)
        return self(one.latent, torch.randn(1, n, self.size, generator=random), near)
