"""Predictors that go wrong: one that hangs, one that is slow, one that says NaN. Each a graph of a few nodes."""

import time
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from liveseq.corpus.units import FEATURE_NAMES
from liveseq.runtime.manifest import Manifest, StateTensor, Tensor, Training, sha256_of
from liveseq.runtime.predictor import OnnxPredictor

HUNG, SLOW, NAN = "hung", "slow", "nan"
SLOW_SECONDS = 0.6
"""Of a step."""
ENDLESS = 1 << 60
"""Rounds of a loop."""
RATE, HOP_LENGTH, STEP = 48_000, 1024, 8192


def make_predictors(models: Path) -> None:
    """A folder each, by these names."""
    _save(models / NAN, n_rounds=0, poison=float("nan"))
    # Nothing but zeros is heard where a model is opened and warmed up: it hangs when it is played.
    _save(models / HUNG, n_rounds=ENDLESS, only_sound=True)
    rounds = 1000
    _save(models / SLOW, n_rounds=rounds)
    _save(models / SLOW, n_rounds=round(rounds * SLOW_SECONDS / _step_seconds(models / SLOW)))


def _step_seconds(folder: Path) -> float:
    predictor = OnnxPredictor(folder)
    feed = {"features": np.ones(len(FEATURE_NAMES), np.float32), "state": np.zeros(1, np.float32)}
    began = time.perf_counter()
    for _ in range(5):
        predictor.session.run(feed)
    return (time.perf_counter() - began) / 5


def _save(folder: Path, *, n_rounds: int, only_sound: bool = False, poison: float = 0.0) -> None:
    """Expects what it has heard, plus `poison`, after so many rounds of work; of silence after none, if only_sound."""
    folder.mkdir(exist_ok=True)
    n = len(FEATURE_NAMES)
    value, node = helper.make_tensor_value_info, helper.make_node
    work = helper.make_graph(
        [node("Identity", ["going_in"], ["going"]), node("Cos", ["worked_in"], ["worked"])],
        "work",
        [
            value("round", TensorProto.INT64, []),
            value("going_in", TensorProto.BOOL, []),
            value("worked_in", TensorProto.FLOAT, [n]),
        ],
        [value("going", TensorProto.BOOL, []), value("worked", TensorProto.FLOAT, [n])],
    )
    constants = {
        "shape": np.array([1, 1, n], np.int64),
        "zero": np.zeros(1, np.float32),
        "nothing": np.array(0.0, np.float32),
        "poison": np.array(poison, np.float32),
        "rounds": np.array(n_rounds, np.int64),
        "always": np.array(not only_sound),
        "spread": np.full((1, 1, n), 0.3, np.float32),
    }
    nodes = [
        node("ReduceL1", ["features"], ["loudness"], keepdims=0),
        node("Greater", ["loudness", "nothing"], ["sounds"]),
        node("Or", ["sounds", "always"], ["works"]),
        node("Loop", ["rounds", "works", "features"], ["done"], body=work),
        node("Mul", ["done", "nothing"], ["kept"]),  # else the loop would be left out
        node("Add", ["features", "kept"], ["heard"]),
        node("Add", ["heard", "poison"], ["expected"]),
        node("Reshape", ["expected", "shape"], ["means"]),
        node("Identity", ["zero"], ["logits"]),
        node("Identity", ["spread"], ["scales"]),
        node("Identity", ["state"], ["state_next"]),
    ]
    outputs = {"logits": (1,), "means": (1, 1, n), "scales": (1, 1, n)}
    graph = helper.make_graph(
        nodes,
        "predictor",
        [value("features", TensorProto.FLOAT, [n]), value("state", TensorProto.FLOAT, [1])],
        [value(name, TensorProto.FLOAT, shape) for name, shape in {**outputs, "state_next": (1,)}.items()],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    path = folder / "step.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    Manifest(
        role="predictor",
        family="fault",
        model=path.name,
        inputs=(Tensor(name="features", shape=(n,), dtype="float32"),),
        outputs=tuple(Tensor(name=name, shape=shape, dtype="float32") for name, shape in outputs.items()),
        states=(StateTensor(input="state", output="state_next", shape=(1,), dtype="float32"),),
        sample_rate=RATE,
        hop_length=HOP_LENGTH,
        samples_per_step=STEP,
        features=FEATURE_NAMES,
        training=Training(data="none", licence="MIT", command="none"),
        files={path.name: sha256_of(path)},
    ).save(folder)
