"""The interface between a family of sound models and everything that trains, exports and lists models."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from liveseq.errors import ModelError, TrainingError

if TYPE_CHECKING:
    from liveseq.dsp.mel import MelFrontEnd
    from liveseq.train.sound.material.library import Library
    from liveseq.train.sound.recipe import Recipe
    from liveseq.train.sound.streaming import StepGraph
    from liveseq.train.sound.vocoders.vocoder import Vocoder

Preset = dict[str, Any]
"""Settings of one training:

sample_rate     Hz of all that the model learns from and makes
needs_seconds   least length of the recordings together (60 where it is not given)
model           settings of the networks, plain numbers and text; they go into config.yaml
crops           n_samples, batch_size, balance ... of `AudioCrops`, or what the family's own crops take
train           steps, save_every, ema ... of `SoundTrainConfig`
"""
OpenVocoder = Callable[[Path], "Vocoder"]
"""Loads the trained vocoder of a folder."""


class Train(Protocol):
    """A training of the family's own, for a family that one recipe on audio crops is not enough for."""

    def __call__(
        self, library: "Library", out: Path, about: dict[str, Any], *, config: Any, resume: bool, wandb: bool
    ) -> dict[str, Any]:
        """Train, and return the metrics. about: config.yaml without `train`; config: a SoundTrainConfig."""
        ...


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The functions of a family that need torch."""

    build: Callable[[dict[str, Any], "Library | None"], "Recipe"]
    """Untrained recipe of a config; without a library where weights are loaded afterwards."""
    step_graph: Callable[["Recipe", OpenVocoder], "StepGraph"]
    """One step of a trained recipe, to be exported. Raises ModelError where it cannot stream or is unfinished."""
    train: Train | None = None
    """None: one recipe is trained on crops of audio."""


@dataclass(frozen=True, kw_only=True)
class SoundFamily:
    """One kind of sound model. Light: torch is imported when `parts` is called."""

    name: str
    """Name for config.yaml, and for `liveseq train`; with `-` and the model behind it, where there is one."""
    help: str
    presets: dict[str, Preset]
    parts: Callable[[], Parts]
    stereo: bool = False
    """It makes two different channels, so it cannot learn from mono alone."""
    fine_tunes: bool = False
    """Its training can begin from a trained model: `about["from"]`, a folder."""
    model: str = ""
    """Name for `--model`, where several families are one command."""
    vocoder: bool = False
    """It makes mel frames, and is given the folder of the model that turns them into sound."""

    @property
    def command(self) -> str:
        """Name for `liveseq train`."""
        return self.name.removesuffix(f"-{self.model}") if self.model else self.name

    @property
    def words(self) -> str:
        """Words behind `liveseq train` that choose it."""
        return f"{self.command} --model {self.model}" if self.model else self.name

    def preset(self, name: str) -> Preset:
        """A copy. Raises TrainingError for a preset that the family has not."""
        if name not in self.presets:
            raise TrainingError(f"--preset {name}: {self.name} has no such preset; it has: {', '.join(self.presets)}")
        return copy.deepcopy(self.presets[name])


def named_vocoder(folder: str | None, open_vocoder: OpenVocoder, *, front_end: "MelFrontEnd", family: str) -> "Vocoder":
    """The trained vocoder that a generator's config names. front_end, family: the generator's.

    Raises ModelError where it names none, and where that is for other frames.
    """
    if folder is None:
        raise ModelError(f"{family}: no vocoder stands in its config; train with --vocoder models/vocoder")
    vocoder = open_vocoder(Path(folder))
    front_end.check(vocoder.front_end, where=folder)
    return vocoder
