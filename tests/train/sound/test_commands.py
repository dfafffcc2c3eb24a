"""`liveseq train` for sound models: from a folder to a model, and every mistake in one line."""

import dataclasses
import re

import numpy as np
import pytest
import torch
import yaml

from liveseq import cli
from liveseq.dsp.saving import save_audio
from liveseq.errors import TrainingError
from liveseq.train import checkpoint
from liveseq.train.sound import summary
from liveseq.train.sound.families import FAMILIES
from liveseq.train.sound.family import Parts, Train
from liveseq.train.sound.saved import load_recipe
from tests.train.sound.tiny import Tiny

PRESET = {
    "sample_rate": 8_000,
    "needs_seconds": 20.0,
    "model": {"size": 4, "front_end": "notes48"},
    "crops": {"n_samples": 2048, "batch_size": 4},
    "train": {"steps": 6, "save_every": 3, "n_held_out": 1, "accelerator": "cpu"},
}


@pytest.fixture(autouse=True)
def use(monkeypatch):
    """In the place of every family: a network that needs no minutes. Call it for one that trains in its own way."""

    def replace(train: Train | None = None) -> None:
        parts = Parts(build=lambda about, library: Tiny(), step_graph=lambda *_: None, train=train)
        presets = {"small": PRESET, "full": PRESET | {"needs_seconds": 600.0}}
        for name, family in FAMILIES.items():
            monkeypatch.setitem(FAMILIES, name, dataclasses.replace(family, presets=presets, parts=lambda: parts))

    replace()
    return replace


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for tag in ("drone", "kick"):
        (tmp_path / "sounds" / tag).mkdir(parents=True)
        for i in range(3):
            y = (0.1 * rng.standard_normal((40_000, 2))).astype(np.float32)
            save_audio(tmp_path / "sounds" / tag / f"{i}.wav", y, sample_rate=8_000)
    return tmp_path / "sounds"


def train(family, folder, out, *more):
    return cli.main(["train", family, "--data", str(folder), "--out", str(out), *more])


def test_from_a_folder_to_a_model(folder, tmp_path, capsys):
    out = tmp_path / "model"
    assert train("vocoder", folder, out, "--licence", "CC0") == 0
    told = capsys.readouterr().out
    assert "sounds: 6 recordings, 0.5 minutes, 2 tags" in told
    assert "score:" in told
    assert f"next: python export_onnx.py {out}" in told
    config = checkpoint.load_yaml(out / checkpoint.CONFIG)
    assert config["family"] == "vocoder"
    assert config["preset"] == "small"
    assert config["tags"] == ["drone", "kick"]
    assert config["training"]["licence"] == "CC0"
    assert str(tmp_path) not in yaml.safe_dump(config["training"])
    assert config["model"] == PRESET["model"]
    assert list((out / "cache").glob("*.f32"))
    recipe, about = load_recipe(out)
    assert about == config
    kept = checkpoint.load_tensors(out / checkpoint.CHECKPOINT)[0]
    torch.testing.assert_close(recipe.generator.weight.data, kept["generator.weight"], rtol=0, atol=0)


