"""`liveseq train musika`: one training after the other, each resumable.

full: vocoder, level 1, level 2, latent GAN. small: the last two, with a vocoder that is there and mel bands as level 1.
"""

import copy
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from liveseq.train import checkpoint
from liveseq.train.devices import is_first
from liveseq.train.sound.ahead import Batches
from liveseq.train.sound.library import Library
from liveseq.train.sound.loop import SoundConfig, check_out, train_sound
from liveseq.train.sound.musika.autoencoder import Autoencoder
from liveseq.train.sound.musika.codec import Codec
from liveseq.train.sound.musika.coordinates import Windows
from liveseq.train.sound.musika.family import make_codec, make_gan, make_level
from liveseq.train.sound.musika.finishing import finish
from liveseq.train.sound.musika.graining import learn_grain
from liveseq.train.sound.musika.level_one import Level, LevelRecipe, PointwiseLevel
from liveseq.train.sound.musika.pool import (
    SAMPLES_PER_LATENT,
    FrameCrops,
    LatentCrops,
    Take,
    audio_takes,
    frame_takes,
    latent_takes,
    varied,
)
from liveseq.train.sound.recipe import Recipe
from liveseq.train.sound.tags import tag_table
from liveseq.train.sound.training import crops_of
from liveseq.train.sound.vocoders import vocos_family

VOCODER, LEVEL, AUTOENCODER = "vocoder", "level", "autoencoder"
"""Folders in the model's own of the trainings before the last one."""
SHARES = {True: {VOCODER: 0.4, LEVEL: 0.05, AUTOENCODER: 0.2}, False: {AUTOENCODER: 0.4}}
"""Of the minutes, where level 1 is learned, and where it is not; the rest is the latent GAN's."""
GAIN = 0.3
"""log10: what is played is made up to 6 dB louder or softer for the autoencoder."""
_N_BEGUN_FROM = 8000  # blocks of frames for the principal components
_N_JUDGED = 64  # crops of a batch to score on


def train(
    library: Library, out: Path, about: dict[str, Any], *, config: SoundConfig, resume: bool, wandb: bool
) -> dict[str, Any]:
    """Returns the metrics of all. Killed in any, it goes on there with resume."""
    settings = about["model"]
    windows = Windows(**settings["windows"])
    if settings["level"]:
        about = about | {"vocoder": str(out / VOCODER)}
    check_out(out, about, resume=resume)
    if is_first():
        out.mkdir(parents=True, exist_ok=True)
        before = checkpoint.load_yaml(out / checkpoint.CONFIG) if resume else {}
        # NaNs that the last stage met are counted on, and settings stay those that it began with.
        checkpoint.save_yaml(out / checkpoint.CONFIG, {"train": dataclasses.asdict(config)} | before | about)
    stages = _Stages(library, out, about, config=config, resume=resume, wandb=wandb)
    level = stages.level()
    train_takes, held_takes = (_frames(library, level, windows, part, config.seed) for part in ("train", "held_out"))
    codec, found = stages.codec(level, train_takes, held_takes)
    gan = make_gan(settings, codec=codec, level=level, vectors=tag_table(library.tags))
    latents = latent_takes(varied(train_takes, ratio=codec.ratio, seed=config.seed), codec.encode)
    held_latents = latent_takes(held_takes, codec.encode)
    learn_grain(gan.grain, train_takes, codec=codec, level=level, seed=config.seed)
    gan.begin_from(latents)
    pairs = {"length": 2 * windows.stride, "overlap": windows.overlap, "seed": config.seed}
    metrics = train_sound(
        gan,
        LatentCrops(latents, **pairs, **about["crops"]["latents"]),
        LatentCrops(held_latents, **pairs, batch_size=_N_JUDGED),
        out,
        config=stages.config(None),
        about=about,
        resume=True,  # the config is there already; what there is to resume from, is
        wandb=wandb,
        finish=lambda: finish(out, train_takes, latents, seed=config.seed),
    )
    metrics = {**found, **metrics}
    if is_first():
        checkpoint.save_yaml(out / checkpoint.METRICS, metrics)
    return metrics


