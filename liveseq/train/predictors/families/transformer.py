"""Demiurge's two transformers: encoder only (one step), and encoder-decoder (F steps in one pass).

As published: the positional code stands beside the features (not added), no input projection, 5 heads, feed-forward
128, normalised after each part. Not as published: the encoder-decoder's output goes through a projection instead of
straight from its last normalisation, both end in a mixture of courses, and the past is a band that streams.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from liveseq.train.predictors.families.attention import CausalLayer, CrossLayer, PositionalCode, band
from liveseq.train.predictors.families.base import DirectHead, Hidden, NetworkConfig, StepHead
from liveseq.train.predictors.families.clock import CLOCK, Timed, advance, check_heads, check_unconditioned, positions


@dataclass(frozen=True, kw_only=True)
class TransformerEncoderConfig(NetworkConfig):
    """Settings of the encoder."""

    layers: int = 2
    positional: int = 26
    heads: int = 5
    feed_forward: int = 128
    context: int = 62
    """Steps that a layer attends to: 500 hops, Demiurge's window."""
    dropout: float = 0.1
    noise: float = 0.2


@dataclass(frozen=True, kw_only=True)
class TransformerConfig(TransformerEncoderConfig):
    """Settings of the encoder-decoder; `layers` each in encoder and decoder."""

    forecast: int = 8


class TransformerEncoder(Timed):
    """Encoder and a head of one step."""

    config_type: type[TransformerEncoderConfig] = TransformerEncoderConfig
    config: TransformerEncoderConfig

    def __init__(self, config: TransformerEncoderConfig, *, mean: np.ndarray, deviation: np.ndarray) -> None:
        check_heads(config.n_features, config.positional, config.heads)
        check_unconditioned("a transformer", config.tag_size)
        super().__init__(config, mean=mean, deviation=deviation)
        self.width = config.n_features + config.positional
        self.code = PositionalCode(config.positional)
        self.sizes = {"heads": config.heads, "feed_forward": config.feed_forward, "dropout": config.dropout}
        self.layers = nn.ModuleList(CausalLayer(self.width, **self.sizes) for _ in range(config.layers))
        self.make_head()

    def make_head(self) -> None:
        """Add the layers behind the encoder."""
        self.head: nn.Module = DirectHead(self.width, config=self.config)

    def own_state_shapes(self) -> dict[str, tuple[int, ...]]:
        shape = (self.config.layers, self.config.context - 1, self.width)
        return CLOCK | {"keys": shape, "values": shape}

    def encode(self, z: Tensor, clock: Tensor, keys: Tensor, values: Tensor, allowed: Tensor) -> tuple[Tensor, ...]:
        """Steps (B, T, D), clock (B, 2), remembered keys and values (B, layers, C, w) -> (B, T, w), keys, values.

        allowed: mask of `band`, bool (B, 1, T, C + T).
        """
        x = torch.cat((z, self.code(positions(clock, z.shape[1]))), dim=-1)
        remembered = []
        for layer, k, v in zip(self.layers, keys.unbind(1), values.unbind(1), strict=True):
            x, k, v = layer(x, k, v, allowed)
            remembered.append((k, v))
        return x, *(torch.stack(parts, dim=1) for parts in zip(*remembered, strict=True))

    def courses(
        self, past: Tensor, condition: Tensor | None, states: Hidden, *, n_steps: int, at: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Hidden]:
        clock, keys, values = states
        n_before = self.config.context - 1
        allowed = band(clock[:, 1], n_steps=n_steps, n_before=n_before)
        x, keys, values = self.encode(past[:, self.n_past :], clock, keys, values, allowed)
        answers = self.head(x if at is None else x[:, at])
        return *answers, (advance(clock, n_steps, most=n_before), keys, values)


class Transformer(TransformerEncoder):
    """Encoder, decoder, and a head of F steps."""

    config_type = TransformerConfig
    one_step = False
    config: TransformerConfig

    def make_head(self) -> None:
        self.decoder = nn.ModuleList(CrossLayer(self.width, **self.sizes) for _ in range(self.config.layers))
        self.head = StepHead(self.width, config=self.config)

    def own_state_shapes(self) -> dict[str, tuple[int, ...]]:
        return super().own_state_shapes() | {"memory": (self.config.context - 1, self.width)}

    def courses(
        self, past: Tensor, condition: Tensor | None, states: Hidden, *, n_steps: int, at: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Hidden]:
        clock, keys, values, memory = states
        n_before = self.config.context - 1
        allowed = band(clock[:, 1], n_steps=n_steps, n_before=n_before)
        x, keys, values = self.encode(past[:, self.n_past :], clock, keys, values, allowed)
        memory = torch.cat((memory, x), dim=1)  # (B, C + T, w)
        here = positions(clock, n_steps)
        if at is not None:
            here, allowed = here[:, at], allowed[:, :, at]
        out = self._decode(here, memory, allowed)
        states = (advance(clock, n_steps, most=n_before), keys, values, memory[:, n_steps:])
        return *self.head(out), states

    def _decode(self, here: Tensor, memory: Tensor, allowed: Tensor) -> Tensor:
        """Positions (B, N), encoded past (B, S, w), mask (B, 1, N, S) -> (B, N, F, w)."""
        ahead = here.unsqueeze(-1) + 1 + torch.arange(self.forecast, device=here.device)  # (B, N, F)
        code = self.code(ahead)
        x = torch.cat((code.new_zeros((*code.shape[:-1], self.config.n_features)), code), dim=-1)
        allowed = allowed.unsqueeze(3).expand(-1, -1, -1, self.forecast, -1).flatten(2, 3)  # (B, 1, N * F, S)
        for layer in self.decoder:
            x = layer(x, memory, allowed)
        return x
