"""Recordings through the latents of generators and back: the best that each of them could do."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from liveseq.dsp.mel import front_end_of
from liveseq.errors import LiveseqError
from liveseq.runtime.manifest import Manifest
from liveseq.runtime.vocoder import OnnxVocoder
from liveseq.train.checkpoint import CHECKPOINT
from liveseq.train.sound.beats import CLOCK_SIZE
from liveseq.train.sound.judge.verdict import Takes
from liveseq.train.sound.musika.recipe import LatentGan
from liveseq.train.sound.notes.codec import N_GROUPS
from liveseq.train.sound.notes.recipe import NotesRecipe
from liveseq.train.sound.recipe import Recipe
from liveseq.train.sound.saved import load_recipe
from liveseq.train.sound.tags import tag_table
from liveseq.train.sound.unagan.recipe import StreamingRecipe

N_SAMPLES = 8192
"""Length of a step of all families: recordings are cut to whole ones."""


def autoencoded(models: list[Path], real: Takes, *, root: Path) -> dict[str, Takes]:
    """Recordings through each generator that has its checkpoint, in mono and in time, float32 (n_samples, 1).

    root: the folder in which the vocoders lie that configs name. With the grain that a stream has too.
    """
    found = {}
    for folder in models:
        if Manifest.load(folder).role != "generator" or not (folder / CHECKPOINT).exists():
            continue
        try:
            recipe, about = load_recipe(folder)
            if not isinstance(recipe, LatentGan | StreamingRecipe | NotesRecipe):
                continue
            vocoder = OnnxVocoder(root / about["vocoder"])
            front_end_of(about["model"]["front_end"], where=str(folder)).check(
                vocoder.front_end, where=about["vocoder"]
            )
        except LiveseqError as error:
            print(f"{folder.name}: {error}", flush=True)
            continue
        torch.manual_seed(0)
        made = {}
        for tag, take in real.items():
            audio = take.mean(axis=1)
            frames = vocoder.front_end.log_mel(audio[: len(audio) // N_SAMPLES * N_SAMPLES])
            back = _back(recipe, torch.from_numpy(frames.T.copy())[None], tag)
            made[tag] = vocoder.sound(np.ascontiguousarray(back[0].numpy().T))[:, None]
        found[folder.name] = made
    return found


@torch.no_grad()
def _back(recipe: Recipe, mel: Tensor, tag: str) -> Tensor:
    """Log mel frames (1, n_mels, T), there and back."""
    vector = tag_table((tag,))
    if isinstance(recipe, LatentGan):
        latents = recipe.codec.encode(mel)
        bands = recipe.level.bands(recipe.codec.decode(latents))
        steps = latents.transpose(1, 2)
        strength = recipe.settling.grain(vector).relu().expand(1, steps.shape[1])
        return bands + recipe.grain.noise(steps, torch.randn(1, steps.shape[1], recipe.grain.size), strength)
    if isinstance(recipe, NotesRecipe):
        mono = torch.cat((mel, torch.full_like(mel[:, :N_GROUPS], -5.0)), dim=1)
        latents = recipe.generator.codec.encode(mono)
        numbers = torch.randn(1, latents.shape[1], recipe.generator.grain.size)
        return recipe.generator.frames(latents, vector.expand(1, latents.shape[1], -1), numbers)[0]
    assert isinstance(recipe, StreamingRecipe)
    generator = recipe.generator
    latent = generator.codec.encode(generator.codec.scored(mel))
    clock = torch.zeros(1, latent.shape[1], CLOCK_SIZE)
    chance = torch.randn(1, latent.shape[1], generator.grain.size)
    return generator.frames(latent, vector.expand(1, latent.shape[1], -1), clock, chance)
