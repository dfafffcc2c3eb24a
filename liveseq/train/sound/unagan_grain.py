"""UNAGAN's grain: as much noise for each tag as its recordings have beyond what their latents tell."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from liveseq.train.sound.grain import Grain, needed
from liveseq.train.sound.streaming import Tape
from liveseq.train.sound.unagan_codec import Codec, some_steps
from liveseq.train.sound.unagan_data import Track
from liveseq.train.sound.unagan_nets import FRAMES_PER_STEP

_FRAMES = 4000  # of each tag


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
    def learn(self, codec: Codec, tracks: Sequence[Track], *, seed: int) -> None:
        """From what the codec leaves out of recordings."""
        steps = torch.from_numpy(some_steps(tracks, seed=seed))  # (n, 16, n_mels)
        mel = codec.scored(steps.flatten(0, 1).T[None])
        latent = codec.encode(mel)
        self.fit(latent[0], (mel - codec.draft(latent))[0].T.reshape(steps.shape))
        tags = sorted({track.tag for track in tracks})
        takes = [self._heard(codec, tracks, tag) for tag in tags]
        chance = torch.Generator().manual_seed(seed)
        self.strengths[:] = 1.0
        moved = self._moved(codec, takes, tags, chance)
        self.tune(*(torch.cat(parts, dim=-1) for parts in zip(*moved, strict=True)))
        for tag, (real, draft, noise) in zip(tags, self._moved(codec, takes, tags, chance), strict=True):
            self.strengths[tag] = needed(real, draft, noise)

    @staticmethod
    def _heard(codec: Codec, tracks: Sequence[Track], tag: int) -> Tensor:
        """Some frames of a tag, scored (1, n_mels, 16 S)."""
        own = np.concatenate([track.mel[:_FRAMES] for track in tracks if track.tag == tag])[:_FRAMES]
        return codec.scored(torch.from_numpy(own[: len(own) // FRAMES_PER_STEP * FRAMES_PER_STEP].T).float()[None])

    def _moved(
        self, codec: Codec, takes: Sequence[Tensor], tags: Sequence[int], chance: torch.Generator
    ) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Of each take: its bands, those that its latents give back, and their grain; log10, (1, n_mels, 16 S) each."""
        width = codec.deviation[:, None]
        found = []
        for mel, tag in zip(takes, tags, strict=True):
            latent = codec.encode(mel)
            random = torch.randn(*latent.shape[:2], self.size, generator=chance)
            near = one_hot(torch.tensor(tag), len(self.strengths)).float().expand(*latent.shape[:2], -1)
            found.append((mel * width, codec.draft(latent) * width, self(latent, random, near) * width))
        return found
