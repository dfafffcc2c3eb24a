"""Demiurge's one-step LSTM with a distribution for an output.

Demiurge's network predicts the next descriptor frame, is trained on the squared error and goes flat when it hears
itself. Its presets were hidden 100 or 200 with 3 layers.
"""

from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from liveseq.train.predictors.families.base import DirectHead, Hidden, Network, NetworkConfig


@dataclass(frozen=True, kw_only=True)
class LstmConfig(NetworkConfig):
    """Settings of the LSTM."""

    hidden: int = 128
    layers: int = 2


class Lstm(Network):
    """LSTM and a head of one step."""

    config_type = LstmConfig
    config: LstmConfig

    def __init__(self, config: LstmConfig, *, mean: np.ndarray, deviation: np.ndarray) -> None:
        super().__init__(config, mean=mean, deviation=deviation)
        dropout = config.dropout if config.layers > 1 else 0.0
        width = config.n_features + self.condition_width
        self.lstm = nn.LSTM(width, config.hidden, config.layers, batch_first=True, dropout=dropout)
        self.dropout = nn.Dropout(config.dropout)
        self.head = DirectHead(config.hidden, config=config)

    def own_state_shapes(self) -> dict[str, tuple[int, ...]]:
        shape = (self.config.layers, self.config.hidden)
        return {"h": shape, "c": shape}

    def courses(
        self, past: Tensor, condition: Tensor | None, states: Hidden, *, n_steps: int, at: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Hidden]:
        h, c = (state.transpose(0, 1).contiguous() for state in states)  # (layers, B, hidden)
        out, (h, c) = self.lstm(self.with_condition(past[:, self.n_past :], condition), (h, c))  # (B, T, hidden)
        answers = self.head(self.dropout(out if at is None else out[:, at]))
        return *answers, (h.transpose(0, 1), c.transpose(0, 1))
