"""From a trained generator or vocoder to what a server runs: one step as a graph, held against torch and the clock.

Nothing in here knows a family: a family gives its StepGraph, and the graph's inputs say what it is (mel: a vocoder).
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from liveseq.errors import ModelError
from liveseq.runtime.generator import OnnxGenerator
from liveseq.runtime.manifest import Manifest, Training, sha256_of
from liveseq.runtime.session import PROVIDERS, Session
from liveseq.runtime.vocoder import OnnxVocoder
from liveseq.train import checkpoint
from liveseq.train.graph import GRAPH, state_tensors, tensors, versions, write_graph
from liveseq.train.report import SOUND_WORST, Report, measure
from liveseq.train.sound import half
from liveseq.train.sound.families import FAMILIES
from liveseq.train.sound.saved import load_recipe
from liveseq.train.sound.streaming import StepGraph
from liveseq.train.sound.trial_run import feed_of, goes_on, random_inputs, run, start, stream
from liveseq.train.sources import weights_of

PARITY_STEPS = 1000
FEWER_STEPS = 200
"""For graphs that would need more than PARITY_SECONDS for the thousand, or were compared when they were exported."""
PARITY_SECONDS = 20.0
WHOLE_STEPS = 6
WHOLE_STREAMS = 5
SILENCE = 1e-4
"""Linear amplitude: what never gets louder in CHECKED_STEPS makes no sound."""
CHECKED_STEPS = 24


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Of two sounds, of full scale."""

    worst: float
    """Of one sample."""
    rms: float
    """Of all."""


def export_sound(folder: Path, *, provider: str = "cpu", allow_cpu: bool = False) -> Report:
    """checkpoint.safetensors + config.yaml -> step.onnx + model.yaml in the same folder, and how they fare."""
    graph, config = _load_graph(folder)
    return export_graph(graph, folder, config, provider=provider, allow_cpu=allow_cpu)


def export_graph(
    graph: StepGraph, folder: Path, config: dict[str, Any], *, provider: str = "cpu", allow_cpu: bool = False
) -> Report:
    """Write step.onnx and model.yaml of this graph into the folder, and hold it against torch and the clock.

    config: family, training {data, licence, command}, and where there are any tags and model (settings).
    """
    graph = graph.eval()
    given = [*graph.output_shapes(), *(f"{name}_next" for name in graph.state_shapes())]
    write_graph(graph, folder / GRAPH, taken=graph.input_shapes() | graph.state_shapes(), given=given)
    manifest = _manifest(graph, folder, config)
    manifest.save(folder)
    half.forget(folder, provider)  # of the graph that was here before
    manifest, session = _open(folder, provider=provider, allow_cpu=allow_cpu)
    found, whole = parity(graph, manifest, session), difference_from_whole(graph)
    check_restored_state(folder, provider=provider, allow_cpu=allow_cpu)
    report = measure(
        manifest,
        session,
        feed_of(manifest, session),
        name=folder.name,
        parity=found.worst,
        parity_rms=found.rms,
        whole=whole,
    )
    metrics = manifest.metrics | {
        "parity_max_abs": float(f"{found.worst:.2e}"),
        "parity_rms": float(f"{found.rms:.2e}"),
        **({} if whole is None else {"whole_max_abs": float(f"{whole:.2e}")}),
        "step_ms": {"p50": report.p50_ms, "p99": report.p99_ms, "max": report.max_ms, "provider": report.provider},
        "real_time_factor": round(report.real_time_factor or 0.0, 5),
    }
    Manifest(**(vars(manifest) | {"metrics": metrics})).save(folder)
    return _with_half(folder, manifest, session, report, provider=provider)


