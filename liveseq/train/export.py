"""From a trained model to its manifest: the part of an export that all roles share."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from liveseq.errors import ModelError
from liveseq.runtime.manifest import Manifest, Tensor, Training, sha256_of
from liveseq.runtime.session import open_model
from liveseq.train import checkpoint
from liveseq.train.graph import GRAPH, Step, state_tensors, tensors, versions
from liveseq.train.report import Report, measure

FREE_AXIS = 16
"""Length of an axis that the graph leaves free, while it is timed."""


def manifest_fields(folder: Path, step: Step, config: dict[str, Any], *, starts: dict[str, str]) -> dict[str, Any]:
    """Fields of the manifest of an exported step: its graph, its training, its metrics.

    starts: of the states, see StateTensor.start; zeros without. Raises KeyError or TypeError, see `config_of`.
    """
    path = folder / checkpoint.METRICS
    return {
        "family": config["family"],
        "model": GRAPH,
        "inputs": tensors(step.input_shapes()),
        "outputs": tensors(step.output_shapes()),
        "states": state_tensors(step.state_shapes(), starts),
        "training": Training(**config["training"]),
        "metrics": checkpoint.load_yaml(path) if path.is_file() else {},
        "versions": versions(),
        "files": {GRAPH: sha256_of(folder / GRAPH)},
    }


@contextlib.contextmanager
def config_of(kind: str, folder: Path) -> Iterator[None]:
    """Context in which a config that lacks something is a ModelError. kind: of model, in a word."""
    try:
        yield
    except (KeyError, TypeError) as error:
        raise ModelError(f"{folder / checkpoint.CONFIG}: not the config of a trained {kind}: {error}") from error


def save_metrics(manifest: Manifest, folder: Path, metrics: dict[str, Any]) -> None:
    """Save the manifest with these metrics beside its own."""
    dataclasses.replace(manifest, metrics=manifest.metrics | metrics).save(folder)


def check_graph(folder: Path, *, parity: float | None = None) -> Report:
    """Hashes, tensors and times of a model that comes as .onnx. Nothing is written. parity: of the report."""
    manifest = Manifest.load(folder)
    manifest, session = open_model(folder, role=manifest.role)
    feed = {t.name: _filler(t) for t in session.inputs}
    return measure(manifest, session, feed, name=folder.name, parity=parity)


def _filler(tensor: Tensor) -> np.ndarray:
    """Ones in the shape of an input."""
    shape = tuple(n if isinstance(n, int) else FREE_AXIS for n in tensor.shape)
    return np.ones(shape, dtype=tensor.dtype)
