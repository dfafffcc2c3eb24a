"""An LSTM with a recall of how the music went on the last time: one step beyond Demiurge's, at the same live cost.

Music comes back, and a recording keeps to itself. A small recurrent network on little material learns neither from the
squared error; here both are inputs. *Recall* is attention over the last `context` steps for places like this one (the
last four steps), and its values are the steps after them: an induction head (Olsson et al. 2022), whose answer also
goes straight into the mean. *Averages* are mean and deviation of the same steps. With the tag, the beat and deviations
along common axes, one model goes on with any tag.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from liveseq.train.predictors.families.attention import band
from liveseq.train.predictors.families.base import DirectHead, Hidden, Network, NetworkConfig

PLACE = 4
"""Steps that a place in the music is known by: 0.7 s at 48 kHz."""


@dataclass(frozen=True, kw_only=True)
class BestConfig(NetworkConfig):
    """Settings of the LSTM and its recall."""

    hidden: int = 96
    layers: int = 1
    context: int = 48
    """Steps that are searched and averaged: 8.2 s at 48 kHz."""
    keys: int = 32
    """Numbers that a place is compared by."""
    tag_size: int = 256


class Best(Network):
    """Recall and averages, an LSTM, and a head of one step."""

    config_type = BestConfig
    config: BestConfig

    def __init__(self, config: BestConfig, *, mean: np.ndarray, deviation: np.ndarray) -> None:
        super().__init__(config, mean=mean, deviation=deviation)
        n = config.n_features
        width = 4 * n + 1 + self.condition_width
        dropout = config.dropout if config.layers > 1 else 0.0
        self.recall = Recall(n, keys=config.keys)
        self.lstm = nn.LSTM(width, config.hidden, config.layers, batch_first=True, dropout=dropout)
        self.dropout = nn.Dropout(config.dropout)
        self.head = DirectHead(config.hidden, config=config)

    @property
    def n_past(self) -> int:
        return max(self.config.memory - 1, self.config.context + PLACE)

    def own_state_shapes(self) -> dict[str, tuple[int, ...]]:
        shape = (self.config.layers, self.config.hidden)
        return {"h": shape, "c": shape, "count": (1,)}

    def courses(
        self, past: Tensor, condition: Tensor | None, states: Hidden, *, n_steps: int, at: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Hidden]:
        *hidden, count = states
        h, c = (state.transpose(0, 1).contiguous() for state in hidden)  # (layers, B, hidden)
        n_before = self.config.context
        near = past[:, self.n_past - n_before :]  # (B, C + T, D)
        allowed = band(count[:, 0], n_steps=n_steps, n_before=n_before).squeeze(1)  # (B, T, C + T)
        recalled, sure = self.recall(past[:, self.n_past - n_before - PLACE :], allowed)
        x = torch.cat((past[:, self.n_past :], recalled, sure, *averages(near, allowed)), dim=-1)
        out, (h, c) = self.lstm(self.with_condition(x, condition), (h, c))  # (B, T, hidden)
        if at is not None:
            out, recalled = out[:, at], recalled[:, at]
        logits, deviations, scales = self.head(self.dropout(out))
        copied = (torch.sigmoid(self.recall.gate) * recalled).unsqueeze(2).unsqueeze(2)  # (B, N, 1, 1, D)
        count = (count + n_steps).clamp(max=float(n_before))
        return logits, deviations + copied, scales, (h.transpose(0, 1), c.transpose(0, 1), count)


class Recall(nn.Module):
    """Attention to places like this one; its answer is how they went on."""

    def __init__(self, n_features: int, *, keys: int) -> None:
        super().__init__()
        self.place = nn.Conv1d(n_features, keys, PLACE)
        self.query = nn.Linear(keys, keys)
        self.nothing = nn.Parameter(torch.zeros(1))
        """Score of the answer that there is no such place."""
        self.gate = nn.Parameter(torch.full((n_features,), -1.0))

    def forward(self, past: Tensor, allowed: Tensor) -> tuple[Tensor, Tensor]:
        """The expected next steps (B, T, D), and the weight of there being such a place (B, T, 1).

        past: (B, PLACE + C + T, D); allowed: mask of the last C + T of them for each new step, bool (B, T, C + T).
        """
        place = torch.tanh(self.place(past.transpose(1, 2)).transpose(1, 2))  # (B, 1 + C + T, keys), by its last step
        query = self.query(place[:, -allowed.shape[1] :])  # (B, T, keys)
        scores = query @ place[:, :-1].transpose(1, 2)  # (B, T, C + T): a step is found by the place before it
        scores = scores.masked_fill(~allowed, -1e9)
        nothing = self.nothing.expand(*scores.shape[:2], 1)
        weights = torch.softmax(torch.cat((scores, nothing), dim=-1), dim=-1)
        values = past[:, PLACE:]  # (B, C + T, D)
        return weights[..., :-1] @ values, 1.0 - weights[..., -1:]


def averages(steps: Tensor, allowed: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the steps (B, S, D) that are allowed, bool (B, T, S): (B, T, D) each."""
    share = allowed.to(steps.dtype)
    share = share / share.sum(dim=-1, keepdim=True)
    mean = share @ steps
    return mean, torch.sqrt((share @ steps**2 - mean**2).clamp(min=0.0) + 1e-4)
