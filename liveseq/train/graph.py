"""ONNX graphs of torch modules with explicit states.

Made by torch.export, with no silent way back to the old exporter; fixed shapes, states as tensors.
"""

import contextlib
import logging
import math
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import onnx
import onnxscript
import torch
from onnx import helper, numpy_helper
from torch import nn

from liveseq.errors import ModelError, one_line
from liveseq.runtime.manifest import StateTensor, Tensor
from liveseq.runtime.session import ONNXRUNTIME_VERSION

GRAPH = "step.onnx"
OPSET = 20
LARGE = 4096
"""Numbers of a tensor from which its size counts."""

Shapes = dict[str, tuple[int, ...]]
"""Shapes of tensors by name, in order."""


class Step(Protocol):
    """A module that is one step: takes inputs and states, gives outputs and states."""

    def input_shapes(self) -> Shapes: ...

    def output_shapes(self) -> Shapes: ...

    def state_shapes(self) -> Shapes: ...


def write_step(step: Step, path: Path) -> None:
    """A step as ONNX; states come out under their names and _next. Raises ModelError where torch cannot export it."""
    states = step.state_shapes()
    assert isinstance(step, nn.Module)
    write_graph(
        step,
        path,
        inputs=step.input_shapes() | states,
        outputs=[*step.output_shapes(), *(f"{name}_next" for name in states)],
    )


def write_graph(step: nn.Module, path: Path, *, inputs: Shapes, outputs: Sequence[str]) -> None:
    """A module as ONNX, the file whole or not at all. Raises ModelError where torch cannot export it."""
    part = path.with_name(f".{path.name}.part")
    try:
        with _quiet():
            program = torch.onnx.export(
                step.eval(),
                tuple(torch.zeros(shape) for shape in inputs.values()),
                input_names=list(inputs),
                output_names=list(outputs),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        raise ModelError(f"{path.parent}: cannot be exported: {one_line(error, most=300)}") from error
    assert isinstance(program, torch.onnx.ONNXProgram)  # only the new exporter gives one
    program.save(str(part), external_data=False)
    model = onnx.load(part)
    _strip(model)
    _halve(model.graph)
    onnx.save(model, part)
    part.replace(path)


def tensors(shapes: Shapes) -> tuple[Tensor, ...]:
    """Tensors of a manifest, float32."""
    return tuple(Tensor(name=name, shape=shape, dtype="float32") for name, shape in shapes.items())


def state_tensors(shapes: Shapes, starts: dict[str, str] | None = None) -> tuple[StateTensor, ...]:
    """States of a manifest: each comes out under its name and _next. starts: see StateTensor.start; zeros without."""
    return tuple(
        StateTensor(
            input=name, output=f"{name}_next", shape=shape, dtype="float32", start=(starts or {}).get(name, "zeros")
        )
        for name, shape in shapes.items()
    )


def versions() -> dict[str, str]:
    """Versions of the libraries that a graph was made with."""
    found = {m.__name__: str(m.__version__) for m in (torch, onnx, onnxscript)}
    return found | {"onnxruntime": ONNXRUNTIME_VERSION}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Context without the exporter's warnings; errors come through.

    It warns of its own deprecated calls, of a torchvision that nobody needs, and that an output is a constant.
    """
    loggers = [logging.getLogger(name) for name in ("torch.onnx._internal.exporter._registration", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _strip(model: onnx.ModelProto) -> None:
    """Remove the stack traces that the exporter keeps at each node: they name folders of this machine."""
    for node in model.graph.node:
        del node.metadata_props[:]


def _halve(graph: onnx.GraphProto) -> None:
    """Store weights that float16 holds without loss as such; onnxruntime casts them once, when it opens the graph."""
    for tensor in graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or math.prod(tensor.dims) < LARGE:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            halves = values.astype(np.float16)
        if np.array_equal(halves.astype(np.float32), values):
            tensor.CopyFrom(numpy_helper.from_array(halves, f"{name}.stored"))
            cast = helper.make_node("Cast", [f"{name}.stored"], [name], to=onnx.TensorProto.FLOAT)
            graph.node.insert(0, cast)
