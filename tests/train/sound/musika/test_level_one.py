"""A learned level 1: one frame at a time, and it learns."""

import numpy as np
import torch

from liveseq.train.sound.musika.level_one import LevelRecipe, PointwiseLevel
from tests.train.sound.musika.tiny_musika import FRONT_END


def test_a_learned_level_1_sees_one_frame_at_a_time_and_learns():
    from lightning_fabric import Fabric

    torch.manual_seed(0)
    level = PointwiseLevel(FRONT_END, depth=4, width=8)
    y = torch.randn(2, 8 * 512)
    other = y.clone()
    other[:, 4 * 512 :] = 0.0
    frames, changed = level.encode(y), level.encode(other)
    assert frames.shape == (2, 4, 8)
    torch.testing.assert_close(frames[..., :4], changed[..., :4])
    np.testing.assert_allclose(level.frames(y.numpy()), frames.detach().numpy(), atol=1e-6)
    recipe = LevelRecipe(level)
    recipe.set_up(Fabric(accelerator="cpu", devices=1))
    batch = torch.stack((y, y), dim=1), torch.zeros(2, dtype=torch.int64)
    fabric = Fabric(accelerator="cpu", devices=1)
    losses = [float(recipe.train_step(fabric, batch, 1000)["bands"]) for _ in range(20)]
    assert losses[-1] < 0.95 * losses[0]
    assert recipe.score([batch])["score"] < losses[-1]
