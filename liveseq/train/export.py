"""From a trained model to its manifest: the part of an export that all roles share."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from liveseq.errors import LiveseqError, ModelError
from liveseq.runtime.manifest import MANIFEST_NAME, Manifest, Tensor, Training, sha256_of
from liveseq.runtime.session import open_model
from liveseq.runtime.tag_table import TAGS
from liveseq.runtime.text import TextEncoder
from liveseq.train import checkpoint
from liveseq.train.graph import GRAPH, Step, state_tensors, tensors, versions
from liveseq.train.report import Report, measure
from liveseq.train.tags import save_table, saved_table

FREE_AXIS = 16
"""Length of an axis that the graph leaves free, while it is timed."""


def manifest_fields(folder: Path, step: Step, config: dict[str, Any], *, starts: dict[str, str]) -> dict[str, Any]:
    """Fields of the manifest of an exported step: its graph, its tags, its training, its metrics.

    starts: of the states, see StateTensor.start; zeros without. Raises KeyError or TypeError, see `config_of`.
    """
    path = folder / checkpoint.METRICS
    files = [GRAPH, *([TAGS] if "tag" in step.input_shapes() and (folder / TAGS).is_file() else [])]
    return {
        "family": config["family"],
        "model": GRAPH,
        "inputs": tensors(step.input_shapes()),
        "outputs": tensors(step.output_shapes()),
        "states": state_tensors(step.state_shapes(), starts),
        "training": Training(**config["training"]),
        "metrics": checkpoint.load_yaml(path) if path.is_file() else {},
        "versions": versions(),
        "files": {name: sha256_of(folder / name) for name in files},
    }


@contextlib.contextmanager
def config_of(kind: str, folder: Path) -> Iterator[None]:
    """Context in which a config that lacks something is a ModelError. kind: of model, in a word."""
    try:
        yield
    except (KeyError, TypeError) as error:
        raise ModelError(f"{folder / checkpoint.CONFIG}: not the config of a trained {kind}: {error}") from error


def keep_all_tags(text_encoder: Path) -> list[str]:
    """Keep the tags of the models beside a text encoder that is about to be exchanged. Returns these models' names.

    One that is damaged is left as it is, and so are all of them where the text encoder is.
    """
    kept = []
    with contextlib.suppress(ModelError):
        encoder = TextEncoder(text_encoder)
        for manifest in sorted(text_encoder.parent.glob(f"*/{MANIFEST_NAME}")):
            with contextlib.suppress(LiveseqError):
                kept += [manifest.parent.name] if keep_tags(manifest.parent, encoder) else []
    return kept


def keep_tags(folder: Path, encoder: TextEncoder) -> bool:
    """Write the vectors of a model's tags where it has none yet: those of its checkpoint, or else by this text encoder.

    Returns whether it has. Raises LiveseqError for a damaged model.
    """
    manifest = Manifest.load(folder)
    shape = next((tensor.shape for tensor in manifest.inputs if tensor.name == "tag"), None)
    if shape is None or not manifest.tags or TAGS in manifest.files:
        return False
    table = saved_table(folder) or encoder.table(manifest.tags)
    if shape != table.vectors.shape[1:]:
        return False
    save_table(table, folder)
    dataclasses.replace(manifest, files=manifest.files | {TAGS: sha256_of(folder / TAGS)}).save(folder)
    return True


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
