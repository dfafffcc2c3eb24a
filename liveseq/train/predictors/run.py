"""One training of a predictor: its epochs, its validation, and its files.

Random numbers are a function of seed, epoch and device alone, so a run that was killed and resumed ends with the very
numbers of one that was not. The best epoch on the validation files is kept; training stops when they do not improve for
a while.
"""

import copy
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from tqdm import tqdm

from liveseq.errors import TrainingError
from liveseq.train import checkpoint
from liveseq.train.curves import Curves
from liveseq.train.predictors.conditions import TagVectors
from liveseq.train.predictors.config import PredictorTrainConfig
from liveseq.train.predictors.crops import StepCrops, pad
from liveseq.train.predictors.families.base import Network
from liveseq.train.predictors.material import Split, condition_of, steps
from liveseq.train.predictors.objective import Objective, ObjectiveConfig, validate


class PredictorRun:
    """A network in training with its optimiser, its counts and its files."""

    def __init__(
        self, model: Network, config: PredictorTrainConfig, *, fabric: Fabric, out: Path, split: Split, tags: TagVectors
    ) -> None:
        self.config = config
        self.out = out
        self.epoch = 0
        """Epochs that are done."""
        self.best = math.inf
        """Validation NLL of the weights that are kept."""
        self.best_epoch = 0
        self._rate = config.learning_rate
        self._crops = StepCrops(
            split.train, window=config.window, batch_size=config.batch_size, seed=config.seed, tags=tags
        )
        self._n_batches = max(1, self._crops.n_batches // fabric.world_size)
        self._fabric = fabric
        self._model = model
        weights = ObjectiveConfig(rollout=config.rollout, error_weight=config.error_weight)
        self._optimizer = torch.optim.AdamW(
            model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self._objective, self._stepper = fabric.setup(Objective(model, weights), self._optimizer)
        self._average = copy.deepcopy(model) if config.average else model
        values, learned = pad([steps(r.frames) for r in split.valid])
        conditions, _ = pad([condition_of(r, tags=tags) for r in split.valid])
        self._valid = (self._tensor(values), self._tensor(learned), self._condition(conditions))

    def restore(self) -> None:
        """Go on from the saved state."""
        tensors, about = checkpoint.load_tensors(self.out / checkpoint.RESUME)
        self._model.load_state_dict(checkpoint.unprefixed(tensors, "model."))
        if self._average is not self._model:
            self._average.load_state_dict(checkpoint.unprefixed(tensors, "average."))
        checkpoint.restore_optimizer(self._optimizer, tensors, rate=about["learning_rate"])
        self._rate = about["learning_rate"]
        self.epoch, self.best, self.best_epoch = about["epoch"], about["best"], about["best_epoch"]

    def fit(self, *, wandb: bool, about: dict[str, Any]) -> None:
        """Train until the epochs, the minutes or the patience are used up."""
        first = self._fabric.is_global_zero
        curves = Curves(self.out, step=self.epoch, wandb=wandb, about=about) if first else None
        bar = tqdm(
            total=self.config.epochs,
            initial=self.epoch,
            unit="epoch",
            desc="training",
            mininterval=0.5,
            disable=not first,
        )
        try:
            self._epochs(curves, bar)
        finally:
            bar.close()
            if curves is not None:
                curves.close()

    def _epochs(self, curves: Curves | None, bar: tqdm) -> None:
        began = time.monotonic()
        config = self.config
        while self.epoch < config.epochs and self.epoch - self.best_epoch < config.patience:
            late = config.minutes is not None and time.monotonic() - began > 60 * config.minutes
            if self._fabric.broadcast(late):
                break
            loss = self._train_epoch(self.epoch + 1)
            self.epoch += 1
            nll, mse = self._fabric.broadcast(self._validate())
            self._check(nll, self.epoch)
            self._keep(nll)
            if curves is not None:
                curves.add({"loss/train": loss, "nll/valid": nll, "mse/valid": mse}, step=self.epoch)
            bar.set_postfix(valid_nll=f"{nll:.4f}", valid_mse=f"{mse:.4f}", best=self.best_epoch)
            bar.update()

    def _train_epoch(self, epoch: int) -> float:
        rank, world = self._fabric.global_rank, self._fabric.world_size
        torch.manual_seed((self.config.seed * 1_000_003 + epoch) * 1_009 + rank)  # dropout and input noise
        self._objective.train()
        ramp = min(1.0, (epoch - 1) / max(1, self.config.rollout_epochs))
        total = 0.0
        for number in range(self._n_batches):
            self._warm_up((epoch - 1) * self._n_batches + number)
            values, learned, condition = self._crops.batch(epoch=epoch, number=number * world + rank)
            loss = self._objective(self._tensor(values), self._tensor(learned), self._condition(condition), ramp)
            self._check(loss.item(), epoch)
            self._stepper.zero_grad()
            self._fabric.backward(loss)
            self._fabric.clip_gradients(self._objective, self._stepper, max_norm=1.0, error_if_nonfinite=False)
            self._stepper.step()
            self._follow()
            total += loss.item()
        return total / self._n_batches

    def _warm_up(self, n_before: int) -> None:
        share = min(1.0, (n_before + 1) / max(1, self.config.warm_up))
        for group in self._optimizer.param_groups:
            group["lr"] = share * self._rate

    @torch.no_grad()
    def _follow(self) -> None:
        """Update the running average of the weights."""
        if self._average is self._model:
            return
        for kept, new in zip(self._average.parameters(), self._model.parameters(), strict=True):
            kept.lerp_(new, 1.0 - self.config.average)

    def _validate(self) -> tuple[float, float]:
        """NLL per feature and squared error one step ahead, z-scored, on files that are not trained on."""
        self._average.eval()
        return validate(self._average, *self._valid)

    def _keep(self, nll: float) -> None:
        """Save the best weights, then the state to resume from: killed between the two, this epoch is done again."""
        better = nll < self.best
        if better:
            self.best, self.best_epoch = nll, self.epoch
        waited, third = self.epoch - self.best_epoch, max(1, self.config.patience // 3)
        if waited and waited % third == 0:
            self._rate *= 0.5
        if not self._fabric.is_global_zero:
            return
        if better:
            checkpoint.save_tensors(
                self.out / checkpoint.CHECKPOINT, self._average.state_dict(), about={"epoch": self.epoch, "nll": nll}
            )
        tensors = {f"model.{k}": v for k, v in self._model.state_dict().items()}
        if self._average is not self._model:
            tensors |= {f"average.{k}": v for k, v in self._average.state_dict().items()}
        about = {
            "epoch": self.epoch,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "learning_rate": self._rate,
        }
        checkpoint.save_tensors(
            self.out / checkpoint.RESUME, tensors | checkpoint.flatten_optimizer(self._optimizer), about=about
        )

    def _check(self, loss: float, epoch: int) -> None:
        if not math.isfinite(loss):
            kept = (
                f"the weights of epoch {self.best_epoch} are kept"
                if self.best_epoch
                else "there are no good weights yet"
            )
            raise TrainingError(
                f"the loss became {loss} in epoch {epoch}; {kept} in {self.out}; "
                f"try a --learning-rate below {self.config.learning_rate}"
            )

    def _condition(self, values: np.ndarray) -> torch.Tensor | None:
        return self._tensor(values) if self._model.conditions else None

    def _tensor(self, values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(values).to(self._fabric.device)
