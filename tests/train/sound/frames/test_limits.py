"""Limits: nothing is louder or stranger than the recordings of its tag."""

import torch

from liveseq.train.sound.frames.codec import Codec
from liveseq.train.sound.frames.limits import Limits


def test_nothing_is_louder_or_stranger_than_the_recordings_of_its_tag(tracks):
    codec, limits = Codec(128, z_size=6, per_step=16), Limits(n_tags=2, z_size=6, n_mels=128, per_step=16)
    codec.learn(tracks, seed=1)
    limits.learn(lambda mel: codec.encode(codec.scored(mel)), tracks)
    near = torch.eye(2)[None, 1:]  # (1, 1, 2): techno
    least, largest = limits.latents(near)
    assert (least < largest).all()
    assert float(limits.levelled(torch.full((1, 128, 16), 9.0), near).max()) <= float(tracks[1].mel.max())
    quiet = torch.full((1, 128, 16), -4.9)
    assert torch.equal(limits.levelled(quiet, near), quiet)
    limits.learn_gain(1, real=quiet + 0.3, drawn=quiet)
    torch.testing.assert_close(limits.levelled(quiet, near), quiet + 0.3)
    limits.learn_gain(1, real=quiet + 3.0, drawn=quiet)
    assert float(limits.gains[1]) == 0.5, "no noise is made loud"
