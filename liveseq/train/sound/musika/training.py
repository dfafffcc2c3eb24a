"""Training of Musika in stages, one after the other, each resumable.

full: vocoder, level 1, level 2, latent GAN. small: the last two, with a vocoder that is there and mel bands as level 1.
"""

import copy
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from liveseq.train import checkpoint
from liveseq.train.devices import is_first
from liveseq.train.sound.config import SoundTrainConfig
from liveseq.train.sound.loop import check_out, train_recipe
from liveseq.train.sound.material.crops import train_and_held_out
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.material.reading import Recording
from liveseq.train.sound.musika.autoencoder import Autoencoder
from liveseq.train.sound.musika.codec import Codec
from liveseq.train.sound.musika.coordinates import Windows
from liveseq.train.sound.musika.crops import FrameCrops, LatentCrops
from liveseq.train.sound.musika.finishing import finish
from liveseq.train.sound.musika.grain import learn_grain
from liveseq.train.sound.musika.level_one import Level, LevelRecipe, PointwiseLevel
from liveseq.train.sound.musika.recipe import make_codec, make_gan, make_level
from liveseq.train.sound.musika.tracks import (
    SAMPLES_PER_LATENT,
    Track,
    audio_tracks,
    frame_tracks,
    latent_tracks,
    varied,
)
from liveseq.train.sound.prefetch import Batches
from liveseq.train.sound.recipe import Recipe
from liveseq.train.sound.tags import tag_table
from liveseq.train.sound.vocoders.vocos.recipe import build as build_vocoder

VOCODER, LEVEL, AUTOENCODER = "vocoder", "level", "autoencoder"
"""Folders of the stages before the last one, in the model's own."""
SHARES = {True: {VOCODER: 0.4, LEVEL: 0.05, AUTOENCODER: 0.2}, False: {AUTOENCODER: 0.4}}
"""Share of the minutes of each stage, where level 1 is learned, and where it is not; the rest is the latent GAN's."""
GAIN = 0.3
"""Largest change of level of the autoencoder's frames, either way, log10: 6 dB."""
_N_BEGUN_FROM = 8000  # blocks of frames for the principal components
_N_JUDGED = 64  # crops of a batch to score on


def train_musika(
    library: Library, out: Path, about: dict[str, Any], *, config: SoundTrainConfig, resume: bool, wandb: bool
) -> dict[str, Any]:
    """Train, and return the metrics of all stages; see `family.Train`. Killed in any, it goes on there with resume."""
    settings = about["model"]
    windows = Windows(**settings["windows"])
    if settings["level"]:
        about = about | {"vocoder": str(out / VOCODER)}
    check_out(out, about, resume=resume)
    if is_first():
        out.mkdir(parents=True, exist_ok=True)
        saved = checkpoint.load_yaml(out / checkpoint.CONFIG) if resume else {}
        # NaNs that the last stage met are counted on, and settings stay those that it began with.
        checkpoint.save_yaml(out / checkpoint.CONFIG, {"train": dataclasses.asdict(config)} | saved | about)
    stages = _Stages(library, out, about, config=config, resume=resume, wandb=wandb)
    level = stages.level()
    tracks, held_out = (
        _frames(recordings, library.tags, level, windows, config.seed)
        for recordings in (library.train, library.held_out)
    )
    codec, before = stages.codec(level, tracks, held_out)
    torch.manual_seed(config.seed)
    gan = make_gan(settings, codec=codec, level=level, vectors=tag_table(library))
    latents = latent_tracks(varied(tracks, ratio=codec.ratio, seed=config.seed), codec.encode)
    held_latents = latent_tracks(held_out, codec.encode)
    learn_grain(gan.grain, tracks, codec=codec, level=level, seed=config.seed)
    gan.begin_from(latents)
    pairs = {"length": 2 * windows.stride, "overlap": windows.overlap, "seed": config.seed}
    metrics = train_recipe(
        gan,
        LatentCrops(latents, **pairs, **about["crops"]["latents"]),
        LatentCrops(held_latents, **pairs, batch_size=_N_JUDGED),
        out,
        config=stages.config(None),
        about=about,
        resume=True,  # the config is there already, and a state to resume from may be
        wandb=wandb,
        finish=lambda: finish(out, tracks, latents, seed=config.seed),
    )
    metrics = {**before, **metrics}
    if is_first():
        checkpoint.save_yaml(out / checkpoint.METRICS, metrics)
    return metrics


