"""Float16 copy of a graph of sound, for a GPU: written, held against the graph itself, kept where it may be played.

As automatic mixed precision does in training, matrices and convolutions are float16, and everything between is float32:
inputs and outputs, every state, sums, norms, exponentials and phases.
"""

import contextlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from liveseq.errors import ModelError, one_line
from liveseq.runtime.half import HalfManifest, copied_files, half_manifest_path, half_path
from liveseq.runtime.manifest import Manifest, sha256_of
from liveseq.runtime.session import ONNXRUNTIME_VERSION, Session, open_session
from liveseq.train.report import Report, measure
from liveseq.train.sound.trial import settled_feed, stream
from liveseq.train.stepping import first_states, resumes, run_step

HEAVY = frozenset({"Conv", "ConvTranspose", "Gemm", "GRU", "LSTM", "MatMul"})
"""Kinds of nodes that are worth it."""
JUST_NOTICEABLE_DB = 1.0
"""Difference in level: about what is just noticed (Zwicker and Fastl, Psychoacoustics, 2007, chapter 7)."""
MOST = 99.9
"""Percent of places in time and critical bands that must differ by no more."""
N_STEPS = 200
"""Steps of the stream that is compared."""
RESTORED_STEPS = 20
_QUIET = 1e-8
"""Power of full scale, -80 dBFS, that a band is filled up to, since less is not heard beside music."""
_N_FFT = 2048


