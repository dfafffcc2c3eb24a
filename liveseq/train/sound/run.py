"""One training of a sound model: its steps, its scores, and its files.

Random numbers are a function of seed, batch and device alone, so a run that was killed and resumed ends with the very
numbers of one that was not. Two things are kept, each whole or not at all: the best weights by their score on held-out
recordings, and the state to go on from.
"""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from liveseq.errors import TrainingError, one_line
from liveseq.train import checkpoint
from liveseq.train.curves import Curves
from liveseq.train.sound.average import Average
from liveseq.train.sound.recipe import Batch, Recipe

_SYNC_EVERY = 20  # batches between two looks at the losses where each look makes a device wait
_STUMBLE = 1_000_003  # batches: a run that met a NaN goes on with others


class SoundRun:
    """A recipe in training with its counts and its files; the loop decides when it learns, is judged and is saved."""

    def __init__(self, recipe: Recipe, *, fabric: Fabric, out: Path, ema: float, seed: int) -> None:
        self.recipe = recipe
        self.stumbles = 0
        """Count of the losses that became NaN; after each, the batches are others."""
        self.number = 0
        """Batches learned from."""
        self.seconds = 0.0
        """Time spent on them, before this process too."""
        self.best: dict[str, float] = {}
        """Scores of the weights that are kept."""
        self.best_number = 0
        """Batches that the weights that are kept had learned from."""
        self.saved_at = time.monotonic()
        """Monotonic time of the last saved state, in seconds."""
        alone_on_cpu = fabric.world_size == 1 and fabric.device.type == "cpu"
        self.sync_every = 1 if alone_on_cpu else _SYNC_EVERY
        """Batches between two looks at the losses."""
        self._fabric = fabric
        self._out = out
        self._seed = seed
        self._networks = recipe.networks()
        self._average = Average({name: self._networks[name] for name in recipe.averaged()}, decay=ema)
        self._losses: list[dict[str, Tensor]] = []  # since the last look at them

    @property
    def shift(self) -> int:
        """Batches that the crops are ahead of the run's own number."""
        return self.stumbles * _STUMBLE

    def restore(self) -> None:
        """Go on from the saved state. Raises TrainingError where it is of another model."""
        tensors, about = checkpoint.load_tensors(self._out / checkpoint.RESUME)
        try:
            self.recipe.load_state_dict(checkpoint.unprefixed(tensors, "recipe."))
            self._average.restore(checkpoint.unprefixed(tensors, "average."))
            for name, optimizer in self.recipe.bare_optimizers().items():
                checkpoint.restore_optimizer(optimizer, tensors, prefix=f"optimizer.{name}.")
            self._fabric.strategy.precision.load_state_dict(about["precision"])
            self.number, self.seconds = about["number"], about["seconds"]
            self.best, self.best_number = about["best"], about["best_number"]
        except (KeyError, RuntimeError, ValueError) as error:
            path = self._out / checkpoint.RESUME
            raise TrainingError(f"{path}: does not fit this model: {one_line(error)}") from error

    def save(self) -> None:
        """Save the state to resume from."""
        tensors = {f"recipe.{name}": tensor for name, tensor in self.recipe.state_dict().items()}
        tensors |= {f"average.{name}": tensor for name, tensor in self._average.tensors().items()}
        for name, optimizer in self.recipe.bare_optimizers().items():
            tensors |= checkpoint.flatten_optimizer(optimizer, prefix=f"optimizer.{name}.")
        about = {
            "number": self.number,
            "seconds": self.seconds,
            "best": self.best,
            "best_number": self.best_number,
            "precision": self._fabric.strategy.precision.state_dict(),
        }
        self.first(lambda: checkpoint.save_tensors(self._out / checkpoint.RESUME, tensors, about=about))
        self.saved_at = time.monotonic()

    def _save_best(self) -> None:
        """Save the weights as they are judged: called while the averaged weights are in place."""
        tensors = {f"{name}.{key}": t for name, net in self._networks.items() for key, t in net.state_dict().items()}
        about = {"number": self.number, **self.best}
        self.first(lambda: checkpoint.save_tensors(self._out / checkpoint.CHECKPOINT, tensors, about=about))

    def first(self, write: Callable[[], object]) -> None:
        """Call `write` in the first process alone; where it fails, all of them end with its TrainingError."""
        failure = None
        if self._fabric.is_global_zero:
            try:
                write()
            except TrainingError as error:
                failure = error
        if self._fabric.world_size > 1:
            failure = self._fabric.broadcast(None if failure is None else str(failure))
        if failure is not None:
            raise failure if isinstance(failure, TrainingError) else TrainingError(failure)

    def metrics(self) -> dict[str, Any]:
        """Scores and counts for metrics.yaml."""
        return {
            **{name: round(value, 6) for name, value in self.best.items()},
            "batch": self.best_number,
            "batches": self.number,
            "minutes": round(self.seconds / 60, 1),
            "parameters": {n: sum(p.numel() for p in net.parameters()) for n, net in self._networks.items()},
        }

    def learn(self, batch: Batch) -> None:
        """One step of the recipe on a batch."""
        recipe, rank = self.recipe, self._fabric.global_rank
        seed = ((self._seed + self.stumbles * 7919) * 1_000_003 + self.number) * 1_009 + rank
        torch.manual_seed(seed % 2**63)
        recipe.train()
        losses = recipe.train_step(self._fabric, batch, self.number)
        self._losses.append({name: torch.as_tensor(loss).detach() for name, loss in losses.items()})
        self._average.follow(self.number)
        self.number += 1
        if self.sync_every == 1 and not all(loss.isfinite() for loss in self._losses[-1].values()):
            self.check_losses()

    def check_losses(self) -> dict[str, float]:
        """Mean of each loss since the last look, over all devices, by name. A NaN on any ends the training on all."""
        if not self._losses:
            return {}
        first = self.number - len(self._losses)
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
            f"the weights of batch {self.best_number} are kept ({saved})" if self.best_number else "none are kept yet"
        )
        path = self._out / checkpoint.CONFIG
        again = {"stumbles": self.stumbles + 1}
        self.first(lambda: checkpoint.save_yaml(path, checkpoint.load_yaml(path) | again))
        raise TrainingError(
            f"{self._out}: the loss {name} became {value} at batch {number}; {kept}; --resume goes on from the last "
            "state with other crops; where it happens again, train with --precision 32 or anew with another --seed"
        )

    def judge(self, batches: list[Batch], curves: Curves | None, losses: dict[str, float]) -> None:
        """Score the averaged weights on held-out batches, keep them if they are the best, and save.

        The best weights are written before the state: killed between, a run does the batches again.
        """
        recipe = self.recipe
        with self._average.in_place():
            recipe.eval()
            torch.manual_seed(self._seed)  # the same noise at each judgement
            scores = recipe.score(batches) if self._fabric.is_global_zero else {}
            scores = self._fabric.broadcast(scores) if self._fabric.world_size > 1 else scores
            score = scores.get("score")
            if score is None or _or_worst(score) <= self.best.get("score", math.inf):
                self.best = {name: float(value) for name, value in scores.items() if math.isfinite(value)}
                self.best_number = self.number
                self._save_best()
            if curves is not None:
                values = {f"loss/{k}": v for k, v in losses.items()} | {f"held out/{k}": v for k, v in scores.items()}
                values["batches per second"] = self.number / max(self.seconds, 1e-9)
                curves.add(values, step=self.number, sounds=recipe.listen())
        self.save()


def _or_worst(score: float) -> float:
    return score if math.isfinite(score) else math.inf
