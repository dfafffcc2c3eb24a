"""A predictor of four nodes, made on the spot: the real loading path without a trained weight."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from liveseq.corpus.units import FEATURE_NAMES
from liveseq.runtime.manifest import Manifest, StateTensor, Tensor, Training, sha256_of

N_COMPONENTS = 2


N_STEPS = 2


def write_graph(path: Path, *, n_features: int) -> None:
    """First course: features + count of the steps so far, then twice that; second: zeros."""
    value = helper.make_tensor_value_info
    course = (N_STEPS, N_COMPONENTS, n_features)
    first = np.zeros((N_STEPS, N_COMPONENTS, 1), dtype=np.float32)
    first[:, 0, 0] = 1.0, 2.0
    constants = {
        "first": first,
        "one": np.ones(1, dtype=np.float32),
        "log_weights": np.array([1.0, 0.0], dtype=np.float32),
        "half": np.full(course, 0.5, dtype=np.float32),
    }
    nodes = [
        helper.make_node("Add", ["features", "count"], ["shifted"]),
        helper.make_node("Mul", ["first", "shifted"], ["means"]),
        helper.make_node("Add", ["count", "one"], ["count_next"]),
        helper.make_node("Identity", ["log_weights"], ["logits"]),
        helper.make_node("Identity", ["half"], ["scales"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [value("features", TensorProto.FLOAT, [n_features]), value("count", TensorProto.FLOAT, [1])],
        [
            value("logits", TensorProto.FLOAT, [N_COMPONENTS]),
            value("means", TensorProto.FLOAT, course),
            value("scales", TensorProto.FLOAT, course),
            value("count_next", TensorProto.FLOAT, [1]),
        ],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)


def write_conditioned_graph(path: Path, *, n_features: int, tag_size: int) -> None:
    """One step whose mean is the features, plus the sum of tag and phase; deviations along the features backwards."""
    value = helper.make_tensor_value_info
    course = (1, 1, n_features)
    constants = {
        "shape": np.array(course, dtype=np.int64),
        "zero": np.zeros(1, dtype=np.float32),
        "half": np.full(course, 0.5, dtype=np.float32),
        "backwards": np.eye(n_features, dtype=np.float32)[::-1].copy(),
    }
    nodes = [
        helper.make_node("ReduceSum", ["tag"], ["tags"], keepdims=0),
        helper.make_node("ReduceSum", ["phase"], ["phases"], keepdims=0),
        helper.make_node("Add", ["tags", "phases"], ["told"]),
        helper.make_node("Add", ["features", "told"], ["shifted"]),
        helper.make_node("Reshape", ["shifted", "shape"], ["means"]),
        helper.make_node("Identity", ["zero"], ["logits"]),
        helper.make_node("Identity", ["half"], ["scales"]),
        helper.make_node("Identity", ["backwards"], ["basis"]),
    ]
    inputs = {"features": [n_features], "tag": [tag_size], "phase": [3]}
    outputs = {"logits": [1], "means": course, "scales": course, "basis": [n_features, n_features]}
    graph = helper.make_graph(
        nodes,
        "conditioned",
        [value(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [value(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)


def tiny_manifest(folder: Path, *, features: tuple[str, ...], **changes: object) -> Manifest:
    n = len(features)
    fields: dict[str, object] = {
        "role": "predictor",
        "family": "tiny",
        "model": "step.onnx",
        "inputs": (Tensor(name="features", shape=(n,), dtype="float32"),),
        "outputs": (
            Tensor(name="logits", shape=(N_COMPONENTS,), dtype="float32"),
            Tensor(name="means", shape=(N_STEPS, N_COMPONENTS, n), dtype="float32"),
            Tensor(name="scales", shape=(N_STEPS, N_COMPONENTS, n), dtype="float32"),
        ),
        "states": (StateTensor(input="count", output="count_next", shape=(1,), dtype="float32"),),
        "sample_rate": 48_000,
        "hop_length": 1024,
        "samples_per_step": 8192,
        "latency_samples": 8192,
        "features": features,
        "training": Training(data="none", licence="MIT", command="none"),
        "files": {"step.onnx": sha256_of(folder / "step.onnx")},
    }
    return Manifest(**(fields | changes))


@pytest.fixture
def make_model(tmp_path: Path) -> Callable[..., Path]:
    """make_model(features=..., n_features=..., <manifest field>=...) -> a model folder."""

    def make(*, features: tuple[str, ...] = FEATURE_NAMES, n_features: int | None = None, **changes: object) -> Path:
        folder = tmp_path / "tiny"
        folder.mkdir()
        write_graph(folder / "step.onnx", n_features=n_features or len(features))
        tiny_manifest(folder, features=features, **changes).save(folder)
        return folder

    return make


@pytest.fixture
def conditioned_model(tmp_path: Path) -> Path:
    """A model folder whose graph takes a tag of four numbers and the phase, and gives a basis."""
    folder = tmp_path / "conditioned"
    folder.mkdir()
    n = len(FEATURE_NAMES)
    write_conditioned_graph(folder / "step.onnx", n_features=n, tag_size=4)
    inputs = {"features": (n,), "tag": (4,), "phase": (3,)}
    outputs = {"logits": (1,), "means": (1, 1, n), "scales": (1, 1, n), "basis": (n, n)}
    tiny_manifest(
        folder,
        features=FEATURE_NAMES,
        inputs=tuple(Tensor(name=name, shape=shape, dtype="float32") for name, shape in inputs.items()),
        outputs=tuple(Tensor(name=name, shape=shape, dtype="float32") for name, shape in outputs.items()),
        states=(),
    ).save(folder)
    return folder
