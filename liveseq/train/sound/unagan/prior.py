"""Prior over latents: independent noise to latents that make music, through a recurrent flow with a clock.

Latents that are drawn one by one sound chopped: those of music hang together over bars. So the noise z of a step goes
through an invertible map (affine couplings, Dinh et al. 2017, "Density estimation using Real NVP") whose parameters
come from a GRU over the latents so far, the tag and the beat. Standard normal in, the next latent out; the way back
gives the exact likelihood that it is trained by. The clock beats as the recordings of a tag do.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from liveseq.train.sound.beats import CLOCK_SIZE
from liveseq.train.sound.streaming import CausalGru, Tape
from liveseq.train.sound.unagan.networks import SLOPE

_CLAMP = 2.0  # of log scales


class Coupling(nn.Module):
    """Affine coupling: half of the numbers are scaled and shifted by the other half and the context."""

    def __init__(self, size: int, *, context: int, width: int, odd: bool) -> None:
        super().__init__()
        self.odd = odd
        self.half = size // 2
        self.enter = nn.Linear(self.half + context, width)
        self.leave = nn.Linear(width, 2 * (size - self.half))
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def _parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first, second = x[..., : self.half], x[..., self.half :]
        return (second, first) if self.odd else (first, second)

    def _whole(self, kept: Tensor, moved: Tensor) -> Tensor:
        return torch.cat((moved, kept) if self.odd else (kept, moved), dim=-1)

    def _map(self, kept: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        hidden = functional.leaky_relu(self.enter(torch.cat((kept, context), dim=-1)), SLOPE)
        log_scale, shift = self.leave(hidden).chunk(2, dim=-1)
        return _CLAMP * torch.tanh(log_scale / _CLAMP), shift

    def to_latent(self, noise: Tensor, context: Tensor) -> Tensor:
        """noise (..., size), context (..., n) -> latents (..., size)."""
        kept, moved = self._parts(noise)
        log_scale, shift = self._map(kept, context)
        return self._whole(kept, moved * log_scale.exp() + shift)

    def to_noise(self, latent: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """latents (..., size), context (..., n) -> noise (..., size), and the log determinant of this map (...)."""
        kept, moved = self._parts(latent)
        log_scale, shift = self._map(kept, context)
        return self._whole(kept, (moved - shift) * (-log_scale).exp()), -log_scale.sum(-1)


class Prior(nn.Module):
    """Distribution of the next latent, given the tag, the clock and the latents so far."""

    def __init__(
        self, *, z_size: int, n_conditions: int, width: int, n_couplings: int, birth_size: int, dropout: float
    ) -> None:
        super().__init__()
        assert z_size % 2 == 0
        self.z_size, self.width = z_size, width
        n_known = CLOCK_SIZE + n_conditions
        self.enter = nn.Linear(z_size + n_known, width)
        self.gru = CausalGru(width, width)
        self.born = nn.Linear(birth_size, width)
        self.context = nn.Linear(width + n_known, width)
        self.first = nn.Linear(width, 2 * z_size)
        self.couplings = nn.ModuleList(
            Coupling(z_size, context=width, width=width // 2, odd=i % 2 == 1) for i in range(n_couplings)
        )
        self.dropout = nn.Dropout(dropout)

    def contexts(self, before: Tensor, known: Tensor, birth: Tensor) -> Tensor:
        """Contexts of whole sequences, (B, S, width).

        before: latents one step late (B, S, z_size); known: clock and tag (B, S, n); birth: (B, birth_size).
        """
        entered = self.dropout(functional.leaky_relu(self.enter(torch.cat((before, known), dim=-1)), SLOPE))
        born = self.gru_born(birth)[None]
        hidden, _ = nn.GRU.forward(self.gru, entered, born)
        return self._context(hidden, known)

    def gru_born(self, birth: Tensor) -> Tensor:
        """State of the GRU at the start of a stream: (B, birth_size) -> (B, width)."""
        return torch.tanh(self.born(birth))

    def _context(self, hidden: Tensor, known: Tensor) -> Tensor:
        return functional.leaky_relu(self.context(torch.cat((self.dropout(hidden), known), dim=-1)), SLOPE)

    def nll(self, latent: Tensor, context: Tensor) -> Tensor:
        """Mean negative log likelihood () per component, in nats. latent: (B, S, z_size); context: (B, S, width)."""
        mean, log_scale = self._affine(context)
        noise = (latent - mean) * (-log_scale).exp()
        volume = -log_scale.sum(-1)
        for coupling in self.couplings:
            noise, shrunk = coupling.to_noise(noise, context)
            volume = volume + shrunk
        normal = -0.5 * (noise.pow(2) + math.log(2 * math.pi)).sum(-1)
        return -(normal + volume).mean() / self.z_size

    def draw(self, noise: Tensor, context: Tensor) -> Tensor:
        """Standard normal noise (..., z_size), context (..., width) -> latents (..., z_size)."""
        for coupling in reversed(self.couplings):
            noise = coupling.to_latent(noise, context)
        mean, log_scale = self._affine(context)
        return mean + log_scale.exp() * noise

    def _affine(self, context: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_scale = self.first(context).chunk(2, dim=-1)
        return mean, _CLAMP * torch.tanh(log_scale / _CLAMP)

    def step(
        self, noise: Tensor, known: Tensor, birth: Tensor, *, begun: Tensor, within: tuple[Tensor, Tensor], tape: Tape
    ) -> Tensor:
        """One step of a batch: the next latent (B, z_size). Latent and state of the GRU go on the tape.

        noise: standard normal (B, z_size); known: clock and tag (B, n); birth: (B, birth_size); begun: 1, or 0 at the
        start (); within: the least and the largest latent (B, z_size).
        """
        before = tape.recall((len(noise), self.z_size), noise)
        entered = functional.leaky_relu(self.enter(torch.cat((before, known), dim=-1)), SLOPE)
        kept = tape.recall((1, len(noise), self.width), noise)
        born = begun * kept + (1.0 - begun) * self.gru_born(birth)[None]
        hidden, after = nn.GRU.forward(self.gru, entered[:, None], born)
        latent = self.draw(noise, self._context(hidden[:, 0], known))
        latent = torch.maximum(torch.minimum(latent, within[1]), within[0])
        tape.keep(latent)
        tape.keep(after)
        return latent
