"""What is learned last, from what a trained generator draws: `Settling`, how loud it is, and how much grain it lacks.

The grain is measured on what is drawn and not on what comes back of recordings: timbre that a generator moves by
itself need not be moved by noise too. How loud frames get at most is that of recordings alone.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from liveseq.train.sound.grain import needed
from liveseq.train.sound.musika.coordinates import clock_of
from liveseq.train.sound.musika.latents import LatentGan
from liveseq.train.sound.musika.pool import FrameCrops, LatentCrops, Take, to_sides
from liveseq.train.sound.musika.settling import ceiling_of, fit_to_tags, level_for
from liveseq.train.sound.saved import load_recipe, put
from liveseq.train.sound.tags import tag_table

_DRAWN = 48
"""Pairs of windows of each tag: 6.5 minutes at 48 kHz."""
_COMPARED = 24
"""Of them whose frames are compared: 3 minutes."""


def finish(out: Path, frames: Sequence[Take], latents: Sequence[Take], *, seed: int) -> None:
    """Put into the checkpoint what is learned last. frames, latents: of the same recordings."""
    recipe, about = load_recipe(out)
    assert isinstance(recipe, LatentGan)
    recipe.vectors.copy_(tag_table(about["tags"]))
    settle(recipe, frames, [take for take in latents if not take.stretched], seed=seed)
    put(out, {"settling": recipe.settling, "generator.ceiling": recipe.generator.ceiling})


@torch.no_grad()
def settle(gan: LatentGan, frames: Sequence[Take], latents: Sequence[Take], *, seed: int) -> None:
    """frames: (2, C, n_frames); latents: (2 * depth, n).

    Every tag has some of both: a library keeps a recording of each to learn from, of however short ones `audio_takes`
    makes a take, and `varied` has each as it is too.
    """
    torch.manual_seed(seed)
    numbers = range(len(gan.vectors))
    ceilings = torch.stack([_ceiling(gan, frames, number) for number in numbers])
    fit_to_tags(gan.generator.ceiling, gan.vectors, ceilings[:, None])
    drawn = gan.settling.learn(gan.vectors, [_pair(gan, latents, number, seed) for number in numbers])
    found = [_sound(gan, frames, number, drawn[number], seed) for number in numbers]
    strengths, levels = torch.tensor(found).T
    fit_to_tags(gan.settling.grain, gan.vectors, strengths[:, None])
    fit_to_tags(gan.settling.level, gan.vectors, levels[:, None])


def _pair(gan: LatentGan, latents: Sequence[Take], number: int, seed: int) -> tuple[Tensor, Tensor]:
    """Latents of recordings of a tag, and drawn ones at the same places of the beat, (_DRAWN, 2 * depth, n)."""
    windows = gan.windows
    own = [take for take in latents if take.tag == number]
    crops = LatentCrops(own, length=2 * windows.stride, overlap=windows.overlap, batch_size=_DRAWN, seed=seed)
    real, tags, times = crops.batch(0)
    return real, gan.make(gan.vectors[tags], clock_of(*times.unbind(-1)))


def _ceiling(gan: LatentGan, frames: Sequence[Take], number: int) -> Tensor:
    own = (torch.from_numpy(take.values).float() for take in frames if take.tag == number)
    return ceiling_of(map(gan.level.bands, own), gan.level.shares)


def _sound(gan: LatentGan, frames: Sequence[Take], number: int, drawn: Tensor, seed: int) -> tuple[float, float]:
    """Strength of the grain and level of a tag. drawn: settled latents."""
    own = [take for take in frames if take.tag == number]
    crops = FrameCrops(own, length=gan.codec.ratio * drawn.shape[-1], batch_size=_COMPARED, seed=seed)
    real = gan.level.bands(crops.batch(0)[0])
    sides = to_sides(drawn)[:_COMPARED]  # lefts: a crop of frames is of one side too
    found, steps = gan.level.bands(gan.codec.decode(sides)), sides.transpose(1, 2)
    noise = gan.grain.noise(steps, torch.randn(*steps.shape[:2], gan.grain.size), torch.ones(steps.shape[:2]))
    strength = needed(real, found, noise)
    ceiling = gan.generator.ceiling(gan.vectors[number])[0]
    return strength, level_for(real, found + strength * noise, ceiling=ceiling, shares=gan.level.shares)
