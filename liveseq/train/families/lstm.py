"""Demiurge's one-step LSTM with a distribution for an output.

Demiurge's network predicts the next descriptor frame, is trained on the squared error and goes flat when it hears
itself. This one gives a mixture of diagonal Gaussians (Bishop 1994, Graves 2013), so that a rollout can be drawn. Its
presets were hidden 100 or 200 with 3 layers. The means start from a linear map of the input: a VAR(1) that
the recurrent part only has to correct.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from liveseq.train.mixture import Parameters

MIN_SCALE, MAX_SCALE = 0.05, 4.0
"""Bounds of a component's deviation, z-scored: below, silence could be learned to any likelihood; above, nothing is."""

Hidden = tuple[Tensor, Tensor]
"""h and c, (n_layers, batch, hidden) each."""


@dataclass(frozen=True, kw_only=True)
class LstmConfig:
    n_features: int
    hidden: int = 128
    layers: int = 2
    mixtures: int = 8
    """Gaussians per step."""
    dropout: float = 0.3
    """Between layers and before the head."""
    noise: float = 0.1
    """Deviation of noise on the input while training, z-scored: what it hears of itself later is not clean either."""


class Lstm(nn.Module):
    """Features in their own units in; z-scored mixture out. Normalisation is part of the weights."""

    def __init__(self, config: LstmConfig, *, mean: np.ndarray, deviation: np.ndarray) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("mean", torch.from_numpy(np.asarray(mean, dtype=np.float32)).clone())
        self.register_buffer("deviation", torch.from_numpy(np.asarray(deviation, dtype=np.float32)).clone())
        n, k = config.n_features, config.mixtures
        dropout = config.dropout if config.layers > 1 else 0.0
        self.lstm = nn.LSTM(n, config.hidden, config.layers, batch_first=True, dropout=dropout)
        self.dropout = nn.Dropout(config.dropout)
        self.linear = nn.Linear(n, n)
        self.head = nn.Linear(config.hidden, k * (1 + 2 * n))
        with torch.no_grad():
            self.linear.weight.copy_(0.5 * torch.eye(n))
            self.linear.bias.zero_()
            self.head.weight.mul_(0.5)

    def normalise(self, features: Tensor) -> Tensor:
        return (features - self.mean) / self.deviation

    def forward(self, z: Tensor, hidden: Hidden | None = None) -> tuple[Parameters, Hidden]:
        """z-scored steps (batch, time, D): the mixture of the step after each of them, and the state after the last."""
        if self.training and self.config.noise > 0:
            z = z + self.config.noise * torch.randn_like(z)
        out, hidden = self.lstm(z, hidden)  # (batch, time, hidden)
        n, k = self.config.n_features, self.config.mixtures
        logits, means, scales = self.head(self.dropout(out)).split((k, k * n, k * n), dim=-1)
        means = means.unflatten(-1, (k, n)) + self.linear(z).unsqueeze(-2)  # (batch, time, K, D)
        scale = MIN_SCALE + (MAX_SCALE - MIN_SCALE) * torch.sigmoid(scales.unflatten(-1, (k, n)) - 1.5)
        return (logits, means, torch.log(scale)), hidden

    def n_parameters(self) -> int:
        return sum(p.numel() for p in self.parameters())


class Step(nn.Module):
    """What is exported: one step, raw units in and out, no batch, the state explicit."""

    def __init__(self, model: Lstm) -> None:
        super().__init__()
        self.model = model

    def forward(self, features: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """features (D,), h and c (n_layers, hidden) -> logits (K,), means (K, D), scales (K, D), h, c."""
        z = self.model.normalise(features).reshape(1, 1, -1)
        (logits, means, log_scales), (h, c) = self.model(z, (h.unsqueeze(1), c.unsqueeze(1)))
        means = means[0, 0] * self.model.deviation + self.model.mean
        return logits[0, 0], means, torch.exp(log_scales[0, 0]) * self.model.deviation, h.squeeze(1), c.squeeze(1)
