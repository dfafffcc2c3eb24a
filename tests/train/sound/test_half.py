"""A float16 copy: made, held against what is noticed, kept or not, and played where it was kept."""

import logging
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto

from liveseq.errors import ModelError
from liveseq.runtime.generator import OnnxGenerator
from liveseq.runtime.half import half_manifest_path, half_path
from liveseq.runtime.manifest import Manifest, sha256_of
from liveseq.runtime.session import PROVIDERS, open_session
from liveseq.runtime.tag_table import TAGS, TagTable
from liveseq.train import report as reports
from liveseq.train.sound import export, half
from tests.train.sound.tiny_graphs import CONFIG, Tiny

RATE = 48_000
MODELS = Path(__file__).resolve().parents[3] / "models"


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(reports, "BENCHMARK_RUNS", 100)
    monkeypatch.setattr(reports, "BENCHMARK_ROUNDS", 1)


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
    assert re.fullmatch(r"float16, levels within 0\.\d+ dB; float32 takes 1000000\.000 ms", report.note)
    assert (report.parity, report.failures) == (exported[1].parity, [])
    played = OnnxGenerator(folder)
    assert played.session.path == half_path(folder, "cpu")
    plain = sound(OnnxGenerator(exported[0]))
    found = sound(played)
    assert np.abs(found - plain).max() > 1e-6, "it is another graph"
    assert half.level_difference_db(plain, found, sample_rate=RATE) < half.JUST_NOTICEABLE_DB
    export.check_restored_state(folder)


def test_a_model_that_is_given_the_vectors_of_its_tags_keeps_its_copy(folder, exported):
    considered(folder, exported[1])
    (folder / TAGS).write_bytes(TagTable(("drone",), np.ones((1, 6), np.float32), "").as_bytes())
    manifest = Manifest.load(folder)
    replace(manifest, files=manifest.files | {TAGS: sha256_of(folder / TAGS)}).save(folder)
    assert OnnxGenerator(folder).session.path == half_path(folder, "cpu")


def test_what_is_no_faster_is_not_kept(folder, exported):
    report = considered(folder, exported[1], float32_ms=0.0)
    assert report.note.startswith("float32, since float16: no faster (")
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
    assert "float32, since float16: levels differ by up to " in report.note
    assert OnnxGenerator(tmp_path).session.path == tmp_path / "step.onnx"


def fails(error):
    def fail(*_):
        raise error

    return fail


@pytest.mark.parametrize(
    ("name", "instead", "told"),
    [
        ("to_half", fails(ValueError("odd")), r"step\.onnx: no float16 copy can be made of it: odd"),
        ("sounds", fails(ModelError("out of memory")), "out of memory"),
        ("write_half", fails(OSError(28, "No space left on device")), "No space left on device"),
        ("resumes", lambda *_: False, "a restored state does not go on bit for bit"),
    ],
)
def test_whatever_goes_wrong_with_a_copy_the_model_itself_is_played(folder, exported, monkeypatch, name, instead, told):
    considered(folder, exported[1])
    monkeypatch.setattr(half, name, instead)
    report = considered(folder, exported[1])
    assert re.search(f"float32, since float16: .*{told}", report.note)
    assert report.p50_ms == 1e6
    assert OnnxGenerator(folder).session.path == folder / "step.onnx"
    assert not list((folder / ".engines").iterdir())


def test_a_copy_that_misses_the_deadline_takes_no_ones_place(folder, exported, monkeypatch):
    monkeypatch.setattr(half, "measure", lambda *_, **__: replace(exported[1], p50_ms=0.1, p99_ms=7.0))
    assert "float32, since float16: p99 7.000 ms > " in considered(folder, exported[1]).note
    assert OnnxGenerator(folder).session.path == folder / "step.onnx"


def test_a_check_forgets_the_copy_and_a_cpu_gets_none(folder, exported):
    considered(folder, exported[1])
    report = export.check_sound(folder)
    assert report.note == ""
    assert not half_path(folder, "cpu").exists()
    assert not half_manifest_path(half_path(folder, "cpu")).exists()


