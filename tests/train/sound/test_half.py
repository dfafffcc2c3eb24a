"""A float16 copy: made, held against what the ear masks, kept or not, and played where it was kept."""

import logging
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto
from tiny_steps import CONFIG, Tiny

from liveseq.errors import ModelError
from liveseq.runtime.generator import OnnxGenerator
from liveseq.runtime.half import half_path, record_of
from liveseq.runtime.manifest import Manifest
from liveseq.runtime.session import PROVIDERS, open_session
from liveseq.train import report as reports
from liveseq.train.sound import export, half

RATE = 48_000
MODELS = Path(__file__).resolve().parents[3] / "models"


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(reports, "BENCHMARK_RUNS", 100)
    monkeypatch.setattr(reports, "BENCHMARK_ROUNDS", 1)


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> tuple[Path, reports.Report]:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reports, "BENCHMARK_RUNS", 100)
        patch.setattr(reports, "BENCHMARK_ROUNDS", 1)
        return folder, export.export_graph(Tiny(), folder, CONFIG)


@pytest.fixture
def folder(exported, tmp_path) -> Path:
    """A copy, to be spoilt."""
    shutil.copytree(exported[0], tmp_path / "tiny")
    return tmp_path / "tiny"


def considered(folder: Path, report: reports.Report, *, float32_ms: float = 1e6) -> reports.Report:
    """What comes of a copy beside a graph that takes so long; here the CPU runs both, in float16 with casts."""
    manifest = Manifest.load(folder)
    session = open_session(folder / manifest.model)
    return half.consider(folder, manifest, session, replace(report, p50_ms=float32_ms), provider="cpu")


def sound(generator: OnnxGenerator, *, n_steps: int = 50) -> np.ndarray:
    states, pieces = generator.start(1), []
    for number in range(n_steps):
        audio, states = generator.step(number, seed=1, tag=np.ones(6, dtype=np.float32), states=states)
        pieces.append(audio.T)
    return np.concatenate(pieces, axis=1)


def test_heavy_nodes_are_float16_and_what_goes_in_and_out_is_float32(folder):
    model = onnx.load(folder / "step.onnx")
    copy = half.to_half(onnx.load(folder / "step.onnx"))
    onnx.checker.check_model(copy, full_check=True)
    for old, new in ((model.graph.input, copy.graph.input), (model.graph.output, copy.graph.output)):
        assert [value.SerializeToString() for value in old] == [value.SerializeToString() for value in new]
    inferred = onnx.shape_inference.infer_shapes(copy).graph
    kinds = {value.name: value.type.tensor_type.elem_type for value in inferred.value_info}
    kinds |= {tensor.name: tensor.data_type for tensor in inferred.initializer}
    heavy = [node for node in copy.graph.node if node.op_type in half.HEAVY]
    assert {"GRU", "Conv"} <= {node.op_type for node in heavy}
    assert all(kinds[name] == TensorProto.FLOAT16 for node in heavy for name in (*node.input, *node.output) if name)
    others = [node for node in copy.graph.node if node.op_type not in (*half.HEAVY, "Cast")]
    assert not any(kinds.get(name) == TensorProto.FLOAT16 for node in others for name in (*node.input, *node.output))


def test_what_is_as_good_and_faster_is_kept_and_played(folder, exported):
    report = considered(folder, exported[1])
    assert report.note.startswith("float16, ")
    assert report.note.endswith(" dB below what is heard; float32 takes 1000000.000 ms")
    assert (report.parity, report.failures) == (exported[1].parity, [])
    played = OnnxGenerator(folder)
    assert played.session.path == half_path(folder, "cpu")
    plain = sound(OnnxGenerator(exported[0]))
    found = sound(played)
    assert np.abs(found - plain).max() > 1e-6, "it is another graph"
    assert half.margin_db(plain, found, sample_rate=RATE) > 0
    export.check_restored_state(folder)


def test_what_is_no_faster_is_not_kept(folder, exported):
    report = considered(folder, exported[1], float32_ms=0.0)
    assert report.note.startswith("float16: no faster (")
    assert report.p50_ms == 0.0
    assert not list((folder / ".engines").iterdir())
    assert OnnxGenerator(folder).session.path == folder / "step.onnx"


@pytest.mark.parametrize("weight", [1e8, 1e-8])
def test_what_float16_cannot_hold_is_not_kept(tmp_path, weight):
    graph = Tiny()
    with torch.no_grad():
        graph.conv.weight *= weight  # beyond its range, or below its least number
        graph.conv.bias.zero_()
        graph.conv.register_buffer("back", torch.tensor(1.0 / weight))
    graph.conv.forward = lambda x, tape=None: type(graph.conv).forward(graph.conv, x, tape) * graph.conv.back
    report = considered(tmp_path, export.export_graph(graph, tmp_path, CONFIG))
    assert "dB more than is masked, so float32" in report.note
    assert OnnxGenerator(tmp_path).session.path == tmp_path / "step.onnx"