def check_sound(folder: Path, *, provider: str = "cpu", allow_cpu: bool = False) -> Report:
    """What came as .onnx, or was exported before: its hashes, its tensors, that it sounds, that its states go on, its

    deadline; and where there is a checkpoint, parity. Nothing is written but what is for this machine only.
    """
    manifest, session = _open(folder, provider=provider, allow_cpu=allow_cpu)
    if session.path != folder / manifest.model:  # a copy: the model itself is what is held against torch
        half.forget(folder, provider)
        manifest, session = _open(folder, provider=provider, allow_cpu=allow_cpu)
    loudest, states = 0.0, start(manifest)
    for inputs in stream(manifest, n_steps=CHECKED_STEPS):
        audio, states = run(manifest, session, inputs, states)
        if not np.isfinite(audio).all():
            raise ModelError(f"{folder}: makes NaN or infinity within {CHECKED_STEPS} steps; train it again")
        loudest = max(loudest, float(np.abs(audio).max()))
    if loudest < SILENCE:
        raise ModelError(f"{folder}: expected sound, found silence for {CHECKED_STEPS} steps; train it again")
    check_restored_state(folder, provider=provider, allow_cpu=allow_cpu)
    found: dict[str, float | None] = {}
    if (folder / checkpoint.CHECKPOINT).is_file():
        graph, _ = _load_graph(folder)
        difference = parity(graph, manifest, session, n_steps=FEWER_STEPS)
        found = {"parity": difference.worst, "parity_rms": difference.rms, "whole": difference_from_whole(graph)}
    report = measure(manifest, session, feed_of(manifest, session), name=folder.name, **found)
    return _with_half(folder, manifest, session, report, provider=provider)


def is_of_today(folder: Path) -> bool:
    """What was exported takes and gives what would be exported now; an older program may have wanted other inputs."""
    manifest = Manifest.load(folder)
    graph, _ = _load_graph(folder)
    states = state_tensors(graph.state_shapes(), graph.state_starts())
    now = tensors(graph.input_shapes()), tensors(graph.output_shapes()), states
    return now == (manifest.inputs, manifest.outputs, manifest.states)


def _load_graph(folder: Path) -> tuple[StepGraph, dict[str, Any]]:
    """Of the checkpoint, and config.yaml."""
    recipe, config = load_recipe(folder)
    graph: StepGraph = FAMILIES[config["family"]].load().step_graph(recipe)
    return graph.eval(), config


@torch.no_grad()
def parity(graph: StepGraph, manifest: Manifest, session: Session, *, n_steps: int | None = None) -> Difference:
    """Difference of the sound from torch over a stream; each carries its own states.

    n_steps: PARITY_STEPS without, or FEWER_STEPS where those would take too long.
    """
    states = start(manifest)
    own = [torch.from_numpy(state) for state in states]
    worst, squares, began = 0.0, 0.0, time.perf_counter()
    for number, inputs in enumerate(stream(manifest, n_steps=n_steps or PARITY_STEPS)):
        audio, *own = graph(*(torch.from_numpy(i) for i in inputs), *own)
        found, states = run(manifest, session, inputs, states)
        difference = _of_full_scale(audio.numpy(), found)
        if not np.isfinite(difference).all():
            return Difference(worst=float("inf"), rms=float("inf"))
        worst = max(worst, float(np.abs(difference).max()))
        squares += float(np.square(difference, dtype=np.float64).mean())
        slow = time.perf_counter() - began > PARITY_SECONDS
        if n_steps is None and slow and number + 1 >= FEWER_STEPS:
            break
    return Difference(worst=worst, rms=(squares / (number + 1)) ** 0.5)


def difference_from_whole(graph: StepGraph, *, n_steps: int = WHOLE_STEPS) -> float | None:
    """Largest difference of steps from the same sound in one piece, of full scale; None where a family has no whole.

    The median of some streams: now and then one is loud where float32 is a hundred times less exact, but what a step
    forgets is wrong in all of them. The worst, where it is further off than sound may be from torch: that clicks.
    """
    found = [_seams(graph, n_steps=n_steps, seed=seed) for seed in range(WHOLE_STREAMS)]
    told = [difference for difference in found if difference is not None]
    if not told:
        return None
    worst = max(told)
    return worst if worst > SOUND_WORST else float(np.median(told))


