"""From a trained predictor to a model that a server runs: graph, parity with torch, times, manifest."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from liveseq.runtime.manifest import Manifest
from liveseq.runtime.predictor import OnnxPredictor
from liveseq.runtime.session import Session
from liveseq.runtime.tag_table import TagTable
from liveseq.train import checkpoint
from liveseq.train.export import check_graph, config_of, manifest_fields, save_metrics
from liveseq.train.graph import GRAPH, write_step
from liveseq.train.predictors.families.base import Network, PredictorGraph
from liveseq.train.predictors.saved import load_network
from liveseq.train.report import Report, measure
from liveseq.train.sources import weights_of
from liveseq.train.stepping import Arrays, check_resumes, side_by_side
from liveseq.train.tags import saved_table

PARITY_STEPS = 1000
CHECKED_STEPS = 200
"""Steps for a graph that was compared when it was exported."""
RESTORED_STEPS = 200


def export_predictor(folder: Path) -> Report:
    """checkpoint.safetensors + config.yaml -> step.onnx + model.yaml in the same folder, and the report on them."""
    model, config = load_network(folder)
    graph = PredictorGraph(model)
    write_step(graph, folder / GRAPH)
    manifest = _manifest(folder, graph, config)
    manifest.save(folder)
    session = OnnxPredictor(folder).session
    worst = parity(model, manifest, session)
    check_restored_state(folder)
    feed = {t.name: np.zeros(t.shape, dtype=t.dtype) for t in manifest.graph_inputs()}
    report = measure(manifest, session, feed | {"features": model.mean.numpy()}, name=folder.name, parity=worst)
    save_metrics(manifest, folder, {"parity_max_abs": float(f"{worst:.2e}"), "step_ms": report.step_ms})
    return report


def check_predictor(folder: Path) -> Report:
    """Report on a model that came as .onnx or was exported before, parity too where a checkpoint is. Writes nothing."""
    worst = None
    TagTable.beside(folder, Manifest.load(folder))
    if (folder / checkpoint.CHECKPOINT).is_file():
        predictor = OnnxPredictor(folder)
        model, _ = load_network(folder)
        worst = parity(model, predictor.manifest, predictor.session, n_steps=CHECKED_STEPS)
    return check_graph(folder, parity=worst)


def parity(model: Network, manifest: Manifest, session: Session, *, n_steps: int = PARITY_STEPS) -> float:
    """Largest difference of logits, means and scales from torch over a stream, z-scored."""
    mean, deviation = model.mean.numpy(), model.deviation.numpy()
    unit = deviation if model.basis is None else np.float32(1.0)
    worst = 0.0
    graph = PredictorGraph(model).eval()
    for expected, found in side_by_side(graph, manifest, session, _stream(manifest, mean, deviation, n_steps=n_steps)):
        for one, other, scale in zip(expected[:3], found[:3], (1.0, deviation, unit), strict=True):
            difference = float(np.abs((one - other) / scale).max())
            worst = max(worst, difference) if np.isfinite(difference) else float("inf")
    return worst


def check_restored_state(folder: Path) -> None:
    """States that are saved and given to another session must go on bit for bit. Raises ModelError."""
    first, second = (OnnxPredictor(folder) for _ in range(2))
    n = len(first.feature_names)
    zeros, ones = np.zeros(n, dtype=np.float32), np.ones(n, dtype=np.float32)
    inputs = list(_stream(first.manifest, zeros, ones, n_steps=RESTORED_STEPS))
    check_resumes(folder, first.manifest, first.session, second.session, inputs)


def _manifest(folder: Path, graph: PredictorGraph, config: dict[str, Any]) -> Manifest:
    table = saved_table(folder)
    with config_of("predictor", folder):
        return Manifest(
            role="predictor",
            sample_rate=config["sample_rate"],
            hop_length=config["hop_length"],
            samples_per_step=config["samples_per_step"],
            latency_samples=config["samples_per_step"],  # a step is heard whole before the next one can be predicted
            features=tuple(config["features"]),
            tags=table.names if table is not None else (),
            settings=config["model"] | weights_of(folder, config),
            **manifest_fields(folder, graph, config, starts={}),
        )


def _stream(manifest: Manifest, mean: np.ndarray, deviation: np.ndarray, *, n_steps: int) -> Iterator[Arrays]:
    """Inputs of each step: features that wander as real ones do, under one tag and a beat of 2.9 steps."""
    shapes = {tensor.name: tensor.shape for tensor in manifest.inputs}
    rng = np.random.default_rng(0)
    z = np.zeros(len(mean))
    tag = rng.standard_normal(shapes.get("tag", 0)).astype(np.float32)
    tag /= max(float(np.linalg.norm(tag)), 1e-9)
    for i in range(n_steps):
        z = 0.8 * z + 0.6 * rng.standard_normal(len(mean))
        angle = 2 * np.pi * i / 2.9
        phase = np.array([np.sin(angle), np.cos(angle), 1.0], dtype=np.float32)
        inputs = {"features": (mean + deviation * z).astype(np.float32), "tag": tag, "phase": phase}
        yield [inputs[name] for name in shapes]
