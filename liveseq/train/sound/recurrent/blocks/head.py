"""Head of the blocks: a mixture of Gaussians, drawn from. Its average is the blur that regression learns."""

import torch
from torch import Tensor, nn

from liveseq.train.mixture import Parameters, nll
from liveseq.train.sound.recurrent.chance import chosen, gumbel
from liveseq.train.sound.recurrent.latents import Head

LEAST, MOST = -4.0, 1.0
"""Bounds of the logarithm of a deviation; those of latents are 1."""


class MixtureHead(Head):
    """Each component has a mean and a deviation for each number of the latent."""

    def __init__(self, size: int, *, n_context: int, n_components: int, temperature: float) -> None:
        """temperature: factor of the deviations that are played, 1 as learned."""
        super().__init__()
        self.size, self.n_components, self.temperature = size, n_components, temperature
        self.n_noise = n_components + size
        self.leave = nn.Linear(n_context, n_components * (1 + 2 * size))

    def parameters_of(self, context: Tensor) -> Parameters:
        """Contexts (..., width) -> logits (..., K), means and logarithms of deviations (..., 1, K, size)."""
        k = self.n_components
        logits, means, scales = self.leave(context).float().split((k, k * self.size, k * self.size), dim=-1)
        means, scales = (x.unflatten(-1, (1, k, self.size)) for x in (means, scales))
        middle, reach = 0.5 * (MOST + LEAST), 0.5 * (MOST - LEAST)
        return logits, means, middle + reach * torch.tanh((scales - middle) / reach)

    def nats(self, latent: Tensor, context: Tensor) -> Tensor:
        """Negative log likelihood of latents (..., size) under contexts (..., width), per number, in nats (...)."""
        return nll(self.parameters_of(context), latent.unsqueeze(-2))

    def draw(self, noise: Tensor, context: Tensor) -> Tensor:
        """See `Head.draw`. noise: numbers that choose the component, then those of the latent."""
        logits, means, scales = self.parameters_of(context)
        choice, normal = noise.split((self.n_components, self.size), dim=-1)
        weights = chosen(logits, gumbel(choice)).unsqueeze(-1)
        mean, scale = ((weights * x.squeeze(-3)).sum(dim=-2) for x in (means, scales))
        return mean + self.temperature * scale.exp() * normal
