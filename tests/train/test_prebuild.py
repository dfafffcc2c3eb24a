"""`export_onnx.py --all`: says what it does while it does it, makes what is not there, and writes nothing else."""

import importlib.util
import shutil
from pathlib import Path

import pytest
import torch

from liveseq.dsp.mel import MelFrontEnd
from liveseq.runtime.manifest import Manifest, sha256_of
from liveseq.runtime.session import PROVIDERS, open_session
from liveseq.train import checkpoint, report
from liveseq.train.predictors import export
from liveseq.train.sound.export import export_sound
from liveseq.train.sound.vocoders.graph import VocoderGraph
from liveseq.train.sound.vocoders.melgan.recipe import build
from liveseq.train.sources import is_current, weights_of
from tests.train.predictors.test_export import fresh

ROOT = Path(__file__).resolve().parents[2]
BANDS = MelFrontEnd(sample_rate=16_000, n_fft=512, hop_length=128, n_mels=20, f_max=8_000.0)
SOUND = {
    "net": "multiband",
    "front_end": BANDS.as_dict(),
    "sizes": {"width": 16, "ratios": [4, 4, 2], "latency": 512},
    "judge": {"base": 8, "most": 16},
    "learning_rate": 1e-3,
}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(report, "BENCHMARK_RUNS", 100)
    monkeypatch.setattr(report, "BENCHMARK_ROUNDS", 1)
    monkeypatch.setattr(report, "DEADLINE_MS", {"predictor": 60_000.0})
    monkeypatch.setattr(report, "SOUND_SHARE", 1e4)
    monkeypatch.setattr(report, "SOUND_REAL_TIME_FACTOR", 1e4)


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("export_onnx", ROOT / "export_onnx.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A predictor and a vocoder, both exported."""
    models = tmp_path_factory.mktemp("made")
    export.export_predictor(fresh(models / "plan", "lstm"))
    save_sound(models / "sound")
    export_sound(models / "sound")
    return models


@pytest.fixture
def models(made, tmp_path, script, monkeypatch) -> Path:
    shutil.copytree(made, tmp_path / "models")
    monkeypatch.setattr(script, "MODELS", tmp_path / "models")
    return tmp_path / "models"


def save_sound(folder: Path, *, seed: int = 0) -> None:
    torch.manual_seed(seed)
    recipe = build({"model": SOUND})
    folder.mkdir(exist_ok=True)
    tensors = {f"generator.{name}": t for name, t in recipe.generator.state_dict().items()}
    checkpoint.save_tensors(folder / checkpoint.CHECKPOINT, tensors, about={})
    training = {"data": "none", "licence": "MIT", "command": "none"}
    checkpoint.save_yaml(folder / checkpoint.CONFIG, {"family": "melgan", "model": SOUND, "training": training})


def contents(models: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in models.rglob("*") if path.is_file()}


def test_what_was_exported_is_compared_and_timed_and_no_file_changes(script, models, capsys):
    before = contents(models)
    assert script.main(["--all"]) == 0
    assert contents(models) == before
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"2 models in {models}")
    for line, name in zip(said[1:3], ("plan", "sound"), strict=True):
        assert line.startswith(f"{name}: exported before: comparing with torch, timing ... ")
        assert line.endswith(" s")
    plan, sound = (line.split() for line in said[-2:])
    assert (plan[:2], sound[:2]) == (["plan", "CPU"], ["sound", "CPU"])
    assert float(plan[2]) <= report.PARITY_BOUND
    assert all(float(n) < 1e-5 for n in sound[2:5]), "parity, its RMS, and steps against one piece"
    assert "no checkpoint" not in said[-2] + said[-1]


def test_a_line_is_there_before_the_work_begins(script, models, capsys, monkeypatch):
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(export, "check_predictor", stop)
    with pytest.raises(KeyboardInterrupt):
        script.main(["--all"])
    assert capsys.readouterr().out.endswith("\nplan: exported before: comparing with torch, timing ... ")


def test_what_was_trained_on_is_exported_anew(script, models, capsys):
    save_sound(models / "sound", seed=1)
    assert not is_current(models / "sound")
    assert script.main(["--all"]) == 0
    assert "sound: exporting it" in capsys.readouterr().out
    assert is_current(models / "sound")


