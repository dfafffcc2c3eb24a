"""The grain moves bands as much as what the autoencoder leaves out."""

import numpy as np
import torch

from liveseq.train.sound.grain import Grain, needed_strength
from liveseq.train.sound.musika.grain import learn_grain
from liveseq.train.sound.musika.level_one import MelLevel
from liveseq.train.sound.musika.tracks import Track
from tests.train.sound.musika.tiny_musika import DEPTH, FRONT_END


def test_the_grain_moves_bands_as_much_as_what_the_autoencoder_leaves_out(codec):
    torch.manual_seed(5)
    frames = (
        torch.randn(2, 6, 1600).cumsum(dim=-1) * 0.05
        + torch.randn(2, 6, 1600) * torch.tensor([0.02, 0.3])[:, None, None]
    )
    tracks = [Track(tag=number, values=np.stack((f, f)).astype(np.float16)) for number, f in enumerate(frames.numpy())]
    codec.begin_from(torch.cat([f.unfold(-1, 8, 8).transpose(0, 1) for f in frames]))
    grain = Grain(6, z_size=DEPTH, n_frames=codec.ratio)
    learn_grain(grain, tracks, codec=codec, level=MelLevel(FRONT_END), seed=1)
    with torch.no_grad():
        latents = codec.encode(torch.from_numpy(tracks[1].values).float())
        noise = torch.randn(2, latents.shape[-1], grain.size)
        moved = grain.noise(latents.transpose(1, 2), noise, torch.ones(2, latents.shape[-1]))
        found = codec.decode(latents)
        moved *= needed_strength(frames[1:].expand(2, -1, -1), found, moved)
    missing = frames[1].diff().square().mean() - found[0].diff().square().mean()
    assert 0.4 < float(moved[0].diff().square().mean() / missing) < 1.7
    assert moved[0].std() > 3 * 0.02
