"""Grain of Musika: the movement of frames that the latents do not hold. Its strength is in `Settling`."""

from collections.abc import Sequence

import torch

from liveseq.train.sound.grain import Grain
from liveseq.train.sound.musika.codec import Codec
from liveseq.train.sound.musika.level_one import Level
from liveseq.train.sound.musika.tracks import Track

_LATENTS = 250
"""Latents of each tag and side that it is learned from: 21 s at 48 kHz."""


@torch.no_grad()
def learn_grain(grain: Grain, tracks: Sequence[Track], *, codec: Codec, level: Level, seed: int) -> None:
    """Fit a grain to the movement that the autoencoder leaves out of frames, every tag counting alike.

    tracks: of frames (2, C, n_frames).
    """
    random = torch.Generator().manual_seed(seed)
    steps, lefts, pairs = [], [], []
    for tag in sorted({track.tag for track in tracks}):
        own = [torch.from_numpy(track.values).float() for track in tracks if track.tag == tag]
        frames = torch.cat(own, dim=-1)[..., : _LATENTS * codec.ratio]
        latents = codec.encode(frames)
        pairs.append((level.bands(frames), level.bands(codec.decode(latents))))
        left = (pairs[-1][0] - pairs[-1][1]).unflatten(-1, (-1, codec.ratio))  # (2, n_mels, S, ratio)
        steps.append(latents.transpose(1, 2))
        lefts.append(left.permute(0, 2, 3, 1).flatten(0, 1))
    grain.fit(torch.cat([step.flatten(0, 1) for step in steps]), torch.cat(lefts))
    normals = [torch.randn(2, step.shape[1], grain.size, generator=random) for step in steps]
    noises = [grain.noise(s, n, torch.ones(2, s.shape[1])) for s, n in zip(steps, normals, strict=True)]
    reals, smooths = zip(*pairs, strict=True)
    grain.tune(torch.cat(reals, dim=-1), torch.cat(smooths, dim=-1), torch.cat(noises, dim=-1))
