"""Training musika: a run to a whole model in stages, killed, stopped, and gone on with."""

import dataclasses
import signal

import pytest
import torch

from liveseq.errors import ModelError, TrainingError
from liveseq.train import checkpoint
from liveseq.train.report import WHOLE_BOUND
from liveseq.train.sound.config import SoundTrainConfig
from liveseq.train.sound.export import difference_from_whole
from liveseq.train.sound.loop import TrainingStoppedError, train_recipe
from liveseq.train.sound.musika import training
from liveseq.train.sound.musika.family import PRESETS
from liveseq.train.sound.musika.graph import step_graph
from liveseq.train.sound.musika.recipe import LatentGan, build
from liveseq.train.sound.musika.training import train_musika
from liveseq.train.sound.saved import load_recipe, load_vocoder
from tests.train.sound.musika.tiny_musika import FRONT_END, TINY, about, library

REGISTERS = [[2048, 24_000.0]]


def with_level_1():
    net = {
        "width": 8,
        "n_blocks": 1,
        "expansion": 2,
        "registers": REGISTERS,
        "clock_hz": 1000.0,
        "clock_width": 8,
        "look_ahead": 2,
    }
    end = dataclasses.asdict(FRONT_END) | {"n_mels": 24}
    vocoder = {
        "front_end": end,
        "net": net,
        "learning_rate": 1e-3,
        "judge": {"width": 2, "period_width": 2},
        "judge_from": 0.5,
    }
    told = about(front_end=end, level={"depth": 6, "width": 16}, vocoder=vocoder)
    told["crops"] = TINY["crops"] | {"audio": {"n_samples": 12_288, "batch_size": 2, "balance": "seconds"}}
    return told


def test_a_killed_training_goes_on_where_it_was(tmp_path):
    config = SoundTrainConfig(steps=4, save_every=2, n_held_out=1, accelerator="cpu")
    half = dataclasses.replace(config, steps=2)
    train_musika(library(), tmp_path, about(), config=half, resume=False, wandb=False)
    for place in (tmp_path, tmp_path / "autoencoder"):
        (place / checkpoint.METRICS).unlink()
    metrics = train_musika(library(), tmp_path, about(), config=config, resume=True, wandb=False)
    assert metrics["batches"] == metrics["autoencoder"]["batches"] == 4
    recipe, told = load_recipe(tmp_path)
    assert isinstance(recipe, LatentGan)
    assert told["tags"] == ["drone", "techno"]
    assert float(recipe.settling.offset.bias.detach().abs().sum()) > 0.0, "what is learned last is kept too"
    assert float(recipe.settling.grain.bias.detach()) > 0.0
    with torch.no_grad():
        highest = 10.0 * recipe.generator.ceiling(recipe.generator.tempi.tags)
    assert highest.flatten().tolist() == pytest.approx([-16.5, -16.5], abs=2.0), "LUFS of the noise"


@pytest.mark.parametrize("settings", [about(), with_level_1()], ids=["mel bands", "a level 1 of its own"])
def test_a_seed_is_a_model(tmp_path, settings):
    config = SoundTrainConfig(steps=1, save_every=1, n_held_out=1, accelerator="cpu")
    kept = []
    for name in ("one", "two"):
        train_musika(library(), tmp_path / name, settings, config=config, resume=False, wandb=False)
        kept.append(checkpoint.load_tensors(tmp_path / name / checkpoint.CHECKPOINT)[0])
    for name, tensor in kept[0].items():
        torch.testing.assert_close(tensor, kept[1][name], rtol=0, atol=0, msg=name)


def test_a_stopped_training_is_settled_as_far_as_it_came(tmp_path, monkeypatch):
    learn = LatentGan.train_step

    def stopped(self, fabric, batch, number):
        if number == 2:
            signal.raise_signal(signal.SIGINT)
        return learn(self, fabric, batch, number)

    monkeypatch.setattr(LatentGan, "train_step", stopped)
    config = SoundTrainConfig(steps=4, save_every=2, n_held_out=1, accelerator="cpu")
    with pytest.raises(TrainingStoppedError, match="stopped at batch 3"):
        train_musika(library(), tmp_path, about(), config=config, resume=False, wandb=False)
    assert load_recipe(tmp_path)[0].settling.offset.bias.any()
    last = dataclasses.replace(config, steps=1)
    assert train_musika(library(), tmp_path, about(), config=last, resume=True, wandb=False)["batches"] == 3
    assert checkpoint.load_yaml(tmp_path / checkpoint.CONFIG)["train"]["steps"] == 4