@torch.no_grad()
def _seams(graph: StepGraph, *, n_steps: int, seed: int) -> float | None:
    """Of one stream."""
    shapes = graph.state_shapes()
    generator = torch.Generator().manual_seed(seed)
    states = [
        torch.randn(shape, generator=generator) if graph.state_starts()[name] == "normal" else torch.zeros(shape)
        for name, shape in shapes.items()
    ]
    birth = states[1] if len(states) > 1 else torch.zeros(0)
    told = list(random_inputs(graph.input_shapes(), n_steps=n_steps, n_tags=1, seed=seed))
    given = [torch.from_numpy(np.stack(values)) for values in zip(*told, strict=True)]
    whole = graph.whole(birth, *given)
    if whole is None:
        return None
    pieces = []
    for inputs in told:
        audio, *states = graph(*(torch.from_numpy(i) for i in inputs), *states)
        pieces.append(audio)
    return float(np.abs(_of_full_scale(whole.numpy(), torch.cat(pieces, dim=-1).numpy())).max())


def _of_full_scale(wanted: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Difference of each sample; random inputs can be louder than full scale, and then it is of what they are."""
    return (wanted - found) / max(1.0, float(np.abs(wanted).max()))


def check_restored_state(folder: Path, *, provider: str = "cpu", allow_cpu: bool = False) -> None:
    """States that are saved and given to another session must go on bit for bit. Raises ModelError."""
    (manifest, first), (_, second) = (_open(folder, provider=provider, allow_cpu=allow_cpu) for _ in range(2))
    if not goes_on(manifest, first, second):
        raise ModelError(f"{folder}: a restored state does not go on bit for bit; the graph holds a hidden state")


def _with_half(folder: Path, manifest: Manifest, session: Session, report: Report, *, provider: str) -> Report:
    """What will be played: on a GPU the float16 copy, where it is as good and faster."""
    if session.provider == PROVIDERS["cpu"]:  # has no float16 to speak of
        return report
    return half.consider(folder, manifest, session, report, provider=provider)


def _open(folder: Path, *, provider: str, allow_cpu: bool) -> tuple[Manifest, Session]:
    """As those who play it do, held against what they give it."""
    kind = OnnxVocoder if Manifest.load(folder).role == "vocoder" else OnnxGenerator
    model = kind(folder, provider=provider, allow_cpu=allow_cpu)
    return model.manifest, model.session


def _manifest(graph: StepGraph, folder: Path, config: dict[str, Any]) -> Manifest:
    path = folder / checkpoint.METRICS
    metrics = checkpoint.load_yaml(path) if path.is_file() else {}
    settings = dict(config.get("model", {})) | graph.about() | weights_of(folder, config)
    try:
        return Manifest(
            role="vocoder" if "mel" in graph.input_shapes() else "generator",
            family=config["family"],
            model=GRAPH,
            inputs=tensors(graph.input_shapes()),
            outputs=tensors(graph.output_shapes()),
            states=state_tensors(graph.state_shapes(), graph.state_starts()),
            sample_rate=graph.sample_rate,
            hop_length=graph.about().get("front_end", {}).get("hop_length"),
            samples_per_step=graph.samples_per_step,
            # a step is heard whole before the next one can be told
            latency_samples=graph.samples_per_step + graph.look_ahead,
            channels=graph.channels,
            tags=tuple(config.get("tags", ())),
            settings=settings,
            training=Training(**config["training"]),
            metrics=metrics,
            versions=versions(),
            files={GRAPH: sha256_of(folder / GRAPH)},
        )
    except (KeyError, TypeError) as error:
        raise ModelError(f"{folder / checkpoint.CONFIG}: not the config of a trained model: {error}") from error
