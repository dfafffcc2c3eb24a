"""An untrained vocoder."""

import pytest
import torch

from liveseq.train.sound.vocoders.vocos.networks import VocosVocoder
from tests.train.sound.vocoders.vocos.tiny_vocos import NET, SMALL


@pytest.fixture
def vocoder():
    torch.manual_seed(0)
    net = VocosVocoder(SMALL, **NET).eval()
    for register in net.registers:  # untrained, they would leave all clocks at their centre
        torch.nn.init.normal_(register.partials.net[-1].weight, std=0.3)
    return net
