"""Training a model of sound: an own loop on lightning Fabric, for every family.

Chance is a function of seed, batch and device alone, so a run that was killed and resumed ends with the very numbers of
one that was not. What is good is kept: the best weights by their score on held-out recordings, and the state to go on
from, each whole or not at all.
"""

import dataclasses
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from tqdm import tqdm

from liveseq.errors import TrainingError
from liveseq.train import checkpoint
from liveseq.train.devices import is_first, launch
from liveseq.train.scalars import require_wandb
from liveseq.train.sound.ahead import Ahead, Batches
from liveseq.train.sound.average import Average
from liveseq.train.sound.curves import Curves
from liveseq.train.sound.recipe import Batch, Recipe

_SYNC_EVERY = 20  # batches between two looks at the losses where each look makes a device wait
_SAFE_SECONDS = 300.0  # a kill costs no more than that, however far apart scores are
_STUMBLE = 1_000_003  # batches: a run that met a NaN goes on with others


@dataclass(frozen=True, kw_only=True)
class SoundConfig:
    """How a sound model is trained."""

    steps: int = 20_000
    """Batches, at most."""
    minutes: float | None = None
    """At most, those before a kill included."""
    save_every: int = 500
    """Batches between two scores, and between two states to resume from."""
    n_held_out: int = 4
    """Batches that are scored on."""
    ema: float = 0.999
    """Share of the old in the running average of the weights."""
    seed: int = 1
    accelerator: str = "auto"
    """cpu, cuda, mps or auto."""
    devices: int = 1
    """GPUs, or processes on the CPU."""
    precision: str | None = None
    """32, bf16-mixed or 16-mixed; None: 32, or what a family's stages make do with."""

    def __post_init__(self) -> None:
        for name in ("steps", "save_every", "n_held_out", "devices"):
            if getattr(self, name) < 1:
                raise TrainingError(f"{name}: expected 1 or more, found {getattr(self, name)}")


class TrainingStoppedError(TrainingError):
    """It was asked to end early, and has saved what there is."""


FREE_TO_CHANGE = ("steps", "minutes", "save_every", "accelerator", "devices", "precision")
"""Settings that may be other ones when a training goes on."""


