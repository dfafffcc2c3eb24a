"""From a trained predictor to what a server runs: graph, parity with torch, benchmark, manifest."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from liveseq.errors import ModelError
from liveseq.runtime.manifest import Manifest, Tensor, Training, sha256_of
from liveseq.runtime.predictor import Condition, OnnxPredictor
from liveseq.runtime.session import open_model
from liveseq.train import checkpoint
from liveseq.train.graph import GRAPH, state_tensors, tensors, versions, write_graph
from liveseq.train.predictors import saved
from liveseq.train.predictors.families.base import Family, Step
from liveseq.train.report import Report, measure
from liveseq.train.sources import weights_of

PARITY_STEPS = 1000
CHECKED_STEPS = 200
"""Of a graph that was compared when it was exported."""


def export_predictor(folder: Path, *, provider: str = "cpu", allow_cpu: bool = False) -> Report:
    """checkpoint.safetensors + config.yaml -> step.onnx + model.yaml in the same folder."""
    model, config = saved.load_model(folder)
    write_predictor(model, folder / GRAPH)
    manifest = _manifest(folder, model, config)
    manifest.save(folder)
    predictor = OnnxPredictor(folder, provider=provider, allow_cpu=allow_cpu)
    worst = parity(model, predictor)
    check_restored_state(folder, provider=provider, allow_cpu=allow_cpu)
    feed = {t.name: np.zeros(t.shape, dtype=t.dtype) for t in manifest.graph_inputs()} | {
        "features": model.mean.numpy()
    }
    report = measure(manifest, predictor.session, feed, name=folder.name, parity=worst)
    metrics = manifest.metrics | {
        "parity_max_abs": float(f"{worst:.2e}"),
        "step_ms": {"p50": report.p50_ms, "p99": report.p99_ms, "max": report.max_ms, "provider": report.provider},
    }
    Manifest(**(vars(manifest) | {"metrics": metrics})).save(folder)
    return report


def check_model(folder: Path, *, provider: str = "cpu", allow_cpu: bool = False) -> Report:
    """A model that came as .onnx, or was exported before: hashes, tensors, deadline; with a checkpoint, parity too.

    Nothing is written.
    """
    manifest = Manifest.load(folder)
    manifest, session = open_model(folder, role=manifest.role, provider=provider, allow_cpu=allow_cpu)
    worst = None
    if manifest.role == "predictor" and (folder / checkpoint.CHECKPOINT).is_file():
        predictor = OnnxPredictor(folder, provider=provider, allow_cpu=allow_cpu)
        worst = parity(saved.load_model(folder)[0], predictor, n_steps=CHECKED_STEPS)
    feed = {t.name: _filler(t) for t in session.inputs}
    return measure(manifest, session, feed, name=folder.name, parity=worst)


def write_predictor(model: Family, path: Path) -> None:
    """One step as ONNX. Raises ModelError where torch cannot export it."""
    step = Step(model)
    given = [*step.output_shapes(), *(f"{name}_next" for name in step.state_shapes())]
    write_graph(step, path, taken=step.input_shapes() | step.state_shapes(), given=given)


def parity(model: Family, predictor: OnnxPredictor, *, n_steps: int = PARITY_STEPS) -> float:
    """Largest difference of logits, means and scales from torch over a stream, z-scored; each carries its own state."""
    mean, deviation = model.mean.numpy(), model.deviation.numpy()
    step = Step(model).eval()
    hidden = [torch.zeros(shape) for shape in step.state_shapes().values()]
    state = predictor.start()
    unit = deviation if model.basis is None else np.float32(1.0)
    worst = 0.0
    with torch.no_grad():
        for features, condition in _stream(mean, deviation, n_steps=n_steps, tag_size=model.config.tag_size):
            known = [torch.from_numpy(getattr(condition, name)) for name in model.conditions]
            logits, means, scales, *rest = step(torch.from_numpy(features), *known, *hidden)
            hidden = rest[-len(hidden) :]
            found, state = predictor.step(features, state, condition)
            pairs = ((logits, found.logits, 1.0), (means, found.means, deviation), (scales, found.scales, unit))
            for expected, given, scale in pairs:
                difference = float(np.abs((expected.numpy() - given) / scale).max())
                worst = max(worst, difference) if np.isfinite(difference) else float("inf")
    return worst


def check_restored_state(folder: Path, *, provider: str = "cpu", allow_cpu: bool = False, n_steps: int = 200) -> None:
    """A state that is saved and given to another session must go on bit for bit."""
    first, second = (OnnxPredictor(folder, provider=provider, allow_cpu=allow_cpu) for _ in range(2))
    n = len(first.feature_names)
    zeros, ones = np.zeros(n, dtype=np.float32), np.ones(n, dtype=np.float32)
    stream = list(_stream(zeros, ones, n_steps=n_steps, tag_size=first.tag_size or 0))
    state = first.start()
    for features, condition in stream[: n_steps // 2]:
        _, state = first.step(features, state, condition)
    restored = tuple(np.frombuffer(s.tobytes(), dtype=s.dtype).reshape(s.shape) for s in state)
    for features, condition in stream[n_steps // 2 :]:
        one, state = first.step(features, state, condition)
        two, restored = second.step(features, restored, condition)
        pairs = zip((one.means, one.scales, *state), (two.means, two.scales, *restored), strict=True)
        if any(a.tobytes() != b.tobytes() for a, b in pairs):
            raise ModelError(f"{folder}: a restored state does not go on bit for bit; the graph holds a hidden state")


def _manifest(folder: Path, model: Family, config: dict[str, Any]) -> Manifest:
    path = folder / checkpoint.METRICS
    metrics = checkpoint.load_yaml(path) if path.is_file() else {}
    step = Step(model)
    try:
        return Manifest(
            role="predictor",
            family=config["family"],
            model=GRAPH,
            inputs=tensors(step.input_shapes()),
            outputs=tensors(step.output_shapes()),
            states=state_tensors(step.state_shapes()),
            sample_rate=config["sample_rate"],
            hop_length=config["hop_length"],
            samples_per_step=config["samples_per_step"],
            latency_samples=config["samples_per_step"],  # a step is heard whole before the next one can be told
            features=tuple(config["features"]),
            settings=config["model"] | weights_of(folder, config),
            training=Training(**config["training"]),
            metrics=metrics,
            versions=versions(),
            files={GRAPH: sha256_of(folder / GRAPH)},
        )
    except (KeyError, TypeError) as error:
        raise ModelError(f"{folder / checkpoint.CONFIG}: not the config of a trained predictor: {error}") from error


def _stream(
    mean: np.ndarray, deviation: np.ndarray, *, n_steps: int, tag_size: int
) -> Iterator[tuple[np.ndarray, Condition]]:
    """Features that wander as real ones do, float32 (D,) each, under one tag and a beat of 2.9 steps."""
    rng = np.random.default_rng(0)
    z = np.zeros(len(mean))
    tag = rng.standard_normal(tag_size).astype(np.float32)
    tag /= max(float(np.linalg.norm(tag)), 1e-9)
    for i in range(n_steps):
        z = 0.8 * z + 0.6 * rng.standard_normal(len(mean))
        angle = 2 * np.pi * i / 2.9
        phase = np.array([np.sin(angle), np.cos(angle), 1.0], dtype=np.float32)
        yield (mean + deviation * z).astype(np.float32), Condition(tag, phase)


def _filler(tensor: Tensor) -> np.ndarray:
    """Something that the graph takes; a free axis gets 16."""
    shape = tuple(n if isinstance(n, int) else 16 for n in tensor.shape)
    return np.ones(shape, dtype=tensor.dtype)
