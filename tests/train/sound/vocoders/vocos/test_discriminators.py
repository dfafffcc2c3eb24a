"""The discriminators: features of each layer of each part."""

import torch

from liveseq.train.sound.vocoders.vocos.discriminators import MultiPeriodDiscriminator, MultiResolutionDiscriminator


def test_discriminators_hear_each_layer_of_each_part():
    noise = 0.1 * torch.randn(2, 8192, generator=torch.Generator().manual_seed(0))
    for judges, n_parts, n_layers in ((MultiResolutionDiscriminator(2), 3, 6), (MultiPeriodDiscriminator(1), 5, 6)):
        heard = judges(noise)
        assert [len(part) for part in heard] == [n_layers] * n_parts
        assert all(part[-1].shape[:2] == (2, 1) for part in heard)
