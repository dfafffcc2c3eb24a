"""A stand-in for a generator: tones that its tag tells, and work that takes a chosen share of a step's duration."""

import time
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from liveseq.runtime.folders import TEXT_ENCODER, model_folder
from liveseq.runtime.generator import OnnxGenerator, Stream
from liveseq.runtime.manifest import Manifest, StateTensor, Tensor, Training, sha256_of
from liveseq.runtime.text import TextEncoder

STAND_IN = "stand-in"
RATE = 48_000
STEP = 8192
"""Samples."""
MATRIX = 384
"""Rows and columns of what is multiplied."""


def load_of(model: Path) -> float:
    """Time of a step over its duration, here and now, on one thread."""
    generator = OnnxGenerator(model)
    stream, times = Stream(generator, seed=1), []
    vector = np.zeros(generator.tag_size, dtype=np.float32)
    for _ in range(30):
        began = time.perf_counter()
        stream.next(vector if generator.tag_size else None)
        times.append(time.perf_counter() - began)
    return float(np.median(times)) * generator.sample_rate / generator.samples_per_step


def make_stand_in(folder: Path, *, load: float, n_products: int = 0) -> Path:
    """Eight tones, each as loud as the tag says, and work that is not heard."""
    folder.mkdir(exist_ok=True)
    size = TextEncoder(model_folder(TEXT_ENCODER)).n_dimensions
    turns = 2 * np.pi * 110.0 * 2.0 ** (np.arange(8) * 7 / 12) / RATE
    constants = {
        "mix": np.random.default_rng(3).standard_normal((size, 8)).astype(np.float32),
        "turns": turns[:, None].astype(np.float32),
        "ramp": np.arange(1, STEP + 1, dtype=np.float32)[None],
        "length": np.array([STEP], np.float32),
        "around": np.array([2 * np.pi], np.float32),
        "row": np.array([1, size], np.int64),
        "quiet": np.array([0.05], np.float32),
        "little": np.array([1e-3], np.float32),
        "sides": np.ones((2, 1), np.float32),
        "square": np.eye(MATRIX, dtype=np.float32),
        "none": np.array([0.0], np.float32),
    }
    node = helper.make_node
    nodes = [
        node("Reshape", ["tag", "row"], ["tags"]),
        node("MatMul", ["tags", "mix"], ["shares"]),
        node("Mul", ["shares", "quiet"], ["levels"]),
        node("Mul", ["turns", "ramp"], ["gone"]),
        node("Add", ["phase", "gone"], ["angles"]),
        node("Sin", ["angles"], ["tones"]),
        node("MatMul", ["levels", "tones"], ["mono"]),
        node("Mul", ["z", "little"], ["noise"]),
        node("Add", ["mono", "noise"], ["sum"]),
        node("Mul", ["turns", "length"], ["further"]),
        node("Add", ["phase", "further"], ["later"]),
        node("Mod", ["later", "around"], ["phase_next"], fmod=1),
        node("ReduceMean", ["phase"], ["seeded"], keepdims=0),
        node("Add", ["square", "seeded"], ["work0"]),
        *(node("MatMul", [f"work{n}", "square"], [f"work{n + 1}"]) for n in range(n_products)),
        node("ReduceMean", [f"work{n_products}"], ["worked"], keepdims=0),
        node("Mul", ["worked", "none"], ["nothing"]),
        node("Add", ["sum", "nothing"], ["done"]),
        node("Mul", ["sides", "done"], ["audio"]),
    ]
    value = helper.make_tensor_value_info
    inputs = {"z": (1, STEP), "tag": (size,), "phase": (8, 1)}
    outputs = {"audio": (2, STEP), "phase_next": (8, 1)}
    graph = helper.make_graph(
        nodes,
        STAND_IN,
        [value(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [value(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opset = [helper.make_opsetid("", 20)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), folder / "step.onnx")
    Manifest(
        role="generator",
        family=STAND_IN,
        model="step.onnx",
        inputs=tuple(Tensor(name=name, shape=inputs[name], dtype="float32") for name in ("z", "tag")),
        outputs=(Tensor(name="audio", shape=(2, STEP), dtype="float32"),),
        states=(StateTensor(input="phase", output="phase_next", shape=(8, 1), dtype="float32"),),
        sample_rate=RATE,
        samples_per_step=STEP,
        channels=2,
        training=Training(data="none", licence="MIT", command="none"),
        files={"step.onnx": sha256_of(folder / "step.onnx")},
    ).save(folder)
    if n_products:
        return folder
    each = load_of(make_stand_in(folder, load=load, n_products=20)) / 20
    return make_stand_in(folder, load=load, n_products=max(1, round(load / each)))
