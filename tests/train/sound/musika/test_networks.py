"""The networks of musika: the published sizes, and windows of other lengths."""

import pytest
import torch

from liveseq.train.sound.musika.coordinates import Windows, joined
from liveseq.train.sound.musika.networks import N_NOISE, Critic, Generator


def test_at_the_published_size_the_networks_have_the_published_parameters():
    generator = Generator(base=128, length=128, depth=128)
    critic = Critic(base=128, length=256, depth=128)
    # the noise has a size for each channel here, where Musika has one for each layer: 23 k more
    assert sum(p.numel() for p in generator.parameters()) / 1e6 == pytest.approx(15.50, abs=0.03)
    assert round(sum(p.numel() for p in critic.parameters()) / 1e6, 2) == 20.79


@pytest.mark.parametrize("length", [16, 32, 64, 128])
def test_windows_of_other_lengths_have_networks_too(length):
    windows = Windows(length=length, overlap=length // 4, per_anchor=3)
    made = Generator(base=2, length=length, depth=6)(
        torch.randn(2, 64, length), torch.randn(2, 64), torch.randn(2, N_NOISE, length)
    )
    assert made.shape == (2, 6, length)
    pair = joined(made, made, windows.overlap)
    assert pair.shape == (2, 6, 2 * windows.stride)
    assert Critic(base=2, length=2 * windows.stride, depth=6)(pair).shape == (2,)
