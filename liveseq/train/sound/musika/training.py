"""`liveseq train musika`: the autoencoder, then the latent GAN, each resumable."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch

from liveseq.train import checkpoint
from liveseq.train.devices import is_first
from liveseq.train.sound.library import Library
from liveseq.train.sound.loop import SoundConfig, train_sound
from liveseq.train.sound.musika.autoencoder import Autoencoder, PatchCritic
from liveseq.train.sound.musika.codec import Codec, Level
from liveseq.train.sound.musika.coordinates import Windows
from liveseq.train.sound.musika.family import make_codec, make_gan, make_level
from liveseq.train.sound.musika.pool import FrameCrops, LatentCrops, Take, audio_takes, frame_takes, latent_takes
from liveseq.train.sound.tags import tag_table

AUTOENCODER = "autoencoder"
"""Folder in the model's own of the first training."""
AUTOENCODER_SHARE = 0.4
"""Of the minutes, and as many steps as of the latent GAN."""
GAIN = 0.3
"""log10: what is played is made up to 6 dB louder or softer for the autoencoder."""
_N_BEGUN_FROM = 8000  # blocks of frames for the principal components
_N_JUDGED = 64  # crops of a batch to score on


def train(
    library: Library, out: Path, about: dict[str, Any], *, config: SoundConfig, resume: bool, wandb: bool
) -> dict[str, Any]:
    """Returns the metrics of both. Killed in either, it goes on there with resume."""
    settings, crops = about["model"], about["crops"]
    level = make_level(about, audible=False)
    windows = Windows(**settings["windows"])
    if is_first():
        out.mkdir(parents=True, exist_ok=True)
        checkpoint.save_yaml(out / checkpoint.CONFIG, about | {"train": dataclasses.asdict(config)})
    train_takes, held_takes = (_frames(library, level, windows, part, config.seed) for part in ("train", "held_out"))
    codec, found = _train_autoencoder(
        train_takes, held_takes, out / AUTOENCODER, about, level=level, config=config, resume=resume, wandb=wandb
    )
    gan = make_gan(settings, codec=codec, vectors=tag_table(library.tags))
    latents, held_latents = (latent_takes(takes, codec.encode) for takes in (train_takes, held_takes))
    gan.begin_from([_of_tag(latents, number) for number in range(len(library.tags))])
    length = 2 * windows.stride
    metrics = train_sound(
        gan,
        LatentCrops(latents, length=length, seed=config.seed, **crops["latents"]),
        LatentCrops(held_latents, length=length, seed=config.seed, batch_size=_N_JUDGED),
        out,
        config=_rest(config),
        about=about,
        resume=True,  # the config is there already; what there is to resume from, is
        wandb=wandb,
    )
    metrics = {AUTOENCODER: found, **metrics}
    if is_first():
        checkpoint.save_yaml(out / checkpoint.METRICS, metrics)
    return metrics


def _frames(library: Library, level: Level, windows: Windows, part: str, seed: int) -> list[Take]:
    ratio = level.samples_per_latent // level.hop_length
    # a latent more than a pair of windows, so that there is a choice of where to cut
    seconds = (2 * windows.stride + 8) * level.samples_per_latent / level.sample_rate
    recordings = library.train if part == "train" else library.held_out
    takes = audio_takes(recordings, tags=library.tags, seconds=seconds, sample_rate=level.sample_rate, seed=seed)
    return frame_takes(takes, lambda audio: level.frames(audio, ratio))


def _train_autoencoder(
    takes: list[Take],
    held_out: list[Take],
    out: Path,
    about: dict[str, Any],
    *,
    level: Level,
    config: SoundConfig,
    resume: bool,
    wandb: bool,
) -> tuple[Codec, dict[str, Any]]:
    settings, crops = about["model"], about["crops"]["frames"]
    gain = GAIN if level.logarithmic else 0.0
    torch.manual_seed(config.seed)
    codec = make_codec(settings, level)
    if not (resume and (out / checkpoint.METRICS).exists()):
        some = FrameCrops(takes, length=codec.ratio, batch_size=_N_BEGUN_FROM, seed=config.seed, gain=gain)
        codec.begin_from(some.batch(0)[0])
        train_sound(
            Autoencoder(codec, PatchCritic(settings["critic_width"])),
            FrameCrops(takes, seed=config.seed, gain=gain, **crops),
            FrameCrops(held_out, length=crops["length"], batch_size=_N_JUDGED, seed=config.seed),
            out,
            config=_first(config),
            about=about,
            resume=resume and (out / checkpoint.CONFIG).exists(),
            wandb=wandb,
        )
    tensors, _ = checkpoint.load_tensors(out / checkpoint.CHECKPOINT)
    codec.load_state_dict(checkpoint.unprefixed(tensors, "codec."))
    return codec.eval().requires_grad_(False), checkpoint.load_yaml(out / checkpoint.METRICS)


def _first(config: SoundConfig) -> SoundConfig:
    minutes = None if config.minutes is None else AUTOENCODER_SHARE * config.minutes
    return dataclasses.replace(config, minutes=minutes, precision="bf16-mixed")


def _rest(config: SoundConfig) -> SoundConfig:
    minutes = None if config.minutes is None else (1.0 - AUTOENCODER_SHARE) * config.minutes
    return dataclasses.replace(config, minutes=minutes)


def _of_tag(latents: list[Take], number: int) -> torch.Tensor:
    return torch.from_numpy(np.concatenate([take.values for take in latents if take.tag == number], axis=1))
