"""What is exported does what torch does, and says what it is."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from liveseq.corpus.units import FEATURE_NAMES
from liveseq.errors import ModelError
from liveseq.runtime.manifest import Manifest
from liveseq.runtime.predictor import Condition, OnnxPredictor, load_predictor, sample
from liveseq.train import checkpoint
from liveseq.train import report as reports
from liveseq.train.predictors import export, saved
from liveseq.train.predictors.families import FAMILIES
from liveseq.train.predictors.families.base import Network, PredictorGraph
from liveseq.train.stepping import first_states

ROOT = Path(__file__).resolve().parents[3]
SHIPPED_FILES = {"checkpoint.safetensors", "config.yaml", "metrics.yaml", "model.yaml", "step.onnx"}
NOTHING = Condition(tag=np.zeros(0, dtype=np.float32), phase=np.zeros(3, dtype=np.float32))


TINY = {
    "lstm": {"hidden": 16, "layers": 2},
    "lstm-seq2seq": {"hidden": 16, "layers": 2, "forecast": 3},
    "transformer-encoder": {"layers": 2, "context": 7},
    "transformer": {"layers": 2, "context": 7, "forecast": 3},
    "best": {"hidden": 16, "tag_size": 4},
}


def fresh(folder: Path, family: str) -> Path:
    """An untrained network in a folder such as training leaves."""
    folder.mkdir()
    torch.manual_seed(1)
    network = FAMILIES[family]()
    config = network.config_type(**({"n_features": 34, "mixtures": 3} | TINY[family]))
    rng = np.random.default_rng(1)
    model = network(config, mean=rng.normal(0, 50, 34), deviation=rng.uniform(0.1, 20, 34))
    if model.basis is not None:
        model.basis.copy_(torch.linalg.qr(torch.randn(34, 34))[0])
    checkpoint.save_tensors(folder / checkpoint.CHECKPOINT, model.state_dict(), about={})
    about = {
        "family": family,
        "model": vars(config),
        "sample_rate": 48_000,
        "hop_length": 1024,
        "samples_per_step": 8192,
        "features": list(FEATURE_NAMES),
        "training": {"data": "none", "licence": "MIT", "command": "none"},
    }
    checkpoint.save_yaml(folder / checkpoint.CONFIG, about)
    return folder


def parity(model: Network, predictor: OnnxPredictor, *, n_steps: int) -> float:
    return export.parity(model, predictor.manifest, predictor.session, n_steps=n_steps)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return fresh(tmp_path_factory.mktemp("models") / "fresh", "lstm")


@pytest.fixture(scope="module")
def report(folder) -> reports.Report:
    return export.export_predictor(folder)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_thousand_steps_equal_torch(tmp_path, family):
    report = export.export_predictor(fresh(tmp_path / "fresh", family))
    assert report.parity is not None
    assert report.parity <= reports.PARITY_BOUND
    assert report.real_time_factor is not None
    assert report.real_time_factor < 0.01
    assert "fresh" in reports.format_reports([report])
    predictor = load_predictor(tmp_path / "fresh", sample_rate=48_000, hop_length=1024)
    model, _ = saved.load_network(tmp_path / "fresh")
    assert (predictor.n_steps, predictor.tag_size) == (model.forecast, model.config.tag_size or None)


def test_a_network_that_differs_failsparity(folder, report):
    model, _ = saved.load_network(folder)
    with torch.no_grad():
        model.head.bias[-1] += 0.01
    assert parity(model, OnnxPredictor(folder), n_steps=20) > reports.PARITY_BOUND


def test_a_state_that_never_comes_back_failsparity(folder, report):
    model, _ = saved.load_network(folder)
    predictor = OnnxPredictor(folder)
    run, start = predictor.session.run, dict(zip(("h", "c", "past"), first_states(predictor.manifest), strict=True))
    predictor.session.run = lambda feed, names: run(feed | start, names)
    assert parity(model, predictor, n_steps=20) > reports.PARITY_BOUND


def test_the_step_equals_the_whole_sequence(folder):
    model, _ = saved.load_network(folder)
    rng = np.random.default_rng(2)
    features = torch.from_numpy(rng.normal(0, 30, (15, 34)).astype(np.float32))
    state = [torch.zeros(shape) for shape in PredictorGraph(model).state_shapes().values()]
    with torch.no_grad():
        (_, means, log_scales), _ = model(model.normalise(features).unsqueeze(0))
        for t in range(15):
            _, mean, scale, _, *state = PredictorGraph(model)(features[t], *state)
            torch.testing.assert_close((mean[0] - model.mean) / model.deviation, means[0, t, 0], rtol=0, atol=1e-4)
            torch.testing.assert_close(scale[0], log_scales[0, t, 0].exp(), rtol=1e-4, atol=1e-5)  # along the basis


def test_the_manifest_says_what_the_graph_is(folder, report):
    manifest = Manifest.load(folder, role="predictor")
    assert [str(t) for t in manifest.graph_inputs()] == [
        "features float32[34]",
        "h float32[2, 16]",
        "c float32[2, 16]",
        "past float32[15, 34]",
    ]
    assert manifest.samples_per_step == manifest.latency_samples == 8192
    assert set(manifest.versions) == {"torch", "onnx", "onnxscript", "onnxruntime"}
    assert manifest.metrics["parity_max_abs"] == pytest.approx(report.parity, rel=0.01)
    onnx.checker.check_model(onnx.load(folder / "step.onnx"))


def test_it_plays_on_for_ever_and_repeats_with_a_seed(folder, report):
    def rollout() -> np.ndarray:
        predictor = load_predictor(folder, sample_rate=48_000, hop_length=1024)
        rng, state = np.random.default_rng(7), predictor.start()
        features = np.zeros(34, dtype=np.float32)
        out = []
        for _ in range(300):
            mixture, state = predictor.step(features, state, NOTHING)
            features = sample(mixture, rng, 1.0)[0]
            out.append(features)
        return np.stack(out)

    first = rollout()
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, rollout())


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("export_onnx", ROOT / "export_onnx.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_model_that_came_without_a_checkpoint_is_checked(folder, report, tmp_path):
    other = tmp_path / "foreign"
    other.mkdir()
    for name in ("step.onnx", "model.yaml"):
        (other / name).write_bytes((folder / name).read_bytes())
    assert export.check_predictor(other).parity is None
    (other / "step.onnx").write_bytes(b"x")
    with pytest.raises(ModelError, match="expected SHA-256"):
        export.check_predictor(other)


def test_an_unknown_name_is_one_line_and_status_2(script, capsys):
    assert script.main(["no-such-model"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("liveseq: ")
    assert "no-such-model: no such model folder; there are: " in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", ["predictor", "lstm", "lstm-seq2seq", "transformer-encoder", "transformer"])
def test_a_shipped_predictor_loads_is_small_and_beat_the_linear_models(name):
    shipped = ROOT / "models" / name
    predictor = load_predictor(shipped, sample_rate=48_000, hop_length=1024)
    manifest = predictor.manifest
    assert manifest.family == ("best" if name == "predictor" else name)
    assert manifest.metrics["gate"] == []
    table = manifest.metrics["table"]
    assert table[manifest.family]["mse_1"] < table["VAR(4)"]["mse_1"]
    assert table[manifest.family]["mse_4"] < table["VAR(16)"]["mse_4"]
    model, _ = saved.load_network(shipped)
    assert parity(model, predictor, n_steps=200) <= reports.PARITY_BOUND
    tags = {"tags.npz"} if predictor.tag_size else set()
    assert {p.name for p in shipped.iterdir() if p.is_file()} == SHIPPED_FILES | tags
    assert sum(p.stat().st_size for p in shipped.iterdir() if p.is_file()) < 5_000_000


@pytest.mark.parametrize("module", ["liveseq.runtime.predictor", "liveseq.train.cli"])
def test_torch_is_not_imported_to_play_or_to_read_a_command_line(module):
    code = f"import sys, {module}; sys.exit(bool({{'torch', 'librosa', 'transformers', 'numba'}} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
