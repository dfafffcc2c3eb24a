"""Grain, the fine movement of mel frames that no latent holds: noise that follows the latents, in closed form.

An autoencoder leaves out mostly what cannot be foreseen, but it is heard, and measured: without it the MFCCs of
held-out recordings that went through UNAGAN's latents moved half as much as those of the recordings, and their distance
to these (MMD of descriptor statistics) was 16 times that of real recordings to each other; with it once to twice.
"""

import math

import torch
from torch import Tensor, nn

from liveseq.train.sound.streaming import Tape

HELD = 0.6
"""Share of a frame's noise in the next one; measured: 0.65, and 0.40 after two frames."""
STRONGEST = 1.3
"""Largest strength, 1 being all that was left out.

Some of that is music and no noise, so each tag has as much as makes its timbre move as much.
"""
TIMBRE = range(4, 13)
"""Cepstral orders whose movement is meant: that of the slow ones is in the latents."""
_FLOOR = 0.02
_RIDGE = 10.0
_UNSURE = 1e-3
_RARE = 0.02  # share of latents whose deviation is cut: those that are drawn go further, and squares further still


class Grain(nn.Module):
    """Deviation of the noise of each band by a linear map of the latents and of their squares; bands move together."""

    weights: Tensor
    scale: Tensor
    most: Tensor
    mix: Tensor
    along: Tensor
    past: Tensor

    def __init__(self, n_bands: int, *, z_size: int, n_frames: int) -> None:
        """n_frames: frames of a latent."""
        super().__init__()
        self.n_bands, self.n_frames = n_bands, n_frames
        self.size = n_frames * n_bands
        """Count of random numbers for a latent."""
        self.register_buffer("weights", torch.zeros(2 * z_size + 1, n_bands))
        self.register_buffer("scale", torch.zeros(()))
        self.register_buffer("most", torch.zeros(n_bands))  # of the logarithm of the deviation
        self.register_buffer("mix", torch.eye(n_bands))  # rows: bands; their noise out of independent numbers
        ages = torch.arange(n_frames)[:, None] - torch.arange(n_frames)
        along = torch.where(ages >= 0, HELD ** ages.clamp(min=0).float(), 0.0) * (1.0 - HELD**2) ** 0.5
        self.register_buffer("along", along, persistent=False)  # (frame, frame it comes from)
        self.register_buffer("past", HELD ** torch.arange(1.0, n_frames + 1.0), persistent=False)

    def noise(self, latent: Tensor, normal: Tensor, strength: Tensor, tape: Tape | None = None) -> Tensor:
        """The grain of latents (B, S, z_size), to be added to the bands: (B, n_bands, n_frames * S).

        normal: standard normal numbers (B, S, size); strength: (B, S), 1 is as much as was left out.
        """
        batch, n_steps, _ = latent.shape
        fresh = normal.reshape(batch, n_steps, self.n_frames, self.n_bands)
        fresh = fresh @ self.mix.T
        last = fresh.new_zeros((batch, self.n_bands)) if tape is None else tape.recall((batch, self.n_bands), fresh)
        steps = []
        for number in range(n_steps):
            step = self.along @ fresh[:, number] + self.past[:, None] * last[:, None]
            last = step[:, -1]
            steps.append(step)
        if tape is not None:
            tape.keep(last)
        moved = torch.stack(steps, dim=1).flatten(1, 2).transpose(1, 2)  # (B, n_bands, n_frames * S)
        deviations = self.scale * self._deviations(latent) * strength[..., None]
        return deviations.transpose(1, 2).repeat_interleave(self.n_frames, dim=-1) * moved

    def _deviations(self, latent: Tensor) -> Tensor:
        """Deviations of the noise but for the scale: (..., z_size) -> (..., n_bands)."""
        return torch.minimum(_features(latent) @ self.weights, self.most).exp()

    @torch.no_grad()
    def fit(self, latent: Tensor, left: Tensor) -> None:
        """Fit to latents (n, z_size) and what their reconstruction leaves out of the frames, (n, n_frames, n_bands)."""
        features = _features(latent)
        size = (left.abs() + _FLOOR).log().mean(dim=1)  # (n, n_bands)
        square = features.T @ features + _RIDGE * torch.eye(features.shape[1])
        self.weights[:] = torch.linalg.solve(square, features.T @ size)
        self.most[:] = (features @ self.weights).quantile(1.0 - _RARE, dim=0)
        alike = left / self._deviations(latent)[:, None]
        self.scale.fill_(float(alike.square().mean().sqrt()))
        covariance = torch.einsum("nfi,nfj->ij", alike, alike).double() / (alike.shape[0] * alike.shape[1])
        size = covariance.diagonal().sqrt().clamp(min=1e-6)
        correlation = covariance / torch.outer(size, size) + _UNSURE * torch.eye(self.n_bands)
        self.mix[:] = (torch.linalg.cholesky(correlation) / (1.0 + _UNSURE) ** 0.5).float()

    @torch.no_grad()
    def tune(self, real: Tensor, smooth: Tensor, grain: Tensor) -> None:
        """Give each cepstral order as much as it lacks, after `fit`.

        All are bands (B, n_bands, T): real, without grain, and the grain alone at strength 1. Networks move the high
        orders themselves, and leave the low ones out.
        """
        waves = _waves(range(self.n_bands), self.n_bands) * (2.0 / self.n_bands) ** 0.5
        waves[0] *= 0.5**0.5  # orthonormal: its transpose is the way back
        target, present, alone = (_movements(waves, bands) for bands in (real, smooth, grain))
        gains = ((target - present).clamp(min=0.0) / alone.clamp(min=1e-12)).sqrt().clamp(max=STRONGEST)
        self.mix[:] = waves.T @ (gains[:, None] * (waves @ self.mix))


def needed_strength(real: Tensor, smooth: Tensor, grain: Tensor) -> float:
    """Strength of the grain with which smooth + grain move as much as real: bands (B, n_bands, T), grain at 1."""
    waves = _waves(TIMBRE, real.shape[1])
    target, present, alone = (float(_movements(waves, bands).mean()) for bands in (real, smooth, grain))
    return min(STRONGEST, (max(0.0, target - present) / max(alone, 1e-9)) ** 0.5)


def _waves(orders: range, n_bands: int) -> Tensor:
    """Rows (n_orders, n_bands) that turn bands into the cepstrum of each order."""
    places = (torch.arange(n_bands) + 0.5) / n_bands
    return torch.stack([torch.cos(math.pi * order * places) for order in orders])


def _movements(waves: Tensor, bands: Tensor) -> Tensor:
    """Mean square step of each order from frame to frame, (n_orders,)."""
    return (waves @ bands).diff(dim=-1).square().mean(dim=(0, 2))


def _features(latent: Tensor) -> Tensor:
    return torch.cat((latent, latent.square(), torch.ones_like(latent[..., :1])), dim=-1)
