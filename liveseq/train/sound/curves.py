"""What can be watched while a sound model is trained: curves, spectrograms and sound, in TensorBoard."""

import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from liveseq.train.scalars import Scalars
from liveseq.train.sound.recipe import Recipe


class Curves:
    """Where the curves go. They are not worth a training: where the disk is full, it goes on without."""

    def __init__(self, out: Path, number: int, *, wandb: bool, about: dict[str, Any]) -> None:
        self._scalars: Scalars | None = Scalars(out, epoch=number, wandb=wandb, about=about)

    def add(
        self, losses: dict[str, float], scores: dict[str, float], recipe: Recipe, *, number: int, seconds: float
    ) -> None:
        if self._scalars is None:
            return
        values = {f"loss/{k}": v for k, v in losses.items()} | {f"held out/{k}": v for k, v in scores.items()}
        values["batches per second"] = number / max(seconds, 1e-9)
        try:
            self._scalars.add(values, epoch=number)
            for name, audio, rate in recipe.listen():
                self._scalars.add_sound(name, audio, sample_rate=rate, epoch=number)
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        try:
            if self._scalars is not None:
                self._scalars.close()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self._scalars = None
        tqdm.write(f"tensorboard: {error.strerror}; the training goes on without curves", file=sys.stderr)
