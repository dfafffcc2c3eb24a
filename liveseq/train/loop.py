"""Training a predictor: an own loop on lightning Fabric.

Chance is a function of seed and epoch alone, so a run that was killed and resumed ends with the very numbers of one
that was not. The best epoch on the validation files is kept; training stops when they have not improved for a while.
"""

import dataclasses
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from liveseq.corpus.units import FEATURE_NAMES
from liveseq.errors import TrainingError
from liveseq.train import checkpoint, mixture
from liveseq.train.data import (
    HOPS_PER_STEP,
    Crops,
    Material,
    Recording,
    pad,
    split_by_file,
    statistics,
    steps,
)
from liveseq.train.evaluate import evaluate, format_table
from liveseq.train.families.lstm import Lstm, LstmConfig


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a predictor is trained."""

    window: int = 48
    """Steps that are learned from at a time: 8.2 s at 48 kHz."""
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
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


def train(
    material: Material,
    out: Path,
    *,
    model_config: LstmConfig,
    config: TrainConfig,
    licence: str,
    command: str,
    resume: bool = False,
) -> dict[str, Any]:
    """Train, keep the best, measure it on the test files. Returns the metrics; everything is in `out` afterwards."""
    about = {
        "family": "lstm",
        "model": dataclasses.asdict(model_config),
        "train": dataclasses.asdict(config),
        "sample_rate": material.sample_rate,
        "hop_length": material.hop_length,
        "samples_per_step": HOPS_PER_STEP * material.hop_length,
        "features": list(FEATURE_NAMES),
        "training": {"data": material.description, "licence": licence, "command": command},
        "fingerprint": material.fingerprint,
    }
    if resume:
        about, model_config, config = _resumed(out, about, config)
    elif (out / checkpoint.CONFIG).exists():
        raise TrainingError(f"{out}: holds a trained model already; continue it with --resume, or choose another --out")
    split = split_by_file(material, seed=config.seed, fraction=config.held_out, window=config.window)
    out.mkdir(parents=True, exist_ok=True)
    checkpoint.save_yaml(out / checkpoint.CONFIG, about)

    mean, deviation = statistics(split.train)
    torch.manual_seed(config.seed)
    model = Lstm(model_config, mean=mean, deviation=deviation)
    run = _Run(model, config, out=out, train=split.train, valid=split.valid)
    if resume and (out / checkpoint.RESUME).exists():
        run.restore()
    run.fit()

    best, _ = checkpoint.load_model(out)
    metrics = evaluate(best, train=split.train, valid=split.valid, test=split.test, seed=config.seed)
    metrics |= {"parameters": best.n_parameters(), "best_epoch": run.best_epoch, "epochs": run.epoch}
    checkpoint.save_yaml(out / checkpoint.METRICS, metrics)
    print(format_table(metrics))
    return metrics


class _Run:
    """One training: the network, its optimiser, and how far it has come."""

    def __init__(
        self,
        model: Lstm,
        config: TrainConfig,
        *,
        out: Path,
        train: Sequence[Recording],
        valid: Sequence[Recording],
    ) -> None:
        self.config = config
        self.out = out
        self.epoch = 0
        self.best = math.inf
        self.best_epoch = 0
        self._crops = Crops(train, window=config.window, batch_size=config.batch_size, seed=config.seed)
        self._fabric = Fabric(accelerator=config.accelerator, devices=1)
        self._model = model
        self._optimizer = torch.optim.AdamW(
            model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self._forward, self._stepper = self._fabric.setup(model, self._optimizer)
        values, mask = pad([steps(r.frames) for r in valid])
        self._valid = (self._tensor(values), self._tensor(mask))

    def restore(self) -> None:
        tensors, about = checkpoint.load_tensors(self.out / checkpoint.RESUME)
        self._model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
        checkpoint.restore_optimizer(self._optimizer, tensors, rate=about["learning_rate"])
        self.epoch, self.best, self.best_epoch = about["epoch"], about["best"], about["best_epoch"]

    def fit(self) -> None:
        """Until the epochs, the minutes or the patience are used up."""
        began = time.monotonic()
        config = self.config
        with (
            SummaryWriter(str(self.out / "tensorboard"), purge_step=self.epoch + 1) as scalars,
            tqdm(total=config.epochs, initial=self.epoch, unit="epoch", desc="training", mininterval=0.5) as bar,
        ):
            while self.epoch < config.epochs and self.epoch - self.best_epoch < config.patience:
                if config.minutes is not None and time.monotonic() - began > 60 * config.minutes:
                    break
                loss = self._train_epoch(self.epoch + 1)
                self.epoch += 1
                nll, mse = self._validate()
                self._keep(nll)
                for name, value in (("nll/train", loss), ("nll/valid", nll), ("mse/valid", mse)):
                    scalars.add_scalar(name, value, self.epoch)
                bar.set_postfix(valid_nll=f"{nll:.4f}", valid_mse=f"{mse:.4f}", best=self.best_epoch)
                bar.update()

    def _train_epoch(self, epoch: int) -> float:
        torch.manual_seed(self.config.seed * 1_000_003 + epoch)  # dropout and input noise
        self._forward.train()
        total = 0.0
        for number in range(self._crops.n_batches):
            values, mask = (self._tensor(a) for a in self._crops.batch(epoch=epoch, number=number))
            z = self._model.normalise(values)
            parameters, _ = self._forward(z[:, :-1])
            loss = mixture.nll(parameters, z[:, 1:])[mask[:, 1:]].mean()
            self._check(loss, epoch)
            self._stepper.zero_grad()
            self._fabric.backward(loss)
            self._fabric.clip_gradients(self._forward, self._stepper, max_norm=1.0)
            self._stepper.step()
            total += loss.item()
        return total / self._crops.n_batches

    @torch.no_grad()
    def _validate(self) -> tuple[float, float]:
        """NLL per feature and squared error one step ahead, z-scored, on files that are not trained on."""
        self._forward.eval()
        values, mask = self._valid
        z, real = self._model.normalise(values), mask[:, 1:]
        parameters, _ = self._forward(z[:, :-1])
        nll = mixture.nll(parameters, z[:, 1:])[real].mean()
        self._check(nll, self.epoch)
        mse = ((mixture.mean(parameters) - z[:, 1:])[real] ** 2).mean()
        return float(nll), float(mse)

    def _keep(self, nll: float) -> None:
        """The best weights first, then the state to resume from: killed between the two, this epoch is done again."""
        if nll < self.best:
            self.best, self.best_epoch = nll, self.epoch
            checkpoint.save_tensors(
                self.out / checkpoint.CHECKPOINT, self._model.state_dict(), about={"epoch": self.epoch, "nll": nll}
            )
        waited, third = self.epoch - self.best_epoch, max(1, self.config.patience // 3)
        if waited and waited % third == 0:
            for group in self._optimizer.param_groups:
                group["lr"] *= 0.5
        tensors = {f"model.{k}": v for k, v in self._model.state_dict().items()}
        about = {"epoch": self.epoch, "best": self.best, "best_epoch": self.best_epoch}
        about["learning_rate"] = self._optimizer.param_groups[0]["lr"]
        checkpoint.save_tensors(
            self.out / checkpoint.RESUME, tensors | checkpoint.flatten_optimizer(self._optimizer), about=about
        )

    def _check(self, loss: torch.Tensor, epoch: int) -> None:
        if not torch.isfinite(loss):
            kept = (
                f"the weights of epoch {self.best_epoch} are kept"
                if self.best_epoch
                else "there are no good weights yet"
            )
            raise TrainingError(
                f"the loss became {loss.item()} in epoch {epoch}; {kept} in {self.out}; "
                f"try a --learning-rate below {self.config.learning_rate}"
            )

    def _tensor(self, values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(values).to(self._fabric.device)


def _resumed(out: Path, about: dict[str, Any], config: TrainConfig) -> tuple[dict[str, Any], LstmConfig, TrainConfig]:
    """What the run began with goes on; only how long it may last can be new."""
    path = out / checkpoint.CONFIG
    saved = checkpoint.load_yaml(path)
    try:
        model_config = LstmConfig(**saved["model"])
        train_config = dataclasses.replace(
            TrainConfig(**saved["train"]), epochs=config.epochs, minutes=config.minutes, accelerator=config.accelerator
        )
        same = saved["fingerprint"] == about["fingerprint"]
    except (KeyError, TypeError) as error:
        raise TrainingError(f"{path}: not the config of a training: {error}") from error
    if not same:
        raise TrainingError(
            f"{out}: began on other recordings ({saved['training']['data']}); held-out files could be learned from: "
            "choose another --out"
        )
    return saved | {"train": dataclasses.asdict(train_config)}, model_config, train_config
