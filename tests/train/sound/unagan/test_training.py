"""Training unagan: it learns, and where it is killed or stopped it can go on."""

import dataclasses
import signal

import pytest

from liveseq.dsp.mel import PRESETS as FRONT_ENDS
from liveseq.errors import ModelError
from liveseq.train import checkpoint
from liveseq.train.sound.config import SoundTrainConfig
from liveseq.train.sound.families import FAMILIES
from liveseq.train.sound.loop import TrainingStoppedError
from liveseq.train.sound.material.library import Library
from liveseq.train.sound.saved import load_recipe, load_vocoder
from liveseq.train.sound.unagan.family import PRESETS
from liveseq.train.sound.unagan.graph import step_graph
from liveseq.train.sound.unagan.recipe import StreamingRecipe
from liveseq.train.sound.unagan.training import train_unagan
from tests.train.sound.clicks import clicks_library
from tests.train.sound.unagan.tiny_unagan import TINY


@pytest.mark.parametrize("name", ["small", "full", "hc", "h", "nh"])
def test_presets_are_whole(name):
    preset = FAMILIES["unagan"].preset(name)
    SoundTrainConfig(**preset["train"])
    assert preset["model"]["front_end"] in FRONT_ENDS
    assert FRONT_ENDS[preset["model"]["front_end"]].sample_rate == preset["sample_rate"]


def _about(model, crops):
    return {"family": "unagan", "model": model, "crops": crops, "tags": ["bd", "techno"], "fingerprint": "x"}


@pytest.mark.parametrize("objective", ["hinge", "began"])
def test_a_training_learns(recordings, tmp_path, objective):
    about = _about(TINY | {"objective": objective}, {"n_steps": 8, "batch_size": 2})
    config = SoundTrainConfig(steps=24, save_every=12, n_held_out=1, accelerator="cpu")
    metrics = train_unagan(clicks_library(recordings), tmp_path, about, config=config, resume=False, wandb=False)
    assert metrics["mel"] < 0.5  # 0.8 is what the mean of each band would have
    assert metrics["batches"] == 24
    kept, _ = checkpoint.load_tensors(tmp_path / checkpoint.CHECKPOINT)
    assert float(kept["generator.grain.scale"]) > 0.0, "the grain is learned when the decoder is"
    assert (tmp_path / "checkpoint.safetensors").is_file()


def _ends_at_batch_5(monkeypatch, how):
    learn = StreamingRecipe.train_step

    def ended(self, fabric, batch, number):
        if number == 5:
            how()
        return learn(self, fabric, batch, number)

    monkeypatch.setattr(StreamingRecipe, "train_step", ended)
    config = SoundTrainConfig(steps=24, save_every=4, n_held_out=1, accelerator="cpu")
    return _about(TINY | {"front_end": "notes48"}, {"n_steps": 8, "batch_size": 2}) | {
        "vocoder": "models/vocoder"
    }, config


def test_what_was_killed_is_no_dull_quiet_model_but_refused_until_it_has_gone_on(recordings, tmp_path, monkeypatch):
    def kill():
        raise KeyboardInterrupt

    about, config = _ends_at_batch_5(monkeypatch, kill)
    with pytest.raises(KeyboardInterrupt):
        train_unagan(clicks_library(recordings), tmp_path, about, config=config, resume=False, wandb=False)
    with pytest.raises(ModelError, match=r"where grain and loudness are learned; go on .* --resume --steps 1"):
        step_graph(load_recipe(tmp_path)[0], load_vocoder)
    last = dataclasses.replace(config, steps=1)
    metrics = train_unagan(clicks_library(recordings), tmp_path, about, config=last, resume=True, wandb=False)
    assert metrics["batches"] == 4
    assert step_graph(load_recipe(tmp_path)[0], load_vocoder).generator.grain.scale > 0.0
    assert checkpoint.load_yaml(tmp_path / checkpoint.CONFIG)["train"]["steps"] == 24, "it can go on all the same"


def test_what_was_stopped_plays_as_far_as_it_came(recordings, tmp_path, monkeypatch):
    about, config = _ends_at_batch_5(monkeypatch, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(TrainingStoppedError, match="go on with --resume"):
        train_unagan(clicks_library(recordings), tmp_path, about, config=config, resume=False, wandb=False)
    assert step_graph(load_recipe(tmp_path)[0], load_vocoder).generator.grain.scale > 0.0


@pytest.mark.parametrize("variant", ["hc", "nh"])
def test_a_published_variant_takes_a_step(recordings, tmp_path, variant):
    small = PRESETS[variant]["model"] | {"critic_width": 16}
    library = Library(
        train=recordings[:1],
        held_out=recordings[:1],
        tags=("techno",),
        sample_rate=44_100,
        description="clicks",
        notes=(),
        fingerprint="x",
    )
    about = _about(small, {"n_steps": 16, "batch_size": 2}) | {"tags": ["techno"]}
    config = SoundTrainConfig(steps=2, save_every=2, n_held_out=1, accelerator="cpu")
    metrics = train_unagan(library, tmp_path, about, config=config, resume=False, wandb=False)
    assert metrics["score"] > 0