def test_what_is_not_the_cpu_gets_one_and_a_check_makes_it_anew(folder, monkeypatch):
    monkeypatch.setattr(export, "PROVIDERS", {"cpu": "another"})
    monkeypatch.setattr(half, "measure", lambda *_, **__: replace(report, p50_ms=0.0))
    report = reports.Report(
        name="", role="generator", provider="", parity=None, p50_ms=0, p99_ms=0, max_ms=0, deadline_ms=1,
        real_time_factor=0, core=1,
    )  # fmt: skip
    for _ in range(2):
        assert export.check_sound(folder).note.startswith("float16, levels within ")
        assert OnnxGenerator(folder).session.path == half_path(folder, "cpu")


def test_a_check_where_there_is_no_gpu_leaves_its_copy_alone(folder, exported):
    considered(folder, exported[1])
    for path in (half_path(folder, "cpu"), half_manifest_path(half_path(folder, "cpu"))):
        path.rename(path.with_stem("half-cuda"))
    if open_session(folder / "step.onnx", provider="cuda", allow_cpu=True).provider != PROVIDERS["cpu"]:
        pytest.skip("there is a GPU here")
    with pytest.raises(ModelError, match="expected CUDAExecutionProvider"):
        export.check_sound(folder, provider="cuda")
    assert export.check_sound(folder, provider="cuda", allow_cpu=True).note == ""
    assert half_path(folder, "cuda").is_file()


def spoil_copy(folder: Path) -> None:
    path = half_path(folder, "cpu")
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def export_anew(folder: Path) -> None:
    torch.manual_seed(5)
    before = half_path(folder, "cpu"), half_manifest_path(half_path(folder, "cpu"))
    kept = [path.read_bytes() for path in before]
    graph = Tiny()
    torch.nn.init.normal_(graph.conv.bias)
    export.export_graph(graph, folder, CONFIG)
    for path, content in zip(before, kept, strict=True):
        path.write_bytes(content)


def move_weights(folder: Path) -> None:
    """Into a file of their own, as large models have them: the graph is the same for others."""
    manifest = Manifest.load(folder)
    (folder / "step.data").write_bytes(b"weights")
    Manifest(**(vars(manifest) | {"files": manifest.files | {"step.data": sha256_of(folder / "step.data")}})).save(
        folder
    )


def update_onnxruntime(folder: Path) -> None:
    path = half_manifest_path(half_path(folder, "cpu"))
    path.write_text(re.sub("onnxruntime: .*", "onnxruntime: '1.0'", path.read_text()))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (spoil_copy, "damaged or changed since it was made"),
        (export_anew, "it is of another model than this step.onnx"),
        (move_weights, "it is of another model than this step.onnx"),
        (update_onnxruntime, "made with onnxruntime 1.0, this is "),
        (lambda folder: half_manifest_path(half_path(folder, "cpu")).unlink(), "no record of it in half-cpu.yaml"),
        (
            lambda folder: half_manifest_path(half_path(folder, "cpu")).write_text("of: ["),
            "no record of it in half-cpu.yaml",
        ),
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
    for path in (half_path(folder, "cpu"), half_manifest_path(half_path(folder, "cpu"))):
        path.rename(path.with_stem("half-cuda"))
    if open_session(folder / "step.onnx", provider="cuda", allow_cpu=True).provider != PROVIDERS["cpu"]:
        pytest.skip("there is a GPU here")
    with caplog.at_level(logging.WARNING):
        generator = OnnxGenerator(folder, provider="cuda", allow_cpu=True)
    assert generator.session.path == folder / "step.onnx"
    assert "float32 is tried" in caplog.text
    with pytest.raises(ModelError, match=r"step\.onnx: expected CUDAExecutionProvider"):
        OnnxGenerator(folder, provider="cuda")


