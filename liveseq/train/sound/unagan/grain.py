"""UNAGAN's grain: as much noise for each tag as its recordings have beyond what comes back of their latents."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from liveseq.train.sound.grain import Grain, needed
from liveseq.train.sound.streaming import Tape
from liveseq.train.sound.unagan.nets import FRAMES_PER_STEP


@dataclass(frozen=True, kw_only=True)
class Returned:
    """Some recordings of a tag, and what came back of them through latents and decoder."""

    tag: int
    latent: Tensor
    """(1, S, z_size)."""
    mel: Tensor
    """(1, n_mels, 16 S), scored."""
    back: Tensor
    """The same."""


class TagGrain(Grain):
    """Grain of scored mel frames, by tag."""

    strengths: Tensor

    def __init__(self, n_mels: int, *, z_size: int, n_tags: int) -> None:
        super().__init__(n_mels, z_size=z_size, n_frames=FRAMES_PER_STEP)
        self.register_buffer("strengths", torch.ones(n_tags))

    def forward(self, latent: Tensor, chance: Tensor, near: Tensor, tape: Tape | None = None) -> Tensor:
        """latent (B, S, z_size), chance (B, S, size), standard normal, near (B, S, n_tags): what it is of the tags that

        were learned -> (B, n_mels, 16 S), scored.
        """
        return self.noise(latent, chance, near @ self.strengths, tape)

    @torch.no_grad()
    def learn(self, takes: Sequence[Returned], *, width: Tensor, seed: int) -> None:
        """From what the trained decoder leaves out. width: of the bands, what a score of 1 is in log10, (n_mels, 1)."""
        left = [(one.mel - one.back)[0].T.reshape(-1, FRAMES_PER_STEP, self.n_bands) for one in takes]
        self.fit(torch.cat([one.latent[0] for one in takes]), torch.cat(left))
        self.strengths.fill_(1.0)
        chance = torch.Generator().manual_seed(seed)
        real, back = (torch.cat(parts, dim=-1) for parts in zip(*((t.mel, t.back) for t in takes), strict=True))
        self.tune(real * width, back * width, torch.cat([self._alone(one, chance) for one in takes], dim=-1) * width)
        for one in takes:
            self.strengths[one.tag] = needed(one.mel * width, one.back * width, self._alone(one, chance) * width)

    def _alone(self, one: Returned, chance: torch.Generator) -> Tensor:
        """The grain of a take at the strength of now."""
        n = one.latent.shape[1]
        near = one_hot(torch.tensor(one.tag), len(self.strengths)).float().expand(1, n, -1)
        return self(one.latent, torch.randn(1, n, self.size, generator=chance), near)
