"""From a trained generator or vocoder to a model that a server runs: one step as a graph, held against torch and time.

Nothing in here knows a family: a family gives its StepGraph, and the graph's inputs say what it is (mel: a vocoder).
"""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from liveseq.errors import ModelError
from liveseq.runtime.generator import OnnxGenerator
from liveseq.runtime.hearing import HEARING
from liveseq.runtime.manifest import Manifest, sha256_of
from liveseq.runtime.session import PROVIDERS, Session
from liveseq.runtime.tag_table import TAGS, TagTable
from liveseq.runtime.vocoder import OnnxVocoder
from liveseq.train import checkpoint
from liveseq.train.export import config_of, manifest_fields, save_metrics
from liveseq.train.graph import GRAPH, state_tensors, tensors, write_graph, write_step
from liveseq.train.report import SOUND_WORST, Report, measure
from liveseq.train.sound import half
from liveseq.train.sound.saved import load_recipe, load_vocoder, parts_of
from liveseq.train.sound.streaming import HearGraph, StepGraph
from liveseq.train.sound.trial import random_inputs, settled_feed, stream
from liveseq.train.sources import weights_of
from liveseq.train.stepping import check_resumes, first_states, run_step, side_by_side
from liveseq.train.tags import save_table, saved_table, text_encoder

