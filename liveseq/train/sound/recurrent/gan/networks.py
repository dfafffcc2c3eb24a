"""Head and critic of the recurrent GAN on latents.

As in C-RNN-GAN (Mogren 2016) the generator hears its own output and noise, and the critic is an LSTM over the sequence
(there in both directions).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from liveseq.train.sound.beats import CLOCK_SIZE
from liveseq.train.sound.recurrent.latents import Head
from liveseq.train.sound.recurrent.lstm import Lstm

GROUP = 8
"""Numbers of a latent whose distance is taken together: in all of them at once the small ones would not count."""


class NoiseHead(Head):
    """Noise and context to a latent, by a network that is told nothing of likelihoods."""

    def __init__(self, size: int, *, n_context: int, n_noise: int, width: int) -> None:
        super().__init__()
        self.n_noise = n_noise
        self.context, self.noise = nn.Linear(n_context, width), nn.Linear(n_noise, width)
        self.middle, self.leave = nn.Linear(width, width), nn.Linear(width, size)

    def draw(self, noise: Tensor, context: Tensor) -> Tensor:
        """See `Head.draw`."""
        hidden = functional.silu(self.context(context) + self.noise(noise))
        drawn: Tensor = self.leave(functional.silu(self.middle(hidden)))
        return drawn

    def energy(self, latent: Tensor, context: Tensor) -> Tensor:
        """Energy score (Gneiting and Raftery 2007) of two draws under contexts (..., width), (...).

        latent: (..., size). Least in the mean where draws are spread as what comes is; groups of numbers, and all.
        """
        noise = torch.randn(2, *context.shape[:-1], self.n_noise, device=context.device)
        one, other = self.draw(noise, context.expand(2, *context.shape)).float()
        score = 0.5 * (_distance(one, latent) + _distance(other, latent) - _distance(one, other))
        return score


class Critic(nn.Module):
    """LSTM that tells drawn latents from real ones at each place, by those before it, tag and clock."""

    def __init__(self, z_size: int, *, tag_size: int, width: int, dropout: float) -> None:
        super().__init__()
        self.enter = nn.Linear(z_size + CLOCK_SIZE, width)
        self.lstm = Lstm(width, width)
        self.dropout = nn.Dropout(dropout)
        self.verdict, self.tag = nn.Linear(width, 1), nn.Linear(tag_size, width, bias=False)

    def forward(self, latent: Tensor, tag: Tensor, clock: Tensor) -> Tensor:
        """Latents (B, S, z_size), tags (B, S, tag_size), clocks (B, S, CLOCK_SIZE) -> verdicts (B, S)."""
        entered = functional.leaky_relu(self.enter(torch.cat((latent, clock), dim=-1)), 0.2)
        hidden = self.dropout(self.lstm(entered)[0])
        suits = (hidden * self.tag(tag)).mean(dim=-1)
        verdicts: Tensor = self.verdict(hidden)[..., 0] + suits
        return verdicts


def _distance(one: Tensor, other: Tensor) -> Tensor:
    """Mean root of the mean square, over groups and over all: (..., size) each -> (...)."""
    squares = (one - other).square()
    groups = squares.unflatten(-1, (-1, GROUP)).mean(dim=-1)
    roots: Tensor = (groups + 1e-6).sqrt().mean(dim=-1) + (squares.mean(dim=-1) + 1e-6).sqrt()
    return roots
