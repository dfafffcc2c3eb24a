"""Objective of the training: likelihood of the steps that follow, after real steps and after some of its own.

One module, so that several devices and mixed precision see a single forward pass.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from liveseq.runtime.predictor import N_PHASE
from liveseq.train import mixture
from liveseq.train.mixture import Parameters
from liveseq.train.predictors.families.base import Network


@dataclass(frozen=True, kw_only=True)
class ObjectiveConfig:
    """Weights of the parts beside the likelihood of the next course."""

    rollout: int = 0
    """Steps of its own means that it hears before its answers count; 0: none."""
    rollout_weight: float = 0.3
    """Weight of those answers, against those after real steps."""
    error_weight: float = 0.0
    """Weight of the squared error of the expected course."""
    forget: float = 0.2
    """Share of the crops without a tag, and of those without a beat, so that it plays on where there is none."""


class Objective(nn.Module):
    """Loss of a batch, per feature and step."""

    def __init__(self, model: Network, config: ObjectiveConfig) -> None:
        super().__init__()
        self.model = model
        self.config = config

    def forward(self, values: Tensor, learned: Tensor, condition: Tensor | None, ramp: float) -> Tensor:
        """Loss () of raw values (B, T + 1, D); learned bool (B, T + 1); condition (B, T + 1, E + 3).

        ramp: weight of the rollout so far, 0 to 1.
        """
        z = self.model.normalise(values)
        target, counted = futures(z, learned, self.model.forecast)  # (B, T, F, D), (B, T, F)
        condition = self._forgetful(condition)
        n_steps = target.shape[1]
        cut = self._cut(n_steps)
        losses, weights = [], []
        hidden = None
        for begin, end in ((0, cut), (cut, n_steps)):
            at = self._times(end - begin)
            known = None if condition is None else condition[:, begin:end]
            parameters, after = self.model(z[:, begin:end], known, hidden, at=at)
            where = slice(begin, end) if at is None else begin + at
            self._count(losses, weights, parameters, target[:, where], counted[:, where], 1.0)
            if begin == 0:
                hidden, last = after, parameters
        if self.config.rollout and ramp > 0.0:
            self._rollout(losses, weights, last, hidden, target, counted, condition, cut, ramp)
        loss: Tensor = torch.stack(losses).sum() / torch.stack(weights).sum().clamp(min=1.0)
        return loss

    def _rollout(self, losses, weights, parameters, hidden, target, counted, condition, cut, ramp):  # noqa: ANN001, ANN202
        weight = ramp * self.config.rollout_weight
        for time in range(cut, cut + self.config.rollout):
            own = mixture.mean(tuple(p[:, -1:] for p in parameters))[:, :, 0]  # (B, 1, D)
            known = None if condition is None else condition[:, time : time + 1]
            parameters, hidden = self.model(own, known, hidden)
            here = slice(time, time + 1)
            self._count(losses, weights, parameters, target[:, here], counted[:, here], weight)

    def _count(
        self,
        losses: list[Tensor],
        weights: list[Tensor],
        parameters: Parameters,
        target: Tensor,
        counted: Tensor,
        weight: float,
    ) -> None:
        """Add the sum over courses, and how many whole courses that is."""
        with torch.autocast(target.device.type, enabled=False):
            logits, means, log_scales = (p.float() for p in parameters)
            parameters = (logits, means, log_scales)
            share = weight * counted.sum(dim=-1) / counted.shape[-1]  # (B, N)
            loss = mixture.nll(parameters, target, mask=counted, basis=self.model.basis)
            if self.config.error_weight > 0.0:
                error = ((mixture.mean(parameters) - target) ** 2).mean(dim=-1) * counted  # (B, N, F)
                loss = loss + self.config.error_weight * error.sum(dim=-1) / counted.sum(dim=-1).clamp(min=1)
            losses.append((loss * share).sum())
            weights.append(share.sum())

    def _cut(self, n_steps: int) -> int:
        """Step at which the rollout begins, in the second half; any step where there is none."""
        high = n_steps - self.config.rollout
        return int(torch.randint(min(n_steps // 2, high - 1), high, ())) if high > 1 else n_steps - 1

    def _times(self, n_steps: int) -> Tensor | None:
        """Times to answer for, one course's length apart, the last among them; None: all.

        Neighbouring courses share most of their steps.
        """
        f = self.model.forecast
        return None if f == 1 else torch.arange((n_steps - 1) % f, n_steps, f, device=self.model.mean.device)

    def _forgetful(self, condition: Tensor | None) -> Tensor | None:
        """The condition without the tag, or the beat, of some crops."""
        if condition is None:
            return None
        kept = torch.rand((len(condition), 2), device=condition.device) >= self.config.forget  # (B, 2)
        sizes = torch.tensor((condition.shape[-1] - N_PHASE, N_PHASE), device=condition.device)
        return condition * kept.repeat_interleave(sizes, dim=1).unsqueeze(1)


def futures(z: Tensor, learned: Tensor, n_steps: int) -> tuple[Tensor, Tensor]:
    """The n_steps after each step but the last, (B, T, F, D), and those of them that are real, bool (B, T, F).

    z: (B, T + 1, D); learned: bool (B, T + 1).
    """
    ahead = nn.functional.pad(z[:, 1:], (0, 0, 0, n_steps - 1)).unfold(1, n_steps, 1).transpose(2, 3)
    real = nn.functional.pad(learned[:, 1:], (0, n_steps - 1)).unfold(1, n_steps, 1)
    return ahead, real


@torch.no_grad()
def validate(model: Network, values: Tensor, learned: Tensor, condition: Tensor | None) -> tuple[float, float]:
    """NLL per feature and step of the courses, one after the other, and squared error one step ahead, z-scored.

    Whole files, heard from their beginning: values (n, T + 1, D), learned bool (n, T + 1).
    """
    z = model.normalise(values)
    target, counted = futures(z, learned, model.forecast)
    hidden = None
    nll = error = n_courses = n_steps = 0.0
    for begin in range(0, target.shape[1], CHUNK):
        end = min(begin + CHUNK, target.shape[1])
        at = torch.arange(0, end - begin, model.forecast, device=z.device)
        known = None if condition is None else condition[:, begin:end]
        parameters, hidden = model(z[:, begin:end], known, hidden, at=at)
        courses, real = target[:, begin + at], counted[:, begin + at]
        share = real.sum(dim=-1) / model.forecast
        nll += float((mixture.nll(parameters, courses, mask=real, basis=model.basis) * share).sum())
        n_courses += float(share.sum())
        error += float((((mixture.mean(parameters) - courses)[:, :, 0] ** 2).mean(dim=-1) * real[..., 0]).sum())
        n_steps += float(real[..., 0].sum())
    return nll / max(n_courses, 1.0), error / max(n_steps, 1.0)


CHUNK = 128
"""Steps at a time: attention over a whole long file would fill the memory."""
