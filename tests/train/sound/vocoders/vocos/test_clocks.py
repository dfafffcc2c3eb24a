"""Clocks of partials: they learn frequencies between bins, and random phases are the same in steps."""

import math
from dataclasses import replace

import numpy as np
import torch

from liveseq.train.sound.streaming import Tape
from liveseq.train.sound.vocoders.vocos import clocks
from tests.train.sound.vocoders.vocos.tiny_vocos import SMALL


def test_partials_learn_the_frequency_between_two_bins():
    """A tone's place between the centres of bins is told by the levels of the bands around it."""
    torch.manual_seed(0)
    filters = replace(SMALL, n_fft=512).filterbank()
    known = np.flatnonzero(filters.any(axis=1))
    centres = np.array([np.average(np.arange(257), weights=filters[band]) for band in known])
    net = clocks.Partials(known, centres, bins=np.arange(32), n_mels=40, width=16)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    bins = torch.arange(513.0)
    for _ in range(60):
        place = 4 + 20 * torch.rand(64)  # in bins
        lobe = torch.exp(-0.5 * (bins[:257] - place[:, None]).square() / 0.6)
        near = (lobe @ torch.from_numpy(filters.copy()).T + 1e-5).log10()[..., None].expand(-1, -1, 3)
        clock = net(near)[2]
        nearest = place.round().long()
        found = clock[torch.arange(64), 0, :, nearest]
        angle = 2 * math.pi / 4 * (place - nearest)  # a hop is a quarter of a window
        agreement = found[:, 0] * angle.cos() + found[:, 1] * angle.sin()
        optimizer.zero_grad()
        (1 - agreement).mean().backward()
        optimizer.step()
    assert float(agreement.detach().mean()) > 0.985  # 0.94 where it stays at the centre


def test_random_phases_do_not_repeat_and_are_the_same_in_steps():
    like = torch.zeros(1, 100, 1)
    whole = clocks.random_phases(257, like, None)[0]
    np.testing.assert_allclose(whole.square().sum(dim=1), 1.0, atol=1e-5)
    flat = whole.transpose(1, 2).flatten(1)
    correlation = (flat[1:] @ flat[1:].T / 257).fill_diagonal_(0.0)
    assert float(correlation.abs().max()) < 0.35
    tape = Tape(torch.tensor([40.0]))
    np.testing.assert_allclose(clocks.random_phases(257, like[:, :60], tape)[0], whole[40:], atol=1e-5)


def test_the_nll_is_least_where_the_concentration_is_right():
    trust = torch.tensor([0.01, 1.0, 10.0, 100.0])
    sure, unsure = clocks.von_mises_nll(trust, trust), clocks.von_mises_nll(0.0 * trust, trust)
    assert sure.argmin() == 3
    assert unsure.argmin() == 0
