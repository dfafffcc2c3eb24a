"""Where the curves of a training go: TensorBoard always, Weights & Biases where asked for."""

import importlib.util
import os
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from liveseq.errors import TrainingError


class Scalars:
    """Curves by name, one value per epoch."""

    def __init__(self, out: Path, *, epoch: int, wandb: bool, about: dict[str, Any]) -> None:
        self._wandb = _start_wandb(out, about) if wandb else None
        self._board = SummaryWriter(str(out / "tensorboard"), purge_step=epoch + 1)

    def add(self, values: dict[str, float], *, epoch: int) -> None:
        for name, value in values.items():
            self._board.add_scalar(name, value, epoch)
        if self._wandb is not None:
            self._wandb.log(values, step=epoch)

    def close(self) -> None:
        self._board.close()
        if self._wandb is not None:
            self._wandb.finish()


def require_wandb() -> None:
    """Raises TrainingError where it is not installed: before anything is trained or written."""
    if importlib.util.find_spec("wandb") is None:
        raise TrainingError("--wandb needs wandb; run: pip install wandb, or leave --wandb away")


def _start_wandb(out: Path, about: dict[str, Any]) -> Any:
    """A run kept in the model's folder. Nothing leaves the machine unless WANDB_MODE says online."""
    import wandb

    mode = os.environ.get("WANDB_MODE", "offline")
    return wandb.init(project="liveseq", name=out.name, dir=str(out), mode=mode, config=about)
