"""Training a predictor: an own loop on lightning Fabric.

Chance is a function of seed, epoch and device alone, so a run that was killed and resumed ends with the very numbers of
one that was not. The best epoch on the validation files is kept; training stops when they do not improve for a while.
"""

import copy
import dataclasses
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from tqdm import tqdm

from liveseq.corpus.units import FEATURE_NAMES
from liveseq.errors import TrainingError
from liveseq.train import checkpoint
from liveseq.train.devices import launch
from liveseq.train.predictors import linear, saved
from liveseq.train.predictors.conditions import TagVectors
from liveseq.train.predictors.data import (
    HOPS_PER_STEP,
    Crops,
    Material,
    Split,
    condition_of,
    pad,
    split_by_file,
    statistics,
    steps,
)
from liveseq.train.predictors.evaluate import evaluate, format_table
from liveseq.train.predictors.families import FAMILIES, Family, FamilyConfig
from liveseq.train.predictors.objective import Objective, ObjectiveConfig, validate
from liveseq.train.scalars import Scalars, require_wandb


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a predictor is trained."""

    window: int = 48
    """Steps that are learned from at a time: 8.2 s at 48 kHz."""
    batch_size: int = 32
    """Crops at a time, on each device."""
    learning_rate: float = 2e-3
    warm_up: int = 50
    """Batches over which the learning rate rises to it."""
    weight_decay: float = 1e-2
    average: float = 0.99
    """Share of the old in a running average of the weights, which is what is judged and kept; 0: the weights."""
    rollout: int = 0
    """Steps of its own means that it hears before its answers count; 0: none."""
    rollout_epochs: int = 10
    """Over which those answers come to count in full."""
    error_weight: float = 1.0
    """Of the squared error of the expected course, beside the likelihood."""
    epochs: int = 200
    """At most."""
    minutes: float | None = None
    """At most."""
    patience: int = 20
    """Epochs without a better validation NLL before it ends; after a third of them the learning rate is halved."""
    held_out: float = 0.2
    """Share of the files of each tag that are not trained on."""
    seed: int = 1
    accelerator: str = "auto"
    """cpu, cuda, mps or auto."""
    devices: int = 1
    """GPUs, or processes on the CPU."""
    precision: str = "32"
    """32, bf16-mixed or 16-mixed."""


def train(
    material: Material,
    out: Path,
    *,
    family: str,
    model_config: FamilyConfig,
    config: TrainConfig,
    tags: TagVectors,
    licence: str,
    command: str,
    resume: bool = False,
    wandb: bool = False,
) -> dict[str, Any]:
    """Train, keep the best, measure it on the test files. Returns the metrics; everything is in `out` afterwards.

    tags: vectors of the recordings' groups, for a model that is told them. On several devices each process runs this;
    the first one writes, and the others return {}.
    """
    about = {
        "family": family,
        "model": dataclasses.asdict(model_config),
        "train": dataclasses.asdict(config),
        "sample_rate": material.sample_rate,
        "hop_length": material.hop_length,
        "samples_per_step": HOPS_PER_STEP * material.hop_length,
        "features": list(FEATURE_NAMES),
        "training": {"data": material.description, "licence": licence, "command": command},
        "fingerprint": material.fingerprint,
    }
    if wandb:
        require_wandb()
    if resume:
        about, config = _resumed(out, about, config)
    elif (out / checkpoint.CONFIG).exists():
        raise TrainingError(f"{out}: holds a trained model already; continue it with --resume, or choose another --out")
    split = split_by_file(material, seed=config.seed, fraction=config.held_out, window=config.window)
    torch.manual_seed(config.seed)
    model = _new_model(out, about, split)
    fabric = launch(accelerator=config.accelerator, devices=config.devices, precision=config.precision)
    if fabric.is_global_zero:
        out.mkdir(parents=True, exist_ok=True)
        checkpoint.save_yaml(out / checkpoint.CONFIG, about)
    fabric.barrier()
    run = _Run(model, config, fabric=fabric, out=out, split=split, tags=tags)
    if resume and (out / checkpoint.RESUME).exists():
        run.restore()
    run.fit(wandb=wandb, about=about)
    fabric.barrier()
    if not fabric.is_global_zero:
        return {}

    best, _ = saved.load_model(out)
    metrics = evaluate(
        best, train=split.train, valid=split.valid, test=split.test, seed=config.seed, tags=tags, name=about["family"]
    )
    metrics |= {"parameters": best.n_parameters(), "best_epoch": run.best_epoch, "epochs": run.epoch}
    checkpoint.save_yaml(out / checkpoint.METRICS, metrics)
    print(format_table(metrics))
    return metrics


class _Run:
    """One training: the network, its optimiser, and how far it has come."""

    def __init__(
        self, model: Family, config: TrainConfig, *, fabric: Fabric, out: Path, split: Split, tags: TagVectors
    ) -> None:
        self.config = config
        self.out = out
        self.epoch = 0
        self.best = math.inf
        self.best_epoch = 0
        self._rate = config.learning_rate
        self._crops = Crops(
            split.train, window=config.window, batch_size=config.batch_size, seed=config.seed, tags=tags
        )
        self._n_batches = max(1, self._crops.n_batches // fabric.world_size)
        self._fabric = fabric
        self._model = model
        told = ObjectiveConfig(rollout=config.rollout, error_weight=config.error_weight)
        self._optimizer = torch.optim.AdamW(
            model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self._objective, self._stepper = fabric.setup(Objective(model, told), self._optimizer)
        self._average = copy.deepcopy(model) if config.average else model
        values, learned = pad([steps(r.frames) for r in split.valid])
        conditions, _ = pad([condition_of(r, tags=tags) for r in split.valid])
        self._valid = (self._tensor(values), self._tensor(learned), self._condition(conditions))

    def restore(self) -> None:
        tensors, about = checkpoint.load_tensors(self.out / checkpoint.RESUME)
        self._model.load_state_dict(checkpoint.unprefixed(tensors, "model."))
        if self._average is not self._model:
            self._average.load_state_dict(checkpoint.unprefixed(tensors, "average."))
        checkpoint.restore_optimizer(self._optimizer, tensors, rate=about["learning_rate"])
        self._rate = about["learning_rate"]
        self.epoch, self.best, self.best_epoch = about["epoch"], about["best"], about["best_epoch"]

    def fit(self, *, wandb: bool, about: dict[str, Any]) -> None:
        """Until the epochs, the minutes or the patience are used up."""
        first = self._fabric.is_global_zero
        scalars = Scalars(self.out, epoch=self.epoch, wandb=wandb, about=about) if first else None
        bar = tqdm(
            total=self.config.epochs,
            initial=self.epoch,
            unit="epoch",
            desc="training",
            mininterval=0.5,
            disable=not first,
        )
        try:
            self._epochs(scalars, bar)
        finally:
            bar.close()
            if scalars is not None:
                scalars.close()

    def _epochs(self, scalars: Scalars | None, bar: tqdm) -> None:
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
            if scalars is not None:
                scalars.add({"loss/train": loss, "nll/valid": nll, "mse/valid": mse}, epoch=self.epoch)
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
        """The running average of the weights."""
        if self._average is self._model:
            return
        for kept, new in zip(self._average.parameters(), self._model.parameters(), strict=True):
            kept.lerp_(new, 1.0 - self.config.average)

    def _validate(self) -> tuple[float, float]:
        """NLL per feature and squared error one step ahead, z-scored, on files that are not trained on."""
        self._average.eval()
        return validate(self._average, *self._valid)

    def _keep(self, nll: float) -> None:
        """The best weights first, then the state to resume from: killed between the two, this epoch is done again."""
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


def _new_model(out: Path, about: dict[str, Any], split: Split) -> Family:
    config_type, network = FAMILIES[about["family"]]
    mean, deviation = statistics(split.train)
    model = network(config_type(**about["model"]), mean=mean, deviation=deviation)
    heard = [(steps(r.frames[offset:]) - mean) / deviation for r in split.train for offset in (0, HOPS_PER_STEP // 2)]
    c = model.config
    model.begin_from(linear.fit(heard, memory=c.memory, forecast=c.forecast, noise=c.noise))
    return model


def _resumed(out: Path, about: dict[str, Any], config: TrainConfig) -> tuple[dict[str, Any], TrainConfig]:
    """What the run began with goes on; only how long it may last, and on what, can be new."""
    path = out / checkpoint.CONFIG
    saved = checkpoint.load_yaml(path)
    new = {name: getattr(config, name) for name in ("epochs", "minutes", "accelerator", "devices", "precision")}
    try:
        train_config = dataclasses.replace(TrainConfig(**saved["train"]), **new)
        FAMILIES[saved["family"]][0](**saved["model"])
        same = saved["fingerprint"] == about["fingerprint"]
    except (KeyError, TypeError) as error:
        raise TrainingError(f"{path}: not the config of a training: {error}") from error
    if not same:
        raise TrainingError(
            f"{out}: began on other recordings ({saved['training']['data']}); held-out files could be learned from: "
            "choose another --out"
        )
    return saved | {"train": dataclasses.asdict(train_config)}, train_config