PARITY_STEPS = 1000
STRETCH = 2
"""Steps (0.3 s) that both sides play by themselves before torch goes on from the graph's states.

Where partials lie close, phases that go on from frame to frame turn a rounding error of 1e-7 into 1e-3 within two
seconds: another sound of the same level, and no fault of the graph. What the graph forgets shows within a stretch.
"""
FEWER_STEPS = 200
"""Steps for graphs that would need more than PARITY_SECONDS for the thousand, or were compared at their export."""
PARITY_SECONDS = 20.0
WHOLE_STEPS = 6
WHOLE_STREAMS = 5
SILENCE = 1e-4
"""Linear amplitude: a graph that never gets louder in CHECKED_STEPS makes no sound."""
CHECKED_STEPS = 24
RESTORED_STEPS = 20


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Difference of two sounds, of full scale."""

    worst: float
    """The largest of one sample."""
    rms: float
    """The RMS of all samples."""


def export_sound(folder: Path, *, provider: str = "cpu", allow_cpu: bool = False) -> Report:
    """checkpoint.safetensors + config.yaml -> step.onnx + model.yaml in the same folder, and the report on them."""
    graph, config = _load_graph(folder)
    return export_graph(graph, folder, config, provider=provider, allow_cpu=allow_cpu)


def export_graph(
    graph: StepGraph, folder: Path, config: dict[str, Any], *, provider: str = "cpu", allow_cpu: bool = False
) -> Report:
    """Write step.onnx and model.yaml of this graph into the folder, and report on them.

    config: family, training {data, licence, command}, and where there are any tags and model (settings). Raises
    ModelError where it cannot be exported, or its states do not go on.
    """
    graph = graph.eval()
    write_step(graph, folder / GRAPH)
    hearing = _write_hearing(graph, folder)
    manifest = _manifest(graph, folder, config, hearing)
    manifest.save(folder)
    half.forget(folder, provider)  # of the graph that was here before
    manifest, session = _open(folder, provider=provider, allow_cpu=allow_cpu)
    difference, whole = parity(graph, manifest, session), difference_from_whole(graph)
    check_restored_state(folder, provider=provider, allow_cpu=allow_cpu)
    report = measure(
        manifest,
        session,
        settled_feed(manifest, session),
        name=folder.name,
        parity=difference.worst,
        parity_rms=difference.rms,
        whole=whole,
    )
    metrics = {
        "parity_max_abs": float(f"{difference.worst:.2e}"),
        "parity_rms": float(f"{difference.rms:.2e}"),
        **({} if whole is None else {"whole_max_abs": float(f"{whole:.2e}")}),
        "step_ms": report.step_ms,
        "real_time_factor": round(report.real_time_factor or 0.0, 5),
    }
    save_metrics(manifest, folder, metrics)
    return _with_half(folder, manifest, session, report, provider=provider)


def check_sound(folder: Path, *, provider: str = "cpu", allow_cpu: bool = False) -> Report:
    """Report on a model that came as .onnx, or was exported before; where there is a checkpoint, with parity.

    Raises ModelError where hashes or tensors differ from the manifest's, where it makes no sound, or where its states
    do not go on. Nothing is written but a float16 copy for this machine.
    """
    manifest, session = _open(folder, provider=provider, allow_cpu=allow_cpu)
    TagTable.beside(folder, manifest)
    if session.path != folder / manifest.model:  # a copy: the model itself is held against torch
        half.forget(folder, provider)
        manifest, session = _open(folder, provider=provider, allow_cpu=allow_cpu)
    loudest, states = 0.0, first_states(manifest)
    for inputs in stream(manifest, n_steps=CHECKED_STEPS):
        (audio, *_), states = run_step(manifest, session, inputs, states)
        if not np.isfinite(audio).all():
            raise ModelError(f"{folder}: makes NaN or infinity within {CHECKED_STEPS} steps; train it again")
        loudest = max(loudest, float(np.abs(audio).max()))
    if loudest < SILENCE:
        raise ModelError(f"{folder}: expected sound, found silence for {CHECKED_STEPS} steps; train it again")
    check_restored_state(folder, provider=provider, allow_cpu=allow_cpu)
    compared: dict[str, float | None] = {}
    if (folder / checkpoint.CHECKPOINT).is_file():
        graph, _ = _load_graph(folder)
        difference = parity(graph, manifest, session, n_steps=FEWER_STEPS)
        compared = {"parity": difference.worst, "parity_rms": difference.rms, "whole": difference_from_whole(graph)}
    report = measure(manifest, session, settled_feed(manifest, session), name=folder.name, **compared)
    return _with_half(folder, manifest, session, report, provider=provider)


def has_tensors_of_today(folder: Path) -> bool:
    """Whether the graph has the tensors that would be exported now; an older program may have wanted others."""
    manifest = Manifest.load(folder)
    graph, _ = _load_graph(folder)
    states = state_tensors(graph.state_shapes(), graph.state_starts())
    now = tensors(graph.input_shapes()), tensors(graph.output_shapes()), states
    return now == (manifest.inputs, manifest.outputs, manifest.states)


def _load_graph(folder: Path) -> tuple[StepGraph, dict[str, Any]]:
    """The step of the checkpoint, and config.yaml."""
    recipe, config = load_recipe(folder)
    return parts_of(config, folder).step_graph(recipe, load_vocoder).eval(), config


def parity(graph: StepGraph, manifest: Manifest, session: Session, *, n_steps: int | None = None) -> Difference:
    """Difference of the sound from torch over a stream, in stretches that begin with the same states.

    n_steps: PARITY_STEPS without, or FEWER_STEPS where those would take too long.
    """
    worst, squares, began = 0.0, 0.0, time.perf_counter()
    inputs = stream(manifest, n_steps=n_steps or PARITY_STEPS)
    pairs = side_by_side(graph, manifest, session, inputs, stretch=STRETCH)
    for number, ((expected, *_), (found, *_)) in enumerate(pairs):
        difference = _of_full_scale(expected, found)
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

    The median of some streams: now and then one is loud where float32 is a hundred times less exact, but a step that
    forgets something is wrong in all of them. The worst, where it is further off than sound may be from torch: that
    clicks.
    """
    each = [_seams(graph, n_steps=n_steps, seed=seed) for seed in range(WHOLE_STREAMS)]
    differences = [difference for difference in each if difference is not None]
    if not differences:
        return None
    worst = max(differences)
    return worst if worst > SOUND_WORST else float(np.median(differences))