class _Stages:
    """What is trained before the latent GAN; what has its metrics is done."""

    def __init__(
        self, library: Library, out: Path, about: dict[str, Any], *, config: SoundConfig, resume: bool, wandb: bool
    ) -> None:
        self._library, self._out, self._about = library, out, about
        self._config, self._resume, self._wandb = config, resume, wandb
        self._found: dict[str, Any] = {}

    def config(self, stage: str | None) -> SoundConfig:
        """Of a stage; None: of the latent GAN."""
        shares = SHARES[bool(self._about["model"]["level"])]
        share = 1.0 - sum(shares.values()) if stage is None else shares[stage]
        minutes = None if self._config.minutes is None else share * self._config.minutes
        # What R1 differentiates twice keeps all its digits; the others need fewer, unless others are asked for.
        precision = self._config.precision or (None if stage is None else "bf16-mixed")
        return dataclasses.replace(self._config, minutes=minutes, precision=precision)

    def level(self) -> Level:
        """Level 1, and its vocoder, where those are learned."""
        settings = self._about["model"]
        level = make_level(settings)
        if not isinstance(level, PointwiseLevel):
            return level
        own = {"family": "vocoder", "model": settings["vocoder"]}
        crops = crops_of(self._library, self._about["crops"]["audio"], seed=self._config.seed)
        self._train(VOCODER, lambda: vocos_family.build(self._about | own, self._library), *crops, **own)
        # What learns goes to a graphics card and stays there; what its weights are read into stays here, as takes do.
        tensors = self._train(LEVEL, lambda: LevelRecipe(copy.deepcopy(level)), *crops)
        level.load_state_dict(checkpoint.unprefixed(tensors, "level."))
        return level.eval().requires_grad_(False)

    def codec(self, level: Level, takes: list[Take], held_out: list[Take]) -> tuple[Codec, dict[str, Any]]:
        """Level 2, and the metrics of all stages."""
        settings, crops, seed = self._about["model"], self._about["crops"]["frames"], self._config.seed
        gain = GAIN if level.logarithmic else 0.0
        codec = make_codec(settings, level)

        def build() -> Recipe:
            some = FrameCrops(takes, length=codec.ratio, batch_size=_N_BEGUN_FROM, seed=seed, gain=gain)
            codec.begin_from(some.batch(0)[0])
            return Autoencoder(copy.deepcopy(codec), copy.deepcopy(level))

        tensors = self._train(
            AUTOENCODER,
            build,
            FrameCrops(takes, seed=seed, gain=gain, **crops),
            FrameCrops(held_out, length=crops["length"], batch_size=_N_JUDGED, seed=seed),
        )
        codec.load_state_dict(checkpoint.unprefixed(tensors, "codec."))
        return codec.eval().requires_grad_(False), self._found

    def _train(
        self, stage: str, build: Callable[[], Recipe], crops: Batches, held_out: Batches, **own: Any
    ) -> dict[str, torch.Tensor]:
        """The stage's weights. own: what its config says otherwise."""
        out = self._out / stage
        if not (self._resume and (out / checkpoint.METRICS).exists()):
            torch.manual_seed(self._config.seed)
            resume = self._resume and (out / checkpoint.CONFIG).exists()
            train_sound(
                build(),
                crops,
                held_out,
                out,
                config=self.config(stage),
                about=self._about | own,
                resume=resume,
                wandb=self._wandb,
            )
        self._found[stage] = checkpoint.load_yaml(out / checkpoint.METRICS)
        return checkpoint.load_tensors(out / checkpoint.CHECKPOINT)[0]


def _frames(library: Library, level: Level, windows: Windows, part: str, seed: int) -> list[Take]:
    rate, step = level.front_end.sample_rate, SAMPLES_PER_LATENT
    # some latents more than a pair of windows, so that there is a choice of where to cut
    seconds = (2 * windows.stride + 8) * step / rate
    recordings = library.train if part == "train" else library.held_out
    takes = audio_takes(recordings, tags=library.tags, seconds=seconds, sample_rate=rate, seed=seed)
    return frame_takes(takes, lambda audio: level.frames(audio[:, : audio.shape[1] // step * step]))
