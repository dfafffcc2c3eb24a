"""The grain of a tag: it moves as much as what did not come back, and streams."""

import numpy as np
import torch

from liveseq.train.sound.frames.codec import Codec
from liveseq.train.sound.frames.grain import Reconstruction, TagGrain
from liveseq.train.sound.streaming import Tape


def test_grain_moves_as_much_as_what_did_not_come_back_and_streams(tracks):
    codec, grain = Codec(128, z_size=6, per_step=16), TagGrain(128, z_size=6, n_tags=2, n_frames=16)
    codec.learn(tracks, seed=1)
    torch.manual_seed(0)
    mel = codec.scored(torch.from_numpy(tracks[1].mel[:512].astype(np.float32).T)[None])
    latent = codec.encode(mel)
    decoded, width = codec.draft(latent), codec.deviation[:, None]
    grain.learn([Reconstruction(tag=1, latent=latent, mel=mel, decoded=decoded)], width=width, seed=2)
    noise = torch.randn(1, 32, grain.size)
    near = torch.eye(2)[1].expand(1, 32, 2)
    moved = grain(latent, noise, near)
    places = (torch.arange(128) + 0.5) / 128
    waves = torch.stack([torch.cos(torch.pi * order * places) for order in range(4, 13)])
    steps = [((waves @ (x[0] * width)).diff(dim=-1) ** 2).mean() for x in (mel, decoded, moved)]
    assert steps[0] > 1.05 * steps[1], "there is nothing to add"
    assert 0.8 < float((steps[1] + steps[2]) / steps[0]) < 1.2
    tape = Tape()
    first = grain(latent[:, :5], noise[:, :5], near[:, :5], tape)
    second = grain(latent[:, 5:], noise[:, 5:], near[:, 5:], Tape(tape.left()))
    torch.testing.assert_close(torch.cat((first, second), dim=-1), moved, atol=1e-5, rtol=0)
