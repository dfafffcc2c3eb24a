"""Networks of Musika's latent GAN: a generator of one window, a critic of two joined ones.

After marcoppasini/musika (44.1 kHz version), layer by layer: with `base` 128, 128 latents and no tag they have its
15.50 M and 20.79 M parameters. New is the tag: it goes to the generator beside the style, and to the critic as a
projection (Miyato and Koyama, arXiv 1802.05637), which scores how well a sound fits the words. The clock of beat and
bar, new too, goes to the generator beside the coordinates, and to the critic beside the latents. The noise that Musika
adds after each convolution comes from outside, as numbers that belong to each moment: a stream computes a window anew
at each step, and where two windows overlap, both must have the same noise.
"""

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

_WIDTHS = (7, 6, 5, 4, 3)
"""Widths of the generator's levels from the shortest to the longest, in units of `base`; the last up-sampling has 2."""
_SHORTEST = 4
N_NOISE = 4
"""Random numbers for each latent."""
_FIRST_NOISE = 0.2
"""Deviation with which noise begins: neighbouring latents are then about as alike as real ones are."""
_FIRST_OUT = 2.2
"""Gain of the untrained output that makes latents vary as much as real ones do."""


def _same(x: Tensor, width: int) -> Tensor:
    """x padded so that a kernel of even width keeps its length."""
    return functional.pad(x, ((width - 1) // 2, width // 2))


class Modulation(nn.Module):
    """Noise, then x over its deviation in time, times a map of the coordinates.

    Unlike in AdaIN no mean is taken, and no shift added.
    """

    def __init__(self, channels: int, inputs: int) -> None:
        super().__init__()
        self.noise = nn.Conv1d(N_NOISE, channels, 1, bias=False)
        nn.init.normal_(self.noise.weight, std=_FIRST_NOISE)
        self.scale = nn.Conv1d(inputs, channels, 1)
        nn.init.ones_(self.scale.bias)

    def forward(self, x: Tensor, places: Tensor, noise: Tensor) -> Tensor:
        """x (B, C, T), places (B, inputs, T), noise (B, N_NOISE, T) -> (B, C, T)."""
        x = x + self.noise(noise)
        centred = x - x.mean(dim=-1, keepdim=True)
        deviation = (centred.square().mean(dim=-1, keepdim=True) + 1e-8).sqrt()
        return functional.silu(x / (deviation + 1e-5) * self.scale(places))


def _halved(x: Tensor) -> Tensor:
    """Means of two neighbours, (B, C, T) -> (B, C, T / 2)."""
    return x.unflatten(-1, (-1, 2)).mean(dim=-1)


def _up(inputs: int, outputs: int) -> nn.ConvTranspose1d:
    """A layer that doubles the length, and begins as an interpolation.

    With the usual weights a generator begins with a pattern that comes again every few latents, and a short training
    does not get rid of it.
    """
    layer = nn.ConvTranspose1d(inputs, outputs, 4, stride=2, padding=1)
    with torch.no_grad():
        mixed = torch.randn(inputs, outputs, 1) * math.sqrt(2.0 / inputs)
        layer.weight.copy_(mixed * torch.tensor([0.25, 0.75, 0.75, 0.25]))
    return layer


class Up(nn.Module):
    """Doubles the length: transposed convolution, convolution, and a pixel-shuffle skip, which begins at nothing."""

    def __init__(self, inputs: int, outputs: int, n_places: int) -> None:
        super().__init__()
        self.up = _up(inputs, outputs)
        self.first = Modulation(outputs, n_places)
        self.conv = nn.Conv1d(outputs, outputs, 4)
        self.second = Modulation(outputs, n_places)
        self.skip = nn.Conv1d(inputs // 2, outputs, 1)
        nn.init.zeros_(self.skip.weight)

    def forward(self, x: Tensor, places: Tensor, noise: Tensor) -> Tensor:
        """x (B, inputs, T), places (B, n_places, 2 T), noise (B, N_NOISE, 2 T) -> (B, outputs, 2 T)."""
        batch, channels, length = x.shape
        shuffled = x.reshape(batch, channels // 2, 2, length).transpose(2, 3).reshape(batch, channels // 2, 2 * length)
        y = self.first(self.up(x), places, noise)
        y = self.second(self.conv(_same(y, 4)), places, noise)
        return (y + self.skip(shuffled)) * math.sqrt(0.5)


class Generator(nn.Module):
    """Latents of one window from its coordinates, style, tag and clock."""

    def __init__(
        self,
        *,
        base: int,
        length: int,
        depth: int,
        coordinate: int = 64,
        style: int = 64,
        tag: int = 0,
        clock: int = 0,
    ) -> None:
        """length: latents of a window, 4 times a power of two; depth: numbers of a latent; tag: of its vector, or 0.

        clock: numbers of the place of each latent in beat and bar, or 0: rhythm then is a matter of weighing waves that
        go on from window to window, not of inventing them.
        """
        super().__init__()
        n_ups = round(math.log2(length / _SHORTEST))
        widths = [base * k for k in _WIDTHS[max(0, len(_WIDTHS) - n_ups) :]]
        self.length, self.n_coordinate, self.n_style = length, coordinate, style
        self.tag = nn.Linear(tag, style) if tag else None
        n_places = coordinate + style + (style if tag else 0) + clock
        self.start = nn.Linear(2 * n_places, _SHORTEST * widths[0])
        self.begin = Modulation(widths[0], n_places)
        self.ups = nn.ModuleList(Up(a, b, n_places) for a, b in itertools.pairwise(widths))
        self.last = _up(widths[-1], 2 * base)
        self.modulation = Modulation(2 * base, n_places)
        self.out = nn.Conv1d(2 * base, depth, 4)
        with torch.no_grad():
            self.out.weight.mul_(_FIRST_OUT)

    def forward(
        self,
        coordinates: Tensor,
        style: Tensor,
        noise: Tensor,
        tag: Tensor | None = None,
        clock: Tensor | None = None,
    ) -> Tensor:
        """Latents (B, depth, length).

        coordinates: (B, coordinate, length); style: (B, style); noise: standard normal (B, N_NOISE, length); tag:
        (B, tag); clock: (B, clock, length).
        """
        constant = (style if self.tag is None or tag is None else torch.cat((style, self.tag(tag)), dim=1))[..., None]
        moving = coordinates if clock is None else torch.cat((coordinates, clock), dim=1)
        levels = []
        while True:
            places = torch.cat((moving, constant.expand(-1, -1, moving.shape[-1])), dim=1)
            levels.append((places, noise))
            if places.shape[-1] == 2:
                break
            moving = _halved(moving)
            noise = _halved(noise) * math.sqrt(2.0)  # as large as it was
        (places, noise), (shortest, _) = levels[0], levels[-1]
        rest = levels[-2::-1]
        x = self.start(shortest.flatten(1)).reshape(len(places), -1, _SHORTEST)
        x = self.begin(x, *rest[0])
        for up, level in zip(self.ups, rest[1:], strict=False):
            x = up(x, *level)
        x = self.modulation(self.last(x), places, noise)
        return self.out(_same(x, 4))


class Down(nn.Module):
    """Halves the length. `short`: without the first convolution, as the last block has it."""

    def __init__(self, inputs: int, outputs: int, *, short: bool = False) -> None:
        super().__init__()
        self.conv = None if short else nn.Conv1d(inputs, inputs, 4)
        self.down = nn.Conv1d(inputs, outputs, 4, stride=2, padding=1)
        self.skip = nn.Conv1d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, T) -> (B, outputs, T / 2)."""
        y = x if self.conv is None else functional.leaky_relu(self.conv(_same(x, 4)), 0.2) * math.sqrt(0.5)
        y = functional.leaky_relu(self.down(y), 0.2)
        return (y + self.skip(_halved(x))) * math.sqrt(0.5)


class Critic(nn.Module):
    """Scores two joined windows."""

    def __init__(self, *, base: int, length: int, depth: int, tag: int = 0, clock: int = 0) -> None:
        """length: of the joined pair, which is padded to 4 times a power of two; tag, clock: as of the generator."""
        super().__init__()
        n_halvings = math.ceil(math.log2(length / _SHORTEST))
        self.length = _SHORTEST << n_halvings
        widths = [base * k for k in (3, 4, 5, 6, 7, 7)]
        # a shorter pair needs fewer halvings, and has the narrower blocks
        widths = widths[: n_halvings - 1] + widths[-1:] if n_halvings < len(widths) else widths
        self.first = nn.Conv1d(depth + clock, widths[0], 4, stride=2, padding=1)
        pairs = list(itertools.pairwise(widths))
        self.blocks = nn.ModuleList(Down(a, b, short=i == len(pairs) - 1) for i, (a, b) in enumerate(pairs))
        self.conv = nn.Conv1d(widths[-1], widths[-1], 3, padding=1)
        n_features = widths[-1] * _SHORTEST
        self.score = nn.Linear(n_features, 1)
        self.tag = nn.Linear(tag, n_features, bias=False) if tag else None

    def features(self, x: Tensor) -> Tensor:
        """Latents and clock (B, depth + clock, length) -> hidden features (B, n)."""
        short = self.length - x.shape[-1]
        x = functional.leaky_relu(self.first(functional.pad(x, (short // 2, short - short // 2))), 0.2)
        for block in self.blocks:
            x = block(x)
        return functional.leaky_relu(self.conv(x), 0.2).flatten(1)

    def forward(self, x: Tensor, tag: Tensor | None = None, clock: Tensor | None = None) -> Tensor:
        """Latents (B, depth, length), tag (B, tag), clock (B, clock, length) -> scores (B,): higher is more real."""
        features = self.features(x if clock is None else torch.cat((x, clock), dim=1))
        score = self.score(features)[:, 0]
        if self.tag is None or tag is None:
            return score
        return score + (self.tag(tag) * features).sum(dim=1) / math.sqrt(features.shape[1])