def test_a_difference_in_level_is_told_wherever_it_is():
    rng = np.random.default_rng(0)
    noise = (0.1 * rng.standard_normal((2, 20 * RATE))).astype(np.float32)

    def difference(other: np.ndarray) -> float:
        return half.level_difference_db(noise, other, sample_rate=RATE)

    assert difference(noise) == 0.0
    assert difference(0.9 * noise) == pytest.approx(0.915, abs=0.001)
    assert difference(noise[:, ::-1]) > half.JUST_NOTICEABLE_DB
    short = noise.copy()
    short[:, 5 * RATE : 5 * RATE + 2400] *= 2.0  # 50 ms of 20 s
    assert difference(short) > half.JUST_NOTICEABLE_DB
    turned = noise * np.array([[1.0], [-1.0]], dtype=np.float32)  # the same left and right, another place
    assert difference(turned) > half.JUST_NOTICEABLE_DB
    t = np.arange(20 * RATE) / RATE
    tone, later = (0.1 * np.sin(2 * np.pi * 440.0 * t + phase)[None] for phase in (0.0, 0.3))
    assert half.level_difference_db(tone, later, sample_rate=RATE) < 0.1, "another wave, the same sound"
    clicks = tone.copy()
    clicks[:, 8192::8192] += 0.003  # where steps meet
    assert half.level_difference_db(tone, clicks, sample_rate=RATE) > half.JUST_NOTICEABLE_DB
    assert half.level_difference_db(tone, tone + 1e-6 * noise[:1], sample_rate=RATE) < 0.1, "too soft to be heard"


def test_what_cannot_be_compared_is_as_far_as_can_be():
    noise = np.ones((1, 4096), dtype=np.float32)
    for wanted, found in ((noise, noise * np.nan), (noise * np.inf, noise), (noise[:, :100], noise[:, :100])):
        assert half.level_difference_db(wanted, found, sample_rate=RATE) == np.inf


def graph_of(*nodes: onnx.NodeProto, weights: dict[str, np.ndarray], out: int = TensorProto.FLOAT) -> onnx.ModelProto:
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        list(nodes),
        "graph",
        [value("x", TensorProto.FLOAT, [2, 2]), value("yes", TensorProto.BOOL, [])],
        [value("y", out, [2, 2])],
        [onnx.numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=8)


def test_branches_keep_the_weights_that_they_take_from_outside():
    make, value = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    branches = {
        f"{name}_branch": onnx.helper.make_graph(
            [make(kind, ["a", "w"], ["b"])], name, [], [value("b", TensorProto.FLOAT, [2, 2])]
        )
        for name, kind in (("then", "Add"), ("else", "Mul"))
    }
    model = graph_of(
        make("MatMul", ["x", "w"], ["a"]), make("If", ["yes"], ["y"], **branches), weights={"w": np.eye(2, dtype="f4")}
    )
    copy = half.to_half(model)
    onnx.checker.check_model(copy, full_check=True)
    assert {tensor.name: tensor.data_type for tensor in copy.graph.initializer} == {
        "w": TensorProto.FLOAT,
        "w.half": TensorProto.FLOAT16,
    }


def test_what_is_double_stays_so():
    make = onnx.helper.make_node
    model = graph_of(
        make("Cast", ["x"], ["a"], to=TensorProto.DOUBLE),
        make("MatMul", ["a", "w"], ["y"]),
        weights={"w": np.eye(2)},
        out=TensorProto.DOUBLE,
    )
    assert [node.op_type for node in half.to_half(model).graph.node] == ["Cast", "MatMul"]


@pytest.mark.parametrize("name", ["vocoder", "unagan", "musika"])
def test_copies_of_shipped_models_differ_by_less_than_is_noticed(name, tmp_path, monkeypatch):
    monkeypatch.setattr(half, "N_STEPS", 60)
    manifest = Manifest.load(MODELS / name)
    half.write_half(MODELS / name / manifest.model, tmp_path / "half.onnx")
    sessions = [open_session(path) for path in (MODELS / name / manifest.model, tmp_path / "half.onnx")]
    found = half.level_difference_db(*half.sounds(manifest, *sessions), sample_rate=RATE)
    assert found < half.JUST_NOTICEABLE_DB
    assert (tmp_path / "half.onnx").stat().st_size < 0.65 * (MODELS / name / manifest.model).stat().st_size
