"""Networks of notes: a causal transformer over latents, and the head that draws the next one.

The transformer is that of Vaswani et al. (2017), normalised before each layer, with gated feed-forward layers (SwiGLU,
Shazeer 2020) and rotary positions (Su et al. 2021). A position attends to the last `window` ones, itself among them.
Keys are remembered as they were before they were turned, and turned by their age when they are used: a stream needs no
number of its position, and goes on for ever. The head is a flow (rectified flow, Liu et al. 2022; flow matching, Lipman
et al. 2022): a straight way from noise to the latent, of which it knows the direction at each place and time, as in
"Autoregressive Image Generation without Vector Quantization" (Li et al. 2024).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

Past = list[Tensor]
"""Keys and values of each layer, (2, B, window - 1, width)."""
BASE = 1000.0
"""Ratio of the fastest rotation to the slowest; a window is no longer than some hundred latents."""
_NEVER = -1e4
_TIME_SIZE = 64
_TIME_WIDTH = 128


class Layer(nn.Module):
    """Attention to the window and a gated feed-forward layer, each beside a way straight through."""

    def __init__(self, width: int, *, heads: int, expansion: int, dropout: float, depth: int) -> None:
        """depth: count of all layers, for the deviation of the first weights."""
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.inputs = nn.Linear(width, 3 * width, bias=False)
        self.mix = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 2 * expansion * width, bias=False)
        self.down = nn.Linear(expansion * width, width, bias=False)
        self.dropout = nn.Dropout(dropout)
        for layer in (self.inputs, self.mix, self.up, self.down):
            nn.init.normal_(layer.weight, std=0.02)
        for layer in (self.mix, self.down):
            nn.init.normal_(layer.weight, std=0.02 / math.sqrt(2 * depth))

    def forward(self, x: Tensor, past: Tensor | None, *, mask: Tensor, turn: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, T, width), past (2, B, P, width) -> the same shapes, one step on; without a past, P is 0.

        mask: bool or added to the logits, (..., T, P + T); turn: cosines and sines of each age, (2, P + T, size / 2).
        """
        query, key, value = self.inputs(self.first(x)).chunk(3, dim=-1)
        now = torch.stack((key, value))
        whole = now if past is None else torch.cat((past, now), dim=2)
        n = x.shape[1]
        q, k, v = (y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in (query, *whole.unbind(0)))
        mixed = functional.scaled_dot_product_attention(turned(q, turn[:, -n:]), turned(k, turn), v, attn_mask=mask)
        x = x + self.dropout(self.mix(mixed.transpose(1, 2).flatten(2)))
        gate, y = self.up(self.second(x)).chunk(2, dim=-1)
        x = x + self.dropout(self.down(functional.silu(gate) * y))
        return x, whole[:, :, n:]


def turned(x: Tensor, turn: Tensor) -> Tensor:
    """Queries or keys (B, heads, T, size), turned by cosines and sines (2, T, size / 2): the same shape."""
    (a, b), (cosine, sine) = x.chunk(2, dim=-1), turn.to(x.dtype).unbind(0)
    return torch.cat((a * cosine - b * sine, b * cosine + a * sine), dim=-1)


class Transformer(nn.Module):
    """Causal transformer over a window, whole or in steps."""

    rates: Tensor

    def __init__(self, width: int, *, n_layers: int, heads: int, window: int, dropout: float) -> None:
        super().__init__()
        self.width, self.n_layers, self.n_before = width, n_layers, window - 1
        self.layers = nn.ModuleList(
            Layer(width, heads=heads, expansion=3, dropout=dropout, depth=n_layers) for _ in range(n_layers)
        )
        self.last = nn.LayerNorm(width)
        size = width // heads // 2
        self.register_buffer("rates", BASE ** (-torch.arange(size) / size), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> the same, from the start of a stream."""
        place = torch.arange(x.shape[1], device=x.device)
        age = place[:, None] - place
        mask, turn = (age >= 0) & (age <= self.n_before), self._turn(x.shape[1])
        for layer in self.layers:
            x, _ = layer(x, None, mask=mask, turn=turn)
        return self.last(x)

    def step(self, x: Tensor, past: Past, n_real: Tensor) -> tuple[Tensor, Past]:
        """x (B, width) -> the same, and the past of the next step. n_real: count of real positions in the past (B,)."""
        place = torch.arange(self.n_before + 1, dtype=x.dtype, device=x.device)
        mask = (_NEVER * (place < self.n_before - n_real[:, None]).to(x.dtype))[:, None, None]  # (B, 1, 1, window)
        x, turn, after = x[:, None], self._turn(self.n_before + 1), []
        for layer, before in zip(self.layers, past, strict=True):
            x, kept = layer(x, before, mask=mask, turn=turn)
            after.append(kept)
        return self.last(x)[:, 0], after

    def _turn(self, n: int) -> Tensor:
        """Cosines and sines of n positions in a row, (2, n, size / 2)."""
        angle = torch.arange(n, device=self.rates.device)[:, None] * self.rates
        return torch.stack((angle.cos(), angle.sin()))


class FlowHead(nn.Module):
    """Direction from noise to the latent, at a place between them and a time.

    Context and time shift, scale and gate each block (adaptive layer norm, Peebles and Xie 2022), one added to the
    other: what comes from the time is a constant of a stream, and what comes from the context is computed once for a
    latent.
    """

    def __init__(self, size: int, *, n_context: int, width: int, n_blocks: int) -> None:
        """size: of a latent; n_context: of the transformer's output."""
        super().__init__()
        self.width, n = width, (3 * n_blocks + 3) * width
        self.enter, self.leave = nn.Linear(size, width), nn.Linear(width, size)
        self.context = nn.Linear(n_context, n)
        self.time = nn.Sequential(nn.Linear(_TIME_SIZE, _TIME_WIDTH), nn.SiLU(), nn.Linear(_TIME_WIDTH, n))
        self.ups = nn.ModuleList(nn.Linear(width, width) for _ in range(n_blocks))
        self.downs = nn.ModuleList(nn.Linear(width, width) for _ in range(n_blocks))
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def times(self, time: Tensor) -> Tensor:
        """Modulation by a time, 0 (noise) to 1 (the latent): (...) -> (..., n)."""
        rates = torch.exp(math.log(1000.0) * torch.arange(_TIME_SIZE // 2, device=time.device) / (_TIME_SIZE // 2))
        angle = time[..., None] * rates
        parts: Tensor = self.time(torch.cat((angle.sin(), angle.cos()), dim=-1))
        return parts

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        """x (..., size), modulation by context and time, the sum of both (..., n) -> direction (..., size)."""
        parts = iter(modulation.split(self.width, dim=-1))
        y = self.enter(x) + next(parts)
        for up, down in zip(self.ups, self.downs, strict=True):
            inner = functional.silu(up(self._moved(y, next(parts), next(parts))))
            y = y + next(parts) * down(inner)
        direction: Tensor = self.leave(self._moved(y, next(parts), next(parts)))
        return direction

    def _moved(self, y: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return functional.layer_norm(y, (self.width,)) * (1.0 + scale) + shift
