"""From recordings and a preset to a trained sound model: the work behind `liveseq train` for sound."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from liveseq.corpus.recordings.tagging import TagsFrom
from liveseq.dsp.mel import front_end_of
from liveseq.errors import TrainingError
from liveseq.train import checkpoint
from liveseq.train.devices import is_first
from liveseq.train.recordings import announce
from liveseq.train.sound.config import FREE_TO_CHANGE, SoundTrainConfig
from liveseq.train.sound.families import FAMILIES
from liveseq.train.sound.loop import check_out, train_recipe
from liveseq.train.sound.material.crops import train_and_held_out
from liveseq.train.sound.material.library import LEAST_SECONDS, Library, read_library, with_more
from liveseq.train.sound.weights import halve_weights, take_over
from liveseq.train.tags import begin_table, save_table

CACHE = "cache"
"""Folder beside the weights for recordings that were converted."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """One training, as the command line asks for it."""

    family: str
    data: Sequence[Path]
    """Folders of audio and corpora; some recordings of each tag are held out."""
    more: Sequence[Path] = ()
    """Corpora of which nothing is held out."""
    tags_from: TagsFrom | None
    out: Path
    preset: str | None
    """Name; None: that of the model it begins with, or small."""
    given: dict[str, Any]
    """Settings of SoundTrainConfig that replace the preset's."""
    vocoder: Path | None
    licence: str
    command: str
    resume: bool
    wandb: bool
    begin_from: Path | None = None
    """Folder of a trained model of the family whose weights it begins with; None: random ones."""


def train_sound(order: Order) -> tuple[dict[str, Any], Library]:
    """Train, and return the metrics and what was learned from; the model is in order.out. Raises LiveseqError.

    A family that needs more than one recipe trains by itself, see `family.Parts`.
    """
    family = FAMILIES[order.family]
    settings = _settings(order)
    config = _config(settings["train"] | order.given)
    if family.vocoder and order.vocoder is not None:
        _check_vocoder(order.vocoder, settings["model"])
    small = family.presets.get("small", {}).get("needs_seconds", LEAST_SECONDS)
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
    announce(library)
    about = {
        "family": order.family,
        "preset": settings["preset"],
        "sample_rate": settings["sample_rate"],
        "model": settings["model"],
        "crops": settings["crops"],
        "tags": list(library.tags),
        **({"vocoder": str(order.vocoder)} if family.vocoder else {}),
        **({"from": settings["from"]} if "from" in settings else {}),
        "training": {"data": library.description, "licence": order.licence, "command": order.command},
        "fingerprint": library.fingerprint,
    }
    parts = family.parts()
    if parts.train is not None:  # all but vocoders are told tags
        check_out(order.out, about, resume=order.resume)  # before anything there is changed
        begin_from = Path(settings["from"]) if "from" in settings else None
        table = begin_table(library.tags, order.out, resume=order.resume, begin_from=begin_from)
        library, about["tag_size"] = dataclasses.replace(library, vectors=table.vectors), table.vectors.shape[1]
        if is_first():
            save_table(table, order.out)
    run = {"config": config, "resume": order.resume, "wandb": order.wandb}
    if parts.train is not None:
        return parts.train(library, order.out, about, **run), library
    torch.manual_seed(config.seed)
    recipe = parts.build(about, library)
    if "from" in about:
        take_over(recipe, Path(about["from"]))
    crops, held_out = train_and_held_out(library, settings["crops"], seed=config.seed)
    finish = partial(halve_weights, order.out, recipe)
    return train_recipe(recipe, crops, held_out, order.out, about=about, finish=finish, **run), library


def _check_vocoder(folder: Path, model: dict[str, Any]) -> None:
    """Refuse a vocoder of other frames before minutes of training; export would refuse it after them.

    A model with a level of its own has its own vocoder, one of waves needs none, and a vocoder that is not trained yet
    cannot be asked.
    """
    if "front_end" in model and model.get("level") is None and (folder / checkpoint.CONFIG).is_file():
        theirs = checkpoint.load_yaml(folder / checkpoint.CONFIG).get("model")
        if isinstance(theirs, dict) and "front_end" in theirs:
            own = front_end_of(model["front_end"], where="the model")
            own.check(front_end_of(theirs["front_end"], where=str(folder)), where=str(folder))


def _begun(folder: Path, *, family: str) -> dict[str, Any]:
    """Settings that a training takes over from the trained model that it begins with."""
    if not FAMILIES[family].fine_tunes:
        able = ", ".join(name for name, one in FAMILIES.items() if one.fine_tunes)
        raise TrainingError(f"--from {folder}: {family} cannot begin from a trained model; {able} can")
    saved = checkpoint.load_yaml(folder / checkpoint.CONFIG)
    if saved.get("family") != family:
        raise TrainingError(f"--from {folder}: expected a {family}, found a {saved.get('family')}")
    if not (folder / checkpoint.CHECKPOINT).is_file():
        raise TrainingError(f"--from {folder}: has no {checkpoint.CHECKPOINT}; a model that only plays cannot learn on")
    if lacking := [name for name in ("preset", "model", "crops", "sample_rate") if name not in saved]:
        raise TrainingError(f"--from {folder}: {checkpoint.CONFIG} has no {lacking[0]}; give a model of liveseq train")
    return {"from": str(folder)} | {name: saved[name] for name in ("preset", "model", "crops", "sample_rate")}


def _config(settings: dict[str, Any]) -> SoundTrainConfig:
    try:
        return SoundTrainConfig(**settings)
    except TypeError as error:
        raise TrainingError(f"settings of the training: {error}; begin anew with another --out") from error


def _settings(order: Order) -> dict[str, Any]:
    """The preset's settings; where a training goes on, those that it began with."""
    family = FAMILIES[order.family]
    if not order.resume:
        check_out(order.out, {}, resume=False)  # before minutes of reading
        begun = {} if order.begin_from is None else _begun(order.begin_from, family=order.family)
        preset = order.preset or begun.get("preset", "small")
        if order.preset is not None:
            begun.pop("crops", None)
        return family.preset(preset) | begun | {"preset": preset}
    saved = checkpoint.load_yaml(order.out / checkpoint.CONFIG)
    if order.begin_from is not None and str(order.begin_from) != saved.get("from"):
        begun = saved.get("from", "nothing but recordings")
        raise TrainingError(f"--from {order.begin_from}: {order.out} began from {begun}; give another --out")
    try:
        if (found := saved["family"]) != order.family:
            words = FAMILIES[found].words if found in FAMILIES else found
            raise TrainingError(f"{order.out}: holds a {found}; go on with liveseq train {words}")
        settings = family.preset(saved["preset"])
        settings |= {name: saved[name] for name in ("preset", "model", "crops", "train", "sample_rate")}
        if "from" in saved and not (order.out / checkpoint.RESUME).is_file():
            settings["from"] = saved["from"]  # it was killed before it had a state of its own
        for name, value in order.given.items():
            if name not in FREE_TO_CHANGE and value != saved["train"][name]:
                raise TrainingError(f"--{name} {value}: it began with {saved['train'][name]}, and goes on with it")
        return settings
    except (KeyError, TypeError) as error:
        raise TrainingError(f"{order.out / checkpoint.CONFIG}: not the config of a sound training: {error}") from error
