"""Saved models: loaded as they were, refused where they do not fit."""

import numpy as np
import pytest
import torch

from liveseq.errors import TrainingError
from liveseq.train import checkpoint
from liveseq.train.sound.saved import load_vocoder
from liveseq.train.sound.vocoders.vocoder import Vocoder
from liveseq.train.sound.vocoders.vocos.recipe import build
from tests.train.sound.vocoders.vocos.tiny_vocos import MODEL, SMALL


def saved(folder, *, family="vocoder"):
    recipe = build({"model": MODEL}, None)
    folder.mkdir()
    checkpoint.save_yaml(folder / checkpoint.CONFIG, {"family": family, "model": MODEL})
    tensors = {f"vocoder.{name}": tensor for name, tensor in recipe.vocoder.state_dict().items()}
    checkpoint.save_tensors(folder / checkpoint.CHECKPOINT, tensors, about={})
    return recipe


@torch.no_grad()
def test_a_trained_one_is_loaded_as_it_was(tmp_path):
    own = saved(tmp_path / "v").vocoder.eval()
    found = load_vocoder(tmp_path / "v")
    assert isinstance(found, Vocoder)
    assert found.front_end == SMALL
    frames = torch.randn(1, 40, 8)
    np.testing.assert_array_equal(found(frames), own(frames))


def test_what_does_not_fit_is_told(tmp_path):
    saved(tmp_path / "v")
    config = checkpoint.load_yaml(tmp_path / "v" / checkpoint.CONFIG)
    config["model"]["net"]["width"] = 24
    checkpoint.save_yaml(tmp_path / "v" / checkpoint.CONFIG, config)
    with pytest.raises(TrainingError, match="does not fit"):
        load_vocoder(tmp_path / "v")
