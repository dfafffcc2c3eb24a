"""Training a recurrent model: each form learns, goes on where it was stopped, and what is unfinished is refused."""

import dataclasses
import signal

import pytest
import torch

from liveseq.errors import ModelError
from liveseq.train import checkpoint
from liveseq.train.sound.config import SoundTrainConfig
from liveseq.train.sound.loop import TrainingStoppedError
from liveseq.train.sound.recurrent import training
from liveseq.train.sound.recurrent.blocks.recipe import BlocksRecipe
from liveseq.train.sound.recurrent.sample.recipe import SampleRecipe
from liveseq.train.sound.saved import load_recipe, load_vocoder
from tests.train.sound.recurrent.tiny_recurrent import about, library, parts

CONFIG = SoundTrainConfig(steps=40, save_every=20, n_held_out=1, ema=0.9, accelerator="cpu")
LEARNED = {
    "gan": ("energy", 1.25),  # 1.37 at the start
    "blocks": ("score", 1.17),  # 1.24
    "sample": ("score", 0.95),  # 1.37
    "original blocks": ("score", 1.903),  # 1.907
    "original sample": ("score", 0.05),  # 0.14
}


def _train(form, out, config=CONFIG, *, resume=False):
    train = parts(form).train
    return train(library(form), out, about(form), config=config, resume=resume, wandb=False)


@pytest.mark.parametrize("form", LEARNED)
def test_a_training_learns_and_is_born_in_what_it_learned_from(form, tmp_path):
    metrics = _train(form, tmp_path)
    name, bound = LEARNED[form]
    assert metrics["batches"] == 40
    assert metrics[name] < bound
    recipe, _ = load_recipe(tmp_path)
    table = recipe.generator.births.table
    assert table.flatten(2).any(dim=2).all(), "each tag has its births"
    kept, _ = checkpoint.load_tensors(tmp_path / checkpoint.CHECKPOINT)
    halves = {name for name, tensor in kept.items() if tensor.dtype == torch.float16}
    assert halves == {f"generator.{name}" for name, _ in recipe.generator.named_parameters()}


def test_the_original_gan_learns_against_its_critic(tmp_path):
    metrics = _train("original gan", tmp_path, dataclasses.replace(CONFIG, steps=4, save_every=2))
    assert {"level", "real_level"} <= metrics.keys()
    assert metrics["batches"] == 4


@pytest.mark.parametrize(("form", "recipe"), [("blocks", BlocksRecipe), ("sample", SampleRecipe)])
def test_what_was_stopped_goes_on_to_the_same_numbers_with_its_history(form, recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "finish", lambda *_, seed: None)
    config = dataclasses.replace(CONFIG, steps=8, save_every=4)
    whole = _train(form, tmp_path / "whole", config)
    learn = recipe.train_step

    def stopped(self, fabric, batch, number):
        if number == 5:
            signal.raise_signal(signal.SIGINT)
        return learn(self, fabric, batch, number)

    monkeypatch.setattr(recipe, "train_step", stopped)
    with pytest.raises(TrainingStoppedError, match="go on with --resume"):
        _train(form, tmp_path / "cut", config)
    before = {path.name for path in (tmp_path / "cut" / "tensorboard").iterdir()}
    monkeypatch.setattr(recipe, "train_step", learn)
    metrics = _train(form, tmp_path / "cut", config, resume=True)
    assert metrics["score"] == whole["score"]
    after = {path.name for path in (tmp_path / "cut" / "tensorboard").iterdir()}
    assert before < after, "curves go on beside those that were there"


def test_what_was_killed_is_refused_until_it_has_gone_on(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "finish", lambda *_, seed: None)
    config = dataclasses.replace(CONFIG, steps=2, save_every=1)
    for form in ("blocks", "sample"):
        _train(form, tmp_path / form, config)
        with pytest.raises(ModelError, match=r"did not come to its end.* go on .*--resume"):
            parts(form).step_graph(load_recipe(tmp_path / form)[0], load_vocoder)