def to_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose heavy nodes take and give float16, with casts around them. Names of inputs and outputs stay."""
    model = onnx.shape_inference.infer_shapes(model)
    graph = model.graph
    inputs = {value.name for value in graph.input}
    weights = {tensor.name: tensor for tensor in graph.initializer if tensor.name not in inputs}
    kinds = {value.name: value.type.tensor_type.elem_type for value in (*graph.value_info, *graph.input, *graph.output)}
    kinds |= {name: tensor.data_type for name, tensor in weights.items()}
    halved: dict[str, str] = {}
    nodes, constants = [], []

    def half(name: str) -> str:
        """Name of the same in float16."""
        if kinds.get(name) != TensorProto.FLOAT:  # lengths, and inputs that are left out
            return name
        if name not in halved:
            halved[name] = f"{name}.half"
            if name in weights:
                with np.errstate(over="ignore"):  # infinite weights make no sound, which is then what is said
                    values = numpy_helper.to_array(weights[name]).astype(np.float16)
                constants.append(numpy_helper.from_array(values, halved[name]))
            else:
                nodes.append(helper.make_node("Cast", [name], [halved[name]], to=TensorProto.FLOAT16))
        return halved[name]

    for node in graph.node:
        outputs = [name for name in node.output if name]
        if node.op_type not in HEAVY or node.domain or any(kinds.get(name) != TensorProto.FLOAT for name in outputs):
            nodes.append(node)
            continue
        node.input[:] = [half(name) for name in node.input]
        node.output[:] = [name and f"{name}.half.made" for name in node.output]
        nodes.append(node)
        nodes += [helper.make_node("Cast", [f"{name}.half.made"], [name], to=TensorProto.FLOAT) for name in outputs]
    used = _used(nodes) | {value.name for value in graph.output} | inputs
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    for field, values in ((graph.node, nodes), (graph.initializer, [*kept, *constants]), (graph.value_info, [])):
        del field[:]
        field.extend(values)
    return model


def _used(nodes: Iterable[onnx.NodeProto]) -> set[str]:
    """Names of the inputs of nodes, and of those in their branches and loops."""
    names: set[str] = set()
    for node in nodes:
        names.update(node.input)
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                names |= _used(graph.node) | {value.name for value in graph.output}
    return names


def write_half(graph: Path, path: Path) -> None:
    """Write the float16 copy of a graph. Raises ModelError where onnx does not take the graph apart."""
    path.parent.mkdir(exist_ok=True)
    try:
        copy = to_half(onnx.load(graph))
        onnx.checker.check_model(copy, full_check=True)
    except Exception as error:  # onnx has no common base for its own
        raise ModelError(f"{graph}: no float16 copy can be made of it: {one_line(error)}") from error
    part = path.with_suffix(".part")
    onnx.save(copy, part)
    part.replace(path)


def level_difference_db(wanted: np.ndarray, found: np.ndarray, *, sample_rate: int) -> float:
    """Difference in level of two sounds, float32 (channels, n_samples), in all but a few places, in dB.

    See `level_differences`; infinite where they are no sound, or too short to compare.
    """
    if wanted.shape[1] < _N_FFT or not (np.isfinite(wanted).all() and np.isfinite(found).all()):
        return np.inf
    return float(np.percentile(level_differences(wanted, found, sample_rate=sample_rate), MOST))


def level_differences(wanted: np.ndarray, found: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """Difference in level of two sounds (channels, n_samples), in dB, in each place: (channels, n_frames, n_bands).

    A place is a critical band of a channel, or of middle or side, in 43 ms at 48 kHz, every 21. Not the difference of
    the waves: a partial that is a little ahead of itself is another wave and the same sound.
    """
    levels = [10.0 * np.log10(_in_bands(sound, sample_rate=sample_rate) + _QUIET) for sound in (wanted, found)]
    return np.abs(levels[0] - levels[1])


def consider(folder: Path, manifest: Manifest, session: Session, report: Report, *, provider: str) -> Report:
    """Make the float16 copy of a model that runs in this session, and keep it if it may be played and is faster.

    report: on the model itself. Returns the report on the graph that will be played then, with a note on the copy;
    whatever goes wrong with it, the model itself is played.
    """
    path, kept = half_path(folder, provider), False
    try:
        write_half(folder / manifest.model, path)
        copy, again = (open_session(path, provider=provider) for _ in range(2))
        difference = level_difference_db(*sounds(manifest, session, copy), sample_rate=manifest.sample_rate or 0)
        if not difference <= JUST_NOTICEABLE_DB:
            return _without(report, f"levels differ by up to {difference:.2g} dB, {JUST_NOTICEABLE_DB:g} is noticed")
        if not resumes(manifest, copy, again, list(stream(manifest, n_steps=RESTORED_STEPS))):
            return _without(report, "a restored state does not go on bit for bit")
        found = measure(manifest, copy, settled_feed(manifest, copy), name=report.name)
        if found.p50_ms >= report.p50_ms:
            return _without(report, f"no faster ({found.p50_ms:.3f} ms, float32 {report.p50_ms:.3f})")
        if found.failures and not report.failures:
            return _without(report, "; ".join(found.failures))
        manifest_of_copy = HalfManifest(
            of=copied_files(manifest),
            graph=sha256_of(path),
            onnxruntime=ONNXRUNTIME_VERSION,
            difference_db=round(difference, 2),
            p50_ms=found.p50_ms,
            float32_p50_ms=report.p50_ms,
        )
        manifest_of_copy.save(path)
        kept = True
    except (ModelError, OSError) as error:
        return _without(report, str(error))
    finally:
        if not kept:
            forget(folder, provider)
    note = f"float16, levels within {difference:.2f} dB; float32 takes {report.p50_ms:.3f} ms"
    return replace(found, parity=report.parity, parity_rms=report.parity_rms, whole=report.whole, note=note)


def forget(folder: Path, provider: str) -> None:
    """Remove the copy, if there is one: the graph itself is played."""
    path = half_path(folder, provider)
    for one in (half_manifest_path(path), path):
        with contextlib.suppress(OSError):  # its manifest says whether it fits
            one.unlink(missing_ok=True)


def _without(report: Report, why: str) -> Report:
    return replace(report, note=f"float32, since float16: {why}")


def sounds(manifest: Manifest, *sessions: Session) -> list[np.ndarray]:
    """Sound of each session for the same stream, with states of its own, float32 (channels, n_samples)."""
    each = []
    for session in sessions:
        states, pieces = first_states(manifest), []
        for inputs in stream(manifest, n_steps=N_STEPS):
            (audio, *_), states = run_step(manifest, session, inputs, states)
            pieces.append(audio)
        each.append(np.concatenate(pieces, axis=-1))
    return each


def _in_bands(sound: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """Power of full scale of each critical band, one Bark wide (Zwicker and Terhardt 1980): (channels, frames, bands).

    Two channels have their middle and side beside them: the place of a sound is heard as well.
    """
    channels = sound if len(sound) == 1 else np.vstack((sound, sound[:1] + sound[1:], sound[:1] - sound[1:]))
    window = np.hanning(_N_FFT)
    frames = np.lib.stride_tricks.sliding_window_view(channels, _N_FFT, axis=1)[:, :: _N_FFT // 2]
    spectrum = np.square(np.abs(np.fft.rfft(frames * window)))
    hz = np.fft.rfftfreq(_N_FFT, 1.0 / sample_rate)
    bark = (13.0 * np.arctan(0.00076 * hz) + 3.5 * np.arctan(np.square(hz / 7500.0))).astype(int)
    power = np.add.reduceat(spectrum, np.flatnonzero(np.diff(bark, prepend=-1)), axis=-1)
    return np.asarray(2.0 * power / (_N_FFT * np.square(window).sum()))
