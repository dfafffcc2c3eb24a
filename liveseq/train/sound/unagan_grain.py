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
        for tag in sorted({track.tag for track in tracks}):
            own = np.concatenate([t.mel[:_FRAMES] for t in tracks if t.tag == tag])[:_FRAMES].astype(np.float32)
            self.strengths[tag] = self._strength(codec, torch.from_numpy(own), tag, seed=seed)

    def _strength(self, codec: Codec, frames: Tensor, tag: int, *, seed: int) -> float:
        """With which frames (T, n_mels) of this tag move as much after the codec as before."""
        mel = codec.scored(frames[: len(frames) // FRAMES_PER_STEP * FRAMES_PER_STEP].T[None])
        latent = codec.encode(mel)
        chance = torch.randn(*latent.shape[:2], self.size, generator=torch.Generator().manual_seed(seed))
        self.strengths[tag] = 1.0
        near = one_hot(torch.tensor(tag), len(self.strengths)).float().expand(*latent.shape[:2], -1)
        width = codec.deviation[:, None]
        return needed(mel * width, codec.draft(latent) * width, self(latent, chance, near) * width)
