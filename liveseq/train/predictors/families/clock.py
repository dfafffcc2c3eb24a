"""Base of families with positions: a clock among the states, and checks of settings that must fit each other."""

import torch
from torch import Tensor

from liveseq.errors import TrainingError
from liveseq.train.predictors.families.attention import N_POSITIONS
from liveseq.train.predictors.families.base import Hidden, Network

CLOCK = {"clock": (2,)}
"""State of two numbers: the position of the next input step, and the count of remembered steps."""


class Timed(Network):
    """A network whose first state is the clock."""

    def begin(self, n: int) -> Hidden:
        """States (n, ...); while training a stream may begin at any position, so that a long one is nothing new."""
        clock, *rest = self.start(n)
        if self.training:
            clock = torch.stack((torch.randint(N_POSITIONS, (n,), device=clock.device).float(), clock[:, 1]), dim=-1)
        return clock, *rest


def positions(clock: Tensor, n_steps: int) -> Tensor:
    """Positions of the next n_steps, (B, n_steps). clock: (B, 2)."""
    return clock[:, :1] + torch.arange(n_steps, device=clock.device)


def advance(clock: Tensor, n_steps: int, *, most: int) -> Tensor:
    """The clock (B, 2) n_steps later; at most `most` steps are remembered."""
    position = (clock[:, 0] + n_steps) % N_POSITIONS
    return torch.stack((position, (clock[:, 1] + n_steps).clamp(max=float(most))), dim=-1)


def check_positions(positional: int) -> None:
    """Raises TrainingError where the positional code has an odd size."""
    if positional < 2 or positional % 2:
        raise TrainingError(f"--positional must be even and at least 2, got {positional}")


def check_heads(n_features: int, positional: int, heads: int) -> None:
    """Raises TrainingError where the heads do not divide the width."""
    check_positions(positional)
    width = n_features + positional
    if width % heads:
        raise TrainingError(
            f"{n_features} features and {positional} of position make {width}, which {heads} heads do not divide; "
            "choose another --positional or --heads"
        )


def check_unconditioned(family: str, tag_size: int) -> None:
    """Raises TrainingError where a family without conditions is given some."""
    if tag_size:
        raise TrainingError(f"{family} takes neither tag nor beat; use --model lstm or best with --conditions")