@pytest.mark.parametrize("asked", [None, "32"])
def test_stages_before_the_last_learn_in_fewer_digits_unless_all_are_asked_for(tmp_path, monkeypatch, asked):
    seen = {}

    def spied(recipe, *given, config, **settings):
        seen[type(recipe).__name__] = config.precision
        return train_recipe(recipe, *given, config=config, **settings)

    monkeypatch.setattr(training, "train_recipe", spied)
    config = SoundTrainConfig(steps=1, save_every=1, n_held_out=1, accelerator="cpu", precision=asked)
    train_musika(library(), tmp_path, about(), config=config, resume=False, wandb=False)
    assert seen == {"Autoencoder": asked or "bf16-mixed", "LatentGan": asked}


def test_no_preset_asks_for_fewer_digits_since_the_last_stage_needs_them_all():
    assert [SoundTrainConfig(**preset["train"]).precision for preset in PRESETS.values()] == [None, None]


def test_what_goes_on_has_all_its_minutes_counts_its_nans_and_learns_from_the_same(tmp_path):
    config = SoundTrainConfig(steps=1, save_every=1, n_held_out=1, accelerator="cpu", minutes=10.0)
    train_musika(library(), tmp_path, about(), config=config, resume=False, wandb=False)
    path = tmp_path / checkpoint.CONFIG
    told = checkpoint.load_yaml(path)
    assert told["train"]["minutes"] == 10.0, "not the share of the last stage: it would shrink each time"
    checkpoint.save_yaml(path, told | {"stumbles": 2})
    train_musika(library(), tmp_path, about(), config=config, resume=True, wandb=False)
    assert checkpoint.load_yaml(path)["stumbles"] == 2
    with pytest.raises(TrainingError, match="began on other recordings"):
        train_musika(library(), tmp_path, about() | {"fingerprint": "g"}, config=config, resume=True, wandb=False)
    assert checkpoint.load_yaml(path)["fingerprint"] == "f"


def test_with_a_level_1_of_its_own_a_training_makes_all_that_a_stream_needs(tmp_path):
    config = SoundTrainConfig(steps=1, save_every=1, n_held_out=1, accelerator="cpu")
    metrics = train_musika(library(), tmp_path, with_level_1(), config=config, resume=False, wandb=False)
    assert {"vocoder", "level", "autoencoder"} <= metrics.keys()
    graph = step_graph(load_recipe(tmp_path)[0], load_vocoder)
    assert graph.look_ahead == 2560
    assert difference_from_whole(graph, n_steps=2) <= WHOLE_BOUND


@pytest.mark.parametrize("own_level", [False, True])
def test_what_learned_on_another_device_is_not_asked_for_latents_and_grain(tmp_path, monkeypatch, own_level):
    """On `meta`, which refuses to work with tensors of the CPU, stays what `train_recipe` leaves on a graphics card."""

    def leaves_it_there(recipe, *given, **settings):
        metrics = train_recipe(recipe, *given, **settings)
        recipe.to("meta")
        return metrics

    monkeypatch.setattr(training, "train_recipe", leaves_it_there)
    config = SoundTrainConfig(steps=1, save_every=1, n_held_out=1, accelerator="cpu")
    told = with_level_1() if own_level else about()
    train_musika(library(), tmp_path, told, config=config, resume=False, wandb=False)
    recipe, _ = load_recipe(tmp_path)
    assert float(recipe.grain.scale) > 0.0
    kept, _ = checkpoint.load_tensors(tmp_path / "autoencoder" / checkpoint.CHECKPOINT)
    for name, tensor in checkpoint.unprefixed(kept, "codec.").items():
        assert torch.equal(recipe.codec.state_dict()[name], tensor), name


def test_what_was_stopped_is_refused_until_it_has_come_to_its_end():
    recipe = build(about(), library())
    with pytest.raises(ModelError, match=r"where grain and loudness are learned; go on .* --resume --steps 1"):
        step_graph(recipe, load_vocoder)
    recipe.settling.offset.bias.data.fill_(0.1)
    recipe.generator.ceiling.bias.data.fill_(1.2)  # of an older program, in another unit
    with pytest.raises(ModelError, match="--resume --steps 1"):
        step_graph(recipe, load_vocoder)
