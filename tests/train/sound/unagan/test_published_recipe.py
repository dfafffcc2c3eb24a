"""The published UNAGAN's training: one loss for generator and encoder, the same on all devices."""

import pytest
import torch
from lightning_fabric import Fabric

from liveseq.train.sound import recipe as recipes
from liveseq.train.sound.unagan.family import PRESETS
from liveseq.train.sound.unagan.published_recipe import PublishedRecipe


@pytest.mark.parametrize(
    ("variant", "learning"), [("hc", ("generator", "encoder", "critic")), ("h", ("generator", "critic"))]
)
def test_whatever_learns_learns_from_what_all_devices_heard(variant, learning, monkeypatch):
    torch.manual_seed(0)
    recipe = PublishedRecipe(PRESETS[variant]["model"] | {"critic_width": 16})
    recipe.set_up(fabric := Fabric(accelerator="cpu", devices=1))
    before = {name: [p.detach().clone() for p in _weights(recipe, name)] for name in learning}
    averaged = []
    monkeypatch.setattr(recipes, "_average_gradients", lambda fabric, stepper: averaged.append(stepper))
    monkeypatch.setattr(Fabric, "world_size", 2)
    recipe.train_step(fabric, (torch.randn(2, 80, 128),), 0)
    assert averaged == [recipe.steppers[name] for name in learning]
    for name in learning:
        moved = [not torch.equal(a, b) for a, b in zip(before[name], _weights(recipe, name), strict=True)]
        assert sum(moved) > 0.5 * len(moved), name


def _weights(recipe, name):
    return [p for group in recipe.bare_optimizers()[name].param_groups for p in group["params"]]
