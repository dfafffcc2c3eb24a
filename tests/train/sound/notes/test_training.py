"""Training notes: it learns, goes on where it was stopped, and what is unfinished is refused."""

import dataclasses
import signal

import pytest
import torch

from liveseq.errors import ModelError, TrainingError
from liveseq.train import checkpoint
from liveseq.train.sound.config import SoundTrainConfig
from liveseq.train.sound.loop import TrainingStoppedError
from liveseq.train.sound.notes import tracks as on_disk
from liveseq.train.sound.notes import training
from liveseq.train.sound.notes.graph import step_graph
from liveseq.train.sound.notes.recipe import NotesRecipe, build
from liveseq.train.sound.notes.training import FRAMES, train_notes
from liveseq.train.sound.saved import load_recipe, load_vocoder
from liveseq.train.sound.weights import take_over
from tests.train.sound.clicks import clicks_library
from tests.train.sound.notes.tiny_notes import TINY

CONFIG = SoundTrainConfig(steps=60, save_every=30, n_held_out=1, ema=0.9, accelerator="cpu")


def _about(**model):
    crops = {"n_steps": 12, "batch_size": 4}
    return {
        "family": "notes",
        "model": TINY | model,
        "crops": crops,
        "tags": ["bd", "techno"],
        "vocoder": "models/vocoder",
        "fingerprint": "x",
    }


def _train(recordings, out, config=CONFIG, *, resume=False, **more):
    return train_notes(clicks_library(recordings), out, _about() | more, config=config, resume=resume, wandb=False)


def test_a_training_learns(recordings, tmp_path):
    metrics = _train(recordings, tmp_path)
    assert metrics["batches"] == 60
    assert metrics["score"] < 1.6  # 2.0 at the start
    kept, _ = checkpoint.load_tensors(tmp_path / checkpoint.CHECKPOINT)
    assert float(kept["generator.grain.scale"]) > 0.0, "the grain is learned when the rest is"
    halves = {name for name, tensor in kept.items() if tensor.dtype == torch.float16}
    learned = {name for name, _ in load_recipe(tmp_path)[0].named_parameters()}
    assert halves == learned, "what is learned is shipped in half the size"


def test_a_training_begins_where_another_ended_with_tags_of_its_own(recordings, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "finish", lambda *_, seed: None)
    _train(recordings, tmp_path / "base")
    short, own = dataclasses.replace(CONFIG, steps=1, save_every=1), {"tags": ["a", "bd", "techno"]}
    library = dataclasses.replace(clicks_library(recordings[:1]), tags=("a", "bd", "techno"))
    scores = {}
    for name, more in (("fresh", {}), ("fine", {"from": str(tmp_path / "base")})):
        about = _about() | own | more
        metrics = train_notes(library, tmp_path / name, about, config=short, resume=False, wandb=False)
        scores[name] = metrics["score"]
    assert scores["fine"] < 0.96 * scores["fresh"]
    base, fine = (load_recipe(tmp_path / name)[0].generator for name in ("base", "fine"))
    assert torch.equal(base.codec.bands.basis, fine.codec.bands.basis), "latents mean what they meant"
    assert len(fine.limits.gains) == 3
    before, after = base.own.detach(), fine.own.detach()
    assert float((after[1:] - before).abs().max()) < 0.01, "each tag's own goes with it"
    assert float((after[0] - before).abs().max()) > 0.01
    other = build(_about(width=32), None)
    with pytest.raises(TrainingError, match=r"base: generator\..* is not there in this shape"):
        take_over(other, tmp_path / "base")


def test_what_was_stopped_goes_on_to_the_same_numbers_with_the_frames_it_has(recordings, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "finish", lambda *_, seed: None)
    config = dataclasses.replace(CONFIG, steps=12, save_every=6)
    whole = _train(recordings, tmp_path / "whole", config)
    learn = NotesRecipe.train_step

    def stopped(self, fabric, batch, number):
        if number == 5:
            signal.raise_signal(signal.SIGINT)
        return learn(self, fabric, batch, number)

    monkeypatch.setattr(NotesRecipe, "train_step", stopped)
    with pytest.raises(TrainingStoppedError, match="go on with --resume"):
        _train(recordings, tmp_path / "cut", config)
    monkeypatch.setattr(NotesRecipe, "train_step", learn)
    monkeypatch.setattr(on_disk, "make_tracks", None)  # frames are there already
    metrics = _train(recordings, tmp_path / "cut", config, resume=True)
    assert metrics["score"] == whole["score"]
    names = sorted(path.suffix for path in (tmp_path / "cut" / FRAMES).iterdir())
    assert names == [".f16", ".f16", ".npz", ".npz"], "nothing half written is left"


def test_what_was_killed_is_refused_until_it_has_gone_on(recordings, tmp_path, monkeypatch):
    learn = NotesRecipe.train_step

    def killed(self, fabric, batch, number):
        if number == 5:
            raise KeyboardInterrupt
        return learn(self, fabric, batch, number)

    config = dataclasses.replace(CONFIG, save_every=4)
    monkeypatch.setattr(NotesRecipe, "train_step", killed)
    with pytest.raises(KeyboardInterrupt):
        _train(recordings, tmp_path, config)
    with pytest.raises(ModelError, match=r"where grain and loudness are learned; go on .* --resume --steps 1"):
        step_graph(load_recipe(tmp_path)[0], load_vocoder)
    _train(recordings, tmp_path, dataclasses.replace(config, steps=1), resume=True)
    assert load_recipe(tmp_path)[0].generator.grain.scale > 0.0


def test_a_window_longer_than_a_crop_is_refused():
    with pytest.raises(TrainingError, match=r"window: expected at most the 12 latents of a crop \(n_steps\), found 13"):
        build(_about(window=13), None)


def test_a_disk_that_refuses_is_named(recordings, tmp_path):
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(TrainingError, match=r"frames cannot be kept there .* choose another --out"):
        _train(recordings, tmp_path)