def test_a_graph_that_onnx_does_not_take_apart_stays_as_it_is(folder, exported, monkeypatch):
    monkeypatch.setattr(half, "to_half", lambda model: model.graph.node[0].op_type.nothing)
    report = considered(folder, exported[1])
    assert report.note.startswith("float16: ")
    assert "no float16 copy can be made of it" in report.note
    assert report.p50_ms == 1e6


def test_a_check_forgets_the_copy_and_a_cpu_gets_none(folder, exported):
    considered(folder, exported[1])
    report = export.check_sound(folder)
    assert report.note == ""
    assert not half_path(folder, "cpu").exists()
    assert not record_of(half_path(folder, "cpu")).exists()


def spoil_copy(folder: Path) -> None:
    path = half_path(folder, "cpu")
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def export_anew(folder: Path) -> None:
    torch.manual_seed(5)
    before = half_path(folder, "cpu"), record_of(half_path(folder, "cpu"))
    kept = [path.read_bytes() for path in before]
    graph = Tiny()
    torch.nn.init.normal_(graph.conv.bias)
    export.export_graph(graph, folder, CONFIG)
    for path, content in zip(before, kept, strict=True):
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (spoil_copy, "damaged or changed since it was made"),
        (export_anew, "it is of another graph than step.onnx"),
        (lambda folder: record_of(half_path(folder, "cpu")).unlink(), "no record of it in half-cpu.yaml"),
        (lambda folder: record_of(half_path(folder, "cpu")).write_text("of: ["), "no record of it in half-cpu.yaml"),
    ],
)
def test_a_copy_that_does_not_fit_is_told_and_float32_plays(folder, exported, caplog, spoil, told):
    considered(folder, exported[1])
    spoil(folder)
    with caplog.at_level(logging.WARNING):
        assert OnnxGenerator(folder).session.path == folder / "step.onnx"
    assert told in caplog.text
    assert "run export_onnx.py tiny --provider cpu" in caplog.text


def test_a_copy_for_a_gpu_that_is_not_there_is_not_played_on_the_cpu(folder, exported, caplog):
    considered(folder, exported[1])
    for path in (half_path(folder, "cpu"), record_of(half_path(folder, "cpu"))):
        path.rename(path.with_stem("half-cuda"))
    if open_session(folder / "step.onnx", provider="cuda", allow_cpu=True).provider != PROVIDERS["cpu"]:
        pytest.skip("there is a GPU here")
    with caplog.at_level(logging.WARNING):
        generator = OnnxGenerator(folder, provider="cuda", allow_cpu=True)
    assert generator.session.path == folder / "step.onnx"
    assert "float32 is tried" in caplog.text
    with pytest.raises(ModelError, match=r"step\.onnx: expected CUDAExecutionProvider"):
        OnnxGenerator(folder, provider="cuda")


def test_how_much_is_masked():
    noise = np.random.default_rng(0).standard_normal((2, 20 * RATE)).astype(np.float32) * 0.1
    assert half.margin_db(noise, noise, sample_rate=RATE) == np.inf
    for gain, expected in ((1e-2, 40.0), (1e-1, 20.0)):
        found = half.margin_db(noise, noise * (1.0 + gain), sample_rate=RATE)
        assert found == pytest.approx(expected - 14.5 - 24, abs=0.1), "the highest band, 24, allows least"
    low = np.sin(2 * np.pi * 150.0 * np.arange(20 * RATE) / RATE)[None] * 0.5  # in band 1
    assert half.margin_db(low, low * 1.01, sample_rate=RATE) == pytest.approx(40.0 - 16.5, abs=0.1), (
        "and of what is left of it in band 2"
    )
    assert half.margin_db(low, low + 0.01 * noise[:1], sample_rate=RATE) < 0, "where the sound is not nothing is masked"
    assert half.margin_db(low, low + 1e-6 * noise[:1], sample_rate=RATE) == np.inf, "too soft to be heard at all"
    assert half.margin_db(low, low * np.nan, sample_rate=RATE) == -np.inf


@pytest.mark.parametrize("name", ["vocoder", "unagan", "musika"])
def test_copies_of_shipped_models_differ_by_less_than_is_heard(name, tmp_path, monkeypatch):
    monkeypatch.setattr(half, "N_STEPS", 60)
    manifest = Manifest.load(MODELS / name)
    half.write_half(MODELS / name / manifest.model, tmp_path / "half.onnx")
    sessions = [open_session(path) for path in (MODELS / name / manifest.model, tmp_path / "half.onnx")]
    assert half.margin_db(*half.sounds(manifest, *sessions), sample_rate=RATE) > 0
    assert (tmp_path / "half.onnx").stat().st_size < 0.75 * (MODELS / name / manifest.model).stat().st_size
