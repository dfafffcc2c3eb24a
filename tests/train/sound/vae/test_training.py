"""Training the VAE: it learns, goes on where it was stopped, and what is unfinished is refused."""

import dataclasses
import signal

import pytest
import torch

from liveseq.errors import ModelError, TrainingError
from liveseq.train.sound.config import SoundTrainConfig
from liveseq.train.sound.loop import TrainingStoppedError
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.saved import load_recipe, load_vocoder
from liveseq.train.sound.vae import recipe as recipes
from liveseq.train.sound.vae import training
from liveseq.train.sound.vae.graph import step_graph
from liveseq.train.sound.vae.recipe import TilesRecipe, build
from liveseq.train.sound.vae.training import train_vae
from tests.train.sound.clicks import RATE
from tests.train.sound.vae.tiny_vae import TAGS, TINY

CONFIG = SoundTrainConfig(steps=60, save_every=30, n_held_out=1, ema=0.9, accelerator="cpu")


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    """The prior is started, and dead components are woken, within the batches of a test."""
    monkeypatch.setattr(recipes, "START", 10)
    monkeypatch.setattr(recipes, "RESEED_EVERY", 5)
    monkeypatch.setattr(recipes, "RECENT", 32)
    monkeypatch.setattr(recipes, "FIT_BATCHES", 4)


def _about(**model):
    return {
        "family": "vae",
        "model": TINY | model,
        "crops": {"batch_size": 4},
        "tags": list(TAGS),
        "vocoder": "models/vocoder",
        "fingerprint": "x",
    }


def _library(recordings):
    return Library(
        train=recordings,
        held_out=recordings[:1],
        tags=TAGS,
        sample_rate=RATE,
        description="clicks",
        notes=(),
        fingerprint="x",
    )


def _train(recordings, out, config=CONFIG, *, resume=False):
    return train_vae(_library(recordings), out, _about(), config=config, resume=resume, wandb=False)


def test_a_training_learns_a_prior_whose_components_are_the_tags(recordings, tmp_path):
    begun = _train(recordings, tmp_path / "begun", dataclasses.replace(CONFIG, steps=1, save_every=1))
    metrics = _train(recordings, tmp_path / "whole")
    assert metrics["batches"] == 60
    assert metrics["elbo"] > begun["elbo"] + 0.2
    assert metrics["mel"] < 0.85 * begun["mel"]
    assert 0.25 <= metrics["occupancy"] <= 1.0
    assert metrics["active"] > begun["active"], "the posterior does not collapse"
    generator = load_recipe(tmp_path / "whole")[0].generator
    assert float(generator.grain.scale) > 0.0, "the grain is learned when the rest is"
    shares = generator.prior.shares().detach()
    held = (shares / shares.sum(dim=0)).amax(dim=0)
    assert float((held * shares.mean(dim=0)).sum()) > 0.75, "what is one tag's is no other's"


def test_what_was_stopped_goes_on_to_the_same_numbers(recordings, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "finish", lambda *_, seed: None)
    config = dataclasses.replace(CONFIG, steps=24, save_every=12)
    whole = _train(recordings, tmp_path / "whole", config)
    learn = TilesRecipe.train_step

    def stopped(self, fabric, batch, number):
        if number == 16:
            signal.raise_signal(signal.SIGINT)
        return learn(self, fabric, batch, number)

    monkeypatch.setattr(TilesRecipe, "train_step", stopped)
    with pytest.raises(TrainingStoppedError, match="go on with --resume"):
        _train(recordings, tmp_path / "cut", config)
    monkeypatch.setattr(TilesRecipe, "train_step", learn)
    metrics = _train(recordings, tmp_path / "cut", config, resume=True)
    assert {name: metrics[name] for name in ("elbo", "apart", "smooth")} == {
        name: whole[name] for name in ("elbo", "apart", "smooth")
    }


def test_what_was_killed_is_refused_until_it_has_gone_on(recordings, tmp_path, monkeypatch):
    learn = TilesRecipe.train_step

    def killed(self, fabric, batch, number):
        if number == 5:
            raise KeyboardInterrupt
        return learn(self, fabric, batch, number)

    config = dataclasses.replace(CONFIG, save_every=4)
    monkeypatch.setattr(TilesRecipe, "train_step", killed)
    with pytest.raises(KeyboardInterrupt):
        _train(recordings, tmp_path, config)
    with pytest.raises(ModelError, match=r"where grain and loudness are learned; go on .* --resume --steps 1"):
        step_graph(load_recipe(tmp_path)[0], load_vocoder)
    _train(recordings, tmp_path, dataclasses.replace(config, steps=1), resume=True)
    recipe = load_recipe(tmp_path)[0]
    assert recipe.generator.grain.scale > 0.0
    assert recipe.generator.prior.started, "a training that was too short for it starts its prior at its end"


@pytest.mark.parametrize(("n_steps", "n_overlap"), [(20, 4), (16, 3), (16, 8)])
def test_tiles_that_do_not_fit_are_refused(n_steps, n_overlap):
    with pytest.raises(TrainingError, match=f"n_steps, n_overlap: expected .* found {n_steps} and {n_overlap}"):
        build(_about(n_steps=n_steps, n_overlap=n_overlap), None)


@torch.no_grad()
def test_devices_that_have_heard_other_tiles_have_one_prior(monkeypatch):
    recipe = build(_about(), None)
    said = []

    class First:
        world_size = 2

        def broadcast(self, tensor):
            said.append(tensor.shape)
            return torch.full_like(tensor, 0.5)

    recipe._start_prior(First(), 64)
    assert all((one == 0.5).all() for one in (*recipe.generator.prior.parameters(), recipe.used))
    assert len(said) == 4
