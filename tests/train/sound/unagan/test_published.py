"""The published networks: their sizes and shapes."""

import torch

from liveseq.train.sound.unagan.published import (
    FlatGenerator,
    PublishedDiscriminator,
    PublishedEncoder,
    PublishedGenerator,
)


def count(net):
    return sum(p.numel() for p in net.parameters())


def test_published_sizes():
    assert round(count(PublishedGenerator()) / 1e6, 2) == 24.48
    assert round(count(FlatGenerator()) / 1e6, 2) == 6.86
    assert round(count(PublishedDiscriminator()) / 1e6, 2) == 4.27
    assert round(count(PublishedEncoder()) / 1e6, 2) == 4.18


def test_published_shapes():
    mel = PublishedGenerator(width=16)(torch.zeros(1, 20, 3))
    assert mel.shape == (1, 80, 48)
    assert PublishedDiscriminator(width=16)(mel).shape == mel.shape
    assert PublishedEncoder(width=16)(mel).shape == (1, 20, 3)
    assert FlatGenerator(width=16)(torch.zeros(1, 20, 9)).shape == (1, 80, 9)


def test_two_births_of_the_published_generator_differ():
    net = PublishedGenerator(width=16)
    z = torch.zeros(1, 20, 3)
    assert not torch.equal(net(z), net(z))
