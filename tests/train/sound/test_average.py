"""The running average of weights."""

import pytest
import torch
from torch import nn

from liveseq.train.sound.average import Average


def test_the_average_follows_quickly_at_first_and_steps_aside():
    net = nn.Linear(1, 1, bias=False)
    nn.init.constant_(net.weight, 0.0)
    average = Average({"net": net}, decay=0.5)
    with torch.no_grad():
        net.weight.fill_(1.0)
    average.follow(0)
    with average.in_place():
        assert net.weight.item() == pytest.approx(0.9)  # 1 of 10 is kept
    assert net.weight.item() == 1.0
    average.follow(100)
    assert average.tensors()["net.weight"].item() == pytest.approx(0.95)