def train_sound(
    recipe: Recipe,
    crops: Batches,
    held_out: Batches,
    out: Path,
    *,
    config: SoundConfig,
    about: dict[str, Any],
    resume: bool = False,
    wandb: bool = False,
    finish: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """Train, keep the best. Returns the metrics; everything is in `out` afterwards.

    about: what config.yaml says beside the training's settings; family, model and fingerprint must be the same to go
    on. Settings that are changed then are so for once: config.yaml keeps what it began with. finish: what puts into the
    checkpoint what is learned last, where it was asked to stop as well. On several devices each process runs this; the
    first one writes, and the others return {}. Raises TrainingError, where it was asked to stop as well, so that a
    family of two stages does not begin the second.
    """
    if wandb:
        require_wandb()
    check_out(out, about, resume=resume)
    fabric = launch(accelerator=config.accelerator, devices=config.devices, precision=config.precision or "32")
    recipe.set_up(fabric)
    run = _Run(recipe, config, fabric=fabric, out=out)
    saved = checkpoint.load_yaml(out / checkpoint.CONFIG) if resume else {}
    run.stumbles = saved.get("stumbles", 0)  # a NaN may have come before there was a state
    if resume and (out / checkpoint.RESUME).exists():
        run.restore()
    about = {"train": dataclasses.asdict(config), "stumbles": 0} | saved | about
    run.first(lambda: _begin(out, about))
    run.fit(crops, held_out, wandb=wandb, about=about)
    metrics = run.metrics()
    if finish is not None and (metrics["batch"] or not run.stopped):  # stopped before the first score, there is nothing
        if fabric.is_global_zero:
            print(f"{out}: what is learned last takes some seconds more", file=sys.stderr)
        run.first(finish)
    if run.stopped:
        raise TrainingStoppedError(f"{out}: stopped at batch {metrics['batches']}; go on with --resume")
    run.first(lambda: checkpoint.save_yaml(out / checkpoint.METRICS, metrics))
    return metrics if fabric.is_global_zero else {}


class _Run:
    """One training, and how far it has come."""

    def __init__(self, recipe: Recipe, config: SoundConfig, *, fabric: Fabric, out: Path) -> None:
        self.stumbles = 0
        """NaNs that were met; after each, the batches are others."""
        self.stopped = False
        """It was asked to end early, and all devices know it."""
        self._asked = False
        self._recipe = recipe
        self._config = config
        self._fabric = fabric
        self._out = out
        self._number = 0  # batches learned from
        self._seconds = 0.0  # spent on them, before this process too
        self._best: dict[str, float] = {}
        self._best_number = 0
        self._networks = recipe.networks()
        self._average = Average({name: self._networks[name] for name in recipe.averaged()}, decay=config.ema)
        self._losses: list[dict[str, Tensor]] = []  # since the last look at them
        alone_on_cpu = fabric.world_size == 1 and fabric.device.type == "cpu"
        self._sync_every = 1 if alone_on_cpu else _SYNC_EVERY
        self._unsafe = False  # it is long since the state was saved
        self._saved_at = time.monotonic()

    # State

    def restore(self) -> None:
        tensors, about = checkpoint.load_tensors(self._out / checkpoint.RESUME)
        try:
            self._recipe.load_state_dict(checkpoint.unprefixed(tensors, "recipe."))
            self._average.restore(checkpoint.unprefixed(tensors, "average."))
            for name, optimizer in self._recipe.bare_optimizers().items():
                checkpoint.restore_optimizer(optimizer, tensors, prefix=f"optimizer.{name}.")
            self._fabric.strategy.precision.load_state_dict(about["precision"])
            self._number, self._seconds = about["number"], about["seconds"]
            self._best, self._best_number = about["best"], about["best_number"]
        except (KeyError, RuntimeError, ValueError) as error:
            told = " ".join(str(error).split())[:200]
            raise TrainingError(f"{self._out / checkpoint.RESUME}: does not fit this model: {told}") from error

    def _save(self) -> None:
        tensors = {f"recipe.{name}": tensor for name, tensor in self._recipe.state_dict().items()}
        tensors |= {f"average.{name}": tensor for name, tensor in self._average.tensors().items()}
        for name, optimizer in self._recipe.bare_optimizers().items():
            tensors |= checkpoint.flatten_optimizer(optimizer, prefix=f"optimizer.{name}.")
        about = {
            "number": self._number,
            "seconds": self._seconds,
            "best": self._best,
            "best_number": self._best_number,
            "precision": self._fabric.strategy.precision.state_dict(),
        }
        self.first(lambda: checkpoint.save_tensors(self._out / checkpoint.RESUME, tensors, about=about))
        self._saved_at, self._unsafe = time.monotonic(), False

    def _save_best(self) -> None:
        """As it is judged: called while the averaged weights are in place."""
        tensors = {f"{name}.{key}": t for name, net in self._networks.items() for key, t in net.state_dict().items()}
        about = {"number": self._number, **self._best}
        self.first(lambda: checkpoint.save_tensors(self._out / checkpoint.CHECKPOINT, tensors, about=about))

    def first(self, write: Any) -> None:
        """Call it in the first process alone; where it fails, all of them end."""
        told = None
        if self._fabric.is_global_zero:
            try:
                write()
            except TrainingError as error:
                told = error
        if self._fabric.world_size > 1:
            told = self._fabric.broadcast(None if told is None else str(told))
        if told is not None:
            raise told if isinstance(told, TrainingError) else TrainingError(told)

    def metrics(self) -> dict[str, Any]:
        """What there is to say at the end."""
        return {
            **{name: round(value, 6) for name, value in self._best.items()},
            "batch": self._best_number,
            "batches": self._number,
            "minutes": round(self._seconds / 60, 1),
            "parameters": {n: sum(p.numel() for p in net.parameters()) for n, net in self._networks.items()},
        }

    # The loop

    def fit(self, crops: Batches, held_out: Batches, *, wandb: bool, about: dict[str, Any]) -> None:
        """Until the batches or the minutes are used up, or Ctrl-C."""
        device, rank = self._fabric.device, self._fabric.global_rank
        shift = self.stumbles * _STUMBLE
        judged = [tuple(t.to(device) for t in held_out.batch(n)) for n in range(self._config.n_held_out)]
        curves = Curves(self._out, self._number, wandb=wandb, about=about) if self._fabric.is_global_zero else None
        depth = 2 if device.type == "cpu" else 4
        bar = tqdm(
            total=self._config.steps,
            initial=self._number,
            unit="batch",
            desc="training",
            mininterval=0.5,
            disable=not self._fabric.is_global_zero,
        )
        ahead = Ahead(
            lambda number: crops.batch(number + shift, rank=rank), first=self._number, depth=depth, device=device
        )
        try:
            with ahead, self._stoppable():
                self._batches(ahead, judged, curves, bar)
        finally:
            bar.close()
            if curves is not None:
                curves.close()

    def _batches(self, ahead: Ahead, judged: list[Batch], curves: Curves | None, bar: tqdm) -> None:
        config = self._config
        at, judged_at = time.monotonic(), self._number
        stop = self._sync(bar)
        while self._number < config.steps and not stop:
            self._learn(ahead.take())
            now = time.monotonic()
            self._seconds, at = self._seconds + now - at, now
            bar.update()
            if self._number % self._sync_every == 0:
                stop = self._sync(bar)
            if self._number % config.save_every == 0:
                losses = self._check_losses()
                self._judge(judged, curves, losses)
                judged_at = self._number
                bar.set_postfix({name: f"{value:.4g}" for name, value in self._best.items()}, kept=self._best_number)
                at = time.monotonic()  # what judging takes is no time spent on learning
            elif self._unsafe:
                self._check_losses()
                self._save()
        losses = self._check_losses()
        if self.stopped:
            self._save()
        elif judged_at != self._number:
            self._judge(judged, curves, losses)

    def _learn(self, batch: Batch) -> None:
        recipe, rank = self._recipe, self._fabric.global_rank
        seed = ((self._config.seed + self.stumbles * 7919) * 1_000_003 + self._number) * 1_009 + rank
        torch.manual_seed(seed % 2**63)
        recipe.train()
        losses = recipe.train_step(self._fabric, batch, self._number)
        self._losses.append({name: torch.as_tensor(loss).detach() for name, loss in losses.items()})
        self._average.follow(self._number)
        self._number += 1
        if self._sync_every == 1 and not all(loss.isfinite() for loss in self._losses[-1].values()):
            self._check_losses()

    def _sync(self, bar: tqdm) -> bool:
        """What all devices must agree on. Returns whether it is time to end."""
        config = self._config
        state = self._seconds, self._asked, time.monotonic() - self._saved_at > _SAFE_SECONDS
        seconds, self.stopped, self._unsafe = self._fabric.broadcast(state) if self._fabric.world_size > 1 else state
        share = 0.0 if config.minutes is None else seconds / (60 * config.minutes)
        self._recipe.progress = min(1.0, max(self._number / config.steps, share))
        if config.minutes is not None and self._number and share > 0:
            bar.total = min(config.steps, max(self._number, round(self._number / share)))
        return self.stopped or share >= 1.0

    def _check_losses(self) -> dict[str, float]:
        """Mean of each loss since the last look, over all devices. A NaN on any ends the training on all."""
        if not self._losses:
            return {}
        first = self._number - len(self._losses)
        # A loss may come or go on the way, as a training's stages do.
        names = list(dict.fromkeys(name for losses in self._losses for name in losses))
        device, absent = self._fabric.device, torch.full((), math.nan)
        rows = [[losses.get(name, absent).float().to(device) for name in names] for losses in self._losses]
        table = torch.stack([torch.stack(row) for row in rows])
        there = torch.tensor([[name in losses for name in names] for losses in self._losses])
        self._losses.clear()
        if self._fabric.world_size > 1:
            table = self._fabric.all_reduce(table, reduce_op="mean")
        table = table.cpu()
        bad = (there & ~table.isfinite()).nonzero()
        if len(bad):
            row, column = bad[0].tolist()
            self._refuse(names[column], float(table[row, column]), first + row)
        return dict(zip(names, table.nanmean(dim=0).tolist(), strict=True))

    def _refuse(self, name: str, value: float, number: int) -> None:
        saved = checkpoint.CHECKPOINT
        kept = (
            f"the weights of batch {self._best_number} are kept ({saved})" if self._best_number else "none are kept yet"
        )
        path = self._out / checkpoint.CONFIG
        again = {"stumbles": self.stumbles + 1}
        self.first(lambda: checkpoint.save_yaml(path, checkpoint.load_yaml(path) | again))
        raise TrainingError(
            f"{self._out}: the loss {name} became {value} at batch {number}; {kept}; --resume goes on from the last "
            "state with other crops; where it happens again, train with --precision 32 or anew with another --seed"
        )

    def _judge(self, judged: list[Batch], curves: Curves | None, losses: dict[str, float]) -> None:
        """The best weights first, then the state to resume from: killed between, a run does the batches again."""
        recipe = self._recipe
        with self._average.in_place():
            recipe.eval()
            torch.manual_seed(self._config.seed)  # the same noise at each judgement
            scores = recipe.score(judged) if self._fabric.is_global_zero else {}
            scores = self._fabric.broadcast(scores) if self._fabric.world_size > 1 else scores
            score = scores.get("score")
            if score is None or _or_worst(score) <= self._best.get("score", math.inf):
                self._best = {name: float(value) for name, value in scores.items() if math.isfinite(value)}
                self._best_number = self._number
                self._save_best()
            if curves is not None:
                curves.add(losses, scores, recipe, number=self._number, seconds=self._seconds)
        self._save()

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        """The first Ctrl-C (or SIGTERM) ends after the batch, with its state saved; a second one at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, frame: Any) -> None:
            self._asked = True
            signal.signal(signal.SIGINT, signal.default_int_handler)

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _or_worst(score: float) -> float:
    return score if math.isfinite(score) else math.inf


def _begin(out: Path, about: dict[str, Any]) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"{out}: no folder can be made there ({error.strerror}); choose another --out") from error
    checkpoint.save_yaml(out / checkpoint.CONFIG, about)


def check_out(out: Path, about: dict[str, Any], *, resume: bool) -> None:
    """Raises TrainingError where another training lives there: one that goes on has the same model and recordings."""
    path = out / checkpoint.CONFIG
    if not resume:
        if path.exists() and is_first():
            raise TrainingError(f"{out}: holds a trained model already; go on with --resume, or choose another --out")
        return
    saved = checkpoint.load_yaml(path)
    for name in ("family", "model", "fingerprint"):
        if saved.get(name) != about.get(name):
            what = "on other recordings" if name == "fingerprint" else f"with {name} {saved.get(name)!r}"
            raise TrainingError(f"{out}: began {what}; go on with the same, or choose another --out")
