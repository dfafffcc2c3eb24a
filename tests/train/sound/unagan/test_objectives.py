"""Adversaries: hinge tells real from generated, BEGAN balances."""

import torch

from liveseq.train.sound.unagan.objectives import Began, Hinge


def test_hinge_tells_apart_and_began_balances():
    torch.manual_seed(0)
    real, made, condition = torch.ones(2, 16, 32), -torch.ones(2, 16, 32), torch.randn(2, 5, 2)
    hinge = Hinge(16, width=4, n_conditions=5)
    optimizer = torch.optim.Adam(hinge.parameters(), lr=1e-2)
    for _ in range(10):
        optimizer.zero_grad()
        loss = hinge.critic_loss(real, made, condition, condition)
        loss.backward()
        optimizer.step()
    assert loss < 1.0
    unreal, unlike = hinge.generator_loss(real, real, condition, condition)
    assert unlike.abs() < 0.05
    assert unreal < 0
    began = Began(16, width=8, n_conditions=5)
    began.critic_loss(3 * real, 0 * made, condition, condition)
    assert 0.0 < float(began.balance) <= 1.0