class _Stages:
    """Stages before the latent GAN; a stage that has its metrics is done."""

    def __init__(
        self, library: Library, out: Path, about: dict[str, Any], *, config: SoundTrainConfig, resume: bool, wandb: bool
    ) -> None:
        self._library, self._out, self._about = library, out, about
        self._config, self._resume, self._wandb = config, resume, wandb
        self._metrics: dict[str, Any] = {}

    def config(self, stage: str | None) -> SoundTrainConfig:
        """Settings of a stage; None: of the latent GAN."""
        shares = SHARES[bool(self._about["model"]["level"])]
        share = 1.0 - sum(shares.values()) if stage is None else shares[stage]
        minutes = None if self._config.minutes is None else share * self._config.minutes
        # R1 differentiates twice and needs all digits; the others need fewer, unless others are asked for.
        precision = self._config.precision or (None if stage is None else "bf16-mixed")
        return dataclasses.replace(self._config, minutes=minutes, precision=precision)

    def level(self) -> Level:
        """Level 1, trained, and its vocoder, where those are learned."""
        settings = self._about["model"]
        level = make_level(settings)
        if not isinstance(level, PointwiseLevel):
            return level
        own = {"family": "vocoder", "model": settings["vocoder"]}
        crops = train_and_held_out(self._library, self._about["crops"]["audio"], seed=self._config.seed)
        self._train(VOCODER, lambda: build_vocoder(self._about | own, self._library), *crops, **own)
        # The one that learns goes to a graphics card and stays there; this one gets its weights here, as tracks are.
        tensors = self._train(LEVEL, lambda: LevelRecipe(make_level(settings)), *crops)
        level.load_state_dict(checkpoint.unprefixed(tensors, "level."))
        return level.eval().requires_grad_(False)

    def codec(self, level: Level, tracks: list[Track], held_out: list[Track]) -> tuple[Codec, dict[str, Any]]:
        """Level 2, trained, and the metrics of all stages. tracks: of frames."""
        settings, crops, seed = self._about["model"], self._about["crops"]["frames"], self._config.seed
        gain = GAIN if level.logarithmic else 0.0

        def build() -> Recipe:
            codec = make_codec(settings, level)
            some = FrameCrops(tracks, length=codec.ratio, batch_size=_N_BEGUN_FROM, seed=seed, gain=gain)
            codec.begin_from(some.batch(0)[0])
            return Autoencoder(codec, copy.deepcopy(level))

        tensors = self._train(
            AUTOENCODER,
            build,
            FrameCrops(tracks, seed=seed, gain=gain, **crops),
            FrameCrops(held_out, length=crops["length"], batch_size=_N_JUDGED, seed=seed),
        )
        codec = make_codec(settings, level)
        codec.load_state_dict(checkpoint.unprefixed(tensors, "codec."))
        return codec.eval().requires_grad_(False), self._metrics

    def _train(
        self, stage: str, build: Callable[[], Recipe], crops: Batches, held_out: Batches, **own: Any
    ) -> dict[str, torch.Tensor]:
        """Train a stage, unless it is done, and return its weights.

        build: called after seeding, so that a seed is a beginning. own: entries of the config that differ.
        """
        out = self._out / stage
        if not (self._resume and (out / checkpoint.METRICS).exists()):
            torch.manual_seed(self._config.seed)
            resume = self._resume and (out / checkpoint.CONFIG).exists()
            train_recipe(
                build(),
                crops,
                held_out,
                out,
                config=self.config(stage),
                about=self._about | own,
                resume=resume,
                wandb=self._wandb,
            )
        self._metrics[stage] = checkpoint.load_yaml(out / checkpoint.METRICS)
        return checkpoint.load_tensors(out / checkpoint.CHECKPOINT)[0]


def _frames(
    recordings: Sequence[Recording], tags: Sequence[str], level: Level, windows: Windows, seed: int
) -> list[Track]:
    rate, step = level.front_end.sample_rate, SAMPLES_PER_LATENT
    # some latents more than a pair of windows, so that there is a choice of where to cut
    seconds = (2 * windows.stride + 8) * step / rate
    tracks = audio_tracks(recordings, tags=tags, seconds=seconds, sample_rate=rate, seed=seed)
    return frame_tracks(tracks, lambda audio: level.frames(audio[:, : audio.shape[1] // step * step]))
