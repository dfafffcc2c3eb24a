"""From a torch module with explicit states to an ONNX graph.

Made by torch.export, with no silent way back to the old exporter; fixed shapes, states as tensors.
"""

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import onnx
import onnxscript
import torch
from torch import nn

from liveseq.errors import ModelError
from liveseq.runtime.manifest import StateTensor, Tensor
from liveseq.runtime.session import ONNXRUNTIME_VERSION

GRAPH = "step.onnx"
OPSET = 20

Shapes = dict[str, tuple[int, ...]]


def write_graph(step: nn.Module, path: Path, *, taken: Shapes, given: Sequence[str]) -> None:
    """One step as ONNX, the file whole or not at all. taken: what goes in, in order; given: names of what comes out.

    Raises ModelError where torch cannot export it.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with _quiet():
            program = torch.onnx.export(
                step.eval(),
                tuple(torch.zeros(shape) for shape in taken.values()),
                input_names=list(taken),
                output_names=list(given),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        raise ModelError(f"{path.parent}: cannot be exported: {' '.join(str(error).split())[:300]}") from error
    assert isinstance(program, torch.onnx.ONNXProgram)  # what only the new exporter gives
    program.save(str(part), external_data=False)
    _strip(part)
    part.replace(path)


def tensors(shapes: Shapes) -> tuple[Tensor, ...]:
    """For a manifest."""
    return tuple(Tensor(name=name, shape=shape, dtype="float32") for name, shape in shapes.items())


def state_tensors(shapes: Shapes, starts: dict[str, str] | None = None) -> tuple[StateTensor, ...]:
    """For a manifest: each comes out under its name and _next. starts: as StateTensor.start; zeros without."""
    return tuple(
        StateTensor(
            input=name, output=f"{name}_next", shape=shape, dtype="float32", start=(starts or {}).get(name, "zeros")
        )
        for name, shape in shapes.items()
    )


def versions() -> dict[str, str]:
    """Of what made a graph."""
    found = {m.__name__: str(m.__version__) for m in (torch, onnx, onnxscript)}
    return found | {"onnxruntime": ONNXRUNTIME_VERSION}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter warns of its own deprecated calls, of a torchvision that nobody needs, and that an output is a

    constant; errors come through.
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


def _strip(path: Path) -> None:
    """Leave out the stack traces that the exporter keeps at each node: they name folders of this machine."""
    model = onnx.load(path)
    for node in model.graph.node:
        del node.metadata_props[:]
    onnx.save(model, path)
