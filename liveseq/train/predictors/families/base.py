"""Base of all predictor networks: normalisation, bounds, input noise, a linear memory, conditions, a mixture.

The means start from a linear map of the last steps, a VAR that the network only has to correct: music repeats after a
bar, and a small network on little material forgets that long. The output is a mixture of Gaussians (Bishop 1994,
Graves 2013) over whole courses of F steps, so that a rollout can be drawn and hangs together.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from liveseq.runtime.predictor import N_PHASE
from liveseq.train.mixture import Parameters
from liveseq.train.predictors.linear import LinearStart

MIN_SCALE, MAX_SCALE = 0.05, 4.0
"""Bounds of a component's deviation, z-scored: below, silence could be learned to any likelihood."""

MAX_Z = 4.0
"""Largest input, z-scored; one further out counts as this: a linear part must not run away with itself."""

TAG_WIDTH = 16
"""Numbers of a tag's embedding: a corpus has tens of tags, not hundreds."""

Hidden = tuple[Tensor, ...]
"""States in the order of state_shapes, a batch in front of each."""


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Settings that every network has."""

    n_features: int
    mixtures: int = 8
    """Courses of the mixture."""
    memory: int = 16
    """Steps that the linear part sees: 2.7 s at 48 kHz."""
    dropout: float = 0.3
    """Dropout between layers and before the head."""
    noise: float = 0.3
    """Deviation of noise on the input while training, z-scored: its own steps, as inputs, are not clean either."""
    forecast: int = 1
    """Steps of a course."""
    tag_size: int = 0
    """Numbers of a tag's vector; 0: neither tag nor beat is an input."""
    basis: bool = True
    """Deviations along the axes on which a linear model errs, not along the features."""


