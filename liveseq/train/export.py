"""From a trained checkpoint to what a server runs: graph, parity with torch, benchmark, manifest.

The graph is one step with fixed shapes and the state as tensors, made by torch.export with no silent way back to
the old exporter.
"""

import contextlib
import logging
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxscript
import torch

from liveseq.errors import ModelError
from liveseq.runtime.manifest import Manifest, StateTensor, Tensor, Training, sha256_of
from liveseq.runtime.predictor import Condition, OnnxPredictor
from liveseq.runtime.session import ONNXRUNTIME_VERSION, Session, open_model
from liveseq.train import checkpoint
from liveseq.train.families.base import Family, Step

GRAPH = "step.onnx"
OPSET = 20
PARITY_STEPS = 1000
PARITY_BOUND = 1e-4
"""Largest difference from torch, in standard deviations of the features."""
BENCHMARK_RUNS = 500
BENCHMARK_ROUNDS = 20
"""Of so many runs each; the quietest counts: what else the machine does is not the model's."""
DEADLINE_MS = {"predictor": 0.5, "text-encoder": 5.0}
"""p99 of one run: a plan hears 12 steps, imagines 8 and selects among 10^5 units within 5 ms."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """How one model fared. Times in milliseconds."""

    name: str
    role: str
    provider: str
    parity: float | None
    """None where there is no torch model to compare with."""
    p50_ms: float
    p99_ms: float
    max_ms: float
    deadline_ms: float
    real_time_factor: float | None
    """p50 over the sound that one run stands for."""

    @property
    def failures(self) -> list[str]:
        found = []
        if self.parity is not None and not self.parity <= PARITY_BOUND:
            found.append(f"parity {self.parity:.1e} > {PARITY_BOUND:.0e}")
        if self.p99_ms > self.deadline_ms:
            found.append(f"p99 {self.p99_ms:.3f} ms > {self.deadline_ms:g} ms")
        return found


def export_predictor(folder: Path, *, provider: str = "cpu", allow_cpu: bool = False) -> Report:
    """checkpoint.safetensors + config.yaml -> step.onnx + model.yaml in the same folder."""
    model, config = checkpoint.load_model(folder)
    part = folder / f".{GRAPH}.part"
    write_graph(model, part)
    part.replace(folder / GRAPH)
    manifest = _manifest(folder, model, config)
    manifest.save(folder)
    predictor = OnnxPredictor(folder, provider=provider, allow_cpu=allow_cpu)
    worst = parity(model, predictor)
    check_restored_state(folder, provider=provider, allow_cpu=allow_cpu)
    feed = {t.name: np.zeros(t.shape, dtype=t.dtype) for t in manifest.graph_inputs()} | {
        "features": model.mean.numpy()
    }
    report = _report(manifest, predictor.session, feed, name=folder.name, parity=worst)
    metrics = manifest.metrics | {
        "parity_max_abs": float(f"{worst:.2e}"),
        "step_ms": {"p50": report.p50_ms, "p99": report.p99_ms, "max": report.max_ms, "provider": report.provider},
    }
    Manifest(**(vars(manifest) | {"metrics": metrics})).save(folder)
    return report


def check_model(folder: Path, *, provider: str = "cpu", allow_cpu: bool = False) -> Report:
    """A model that came as .onnx: its hashes and tensors are verified, its deadline is measured."""
    manifest = Manifest.load(folder)
    manifest, session = open_model(folder, role=manifest.role, provider=provider, allow_cpu=allow_cpu)
    feed = {t.name: _filler(t) for t in session.inputs}
    session.warm_up(feed)
    return _report(manifest, session, feed, name=folder.name, parity=None)


def write_graph(model: Family, path: Path) -> None:
    """One step as ONNX. Raises ModelError where torch cannot export it."""
    step = Step(model).eval()
    taken = step.input_shapes() | step.state_shapes()
    try:
        with _quiet():
            program = torch.onnx.export(
                step,
                tuple(torch.zeros(shape) for shape in taken.values()),
                input_names=list(taken),
                output_names=[*step.output_shapes(), *(f"{name}_next" for name in step.state_shapes())],
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        raise ModelError(f"{path.parent}: cannot be exported: {' '.join(str(error).split())[:300]}") from error
    assert isinstance(program, torch.onnx.ONNXProgram)  # what only the new exporter gives
    program.save(str(path), external_data=False)
    _strip(path)


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


def format_reports(reports: list[Report]) -> str:
    lines = [f"{'model':20s} {'provider':10s} {'parity':>8s} {'p50 ms':>8s} {'p99 ms':>8s} {'max ms':>8s} {'RTF':>8s}"]
    for r in reports:
        parity_text = "-" if r.parity is None else f"{r.parity:.1e}"
        factor = "-" if r.real_time_factor is None else f"{r.real_time_factor:.1e}"
        verdict = "; ".join(r.failures) or "ok"
        provider = r.provider.removesuffix("ExecutionProvider")
        times = f"{r.p50_ms:8.3f} {r.p99_ms:8.3f} {r.max_ms:8.3f}"
        lines.append(f"{r.name:20s} {provider:10s} {parity_text:>8s} {times} {factor:>8s}  {verdict}")
    return "\n".join(lines)


def _manifest(folder: Path, model: Family, config: dict[str, Any]) -> Manifest:
    path = folder / checkpoint.METRICS
    metrics = checkpoint.load_yaml(path) if path.is_file() else {}
    step = Step(model)
    try:
        return Manifest(
            role="predictor",
            family=config["family"],
            model=GRAPH,
            inputs=_tensors(step.input_shapes()),
            outputs=_tensors(step.output_shapes()),
            states=tuple(
                StateTensor(input=name, output=f"{name}_next", shape=shape, dtype="float32")
                for name, shape in step.state_shapes().items()
            ),
            sample_rate=config["sample_rate"],
            hop_length=config["hop_length"],
            samples_per_step=config["samples_per_step"],
            latency_samples=config["samples_per_step"],  # a step is heard whole before the next one can be told
            features=tuple(config["features"]),
            settings=config["model"] | {"checkpoint_sha256": sha256_of(folder / checkpoint.CHECKPOINT)},
            training=Training(**config["training"]),
            metrics=metrics,
            versions=_versions(),
            files={GRAPH: sha256_of(folder / GRAPH)},
        )
    except (KeyError, TypeError) as error:
        raise ModelError(f"{folder / checkpoint.CONFIG}: not the config of a trained predictor: {error}") from error


def _tensors(shapes: dict[str, tuple[int, ...]]) -> tuple[Tensor, ...]:
    return tuple(Tensor(name=name, shape=shape, dtype="float32") for name, shape in shapes.items())


def _versions() -> dict[str, str]:
    found = {m.__name__: str(m.__version__) for m in (torch, onnx, onnxscript)}
    return found | {"onnxruntime": ONNXRUNTIME_VERSION}


def _report(
    manifest: Manifest, session: Session, feed: dict[str, np.ndarray], *, name: str, parity: float | None
) -> Report:
    times = min((_times(session, feed) for _ in range(BENCHMARK_ROUNDS)), key=lambda t: float(np.quantile(t, 0.99)))
    p50, p99, longest = (round(float(t) * 1e3, 4) for t in (*np.quantile(times, (0.5, 0.99)), times.max()))
    span_ms = None
    if manifest.samples_per_step and manifest.sample_rate:
        span_ms = 1e3 * manifest.samples_per_step / manifest.sample_rate
    return Report(
        name=name,
        role=manifest.role,
        provider=session.provider,
        parity=parity,
        p50_ms=p50,
        p99_ms=p99,
        max_ms=longest,
        # a generator must leave 40 % of its hop to everything else
        deadline_ms=DEADLINE_MS.get(manifest.role) or 0.6 * (span_ms or 0.0),
        real_time_factor=None if span_ms is None else p50 / span_ms,
    )


def _times(session: Session, feed: dict[str, np.ndarray]) -> np.ndarray:
    """Seconds of each run."""
    times = np.empty(BENCHMARK_RUNS)
    for i in range(BENCHMARK_RUNS):
        began = time.perf_counter()
        session.run(feed)
        times[i] = time.perf_counter() - began
    return times


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


def _strip(path: Path) -> None:
    """Leave out the stack traces that the exporter keeps at each node: they name folders of this machine."""
    model = onnx.load(path)
    for node in model.graph.node:
        del node.metadata_props[:]
    onnx.save(model, path)
