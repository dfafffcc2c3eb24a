"""Training loop of sound models on lightning Fabric, for every family.

It decides when a run (run.py) learns, is judged and is saved: until its batches or minutes are used up, or it is asked
to stop.
"""

import dataclasses
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric
from tqdm import tqdm

from liveseq.errors import TrainingError
from liveseq.train import checkpoint
from liveseq.train.curves import Curves, require_wandb
from liveseq.train.devices import is_first, launch
from liveseq.train.sound.config import SoundTrainConfig
from liveseq.train.sound.prefetch import Batches, Prefetch
from liveseq.train.sound.recipe import Batch, Recipe
from liveseq.train.sound.run import SoundRun

_SAFE_SECONDS = 300.0  # a kill costs no more than that, however far apart scores are


class TrainingStoppedError(TrainingError):
    """The training was asked to end early, and has saved its state."""


def train_recipe(
    recipe: Recipe,
    crops: Batches,
    held_out: Batches,
    out: Path,
    *,
    config: SoundTrainConfig,
    about: dict[str, Any],
    resume: bool = False,
    wandb: bool = False,
    finish: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """Train a recipe and keep the best weights. Returns the metrics; everything is in `out` afterwards.

    about: config.yaml without the training's settings; family, model and fingerprint must be the same to go on.
    Settings that are changed then are so for once: config.yaml keeps those that it began with. finish: puts into the
    checkpoint what is learned last, also where the training was asked to stop. On several devices each process runs
    this; the first one writes, and the others return {}. Raises TrainingError, also where it was asked to stop, so that
    a family of two stages does not begin the second.
    """
    if wandb:
        require_wandb()
    check_out(out, about, resume=resume)
    fabric = launch(accelerator=config.accelerator, devices=config.devices, precision=config.precision or "32")
    recipe.set_up(fabric)
    run = SoundRun(recipe, fabric=fabric, out=out, ema=config.ema, seed=config.seed)
    loop = _Loop(run, config, fabric=fabric, out=out)
    saved = checkpoint.load_yaml(out / checkpoint.CONFIG) if resume else {}
    run.stumbles = saved.get("stumbles", 0)  # a NaN may have come before there was a state
    if resume and (out / checkpoint.RESUME).exists():
        run.restore()
    about = {"train": dataclasses.asdict(config), "stumbles": 0} | saved | about
    run.first(lambda: _begin(out, about))
    loop.fit(crops, held_out, wandb=wandb, about=about)
    metrics = run.metrics()
    nothing = loop.stopped and not metrics["batch"]  # before the first score
    if finish is not None and not nothing:
        if fabric.is_global_zero:
            print(f"{out}: what is learned last takes some seconds more", file=sys.stderr)
        run.first(finish)
    if loop.stopped:
        raise TrainingStoppedError(f"{out}: stopped at batch {metrics['batches']}; go on with --resume")
    run.first(lambda: checkpoint.save_yaml(out / checkpoint.METRICS, metrics))
    return metrics if fabric.is_global_zero else {}


class _Loop:
    """Schedule of a run: when it learns, is judged and is saved, and when it ends."""

    def __init__(self, run: SoundRun, config: SoundTrainConfig, *, fabric: Fabric, out: Path) -> None:
        self.stopped = False
        """Whether it was asked to end early, and all devices know it."""
        self._asked = False
        self._unsafe = False  # it is long since the state was saved
        self._run = run
        self._config = config
        self._fabric = fabric
        self._out = out

    def fit(self, crops: Batches, held_out: Batches, *, wandb: bool, about: dict[str, Any]) -> None:
        """Train until the batches or the minutes are used up, or Ctrl-C."""
        device, rank = self._fabric.device, self._fabric.global_rank
        run, shift = self._run, self._run.shift
        judged = [tuple(t.to(device) for t in held_out.batch(n)) for n in range(self._config.n_held_out)]
        curves = Curves(self._out, step=run.number, wandb=wandb, about=about) if self._fabric.is_global_zero else None
        depth = 2 if device.type == "cpu" else 4
        bar = tqdm(
            total=self._config.steps,
            initial=run.number,
            unit="batch",
            desc="training",
            mininterval=0.5,
            disable=not self._fabric.is_global_zero,
        )
        batches = Prefetch(
            lambda number: crops.batch(number + shift, rank=rank), first=run.number, depth=depth, device=device
        )
        try:
            with batches, self._stoppable():
                self._batches(batches, judged, curves, bar)
        finally:
            bar.close()
            if curves is not None:
                curves.close()

    def _batches(self, batches: Prefetch, judged: list[Batch], curves: Curves | None, bar: tqdm) -> None:
        run, config = self._run, self._config
        at, judged_at = time.monotonic(), run.number
        stop = self._sync(bar)
        while run.number < config.steps and not stop:
            run.learn(batches.next())
            now = time.monotonic()
            run.seconds, at = run.seconds + now - at, now
            bar.update()
            if run.number % run.sync_every == 0:
                stop = self._sync(bar)
            if run.number % config.save_every == 0:
                losses = run.check_losses()
                run.judge(judged, curves, losses)
                judged_at = run.number
                bar.set_postfix({name: f"{value:.4g}" for name, value in run.best.items()}, kept=run.best_number)
                at, self._unsafe = time.monotonic(), False  # what judging takes is no time spent on learning
            elif self._unsafe:
                run.check_losses()
                run.save()
                self._unsafe = False
        losses = run.check_losses()
        if self.stopped:
            run.save()
        elif judged_at != run.number:
            run.judge(judged, curves, losses)

    def _sync(self, bar: tqdm) -> bool:
        """Agree with all devices on the time spent and on the end. Returns whether it is time to end."""
        run, config = self._run, self._config
        state = run.seconds, self._asked, time.monotonic() - run.saved_at > _SAFE_SECONDS
        seconds, self.stopped, self._unsafe = self._fabric.broadcast(state) if self._fabric.world_size > 1 else state
        share = 0.0 if config.minutes is None else seconds / (60 * config.minutes)
        run.recipe.progress = min(1.0, max(run.number / config.steps, share))
        if config.minutes is not None and run.number and share > 0:
            bar.total = min(config.steps, max(run.number, round(run.number / share)))
        return self.stopped or share >= 1.0

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        """Context in which the first Ctrl-C or SIGTERM ends after the batch, its state saved; a second one at once."""
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
            how = "on other recordings" if name == "fingerprint" else f"with {name} {saved.get(name)!r}"
            raise TrainingError(f"{out}: began {how}; go on with the same, or choose another --out")