class Network(nn.Module):
    """Features in their own units are normalised by it; everything else is z-scored.

    A family fills in `config_type`, `own_state_shapes` and `courses`.
    """

    config_type: type[NetworkConfig]
    one_step = True
    """It predicts the next step only, so `forecast` is 1."""
    mean: Tensor
    deviation: Tensor
    basis: Tensor | None
    """Orthonormal rows (D, D), z-scored, along which features deviate together; None: each feature on its own."""

    def __init__(self, config: NetworkConfig, *, mean: np.ndarray, deviation: np.ndarray) -> None:
        """mean, deviation: of the features, (D,) each."""
        super().__init__()
        self.config = config
        self.forecast = config.forecast
        self.conditions = ("tag", "phase") if config.tag_size else ()
        self.register_buffer("mean", torch.from_numpy(np.asarray(mean, dtype=np.float32)).clone())
        self.register_buffer("deviation", torch.from_numpy(np.asarray(deviation, dtype=np.float32)).clone())
        self.register_buffer("basis", torch.eye(config.n_features) if config.basis else None)
        n, f = config.n_features, config.forecast
        self.linear = nn.Conv1d(n, f * n, config.memory)
        if config.tag_size:
            self.tag = nn.Linear(config.tag_size, TAG_WIDTH)

    def own_state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the family's states by name, beside the past that the linear part uses."""
        raise NotImplementedError

    def courses(
        self, past: Tensor, condition: Tensor | None, states: Hidden, *, n_steps: int, at: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Hidden]:
        """Logits (B, N, K), deviations from the linear part (B, N, F, K, D), raw scales likewise, and states after T.

        past: z-scored steps (B, n_past + T, D), T = n_steps new ones after those that are remembered; condition:
        (B, T, E + 3); N: the times `at` (N,) which a course is asked for; all T without.
        """
        raise NotImplementedError

    @property
    def n_past(self) -> int:
        """Count of the steps that are remembered as they were, for the linear part or for more."""
        return self.config.memory - 1

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all states by name, without a batch."""
        return self.own_state_shapes() | {"past": (self.n_past, self.config.n_features)}

    def normalise(self, features: Tensor) -> Tensor:
        """Features (..., D) in their own units -> z-scored (..., D)."""
        return (features - self.mean) / self.deviation

    def start(self, n: int) -> Hidden:
        """States of a batch of n (n, ...) before the first step."""
        return tuple(self.mean.new_zeros((n, *shape)) for shape in self.state_shapes().values())

    def forward(
        self, z: Tensor, condition: Tensor | None = None, hidden: Hidden | None = None, *, at: Tensor | None = None
    ) -> tuple[Parameters, Hidden]:
        """Mixtures of the courses of F steps after each of the z-scored steps (B, T, D), and the state after the last.

        condition: (B, T, E + 3), tag and phase of each step; None: zeros. at: int64 (N,), times to answer for, of T.
        """
        if self.training and self.config.noise > 0:
            z = z + self.config.noise * torch.randn_like(z)
        z = z.clamp(-MAX_Z, MAX_Z)
        *states, before = self.begin(len(z)) if hidden is None else hidden
        n_steps = z.shape[1]
        past = torch.cat((before, z), dim=1)  # (B, n_past + T, D)
        logits, deviations, scales, after = self.courses(past, condition, tuple(states), n_steps=n_steps, at=at)
        near = past[:, self.n_past + 1 - self.config.memory :]  # (B, memory - 1 + T, D)
        linear = self.linear(near.transpose(1, 2)).transpose(1, 2)  # (B, T, F * D)
        if at is not None:
            linear = linear[:, at]
        means = deviations + linear.unflatten(-1, (self.forecast, -1)).unsqueeze(-2)  # (B, N, F, K, D)
        scale = MIN_SCALE + (MAX_SCALE - MIN_SCALE) * torch.sigmoid(scales - 1.5)
        return (logits, means, torch.log(scale)), (*after, past[:, n_steps:])

    def begin(self, n: int) -> Hidden:
        """States (n, ...) that a batch of n begins with: `start`, or others while training."""
        return self.start(n)

    @property
    def condition_width(self) -> int:
        """Numbers that `with_condition` adds."""
        return TAG_WIDTH + N_PHASE if self.conditions else 0

    def with_condition(self, x: Tensor, condition: Tensor | None) -> Tensor:
        """Hidden features (B, T, w) with the condition (B, T, E + 3) beside them: (B, T, w + condition_width)."""
        if not self.conditions:
            return x
        if condition is None:
            condition = x.new_zeros((*x.shape[:2], self.config.tag_size + N_PHASE))
        tag, phase = condition.split((self.config.tag_size, N_PHASE), dim=-1)
        return torch.cat((x, torch.tanh(self.tag(tag)), phase), dim=-1)

    @torch.no_grad()
    def begin_from(self, start: LinearStart) -> None:
        """Set the linear part and the basis that training begins with."""
        self.linear.weight.copy_(torch.from_numpy(start.weight))
        self.linear.bias.copy_(torch.from_numpy(start.bias))
        if self.basis is not None:
            self.basis.copy_(torch.from_numpy(start.axes))

    def n_parameters(self) -> int:
        """Count of all weights."""
        return sum(p.numel() for p in self.parameters())


class DirectHead(nn.Linear):
    """All F steps of all K courses out of one vector."""

    def __init__(self, width: int, *, config: NetworkConfig) -> None:
        self.shape = (config.forecast, config.mixtures, config.n_features)
        size = config.forecast * config.mixtures * config.n_features
        super().__init__(width, config.mixtures + 2 * size)
        self.sizes = (config.mixtures, size, size)
        with torch.no_grad():
            self.weight.mul_(0.5)

    def forward(self, out: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        """(B, N, width) -> logits (B, N, K), means (B, N, F, K, D), raw scales likewise."""
        logits, means, scales = super().forward(out).split(self.sizes, dim=-1)
        return logits, means.unflatten(-1, self.shape), scales.unflatten(-1, self.shape)


class StepHead(nn.Module):
    """One step of all K courses out of the vector of each of the F steps; the courses' weights out of all of them."""

    def __init__(self, width: int, *, config: NetworkConfig) -> None:
        super().__init__()
        self.shape = (config.mixtures, config.n_features)
        size = config.mixtures * config.n_features
        self.course = nn.Linear(width, 2 * size)
        self.weights = nn.Linear(width, config.mixtures)
        with torch.no_grad():
            self.course.weight.mul_(0.5)

    def forward(self, out: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, N, F, width) -> logits (B, N, K), means (B, N, F, K, D), raw scales likewise."""
        means, scales = self.course(out).chunk(2, dim=-1)
        return self.weights(out.mean(dim=2)), means.unflatten(-1, self.shape), scales.unflatten(-1, self.shape)


class PredictorGraph(nn.Module):
    """The exported step of a network: raw units in and out, no batch, conditions and state explicit."""

    def __init__(self, model: Network) -> None:
        super().__init__()
        self.model = model

    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the inputs by name, without the states, in the order of forward's arguments."""
        c = self.model.config
        sizes = {"tag": (c.tag_size,), "phase": (N_PHASE,)}
        return {"features": (c.n_features,)} | {name: sizes[name] for name in self.model.conditions}

    def output_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the outputs by name, without the states, in the order in which they are returned."""
        c = self.model.config
        course = (c.forecast, c.mixtures, c.n_features)
        shapes = {"logits": (c.mixtures,), "means": course, "scales": course}
        return shapes if self.model.basis is None else shapes | {"basis": (c.n_features, c.n_features)}

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the states by name."""
        return self.model.state_shapes()

    def forward(self, features: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        """features (D,), conditions and states without a batch -> outputs (see `output_shapes`) and states after."""
        model = self.model
        n = len(model.conditions)
        condition = torch.cat(others[:n]).reshape(1, 1, -1) if n else None
        hidden = tuple(state.unsqueeze(0) for state in others[n:])
        z = model.normalise(features).reshape(1, 1, -1)
        (logits, means, log_scales), hidden = model(z, condition, hidden)
        means, scales = means[0, 0] * model.deviation + model.mean, torch.exp(log_scales[0, 0])
        if model.basis is None:
            outputs = (logits[0, 0], means, scales * model.deviation)
        else:
            outputs = (logits[0, 0], means, scales, model.basis * model.deviation)
        return *outputs, *(state.squeeze(0) for state in hidden)
