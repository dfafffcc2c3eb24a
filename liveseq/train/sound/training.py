"""From recordings and a preset to a trained sound model: what the command line asks for."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from liveseq.corpus.tagging import TagsFrom
from liveseq.errors import TrainingError
from liveseq.train import checkpoint
from liveseq.train.devices import is_first
from liveseq.train.sound.crops import Crops
from liveseq.train.sound.families import FAMILIES, settings_of
from liveseq.train.sound.library import LEAST_SECONDS, Library, read_library, with_more
from liveseq.train.sound.loop import FREE_TO_CHANGE, SoundConfig, train_sound

CACHE = "cache"
"""Folder beside the weights for recordings that were converted."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be trained."""

    family: str
    data: Sequence[Path]
    more: Sequence[Path] = ()
    """Of these, nothing is held out."""
    tags_from: TagsFrom | None
    out: Path
    preset: str
    given: dict[str, Any]
    """Settings of SoundConfig that the preset does not decide."""
    vocoder: Path | None
    licence: str
    command: str
    resume: bool
    wandb: bool


def train(order: Order) -> dict[str, Any]:
    """Train, and return the metrics; the model is in order.out afterwards. Raises LiveseqError.

    A family that needs more than one recipe has a `train` of its own, with what is known here: it is called as
    train(library, out, about, config=, resume=, wandb=).
    """
    family = FAMILIES[order.family]
    settings = _settings(order)
    config = _config(settings["train"] | order.given)
    small = family.load().PRESETS.get("small", {}).get("needs_seconds", LEAST_SECONDS)
    library = read_library(
        order.data,
        tags_from=order.tags_from,
        sample_rate=settings["sample_rate"],
        seed=config.seed,
        stereo=family.stereo,
        needs_seconds=settings.get("needs_seconds", LEAST_SECONDS),
        small_seconds=None if settings["preset"] == "small" else small,
        cache=order.out / CACHE,
    )
    if order.more:
        library = with_more(library, order.more, cache=order.out / CACHE / "more")
    if is_first():
        print(*library.notes, sep="\n", end="\n" if library.notes else "", file=sys.stderr)
        print(library.description)
    about = {
        "family": order.family,
        "preset": settings["preset"],
        "sample_rate": settings["sample_rate"],
        "model": settings["model"],
        "crops": settings["crops"],
        "tags": list(library.tags),
        **({"vocoder": str(order.vocoder)} if family.vocoder else {}),
        "training": {"data": library.description, "licence": order.licence, "command": order.command},
        "fingerprint": library.fingerprint,
    }
    own = getattr(family.load(), "train", None)
    if own is not None:
        metrics: dict[str, Any] = own(library, order.out, about, config=config, resume=order.resume, wandb=order.wandb)
        return metrics
    torch.manual_seed(config.seed)
    recipe = family.load().build(about, library)
    crops, held_out = crops_of(library, settings["crops"], seed=config.seed)
    return train_sound(
        recipe, crops, held_out, order.out, config=config, about=about, resume=order.resume, wandb=order.wandb
    )


def crops_of(library: Library, settings: dict[str, Any], *, seed: int) -> tuple[Crops, Crops]:
    """To train on, and to score on. settings: `crops` of a preset."""
    held_out = settings | {"augment": False}
    return (
        Crops(library.train, tags=library.tags, seed=seed, **settings),
        Crops(library.held_out, tags=library.tags, seed=seed, **held_out),
    )


def _config(settings: dict[str, Any]) -> SoundConfig:
    try:
        return SoundConfig(**settings)
    except TypeError as error:
        raise TrainingError(f"settings of the training: {error}; begin anew with another --out") from error


def _settings(order: Order) -> dict[str, Any]:
    """The preset's; where a training goes on, what it began with."""
    if not order.resume:
        if (order.out / checkpoint.CONFIG).exists() and is_first():  # before minutes of reading
            raise TrainingError(
                f"{order.out}: holds a trained model already; go on with --resume, or choose another --out"
            )
        return settings_of(order.family, order.preset) | {"preset": order.preset}
    saved = checkpoint.load_yaml(order.out / checkpoint.CONFIG)
    try:
        if saved["family"] != order.family:
            raise TrainingError(f"{order.out}: holds a {saved['family']}; go on with liveseq train {saved['family']}")
        settings = settings_of(order.family, saved["preset"])
        settings |= {name: saved[name] for name in ("preset", "model", "crops", "train", "sample_rate")}
        for name, value in order.given.items():
            if name not in FREE_TO_CHANGE and value != saved["train"][name]:
                raise TrainingError(f"--{name} {value}: it began with {saved['train'][name]}, and goes on with it")
        return settings
    except (KeyError, TypeError) as error:
        raise TrainingError(f"{order.out / checkpoint.CONFIG}: not the config of a sound training: {error}") from error