def test_what_an_older_program_exported_is_exported_anew(script, models, capsys, monkeypatch):
    old = VocoderGraph.state_shapes

    def longer(step: VocoderGraph) -> dict[str, tuple[int, ...]]:
        return {"memory": (old(step)["memory"][0] + 1,)}

    monkeypatch.setattr(VocoderGraph, "state_shapes", longer)
    script.main(["--all"])
    assert "sound: exporting it" in capsys.readouterr().out


def test_what_is_damaged_is_exported_anew(script, models, capsys):
    (models / "plan" / "step.onnx").write_bytes(b"half of it")
    assert script.main(["--all"]) == 0
    assert "plan: exporting it" in capsys.readouterr().out
    assert Manifest.load(models / "plan").files["step.onnx"] == sha256_of(models / "plan" / "step.onnx")


def test_what_makes_no_sound_is_timed_where_a_server_runs_it(script, models, capsys, monkeypatch):
    if open_session(models / "sound" / "step.onnx", provider="cuda", allow_cpu=True).provider != PROVIDERS["cpu"]:
        pytest.skip("there is a GPU here")
    assert script.main(["--all", "--provider", "cuda"]) == 2
    said = capsys.readouterr()
    assert "sound/step.onnx: expected CUDAExecutionProvider, found CPUExecutionProvider" in said.err
    assert "sound: exported before: comparing with torch, timing ... refused" in said.out
    assert said.out.splitlines()[-1].split()[:2] == ["plan", "CPU"]
    assert script.main(["plan", "--provider", "cuda"]) == 0


def test_what_is_named_is_exported_anew(script, models, capsys):
    manifest, before = models / "plan" / "model.yaml", contents(models / "sound")
    manifest.write_text(manifest.read_text() + "# mine\n")
    assert is_current(models / "plan")
    assert script.main(["plan"]) == 0
    assert "plan: exporting it" in capsys.readouterr().out
    assert "# mine" not in manifest.read_text()
    assert contents(models / "sound") == before


def test_a_graph_of_other_weights_than_its_manifest_says_differs(script, models, capsys):
    """Such as where the program has changed since the export."""
    save_sound(models / "sound", seed=1)
    manifest = Manifest.load(models / "sound")
    config = checkpoint.load_yaml(models / "sound" / checkpoint.CONFIG)
    settings = manifest.settings | weights_of(models / "sound", config)
    Manifest(**(vars(manifest) | {"settings": settings})).save(models / "sound")
    assert is_current(models / "sound")
    assert script.main(["--all"]) == 1
    assert "differs from torch by" in capsys.readouterr().out


def test_a_model_without_a_checkpoint_is_told_to_be_compared_with_nothing(script, models, capsys):
    for folder in models.iterdir():
        (folder / checkpoint.CHECKPOINT).unlink()
    assert script.main(["--all"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1].startswith("plan: no checkpoint: checking, timing ... ")
    assert all(line.endswith("ok (no checkpoint: not compared with torch)") for line in said[-2:])


def test_a_generator_with_another_vocoder_is_another_one(models):
    config = {"vocoder": str(models / "sound")}
    one = weights_of(models / "plan", config)
    save_sound(models / "sound", seed=1)
    two = weights_of(models / "plan", config)
    assert one["checkpoint_sha256"] == two["checkpoint_sha256"]
    assert one["vocoder_sha256"] != two["vocoder_sha256"]


def test_a_missed_deadline_is_status_1_and_a_refused_model_2(script, models, monkeypatch, capsys):
    monkeypatch.setattr(report, "DEADLINE_MS", {"predictor": 1e-6})
    assert script.main(["--all"]) == 1
    assert "ms > 1e-06 ms" in capsys.readouterr().out
    (models / "sound" / checkpoint.CONFIG).unlink()
    assert script.main(["--all"]) == 2
    told = capsys.readouterr()
    assert "timing ... refused\n" in told.out
    assert "config.yaml: no such file; train first" in told.err
    assert "plan " in told.out.splitlines()[-1], "the others are timed all the same"


def test_a_busy_machine_is_told(script, models, monkeypatch, capsys):
    monkeypatch.setattr(report.time, "process_time", lambda: 0.0)
    assert script.main(["--all"]) == 0
    assert "other programs left 0 % of a core while this was timed" in capsys.readouterr().err
