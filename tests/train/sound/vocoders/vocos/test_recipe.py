"""Training the default vocoder: it learns, and its discriminators come last."""

import math

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from liveseq.dsp import mel
from liveseq.train.sound.saved import load_vocoder
from liveseq.train.sound.vocoders.vocos import recipe as recipes
from liveseq.train.sound.vocoders.vocos.family import PRESETS
from liveseq.train.sound.vocoders.vocos.recipe import build, step_graph
from tests.train.sound.vocoders.vocos.tiny_vocos import MODEL, tones


def test_it_learns_and_its_discriminators_come_last(monkeypatch):
    monkeypatch.setattr(recipes, "WARM_UP", 5)
    torch.manual_seed(0)
    about = {"model": MODEL}
    recipe = build(about, None)
    fabric = Fabric(accelerator="cpu", devices=1)
    recipe.set_up(fabric)
    audio = tones(*np.linspace(200, 2000, 4), n_samples=8192)[:, None].expand(-1, 2, -1)
    first = recipe.train_step(fabric, (audio,), 0)
    for number in range(1, 25):
        last = recipe.train_step(fabric, (audio,), number)
    assert float(last["mel"].detach()) < 0.9 * float(first["mel"].detach())
    assert set(last) == {"mel", "spectral", "level", "partials"}
    recipe.progress = 0.6
    judged = recipe.train_step(fabric, (audio,), 25)
    assert float(judged["judges"].detach()) == pytest.approx(2.0, abs=1.0)
    assert all(math.isfinite(float(loss.detach())) for loss in judged.values())
    scores = recipe.eval().score([(audio,)])
    assert set(scores) == {"spectral", "mel"}
    assert [name for name, _, _ in recipe.listen()] == ["made", "real"]


@torch.no_grad()
def test_a_step_of_the_shipped_size_takes_16_frames():
    recipe = build({"model": PRESETS["small"]["model"]}, None)
    graph = step_graph(recipe.eval(), load_vocoder)
    assert graph.input_shapes() == {"mel": (16, 192)}
    assert recipe.vocoder.front_end == mel.PRESETS["notes48"]
    n_bytes = 4 * sum(p.numel() for p in recipe.vocoder.parameters())
    assert n_bytes < 15e6, "16 MB are for the graph with its constants"