def test_a_model_has_a_place_of_its_own(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", "vocoder", "--data", "sounds"]) == 0
    assert "next: python export_onnx.py my-vocoder" in capsys.readouterr().out
    assert (tmp_path / "models" / "my-vocoder" / checkpoint.CHECKPOINT).is_file()


def test_a_generator_ends_with_a_verdict_in_words_and_what_judges_it(folder, tmp_path, monkeypatch, capsys):
    score = Tiny.score
    monkeypatch.setattr(Tiny, "score", lambda self, batches: score(self, batches) | {"distance": 0.01})
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", "musika", "--data", "sounds"]) == 0
    *_, told, steps = capsys.readouterr().out.splitlines()
    assert told.startswith("verdict on recordings that it never heard: what it draws is ")
    assert "times as far from them as the shipped musika from its own, after 6 batches (" in told
    assert told.endswith("hardly trained yet: go on with --resume and more --minutes or --steps")
    assert steps == (
        "next: python export_onnx.py my-musika, then listen "
        "(liveseq generate try.wav --model my-musika --tag drone --seconds 20), and have it judged beside real sound "
        "(python -m benchmarks.models.generators --models my-musika --data sounds --trial judged.txt)"
    )
    assert train("musika", folder, "here/mine", "--tags-from", "folder") == 0
    assert "--models here/mine --data CORPUS --trial" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("apart", "batches", "told"),
    [
        (0.4, 1000, "2.0 times .* worth a listen"),
        (0.8, 1000, "4.0 times .* not worth playing yet"),
        (0.2, 100, "hardly"),
    ],
)
def test_a_verdict_holds_a_training_against_the_shipped_one(tmp_path, monkeypatch, apart, batches, told):
    monkeypatch.setattr(summary, "MODELS", tmp_path)
    assert summary.verdict_on("unagan", {"apart": apart, "batches": batches}) is None, "there is none"
    (tmp_path / "unagan").mkdir()
    checkpoint.save_yaml(tmp_path / "unagan" / checkpoint.METRICS, {"apart": 0.2, "batches": 1000})
    assert re.search(told, summary.verdict_on("unagan", {"apart": apart, "batches": batches}))
    assert summary.verdict_on("unagan", {"score": 1.0, "batches": batches}) is None, "a published variant, never played"
    assert summary.verdict_on("vocoder", {"mel": 1.0, "batches": batches}) is None


def test_it_goes_on_as_it_began(folder, tmp_path, capsys):
    out = tmp_path / "model"
    assert train("musika", folder, out, "--steps", "3", "--seed", "5") == 0
    assert train("musika", folder, out, "--resume", "--steps", "6") == 0
    assert checkpoint.load_yaml(out / checkpoint.CONFIG)["train"]["steps"] == 3, "what is changed is so for once"
    assert train("musika", folder, tmp_path / "whole", "--seed", "5") == 0
    one, two = (checkpoint.load_tensors(path / checkpoint.RESUME)[0] for path in (out, tmp_path / "whole"))
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, two[name], rtol=0, atol=0, msg=name)
    assert train("musika", folder, out, "--resume", "--seed", "6") == 2
    assert "--seed 6: it began with 5, and goes on with it" in capsys.readouterr().err
    assert train("unagan", folder, out, "--resume") == 2
    assert "holds a musika; go on with liveseq train musika" in capsys.readouterr().err


def test_a_model_is_not_written_over(folder, tmp_path, capsys):
    out = tmp_path / "model"
    assert train("melgan", folder, out) == 0
    assert train("melgan", folder, out) == 2
    assert "holds a trained model already; go on with --resume" in capsys.readouterr().err


def test_too_small_a_folder_and_the_small_preset(folder, tmp_path, capsys):
    assert train("musika", folder, tmp_path / "model", "--preset", "full") == 2
    told = capsys.readouterr().err
    assert "expected at least 600 s" in told
    assert "found 30 s in 6 recordings" in told
    assert "take --preset small, which needs 20 s" in told
    assert train("musika", folder, tmp_path / "model", "--preset", "huge") == 2
    assert "--preset huge: musika has no such preset; it has: small, full" in capsys.readouterr().err


def test_a_training_begins_from_a_trained_model_of_its_family(folder, tmp_path, capsys):
    base, out = tmp_path / "base", tmp_path / "model"
    assert train("vocoder", folder, base) == 0
    assert train("vocoder", folder, out, "--from", str(base), "--steps", "1") == 0
    assert checkpoint.load_yaml(out / checkpoint.CONFIG)["from"] == str(base)
    one, two = (checkpoint.load_tensors(path / checkpoint.CHECKPOINT)[0]["generator.weight"] for path in (base, out))
    assert float((one - two).abs().max()) < 0.02, "it learned on from there"
    assert train("vocoder", folder, out, "--resume", "--from", str(base)) == 0
    assert train("vocoder", folder, out, "--resume", "--from", str(out)) == 2
    assert f"{out} began from {base}; give another --out" in capsys.readouterr().err
    assert train("vocoder", folder, base, "--resume", "--from", str(out)) == 2
    assert f"{base} began from nothing but recordings" in capsys.readouterr().err
    assert train("notes", folder, tmp_path / "other", "--from", str(base)) == 2
    assert f"--from {base}: expected a notes, found a vocoder" in capsys.readouterr().err
    assert train("musika", folder, tmp_path / "other", "--from", str(base)) == 2
    assert "musika cannot begin from a trained model; vocoder, unagan, notes can" in capsys.readouterr().err
    (base / checkpoint.CHECKPOINT).unlink()
    assert train("vocoder", folder, tmp_path / "other", "--from", str(base)) == 2
    assert "has no checkpoint.safetensors; a model that only plays cannot learn on" in capsys.readouterr().err


