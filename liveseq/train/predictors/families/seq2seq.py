"""Demiurge's LSTM encoder-decoder: one LSTM reads the past, a second the positions of the next F steps alone.

Demiurge's decoder was fed zeros and a positional code, began with the encoder's state and was read through a linear
map; so is this one, whose map ends in a mixture of courses.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from liveseq.train.predictors.families.attention import PositionalCode
from liveseq.train.predictors.families.base import Hidden, NetworkConfig, StepHead
from liveseq.train.predictors.families.clock import (
    CLOCK,
    Timed,
    advance,
    check_positions,
    check_unconditioned,
    positions,
)


@dataclass(frozen=True, kw_only=True)
class Seq2SeqConfig(NetworkConfig):
    """Settings of the encoder-decoder."""

    hidden: int = 128
    layers: int = 1
    positional: int = 26
    forecast: int = 8


class Seq2Seq(Timed):
    """LSTM encoder, LSTM decoder, and a head of F steps."""

    config_type = Seq2SeqConfig
    one_step = False
    config: Seq2SeqConfig

    def __init__(self, config: Seq2SeqConfig, *, mean: np.ndarray, deviation: np.ndarray) -> None:
        check_positions(config.positional)
        check_unconditioned("lstm-seq2seq", config.tag_size)
        super().__init__(config, mean=mean, deviation=deviation)
        dropout = config.dropout if config.layers > 1 else 0.0
        size = {"hidden_size": config.hidden, "num_layers": config.layers, "batch_first": True, "dropout": dropout}
        self.code = PositionalCode(config.positional)
        self.encoder = nn.LSTM(config.n_features + config.positional, **size)
        self.decoder = nn.LSTM(config.positional, **size)
        self.dropout = nn.Dropout(config.dropout)
        self.head = StepHead(config.hidden, config=config)

    def own_state_shapes(self) -> dict[str, tuple[int, ...]]:
        shape = (self.config.layers, self.config.hidden)
        return CLOCK | {"h": shape, "c": shape}

    def courses(
        self, past: Tensor, condition: Tensor | None, states: Hidden, *, n_steps: int, at: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Hidden]:
        clock, *hidden = states
        h, c = (state.transpose(0, 1).contiguous() for state in hidden)  # (layers, B, hidden)
        here = positions(clock, n_steps)  # (B, T)
        x = torch.cat((past[:, self.n_past :], self.code(here)), dim=-1)
        kept, begin = [], 0
        times = range(n_steps) if at is None else at.tolist()
        for time in times:  # the state at every time asked for: the operator gives only the last one
            _, (h, c) = self.encoder(x[:, begin : time + 1], (h, c))
            kept.append((h, c))
            begin = time + 1
        if begin < n_steps:
            _, (h, c) = self.encoder(x[:, begin:], (h, c))
        out = self._decode(kept, here if at is None else here[:, at])
        return *self.head(self.dropout(out)), (advance(clock, n_steps, most=0), h.transpose(0, 1), c.transpose(0, 1))

    def _decode(self, kept: list[tuple[Tensor, Tensor]], here: Tensor) -> Tensor:
        """Encoder states (layers, B, hidden) and positions (B, N) -> (B, N, F, hidden)."""
        h, c = (torch.stack(parts, dim=2).flatten(1, 2) for parts in zip(*kept, strict=True))  # (layers, B * N, hidden)
        ahead = here.unsqueeze(-1) + 1 + torch.arange(self.forecast, device=here.device)  # (B, N, F)
        out, _ = self.decoder(self.code(ahead).flatten(0, 1), (h, c))
        return out.unflatten(0, here.shape)