@torch.no_grad()
def _seams(graph: StepGraph, *, n_steps: int, seed: int) -> float | None:
    """`difference_from_whole` of one stream."""
    shapes = graph.state_shapes()
    generator = torch.Generator().manual_seed(seed)
    states = [
        torch.randn(shape, generator=generator) if graph.state_starts()[name] == "normal" else torch.zeros(shape)
        for name, shape in shapes.items()
    ]
    birth = states[1] if len(states) > 1 else torch.zeros(0)
    inputs = list(random_inputs(graph.input_shapes(), n_steps=n_steps, n_tags=1, seed=seed))
    stacked = [torch.from_numpy(np.stack(values)) for values in zip(*inputs, strict=True)]
    whole = graph.whole(birth, *stacked)
    if whole is None:
        return None
    pieces = []
    for arrays in inputs:
        audio, *states = graph(*(torch.from_numpy(array) for array in arrays), *states)
        pieces.append(audio)
    return float(np.abs(_of_full_scale(whole.numpy(), torch.cat(pieces, dim=-1).numpy())).max())


def _of_full_scale(expected: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Difference of each sample; random inputs can be louder than full scale, and then it is of their peak."""
    return (expected - found) / max(1.0, float(np.abs(expected).max()))


def check_restored_state(folder: Path, *, provider: str = "cpu", allow_cpu: bool = False) -> None:
    """States that are saved and given to another session must go on bit for bit. Raises ModelError."""
    (manifest, first), (_, second) = (_open(folder, provider=provider, allow_cpu=allow_cpu) for _ in range(2))
    check_resumes(folder, manifest, first, second, list(stream(manifest, n_steps=RESTORED_STEPS)))


def _with_half(folder: Path, manifest: Manifest, session: Session, report: Report, *, provider: str) -> Report:
    """Report on the graph that will be played: on a GPU the float16 copy, where it is as good and faster."""
    if session.provider == PROVIDERS["cpu"]:  # has no float16 to speak of
        return report
    return half.consider(folder, manifest, session, report, provider=provider)


def _open(folder: Path, *, provider: str, allow_cpu: bool) -> tuple[Manifest, Session]:
    """The model opened as a player does it, held against the inputs that a player gives."""
    kind = OnnxVocoder if Manifest.load(folder).role == "vocoder" else OnnxGenerator
    model = kind(folder, provider=provider, allow_cpu=allow_cpu)
    return model.manifest, model.session


def _write_hearing(graph: StepGraph, folder: Path) -> dict[str, Any]:
    """Write the graph that listens to recordings, if there is one: the manifest's setting of it."""
    path, shapes = folder / HEARING, graph.heard_shapes()
    if not shapes:
        path.unlink(missing_ok=True)
        return {}
    write_graph(HearGraph(graph).eval(), path, inputs=shapes | graph.state_shapes(), outputs=["memory_next"])
    front_end = graph.heard_front_end()
    return {"hearing": {"graph": HEARING, **({"front_end": front_end} if front_end else {})}}


def _write_tags(graph: StepGraph, folder: Path, config: dict[str, Any]) -> None:
    """Write the vectors of its tags where they are not there: after an older training, or for a foreign graph."""
    shapes, names = graph.input_shapes(), config.get("tags", ())
    if "tag" not in shapes or not names or (folder / TAGS).is_file():
        return
    with contextlib.suppress(ModelError):  # no text encoder here: the graph plays all the same
        table = saved_table(folder) or text_encoder().table(names)
        if table.vectors.shape[1:] == shapes["tag"]:
            save_table(table, folder)


def _manifest(graph: StepGraph, folder: Path, config: dict[str, Any], hearing: dict[str, Any]) -> Manifest:
    _write_tags(graph, folder, config)
    settings = dict(config.get("model", {})) | graph.about() | weights_of(folder, config) | hearing
    with config_of("model", folder):
        fields = manifest_fields(folder, graph, config, starts=graph.state_starts())
        fields["files"] |= {HEARING: sha256_of(folder / HEARING)} if hearing else {}
        return Manifest(
            role="vocoder" if "mel" in graph.input_shapes() else "generator",
            sample_rate=graph.sample_rate,
            hop_length=graph.about().get("front_end", {}).get("hop_length"),
            samples_per_step=graph.samples_per_step,
            # a step is heard whole before the next one can be given
            latency_samples=graph.samples_per_step + graph.look_ahead,
            channels=graph.channels,
            tags=tuple(config.get("tags", ())) if "tag" in graph.input_shapes() else (),
            settings=settings,
            **fields,
        )
