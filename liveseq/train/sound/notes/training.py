"""Training of notes: one recipe on crops of frames, which lie on disk beside the run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from liveseq.dsp.mel import MelFrontEnd
from liveseq.train import checkpoint
from liveseq.train.sound.config import SoundTrainConfig
from liveseq.train.sound.frames.crops import MelCrops
from liveseq.train.sound.frames.tracks import Track
from liveseq.train.sound.loop import train_recipe
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.notes.codec import PER_LATENT, StereoFraming
from liveseq.train.sound.notes.recipe import build
from liveseq.train.sound.notes.tracks import kept_tracks
from liveseq.train.sound.tags import tag_table
from liveseq.train.sound.weights import halve_weights, load_weights, replace_weights

FRAMES = Path("cache") / "frames"
"""Folder of the frames in that of the model."""


def train_notes(
    library: Library, out: Path, about: dict[str, Any], *, config: SoundTrainConfig, resume: bool, wandb: bool
) -> dict[str, Any]:
    """Train, and return the metrics; see `family.Train`."""
    torch.manual_seed(config.seed)
    recipe = build(about, library)
    crops = about["crops"] | {"per_step": PER_LATENT, "seed": config.seed}
    tracks, held_out = kept_stereo_tracks(library, out, recipe.front_end, n_steps=crops["n_steps"], seed=config.seed)
    recipe.learn_statistics(tracks, tag_table(library), seed=config.seed, begin_from=about.get("from"))
    return train_recipe(
        recipe,
        MelCrops(tracks, **crops),
        MelCrops(held_out or tracks, augment=False, **crops),
        out,
        config=config,
        about=about,
        resume=resume,
        wandb=wandb,
        finish=lambda: finish(out, tracks, seed=config.seed),
    )


def kept_stereo_tracks(
    library: Library, out: Path, front_end: MelFrontEnd, *, n_steps: int, seed: int
) -> tuple[tuple[Track, ...], tuple[Track, ...]]:
    """Tracks to learn from and held-out ones, their frames in a folder of `out`. n_steps: latents of a crop."""
    framing = StereoFraming(front_end=front_end, per_step=PER_LATENT)
    shared = {"tags": library.tags, "framing": framing, "n_frames": n_steps * PER_LATENT, "seed": seed}
    train, held_out = (
        kept_tracks(recordings, out / FRAMES, mark=f"{library.fingerprint} {name}", **shared)
        for name, recordings in (("train", library.train), ("held out", library.held_out))
    )
    return train, held_out


def finish(out: Path, tracks: Sequence[Track], *, seed: int) -> None:
    """Round the weights, learn grain and loudness, which a trained generator leaves out, and put all that into the
    checkpoint."""
    about = checkpoint.load_yaml(out / checkpoint.CONFIG)
    halve_weights(out, build(about, None))
    recipe = load_weights(out, about, build)
    recipe.learn_grain_and_loudness(tracks, seed=seed)
    generator = recipe.generator
    replace_weights(out, {"generator.grain": generator.grain, "generator.limits": generator.limits})
