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


def write_graph(path: Path, *, n_features: int) -> None:
    """First component: features + count of the steps so far; second: zeros."""
    value = helper.make_tensor_value_info
    pair = (N_COMPONENTS, n_features)
    first = np.zeros((N_COMPONENTS, 1), dtype=np.float32)
    first[0] = 1.0
    constants = {
        "first": first,
        "one": np.ones(1, dtype=np.float32),
        "log_weights": np.array([1.0, 0.0], dtype=np.float32),
        "half": np.full(pair, 0.5, dtype=np.float32),
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
            value("means", TensorProto.FLOAT, pair),
            value("scales", TensorProto.FLOAT, pair),
            value("count_next", TensorProto.FLOAT, [1]),
        ],
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
            Tensor(name="means", shape=(N_COMPONENTS, n), dtype="float32"),
            Tensor(name="scales", shape=(N_COMPONENTS, n), dtype="float32"),
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
