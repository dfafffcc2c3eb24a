"""Training: it learns, it can be killed at any moment, and its mistakes are said in one line."""

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from liveseq.errors import TrainingError
from liveseq.runtime.tag_table import TagTable
from liveseq.train import checkpoint
from liveseq.train.predictors import loop, objective, saved
from liveseq.train.predictors.config import PredictorTrainConfig
from liveseq.train.predictors.families import FAMILIES
from liveseq.train.predictors.families.lstm import LstmConfig
from liveseq.train.predictors.loop import train_predictor
from tests.support.waiting import wait_for

MODEL = LstmConfig(n_features=34, hidden=16, layers=2, mixtures=3)
CONFIG = PredictorTrainConfig(window=12, batch_size=8, epochs=6, patience=20, accelerator="cpu")


def run(material, out, *, config=CONFIG, resume=False, family="lstm", model=MODEL, table=None, wandb=False):
    return train_predictor(
        material,
        out,
        family=family,
        network_config=model,
        config=config,
        table=table,
        licence="CC0",
        command="liveseq train ...",
        resume=resume,
        wandb=wandb,
    )


@pytest.fixture
def without_table(monkeypatch):
    """What the weights are does not depend on the table at the end, which takes longer than the training."""
    monkeypatch.setattr(loop, "evaluate", lambda *_, **__: {})
    monkeypatch.setattr(loop, "format_table", lambda _: "")


def weights(out: Path) -> dict[str, torch.Tensor]:
    return checkpoint.load_tensors(out / checkpoint.CHECKPOINT)[0]


def assert_same_weights(a: Path, b: Path) -> None:
    one, two = weights(a), weights(b)
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, two[name], rtol=0, atol=0, msg=name)


def test_a_rhythm_is_learned_better_than_by_its_mean(make_material, tmp_path, capsys):
    metrics = run(make_material(), tmp_path / "model")
    assert metrics["table"]["lstm"]["mse_1"] < 0.6 * metrics["table"]["mean"]["mse_1"]
    assert "VAR(4)" in capsys.readouterr().out
    config = yaml.safe_load((tmp_path / "model" / checkpoint.CONFIG).read_text())
    assert config["samples_per_step"] == 8192
    assert len(config["features"]) == 34
    assert list((tmp_path / "model" / "tensorboard").iterdir())


def test_stopped_and_resumed_is_the_same_as_never_stopped(make_material, tmp_path, without_table):
    material = make_material()
    run(material, tmp_path / "whole")
    three = PredictorTrainConfig(**(vars(CONFIG) | {"epochs": 3}))
    run(material, tmp_path / "parts", config=three)
    run(material, tmp_path / "parts", resume=True)
    assert_same_weights(tmp_path / "whole", tmp_path / "parts")


KILLED = """
import sys
from pathlib import Path
from tests.train.conftest import recording
from tests.train.predictors.test_loop import CONFIG, run
from liveseq.train.predictors.config import PredictorTrainConfig
from liveseq.train.predictors.material import Material
recordings = [recording(f"{i}.wav", n_steps=60 + i, seed=i, group=f"tag{i % 2}") for i in range(8)]
material = Material(recordings=tuple(recordings), sample_rate=48_000, hop_length=1024, description="made up")
run(material, Path(sys.argv[1]), config=PredictorTrainConfig(**(vars(CONFIG) | {"epochs": 10_000, "patience": 10_000})))
"""


def test_killed_and_resumed_is_the_same_as_never_killed(make_material, tmp_path, without_table):
    out = tmp_path / "killed"
    root = Path(__file__).resolve().parents[3]
    environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(out)], cwd=root, env=environment)
    try:
        wait_for(lambda: (out / checkpoint.RESUME).exists() or process.poll() is not None, what="an epoch")
        assert process.poll() is None, "it ended before it was killed"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    epoch = checkpoint.load_tensors(out / checkpoint.RESUME)[1]["epoch"]
    longer = PredictorTrainConfig(**(vars(CONFIG) | {"epochs": epoch + 2, "patience": 10_000}))
    material = make_material()
    run(material, out, config=longer, resume=True)
    run(material, tmp_path / "whole", config=longer)
    assert_same_weights(out, tmp_path / "whole")


def test_other_recordings_cannot_be_resumed_on(make_material, tmp_path, without_table):
    run(make_material(), tmp_path / "model", config=PredictorTrainConfig(**(vars(CONFIG) | {"epochs": 1})))
    with pytest.raises(TrainingError, match="began on other recordings"):
        run(make_material(n_files=9), tmp_path / "model", resume=True)


def test_a_trained_model_is_not_overwritten(make_material, tmp_path, without_table):
    run(make_material(), tmp_path / "model", config=PredictorTrainConfig(**(vars(CONFIG) | {"epochs": 1})))
    with pytest.raises(TrainingError, match="holds a trained model already; continue it with --resume"):
        run(make_material(), tmp_path / "model")


