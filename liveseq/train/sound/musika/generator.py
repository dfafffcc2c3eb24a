"""Generator of Musika in the units of latents, with the colour, pulse and tempo of each tag."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from liveseq.train.sound.beats import Tempi
from liveseq.train.sound.musika.coordinates import N_CLOCK
from liveseq.train.sound.musika.networks import Generator
from liveseq.train.sound.musika.settling import fit_to_tags


class TagGenerator(nn.Module):
    """The generator's output with the mean, spread and pulse of the tag's latents."""

    def __init__(self, net: Generator, *, depth: int, tag: int, n_tags: int) -> None:
        """depth: numbers of a latent of both sides; tag: numbers of a tag's vector."""
        super().__init__()
        self.net = net
        self.depth = depth
        self.mean, self.spread = nn.Linear(tag, depth), nn.Linear(tag, depth)
        self.pulse = nn.Linear(tag, depth * N_CLOCK)
        """Amplitude of each wave of the clock in each number of a latent."""
        self.ceiling = nn.Linear(tag, 1)
        """Ceiling of the loudness of the tag's frames, see `ceiling_of`; learned last."""
        self.tempi = Tempi(n_tags=n_tags, tag_size=tag)

    def forward(self, coordinates: Tensor, style: Tensor, noise: Tensor, tag: Tensor, clock: Tensor) -> Tensor:
        """Latents (B, depth, length); arguments as of `Generator`."""
        latents = self.net(coordinates, style, noise, tag, clock)
        pulse = self.pulse(tag).reshape(-1, self.depth, N_CLOCK) @ clock
        return self.mean(tag)[..., None] + pulse + self.spread(tag)[..., None].exp() * latents

    @torch.no_grad()
    def begin_from(
        self,
        vectors: Tensor,
        latents: Sequence[Tensor],
        clocks: Sequence[Tensor],
    ) -> None:
        """Take mean, spread and pulse of each tag from its latents (depth, n) and clocks (N_CLOCK, n).

        vectors: of the tags (n_tags, tag).
        """
        means = torch.stack([each.mean(dim=1) for each in latents])
        pulses = torch.stack([_pulse(*each) for each in zip(latents, clocks, strict=True)])
        left = [own - pulse @ clock for own, pulse, clock in zip(latents, pulses, clocks, strict=True)]
        spreads = torch.stack([each.std(dim=1).clamp(min=1e-2).log() for each in left])
        pairs = (
            (self.mean, means),
            (self.spread, spreads),
            (self.pulse, pulses.flatten(1)),
        )
        for layer, targets in pairs:
            fit_to_tags(layer, vectors, targets)


def _pulse(latents: Tensor, clock: Tensor) -> Tensor:
    """Least squares, held back where there is little: latents (depth, n), clock (N_CLOCK, n) -> (depth, N_CLOCK)."""
    moved = latents - latents.mean(dim=1, keepdim=True)
    gram = clock @ clock.T + 0.02 * clock.shape[1] * torch.eye(N_CLOCK)
    return torch.linalg.solve(gram, clock @ moved.T).T
