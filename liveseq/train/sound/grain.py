"""The fine movement of mel frames that no latent tells: noise whose strength follows the latents, in closed form.

What an autoencoder leaves out is mostly unforeseeable, but it is heard, and measured: without it the MFCCs of held-out
recordings that went through UNAGAN's latents moved half as much as those of the recordings, and their distance to these
(MMD of descriptor statistics) was 16 times that of real recordings to each other; with it once to twice.
"""

import math

import torch
from torch import Tensor, nn

from liveseq.train.sound.streaming import Tape

HELD = 0.6
"""Share of a frame's noise in the next one; measured: 0.65, and 0.40 after two frames."""
STRONGEST = 1.3
"""Of what was left out: some of it is music and no noise, so each tag has as much as makes its timbre move as much."""
TIMBRE = range(4, 13)
"""Cepstral orders whose movement is meant: what the slow ones do, the latents tell."""
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
        """n_frames: of a latent."""
        super().__init__()
        self.n_bands, self.n_frames = n_bands, n_frames
        self.size = n_frames * n_bands
        """Random numbers that a latent takes."""
        self.register_buffer("weights", torch.zeros(2 * z_size + 1, n_bands))
        self.register_buffer("scale", torch.zeros(()))
        self.register_buffer("most", torch.zeros(n_bands))  # of the logarithm of the deviation
        self.register_buffer("mix", torch.eye(n_bands))  # rows: bands; their noise out of independent numbers
        ages = torch.arange(n_frames)[:, None] - torch.arange(n_frames)
        along = torch.where(ages >= 0, HELD ** ages.clamp(min=0).float(), 0.0) * (1.0 - HELD**2) ** 0.5
        self.register_buffer("along", along, persistent=False)  # (frame, frame it comes from)
        self.register_buffer("past", HELD ** torch.arange(1.0, n_frames + 1.0), persistent=False)

    def noise(self, latent: Tensor, chance: Tensor, strength: Tensor, tape: Tape | None = None) -> Tensor:
        """latent (B, S, z_size), chance (B, S, size), standard normal, strength (B, S), 1: as much as was left out ->

        what is to be added to the bands (B, n_bands, n_frames * S).
        """
        batch, n_steps, _ = latent.shape
        fresh = chance.reshape(batch, n_steps, self.n_frames, self.n_bands)
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
        """(..., z_size) -> (..., n_bands), but for the scale."""
        return torch.minimum(_features(latent) @ self.weights, self.most).exp()

    @torch.no_grad()
    def fit(self, latent: Tensor, left: Tensor) -> None:
        """latent (n, z_size), left: what their frames lack after the way there and back, (n, n_frames, n_bands)."""
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
    def tune(self, real: Tensor, found: Tensor, grain: Tensor) -> None:
        """Give each cepstral order as much as it lacks: bands (B, n_bands, T), real, without grain, and the grain alone

        (at strength 1), after `fit`. Networks move the high orders themselves, and leave the low ones out.
        """
        waves = _waves(range(self.n_bands), self.n_bands) * (2.0 / self.n_bands) ** 0.5
        waves[0] *= 0.5**0.5  # orthonormal: its transpose is the way back
        wanted, there, alone = (_movements(waves, bands) for bands in (real, found, grain))
        gains = ((wanted - there).clamp(min=0.0) / alone.clamp(min=1e-12)).sqrt().clamp(max=STRONGEST)
        self.mix[:] = waves.T @ (gains[:, None] * (waves @ self.mix))


def needed(real: Tensor, found: Tensor, grain: Tensor) -> float:
    """The strength with which found + grain move as much as real: bands (B, n_bands, T), grain at strength 1."""
    waves = _waves(TIMBRE, real.shape[1])
    wanted, there, alone = (float(_movements(waves, bands).mean()) for bands in (real, found, grain))
    return min(STRONGEST, (max(0.0, wanted - there) / max(alone, 1e-9)) ** 0.5)


def _waves(orders: range, n_bands: int) -> Tensor:
    """Rows: what turns bands into the cepstrum of an order."""
    places = (torch.arange(n_bands) + 0.5) / n_bands
    return torch.stack([torch.cos(math.pi * order * places) for order in orders])


def _movements(waves: Tensor, bands: Tensor) -> Tensor:
    """Mean square step of each order from frame to frame."""
    return (waves @ bands).diff(dim=-1).square().mean(dim=(0, 2))


def _features(latent: Tensor) -> Tensor:
    return torch.cat((latent, latent.square(), torch.ones_like(latent[..., :1])), dim=-1)
