"""The fine movement of mel frames that no latent tells: noise whose strength follows the latents, in closed form.

What components and decoder leave out is mostly unforeseeable, but it is heard, and measured: without it the MFCCs of
held-out recordings that went through the latents moved half as much as those of the recordings, and their distance to
these (MMD of descriptor statistics) was 16 times that of real recordings to each other; with it once to twice.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from liveseq.train.sound.streaming import Tape
from liveseq.train.sound.unagan_codec import Codec, some_steps
from liveseq.train.sound.unagan_data import Track
from liveseq.train.sound.unagan_nets import FRAMES_PER_STEP, faster

HELD = 0.6
"""Share of a frame's noise in the next one; measured: 0.65, and 0.40 after two frames."""
SPREAD = 0.28
"""Share of a band's noise in its neighbours: correlation 0.48; measured: 0.46."""
STRONGEST = 1.3
"""Of what was left out: some of it is music and no noise, so each tag has as much as makes its timbre move as much."""
TIMBRE = range(4, 13)
"""Cepstral orders whose movement is meant: what the slow ones do, the latents tell."""
_FRAMES = 4000  # of each tag
_FLOOR = 0.02
_RIDGE = 10.0


class Grain(nn.Module):
    """Deviation of the noise of each band by a linear map of the latents and of their squares."""

    weights: Tensor
    scale: Tensor
    strengths: Tensor
    along: Tensor
    past: Tensor

    def __init__(self, n_mels: int, *, z_size: int, n_tags: int) -> None:
        super().__init__()
        self.n_mels = n_mels
        self.size = FRAMES_PER_STEP * n_mels
        self.register_buffer("weights", torch.zeros(2 * z_size + 1, n_mels))
        self.register_buffer("scale", torch.zeros(()))
        self.register_buffer("strengths", torch.ones(n_tags))
        ages = torch.arange(FRAMES_PER_STEP)[:, None] - torch.arange(FRAMES_PER_STEP)
        along = torch.where(ages >= 0, HELD ** ages.clamp(min=0).float(), 0.0) * (1.0 - HELD**2) ** 0.5
        self.register_buffer("along", along, persistent=False)  # (frame, frame it comes from)
        self.register_buffer("past", HELD ** torch.arange(1.0, FRAMES_PER_STEP + 1.0), persistent=False)

    def forward(self, latent: Tensor, noise: Tensor, near: Tensor, tape: Tape | None = None) -> Tensor:
        """latent (B, S, z_size), noise (B, S, 16 * n_mels), standard normal, near (B, S, n_tags): what it is of the

        tags that were learned -> (B, n_mels, 16 S), scored.
        """
        batch, n_steps, _ = latent.shape
        fresh = noise.reshape(batch, n_steps, FRAMES_PER_STEP, self.n_mels)
        wide = torch.nn.functional.pad(fresh, (1, 1))
        fresh = (fresh + SPREAD * (wide[..., :-2] + wide[..., 2:])) / (1.0 + 2.0 * SPREAD**2) ** 0.5
        last = fresh.new_zeros((batch, self.n_mels)) if tape is None else tape.recall((batch, self.n_mels), fresh)
        steps = []
        for number in range(n_steps):
            step = self.along @ fresh[:, number] + self.past[:, None] * last[:, None]
            last = step[:, -1]
            steps.append(step)
        if tape is not None:
            tape.keep(last)
        moved = torch.stack(steps, dim=1).flatten(1, 2).transpose(1, 2)  # (B, n_mels, 16 S)
        deviations = self.scale * self._deviations(latent) * (near @ self.strengths)[..., None]
        return faster(deviations.transpose(1, 2), FRAMES_PER_STEP) * moved

    def _deviations(self, latent: Tensor) -> Tensor:
        """(..., z_size) -> (..., n_mels), but for the scale."""
        return (_features(latent) @ self.weights).clamp(max=1.0).exp()

    def learn(self, codec: Codec, tracks: Sequence[Track], *, seed: int) -> None:
        """From what the codec leaves out of recordings."""
        steps = torch.from_numpy(some_steps(tracks, seed=seed))  # (n, 16, n_mels)
        mel = codec.scored(steps.flatten(0, 1).T[None])
        latent = codec.encode(mel)
        left = (mel - codec.draft(latent))[0].T.reshape(steps.shape)
        features = _features(latent[0])
        size = (left.abs() + _FLOOR).log().mean(dim=1)  # (n, n_mels)
        square = features.T @ features + _RIDGE * torch.eye(features.shape[1])
        self.weights[:] = torch.linalg.solve(square, features.T @ size)
        self.scale.fill_(float((left / self._deviations(latent[0])[:, None]).square().mean().sqrt()))
        for tag in sorted({track.tag for track in tracks}):
            own = np.concatenate([t.mel[:_FRAMES] for t in tracks if t.tag == tag])[:_FRAMES].astype(np.float32)
            self.strengths[tag] = self._strength(codec, torch.from_numpy(own), tag, seed=seed)

    def _strength(self, codec: Codec, frames: Tensor, tag: int, *, seed: int) -> float:
        """With which frames (T, n_mels) of this tag move as much after the codec as before."""
        mel = codec.scored(frames[: len(frames) // FRAMES_PER_STEP * FRAMES_PER_STEP].T[None])
        latent = codec.encode(mel)
        noise = torch.randn(*latent.shape[:2], self.size, generator=torch.Generator().manual_seed(seed))
        self.strengths[tag] = 1.0
        near = torch.nn.functional.one_hot(torch.tensor(tag), len(self.strengths)).float().expand(*latent.shape[:2], -1)
        grain = self(latent, noise, near)
        real, draft, alone = (_movement(x * codec.deviation[:, None]) for x in (mel, codec.draft(latent), grain))
        return min(STRONGEST, (max(0.0, real - draft) / max(alone, 1e-9)) ** 0.5)


def _movement(mel: Tensor) -> float:
    """Mean square step of the cepstrum from frame to frame: (1, n_mels, T)."""
    n_mels = mel.shape[1]
    places = (torch.arange(n_mels) + 0.5) / n_mels
    waves = torch.stack([torch.cos(math.pi * order * places) for order in TIMBRE])
    return float((waves @ mel[0]).diff(dim=-1).square().mean())


def _features(latent: Tensor) -> Tensor:
    return torch.cat((latent, latent.square(), torch.ones_like(latent[..., :1])), dim=-1)