def test_nothing_to_resume_is_said(make_material, tmp_path):
    with pytest.raises(TrainingError, match=r"config\.yaml: no such file; train first"):
        run(make_material(), tmp_path / "none", resume=True)


def test_a_loss_that_is_nan_keeps_the_last_good_weights(make_material, tmp_path, monkeypatch):
    real = objective.mixture.nll
    n_calls = 0

    def breaks(parameters, target, **also):
        nonlocal n_calls
        n_calls += 1
        return real(parameters, target, **also) * (float("nan") if n_calls > 100 else 1.0)

    monkeypatch.setattr(objective.mixture, "nll", breaks)
    with pytest.raises(
        TrainingError, match=r"became nan in epoch \d+; the weights of epoch \d+ are kept .* --learning"
    ):
        run(make_material(), tmp_path / "model", config=PredictorTrainConfig(**(vars(CONFIG) | {"epochs": 1000})))
    assert all(torch.isfinite(t).all() for t in weights(tmp_path / "model").values())


def test_it_stops_when_other_files_do_not_improve(make_material, tmp_path, without_table):
    config = PredictorTrainConfig(**(vars(CONFIG) | {"epochs": 500, "patience": 2, "learning_rate": 0.05}))
    metrics = run(make_material(), tmp_path / "model", config=config)
    assert metrics["epochs"] == metrics["best_epoch"] + 2 < 500


def test_a_window_longer_than_every_file_is_said(make_material, tmp_path):
    config = PredictorTrainConfig(**(vars(CONFIG) | {"window": 40, "epochs": 1}))
    with pytest.raises(TrainingError, match=r"a window of 40 steps \(6.8 s\) is longer than every training recording"):
        run(make_material(n_files=12, n_steps=20), tmp_path / "model", config=config)


def test_a_window_longer_than_most_files_is_padded(make_material, tmp_path, without_table):
    short, long = make_material(n_files=12, n_steps=20), make_material(n_files=4, n_steps=60)
    both = dataclasses.replace(short, recordings=short.recordings + long.recordings)
    run(both, tmp_path / "model", config=PredictorTrainConfig(**(vars(CONFIG) | {"window": 40, "epochs": 1})))
    assert all(torch.isfinite(t).all() for t in weights(tmp_path / "model").values())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_trained_and_resumed_with_all_that_there_is(make_material, tmp_path, without_table, family):
    material = make_material()
    config_type = FAMILIES[family]().config_type
    small = {"hidden": 8} if hasattr(config_type, "hidden") else {}
    conditions = {"tag_size": 4} if config_type.tag_size else {}
    model = config_type(n_features=34, mixtures=2, **small, **conditions)
    tags = TagTable(("tag0", "tag1"), np.eye(2, 4, dtype=np.float32), "digest")
    extra = {"rollout": 3, "average": 0.9, "error_weight": 1.0, "rollout_epochs": 1}
    two, one = (PredictorTrainConfig(**(vars(CONFIG) | extra | {"epochs": n})) for n in (2, 1))
    run(material, tmp_path / "whole", config=two, family=family, model=model, table=tags)
    run(material, tmp_path / "parts", config=one, family=family, model=model, table=tags)
    run(material, tmp_path / "parts", config=two, family=family, model=model, table=tags, resume=True)
    assert_same_weights(tmp_path / "whole", tmp_path / "parts")
    epochs = [checkpoint.load_tensors(tmp_path / name / checkpoint.CHECKPOINT)[1] for name in ("whole", "parts")]
    assert epochs[0] == epochs[1]


def test_a_device_that_is_not_there_is_one_line(make_material, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("CUDA is there")
    config = PredictorTrainConfig(**(vars(CONFIG) | {"accelerator": "cuda"}))
    with pytest.raises(TrainingError, match="cannot train on 1 x cuda in 32: "):
        run(make_material(), tmp_path / "model", config=config)


def test_mixed_precision_learns_too(make_material, tmp_path, without_table):
    config = PredictorTrainConfig(**(vars(CONFIG) | {"precision": "bf16-mixed", "epochs": 2}))
    run(make_material(), tmp_path / "model", config=config)
    found = weights(tmp_path / "model")
    assert all(t.dtype == torch.float32 and torch.isfinite(t).all() for t in found.values())


def test_without_wandb_it_says_what_to_install(make_material, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(TrainingError, match="--wandb needs wandb; run: pip install wandb"):
        run(make_material(), tmp_path / "model", wandb=True)
    assert not (tmp_path / "model").exists()


def test_a_damaged_checkpoint_is_one_line(make_material, tmp_path, without_table):
    out = tmp_path / "model"
    run(make_material(), out, config=PredictorTrainConfig(**(vars(CONFIG) | {"epochs": 1})))
    (out / checkpoint.CHECKPOINT).write_bytes(b"\x08\0\0\0\0\0\0\0garbage!")
    with pytest.raises(TrainingError, match=r"checkpoint\.safetensors: not readable as safetensors"):
        saved.load_network(out)
