"""A recipe: steps of one optimiser or several, and an opponent that holds still."""

import pytest
import torch
from torch import nn

from liveseq.train.devices import launch
from liveseq.train.sound.recipe import Recipe, frozen


class Two(Recipe):
    """y = b(a(x)), and an optimiser for each."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
        nn.init.constant_(self.a.weight, 2.0)
        nn.init.constant_(self.b.weight, 3.0)

    def optimizers(self):
        return {name: torch.optim.SGD(net.parameters(), lr=0.1) for name, net in (("a", self.a), ("b", self.b))}

    def weights(self):
        return self.a.weight.item(), self.b.weight.item()


@pytest.fixture
def fabric():
    return launch(accelerator="cpu", devices=1, precision="32")


@pytest.fixture
def two(fabric):
    recipe = Two()
    recipe.set_up(fabric)
    return recipe


def loss_of(recipe):
    return recipe.b(recipe.a(torch.ones(1, 1))).mean()


def test_one_of_two_learns(fabric, two):
    two.update(fabric, "a", loss_of(two))
    assert two.weights() == pytest.approx((2.0 - 0.1 * 3.0, 3.0))
    two.update(fabric, "b", loss_of(two))  # what the first loss left behind is not added
    assert two.weights() == pytest.approx((1.7, 3.0 - 0.1 * 1.7))


def test_both_learn_from_one_loss_each_no_faster_than_allowed(fabric, two):
    two.update(fabric, ("a", "b"), loss_of(two), max_norm=2.5)
    assert two.weights() == pytest.approx((2.0 - 0.1 * 2.5, 3.0 - 0.1 * 2.0))


def test_gradients_go_through_what_is_frozen_and_not_into_it(two):
    two.b.weight.requires_grad_(True)
    with frozen(two.b):
        loss_of(two).backward()
    assert two.a.weight.grad.item() == pytest.approx(3.0)
    assert two.b.weight.grad is None
    assert two.b.weight.requires_grad
