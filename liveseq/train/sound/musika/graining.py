"""What the autoencoder's latents do not tell of a frame, as noise: see `grain`. How strong it is, `Settling` says."""

from collections.abc import Sequence

import torch

from liveseq.train.sound.grain import Grain
from liveseq.train.sound.musika.codec import Codec
from liveseq.train.sound.musika.level_one import Level
from liveseq.train.sound.musika.pool import Take

_LATENTS = 250
"""Of each tag, and side: 21 s at 48 kHz."""


@torch.no_grad()
def learn_grain(grain: Grain, takes: Sequence[Take], *, codec: Codec, level: Level, seed: int) -> None:
    """Fit a grain to what the autoencoder leaves out of frames, every tag counting alike.

    takes: frames (2, C, n_frames).
    """
    chance = torch.Generator().manual_seed(seed)
    steps, lefts, pairs = [], [], []
    for tag in sorted({take.tag for take in takes}):
        own = [torch.from_numpy(take.values).float() for take in takes if take.tag == tag]
        frames = torch.cat(own, dim=-1)[..., : _LATENTS * codec.ratio]
        latents = codec.encode(frames)
        pairs.append((level.bands(frames), level.bands(codec.decode(latents))))
        left = (pairs[-1][0] - pairs[-1][1]).unflatten(-1, (-1, codec.ratio))  # (2, n_mels, S, ratio)
        steps.append(latents.transpose(1, 2))
        lefts.append(left.permute(0, 2, 3, 1).flatten(0, 1))
    grain.fit(torch.cat([step.flatten(0, 1) for step in steps]), torch.cat(lefts))
    chances = [torch.randn(2, step.shape[1], grain.size, generator=chance) for step in steps]
    noises = [grain.noise(s, c, torch.ones(2, s.shape[1])) for s, c in zip(steps, chances, strict=True)]
    reals, founds = zip(*pairs, strict=True)
    grain.tune(torch.cat(reals, dim=-1), torch.cat(founds, dim=-1), torch.cat(noises, dim=-1))
