"""Parts of the transformers: positions that never end, and causal attention that streams (Vaswani et al. 2017).

A layer attends to the last `context` steps and remembers their keys and values, so a step costs the same for ever, and
a whole sequence under a banded mask gives what a stream gives.
"""

import math

import torch
from torch import Tensor, nn

N_POSITIONS = 1 << 16
"""Steps after which the positions begin again (three hours at 48 kHz).

Every wave of the code fits in a whole number of times, so that nothing jumps there.
"""


class PositionalCode(nn.Module):
    """Sines and cosines of the position, base 10000, as published (Vaswani et al. 2017).

    Each is rounded to a whole number of periods in N_POSITIONS.
    """

    cycles: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        rate = torch.exp(-math.log(10_000.0) * torch.arange(0, size, 2) / size)  # radians per step
        cycles = torch.round(N_POSITIONS * rate / (2 * math.pi)).clamp(min=1).long()
        self.register_buffer("cycles", cycles, persistent=False)

    def forward(self, position: Tensor) -> Tensor:
        """Positions, whole numbers as float32 (...) -> their code (..., size)."""
        turned = (position.long().unsqueeze(-1) * self.cycles) % N_POSITIONS  # exact, however large
        angle = turned.float() * (2 * math.pi / N_POSITIONS)
        return torch.cat((torch.sin(angle), torch.cos(angle)), dim=-1)


def band(n_real: Tensor, *, n_steps: int, n_before: int) -> Tensor:
    """Mask of attention to n_before remembered and n_steps new keys: bool (B, 1, n_steps, n_before + n_steps).

    A step attends to itself and the n_before steps before it. n_real: count of the remembered ones that are real (B,).
    """
    query = torch.arange(n_steps, device=n_real.device).unsqueeze(1)
    key = torch.arange(n_before + n_steps, device=n_real.device) - n_before  # the first new one is 0
    near = (key <= query) & (key >= query - n_before)  # (T, C + T)
    real = key >= -n_real.unsqueeze(-1)  # (B, C + T)
    return (near & real.unsqueeze(1)).unsqueeze(1)


class Attention(nn.Module):
    """Multi-head attention; keys and values may come from elsewhere."""

    def __init__(self, width: int, *, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.rate = heads, dropout
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, query: Tensor, keys: Tensor, values: Tensor, allowed: Tensor | None) -> Tensor:
        """query (B, T, w), keys and values (B, S, w), already projected; allowed: bool (B, 1, T, S). -> (B, T, w)."""
        q, k, v = (x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in (query, keys, values))
        rate = self.rate if self.training else 0.0
        mixed = nn.functional.scaled_dot_product_attention(
            q, k, v, attn_mask=allowed, dropout_p=rate
        )  # (B, heads, T, w / heads)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(-2))
        return out


class FeedForward(nn.Sequential):
    """Two linear layers with a ReLU and dropout between them."""

    def __init__(self, width: int, inner: int, *, dropout: float) -> None:
        super().__init__(nn.Linear(width, inner), nn.ReLU(), nn.Dropout(dropout), nn.Linear(inner, width))


class CausalLayer(nn.Module):
    """Self-attention over the band, then feed-forward; normalised after each, as published."""

    def __init__(self, width: int, *, heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.attention = Attention(width, heads=heads, dropout=dropout)
        self.feed_forward = FeedForward(width, feed_forward, dropout=dropout)
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, allowed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x (B, T, w), remembered keys and values (B, C, w) -> x, keys and values to remember.

        allowed: mask of `band`, bool (B, 1, T, C + T).
        """
        a, n_before = self.attention, keys.shape[1]
        keys = torch.cat((keys, a.key(x)), dim=1)
        values = torch.cat((values, a.value(x)), dim=1)
        x = self.first(x + self.dropout(a(a.query(x), keys, values, allowed)))
        x = self.second(x + self.dropout(self.feed_forward(x)))
        n = keys.shape[1] - n_before
        return x, keys[:, n:], values[:, n:]


class CrossLayer(nn.Module):
    """Attention of the following steps to each other, then to the past, then feed-forward; normalised after each."""

    def __init__(self, width: int, *, heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.itself = Attention(width, heads=heads, dropout=dropout)
        self.heard = Attention(width, heads=heads, dropout=dropout)
        self.feed_forward = FeedForward(width, feed_forward, dropout=dropout)
        self.first, self.second, self.third = (nn.LayerNorm(width) for _ in range(3))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, memory: Tensor, allowed: Tensor) -> Tensor:
        """x (B, N, F, w), memory (B, S, w), allowed: bool (B, 1, N * F, S) -> (B, N, F, w)."""
        each = x.flatten(0, 1)  # (B * N, F, w)
        a = self.itself
        x = self.first(x + self.dropout(a(a.query(each), a.key(each), a.value(each), None)).unflatten(0, x.shape[:2]))
        a = self.heard
        crossed = a(a.query(x).flatten(1, 2), a.key(memory), a.value(memory), allowed)  # (B, N * F, w)
        x = self.second(x + self.dropout(crossed).unflatten(1, x.shape[1:3]))
        out: Tensor = self.third(x + self.dropout(self.feed_forward(x)))
        return out