def test_it_takes_preset_and_crops_of_what_it_begins_from_unless_it_is_told_one(folder, tmp_path, monkeypatch):
    base = tmp_path / "base"
    assert train("vocoder", folder, base) == 0
    larger = PRESET | {"crops": {"n_samples": 4096, "batch_size": 2}}
    presets = {"small": PRESET, "other": larger}
    monkeypatch.setitem(FAMILIES, "vocoder", dataclasses.replace(FAMILIES["vocoder"], presets=presets))
    config = checkpoint.load_yaml(base / checkpoint.CONFIG) | {"preset": "other", "crops": larger["crops"]}
    checkpoint.save_yaml(base / checkpoint.CONFIG, config)
    for told, preset in (((), "other"), (("--preset", "small"), "small")):
        out = tmp_path / preset
        assert train("vocoder", folder, out, "--from", str(base), *told) == 0
        saved = checkpoint.load_yaml(out / checkpoint.CONFIG)
        assert (saved["preset"], saved["crops"]) == (preset, presets[preset]["crops"])


def test_who_makes_mel_frames_is_told_a_vocoder(folder, tmp_path):
    assert train("unagan", folder, tmp_path / "a", "--vocoder", "models/other") == 0
    assert checkpoint.load_yaml(tmp_path / "a" / checkpoint.CONFIG)["vocoder"] == "models/other"
    assert train("vocoder", folder, tmp_path / "b") == 0
    assert "vocoder" not in checkpoint.load_yaml(tmp_path / "b" / checkpoint.CONFIG)
    with pytest.raises(SystemExit):
        train("vocoder", folder, tmp_path / "c", "--vocoder", "models/other")


def test_a_vocoder_of_other_frames_is_refused_before_the_training(folder, tmp_path, capsys):
    vocoder = tmp_path / "vocoder"
    vocoder.mkdir()
    checkpoint.save_yaml(vocoder / checkpoint.CONFIG, {"model": {"front_end": "music48"}})
    assert train("unagan", folder, tmp_path / "model", "--vocoder", str(vocoder)) == 2
    told = capsys.readouterr().err
    assert str(vocoder) in told
    assert "front end: n_fft: expected 4096, found 2048" in told
    assert not (tmp_path / "model").exists()


def test_a_family_may_train_in_its_own_way(use, folder, tmp_path, capsys):
    def own(library, out, about, *, config, resume, wandb):
        assert (library.tags, config.steps, resume, wandb) == (("drone", "kick"), 7, False, False)
        out.mkdir(exist_ok=True)
        checkpoint.save_yaml(out / checkpoint.CONFIG, about)
        return {"score": 0.5, "family": about["family"]}

    use(train=own)
    assert train("musika", folder, tmp_path / "model", "--steps", "7") == 0
    assert "score: 0.5\nfamily: musika" in capsys.readouterr().out


def test_a_folder_that_is_no_such_model_is_refused(folder, tmp_path):
    out = tmp_path / "model"
    assert train("vocoder", folder, out) == 0
    config = checkpoint.load_yaml(out / checkpoint.CONFIG)
    checkpoint.save_yaml(out / checkpoint.CONFIG, config | {"family": "lstm"})
    with pytest.raises(
        TrainingError, match="family: expected vocoder, melgan, unagan, musika, notes, vae, found 'lstm'"
    ):
        load_recipe(out)
    checkpoint.save_yaml(out / checkpoint.CONFIG, config)
    checkpoint.save_tensors(out / checkpoint.CHECKPOINT, {"generator.weight": torch.zeros(3)}, about={})
    with pytest.raises(TrainingError, match=r"checkpoint\.safetensors does not fit config\.yaml"):
        load_recipe(out)
