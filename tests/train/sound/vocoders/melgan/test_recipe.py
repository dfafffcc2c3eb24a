"""Both trainings of MelGAN: they learn, in fewer digits too, by the published losses."""

import copy

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from liveseq.train.sound.vocoders.melgan.discriminators import (
    discriminator_loss,
    feature_matching_loss,
    generator_loss,
)
from liveseq.train.sound.vocoders.melgan.family import PRESETS
from liveseq.train.sound.vocoders.melgan.recipe import MelGanRecipe, build
from tests.train.sound.vocoders.melgan.tiny_melgan import MULTIBAND, tones


def test_the_small_training_learns_and_then_is_judged():
    torch.manual_seed(0)
    recipe = build({"model": MULTIBAND})
    fabric = Fabric(accelerator="cpu", devices=1)
    recipe.set_up(fabric)
    batch = tones(8192)
    before = recipe.score([batch])["score"]
    losses = [recipe.train_step(fabric, batch, number) for number in range(30)]
    assert set(losses[0]) == {"spectral", "mel"}
    assert losses[-1]["mel"] < 0.85 * losses[0]["mel"]
    assert recipe.score([batch])["score"] < before
    assert [name for name, _, _ in recipe.listen()] == ["made", "real"]
    recipe.progress = 0.6
    judged = recipe.train_step(fabric, batch, 30)
    assert set(judged) == {"spectral", "mel", "judges", "matching", "fooling"}


def test_the_published_training_has_no_spectral_loss_and_both_sides_move():
    torch.manual_seed(0)
    model = PRESETS["full"]["model"]
    model = model | {"sizes": model["sizes"] | {"base": 2}, "judge": {"base": 4, "most": 16}}
    recipe = build({"model": model})
    fabric = Fabric(accelerator="cpu", devices=1)
    recipe.set_up(fabric)
    sides = (recipe.generator, recipe.judges)
    before = [[p.detach().clone() for p in side.parameters()] for side in sides]
    losses = recipe.train_step(fabric, tones(8192), 0)
    assert set(losses) == {"judges", "matching", "fooling"}
    assert float(losses["judges"].detach()) == pytest.approx(6.0, abs=1.0)  # 2 for each scale that cannot tell yet
    for side, old in zip(sides, before, strict=True):
        moved = [not torch.equal(a, b) for a, b in zip(side.parameters(), old, strict=True)]
        assert np.mean(moved) > 0.9  # the verdict's bias does not: real and made pull at it alike
    assert recipe.averaged() == ()


@pytest.mark.parametrize("net", ["multiband", "published"])
def test_fewer_digits_in_the_networks_are_all_digits_in_bank_and_losses(net):
    torch.manual_seed(0)
    model = PRESETS["full"]["model"]
    small = model | {"sizes": model["sizes"] | {"base": 2}, "judge": {"base": 4, "most": 16}}
    recipe = build({"model": MULTIBAND | {"judge_from": 0.0} if net == "multiband" else small})
    full = {name: float(loss) for name, loss in one_step(copy.deepcopy(recipe), "32-true").items()}
    losses = one_step(recipe, "bf16-mixed")
    assert losses.keys() == full.keys()
    for name, loss in losses.items():
        assert loss.dtype == torch.float32
        # rounding errors are the noise that log mels hear between tones
        assert float(loss) == pytest.approx(full[name], rel=0.15), name


def one_step(recipe: MelGanRecipe, precision: str) -> dict[str, torch.Tensor]:
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
    recipe.set_up(fabric)
    losses = recipe.train_step(fabric, tones(8192), 0)
    return {name: torch.as_tensor(loss).detach() for name, loss in losses.items()}


def test_weights_of_the_published_losses():
    real = [[torch.zeros(1, 4, 8)] * 6 + [torch.full((1, 1, 8), 0.5)]] * 3
    made = [[torch.ones(1, 4, 8)] * 6 + [torch.full((1, 1, 8), -2.0)]] * 3
    assert float(feature_matching_loss(real, made)) == pytest.approx(6 * 0.8)
    assert float(discriminator_loss(real, made)) == pytest.approx(3 * 0.5)
    assert float(generator_loss(made)) == pytest.approx(3 * 2.0)
