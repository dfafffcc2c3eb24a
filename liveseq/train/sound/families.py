"""Families of sound models by the name that `liveseq train` and config.yaml know them by.

Each lives in a module of its own, which is imported when it is asked for and has

    PRESETS: dict[str, dict]                    settings by name, see `settings_of`
    build(about, library) -> Recipe             its networks, untrained; library is None where weights will be loaded
    step_graph(recipe) -> StepGraph             what is exported of it
    train(library, out, about, ...) -> metrics  only where one recipe is not enough; see `training.train`
"""

import copy
import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from liveseq.errors import TrainingError


@dataclass(frozen=True, kw_only=True)
class Family:
    """One kind of sound model."""

    module: str
    """Where it lives, inside liveseq.train.sound."""
    help: str
    stereo: bool = False
    """It makes two different channels, so it cannot learn from mono alone."""
    vocoder: bool = False
    """It makes mel frames, and is told which model turns them into sound."""

    def load(self) -> ModuleType:
        return importlib.import_module(f"liveseq.train.sound.{self.module}")


FAMILIES: dict[str, Family] = {
    "vocoder": Family(
        module="vocoders.vocos_family", help="mel frames to sound: causal, with an inverse Fourier transform as head"
    ),
    "melgan": Family(module="vocoders.melgan", help="mel frames to sound: MelGAN as published, or multi-band"),
    "unagan": Family(module="unagan.family", help="mel frames out of noise and a tag", vocoder=True),
    "musika": Family(
        module="musika",
        help="stereo sound out of noise and a tag, through a latent space",
        stereo=True,
        vocoder=True,
    ),
}


def settings_of(name: str, preset: str) -> dict[str, Any]:
    """A copy of a preset, of which a module writes down what it needs:

    sample_rate     Hz of all that it learns from and makes
    needs_seconds   of recordings, at least (60 where it is not said)
    model           settings of the networks, plain numbers and text; they go into config.yaml
    crops           n_samples, batch_size, balance ... of `Crops`
    train           steps, save_every, ema ... of `SoundConfig`

    Raises TrainingError for a preset that the family has not.
    """
    presets: dict[str, dict[str, Any]] = FAMILIES[name].load().PRESETS
    if preset not in presets:
        raise TrainingError(f"--preset {preset}: {name} has no such preset; it has: {', '.join(presets)}")
    return copy.deepcopy(presets[preset])
