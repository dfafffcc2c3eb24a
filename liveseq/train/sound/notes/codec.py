"""Latents of stereo sound in closed form: principal components of the middle's bands, and how wide each group is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from liveseq.dsp.mel import FLOOR
from liveseq.train.sound.frames.codec import Codec, some_steps
from liveseq.train.sound.frames.tracks import Framing, Track
from liveseq.train.sound.streaming import Tape, extend

PER_LATENT = 8
"""Frames of a latent."""
N_GROUPS = 16
"""Groups of neighbouring bands, each with a width."""
QUIETEST = -3.0
"""log10 of the magnitude that counts as silence: 98 dB below a low sine at full scale."""
NARROWEST, WIDEST = -2.0, 0.5
"""log10 of the ratio of side to middle: as good as mono, and as wide as recordings are."""
N_ROWS = 30_000
"""Latents that the components are learned from, about."""


@dataclass(frozen=True, kw_only=True)
class StereoFraming(Framing):
    """Frames of the middle's bands, and of the side's groups of them.

    Middle and side are half the sum and half the difference of left and right.
    """

    def frames(self, audio: np.ndarray) -> np.ndarray:
        """Audio (n_samples, 2) -> log10 of magnitudes, float32 (n_frames, n_mels + N_GROUPS)."""
        left, right = np.ascontiguousarray(audio.T, dtype=np.float32)
        middle = self.front_end.log_mel(0.5 * (left + right))
        side = np.full_like(middle, np.log10(FLOOR))
        if not np.array_equal(left, right):
            side = self.front_end.log_mel(0.5 * (left - right))
        groups = np.power(10.0, side).reshape(len(side), N_GROUPS, -1).mean(axis=-1)
        return np.concatenate((middle, np.log10(groups)), axis=1, dtype=np.float32)


class StereoCodec(nn.Module):
    """Frames of `StereoFraming` to latents and back: z_size components, then N_GROUPS widths."""

    width_mean: Tensor
    width_deviation: Tensor
    spread: Tensor

    def __init__(self, n_mels: int, *, z_size: int) -> None:
        super().__init__()
        self.n_mels, self.z_size, self.size = n_mels, z_size, z_size + N_GROUPS
        self.bands = Codec(n_mels, z_size=z_size, per_step=PER_LATENT, least=QUIETEST)
        self.register_buffer("width_mean", torch.zeros(N_GROUPS))
        self.register_buffer("width_deviation", torch.ones(N_GROUPS))
        centres = (np.arange(N_GROUPS) + 0.5) * (n_mels / N_GROUPS) - 0.5
        hats = [np.interp(np.arange(n_mels), centres, row) for row in np.eye(N_GROUPS)]
        self.register_buffer("spread", torch.from_numpy(np.stack(hats).astype(np.float32)), persistent=False)

    def encode(self, frames: Tensor) -> Tensor:
        """log10 frames (B, n_mels + N_GROUPS, PER_LATENT * S) -> latents (B, S, size)."""
        latent = self.bands.encode(self.bands.scored(frames[:, : self.n_mels]))
        widths = (self._widths(frames) - self.width_mean) / self.width_deviation
        return torch.cat((latent, widths), dim=-1)

    def middle(self, latent: Tensor) -> Tensor:
        """Latents (B, S, size) -> scored bands of the middle (B, n_mels, PER_LATENT * S)."""
        return self.bands.draft(latent[..., : self.z_size])

    def ratio(self, latent: Tensor, tape: Tape | None = None) -> Tensor:
        """log10 of the ratio of side to middle, in a line from latent to latent.

        Latents (B, S, size) -> (B, n_mels, PER_LATENT * S).
        """
        whole = extend(latent[..., self.z_size :].transpose(1, 2), 1, tape)  # (B, N_GROUPS, 1 + S)
        before, now = whole[..., :-1, None], whole[..., 1:, None]
        share = torch.arange(1.0, PER_LATENT + 1.0, device=latent.device) / PER_LATENT
        widths = (before + (now - before) * share).flatten(2)
        widths = widths * self.width_deviation[:, None] + self.width_mean[:, None]
        return (widths.transpose(1, 2) @ self.spread).transpose(1, 2).clamp(NARROWEST, WIDEST)

    def weights(self) -> Tensor:
        """Weight of each number in the loss, (size,), mean 1: roots of the variance that it has in the bands."""
        loud = self.bands.basis.norm(dim=1)
        loud = (loud / loud.mean()).clamp(0.25, 4.0)
        weights = torch.cat((loud, loud.new_full((N_GROUPS,), 0.5)))
        return weights / weights.mean()

    def learn(self, tracks: Sequence[Track], *, seed: int) -> None:
        """Fit to recordings; see `Codec.learn`."""
        n_patches = max(16, min(400, N_ROWS // len(tracks)))
        self.bands.learn(tracks, seed=seed, n_patches=n_patches)
        steps = some_steps(tracks, PER_LATENT, n_patches, seed=seed)
        widths = torch.cat([self._widths(torch.from_numpy(some).flatten(0, 1).T[None])[0] for some in steps])
        self.width_mean[:], self.width_deviation[:] = widths.mean(0), widths.std(0).clamp(min=0.05)

    def _widths(self, frames: Tensor) -> Tensor:
        """log10 of the ratio of side to middle, as the frames have it: (B, n, PER_LATENT * S) -> (B, S, N_GROUPS)."""
        magnitudes = torch.pow(10.0, frames)
        middle = magnitudes[:, : self.n_mels].unflatten(1, (N_GROUPS, -1)).mean(dim=2) + 10.0**QUIETEST
        both = torch.stack((magnitudes[:, self.n_mels :], middle)).unflatten(-1, (-1, PER_LATENT)).mean(dim=-1)
        side, middle = both.transpose(2, 3).unbind(0)
        return (side / middle).log10().clamp(NARROWEST, WIDEST)
