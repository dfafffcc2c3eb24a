"""Last part of the training, from the output of a trained generator: `Settling`, loudness, and strength of the grain.

The grain is measured on drawn latents and not on reconstructed recordings: timbre that a generator moves by itself need
not be moved by noise too. The ceiling of the loudness is that of recordings alone.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from liveseq.train import checkpoint
from liveseq.train.sound.grain import needed_strength
from liveseq.train.sound.musika.coordinates import clock_of
from liveseq.train.sound.musika.crops import FrameCrops, LatentCrops
from liveseq.train.sound.musika.recipe import LatentGan, build
from liveseq.train.sound.musika.settling import ceiling_of, fit_to_tags, level_for
from liveseq.train.sound.musika.tracks import Track, to_sides
from liveseq.train.sound.weights import load_weights, replace_weights

_DRAWN = 48
"""Pairs of windows of each tag that are drawn: 6.5 minutes at 48 kHz."""
_COMPARED = 24
"""Pairs of them whose frames are compared: 3 minutes."""


def finish(out: Path, frames: Sequence[Track], latents: Sequence[Track], *, seed: int) -> None:
    """Put into the checkpoint what is learned last. frames, latents: tracks of the same recordings."""
    about = checkpoint.load_yaml(out / checkpoint.CONFIG)
    recipe = load_weights(out, about, build)
    assert isinstance(recipe, LatentGan)
    recipe.vectors.copy_(recipe.generator.tempi.tags)
    settle(recipe, frames, [track for track in latents if not track.stretched], seed=seed)
    replace_weights(out, {"settling": recipe.settling, "generator.ceiling": recipe.generator.ceiling})


@torch.no_grad()
def settle(gan: LatentGan, frames: Sequence[Track], latents: Sequence[Track], *, seed: int) -> None:
    """Learn settling and ceilings. frames: tracks (2, C, n_frames); latents: tracks (2 * depth, n).

    Every tag has some of both: a library keeps a recording of each to learn from, however short ones `audio_tracks`
    strings together, and `varied` has each as it is too.
    """
    torch.manual_seed(seed)
    numbers = range(len(gan.vectors))
    ceilings = torch.stack([_ceiling(gan, frames, number) for number in numbers])
    fit_to_tags(gan.generator.ceiling, gan.vectors, ceilings[:, None])
    drawn = gan.settling.learn(gan.vectors, [_pair(gan, latents, number, seed) for number in numbers])
    measured = [_strength_and_level(gan, frames, number, drawn[number], seed) for number in numbers]
    strengths, levels = torch.tensor(measured).T
    fit_to_tags(gan.settling.grain, gan.vectors, strengths[:, None])
    fit_to_tags(gan.settling.level, gan.vectors, levels[:, None])


def _pair(gan: LatentGan, latents: Sequence[Track], number: int, seed: int) -> tuple[Tensor, Tensor]:
    """Latents of recordings of a tag, and drawn ones at the same places of the beat, (_DRAWN, 2 * depth, n) each."""
    windows = gan.windows
    own = [track for track in latents if track.tag == number]
    crops = LatentCrops(own, length=2 * windows.stride, overlap=windows.overlap, batch_size=_DRAWN, seed=seed)
    real, tags, times = crops.batch(0)
    return real, gan.generate(gan.vectors[tags], clock_of(*times.unbind(-1)))


def _ceiling(gan: LatentGan, frames: Sequence[Track], number: int) -> Tensor:
    own = (torch.from_numpy(track.values).float() for track in frames if track.tag == number)
    return ceiling_of(map(gan.level.bands, own), gan.level.shares)


def _strength_and_level(
    gan: LatentGan, frames: Sequence[Track], number: int, drawn: Tensor, seed: int
) -> tuple[float, float]:
    """Strength of the grain and level of a tag. drawn: settled latents (_DRAWN, 2 * depth, n)."""
    own = [track for track in frames if track.tag == number]
    crops = FrameCrops(own, length=gan.codec.ratio * drawn.shape[-1], batch_size=_COMPARED, seed=seed)
    real = gan.level.bands(crops.batch(0)[0])
    sides = to_sides(drawn)[:_COMPARED]  # lefts: a crop of frames is of one side too
    smooth, steps = gan.level.bands(gan.codec.decode(sides)), sides.transpose(1, 2)
    noise = gan.grain.noise(steps, torch.randn(*steps.shape[:2], gan.grain.size), torch.ones(steps.shape[:2]))
    strength = needed_strength(real, smooth, noise)
    ceiling = gan.generator.ceiling(gan.vectors[number])[0]
    return strength, level_for(real, smooth + strength * noise, ceiling=ceiling, shares=gan.level.shares)
