"""Demiurge's one-step LSTM with a distribution for an output.

Demiurge's network predicts the next descriptor frame, is trained on the squared error and goes flat when it hears
itself. This one gives a mixture of diagonal Gaussians (Bishop 1994, Graves 2013), so that a rollout can be drawn. Its
presets were hidden 100 or 200 with 3 layers. The means start from a linear map of the last steps, a VAR that the
recurrent part only has to correct: music repeats after a bar, and a small LSTM on little material forgets that long.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from liveseq.train.mixture import Parameters

MIN_SCALE, MAX_SCALE = 0.05, 4.0
"""Bounds of a component's deviation, z-scored: below, silence could be learned to any likelihood; above, nothing is."""

MAX_Z = 4.0
"""What is heard further out than this, z-scored, is heard as this: a linear part must not run away with itself."""

Hidden = tuple[Tensor, Tensor, Tensor]
"""h and c, (n_layers, batch, hidden) each, and the past (batch, memory - 1, D), z-scored."""


@dataclass(frozen=True, kw_only=True)
class LstmConfig:
    n_features: int
    hidden: int = 128
    layers: int = 2
    mixtures: int = 8
    """Gaussians per step."""
    memory: int = 16
    """Steps that the linear part sees: 2.7 s at 48 kHz."""
    dropout: float = 0.3
    """Between layers and before the head."""
    noise: float = 0.3
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
        self.linear = nn.Conv1d(n, n, config.memory)
        self.head = nn.Linear(config.hidden, k * (1 + 2 * n))
        with torch.no_grad():
            self.linear.weight.zero_()
            self.linear.weight[:, :, -1] = 0.5 * torch.eye(n)
            self.linear.bias.zero_()
            self.head.weight.mul_(0.5)

    def normalise(self, features: Tensor) -> Tensor:
        return (features - self.mean) / self.deviation

    def start(self, n: int) -> Hidden:
        """Nothing heard yet, for a batch of n."""
        c, zeros = self.config, self.mean.new_zeros
        shape = (c.layers, n, c.hidden)
        return zeros(shape), zeros(shape), zeros((n, c.memory - 1, c.n_features))

    def forward(self, z: Tensor, hidden: Hidden | None = None) -> tuple[Parameters, Hidden]:
        """z-scored steps (batch, time, D): the mixture of the step after each of them, and the state after the last."""
        if self.training and self.config.noise > 0:
            z = z + self.config.noise * torch.randn_like(z)
        n, k = self.config.n_features, self.config.mixtures
        z = z.clamp(-MAX_Z, MAX_Z)
        h, c, past = self.start(len(z)) if hidden is None else hidden
        out, (h, c) = self.lstm(z, (h, c))  # (batch, time, hidden)
        heard = torch.cat((past, z), dim=1)  # (batch, memory - 1 + time, D)
        linear = self.linear(heard.transpose(1, 2)).transpose(1, 2)  # (batch, time, D)
        logits, means, scales = self.head(self.dropout(out)).split((k, k * n, k * n), dim=-1)
        means = means.unflatten(-1, (k, n)) + linear.unsqueeze(-2)  # (batch, time, K, D)
        scale = MIN_SCALE + (MAX_SCALE - MIN_SCALE) * torch.sigmoid(scales.unflatten(-1, (k, n)) - 1.5)
        return (logits, means, torch.log(scale)), (h, c, heard[:, z.shape[1] :])

    def n_parameters(self) -> int:
        return sum(p.numel() for p in self.parameters())


class Step(nn.Module):
    """What is exported: one step, raw units in and out, no batch, the state explicit."""

    def __init__(self, model: Lstm) -> None:
        super().__init__()
        self.model = model

    def state_shapes(self) -> dict[str, tuple[int, int]]:
        """By name, in the order of forward's arguments."""
        c = self.model.config
        return {"h": (c.layers, c.hidden), "c": (c.layers, c.hidden), "past": (c.memory - 1, c.n_features)}

    def forward(self, features: Tensor, h: Tensor, c: Tensor, past: Tensor) -> tuple[Tensor, ...]:
        """features (D,) and the state without a batch -> logits (K,), means (K, D), scales (K, D), h, c, past."""
        z = self.model.normalise(features).reshape(1, 1, -1)
        hidden = (h.unsqueeze(1), c.unsqueeze(1), past.unsqueeze(0))
        (logits, means, log_scales), (h, c, past) = self.model(z, hidden)
        means = means[0, 0] * self.model.deviation + self.model.mean
        scales = torch.exp(log_scales[0, 0]) * self.model.deviation
        return logits[0, 0], means, scales, h.squeeze(1), c.squeeze(1), past.squeeze(0)
