"""A float16 copy of a graph of sound, for a GPU: made, held against the graph itself, and kept where it may be played.

As automatic mixed precision does in training, what is multiplied and added up is float16, and everything between is
float32: what goes in and comes out, every state, sums, norms, exponentials and phases.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from liveseq.errors import ModelError
from liveseq.runtime.half import HalfRecord, half_path, record_of
from liveseq.runtime.manifest import Manifest, sha256_of
from liveseq.runtime.session import Session, open_session
from liveseq.train.report import Report, measure
from liveseq.train.sound.trial_run import feed_of, run, start, stream

HEAVY = frozenset({"Conv", "ConvTranspose", "Gemm", "GRU", "LSTM", "MatMul"})
"""Kinds of nodes that are worth it."""
TENDER = frozenset({"Exp", "Sinh"})
"""What goes into these without being multiplied again stays float32: an error there is one in decibels. The vocoder is
6 dB below what is heard with this, and 1 dB without."""
QUIET_DB = -90.0
"""Of full scale: a difference below this is not heard in any band; about the noise of a 16-bit recording."""
N_STEPS = 200
"""Of the stream that is compared."""
_N_FFT = 2048


def to_half(model: onnx.ModelProto, *, tender: frozenset[str] = TENDER) -> onnx.ModelProto:
    """A copy whose heavy nodes take and give float16, with casts around them. Names of inputs and outputs stay.

    tender: kinds of nodes before which it stays float32.
    """
    model = onnx.shape_inference.infer_shapes(model)
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
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

    heavy = _heavy(graph, tender)
    for node, is_heavy in zip(graph.node, heavy, strict=True):
        if not is_heavy:
            nodes.append(node)
            continue
        node.input[:] = [half(name) for name in node.input]
        made = [name for name in node.output if name]
        node.output[:] = [name and f"{name}.half.made" for name in node.output]
        nodes.append(node)
        nodes += [helper.make_node("Cast", [f"{name}.half.made"], [name], to=TensorProto.FLOAT) for name in made]
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    for field, values in ((graph.node, nodes), (graph.initializer, [*kept, *constants]), (graph.value_info, [])):
        del field[:]
        field.extend(values)
    return model


def _heavy(graph: onnx.GraphProto, tender: frozenset[str]) -> list[bool]:
    """Which nodes are to be float16."""
    before: set[str] = set()  # tensors that a tender node is made of
    heavy = []
    for node in reversed(graph.node):  # they are in the order in which they run
        is_tender = node.op_type in tender or not before.isdisjoint(node.output)
        heavy.append(node.op_type in HEAVY and not is_tender)
        if is_tender and node.op_type not in HEAVY:
            before.update(node.input)
    return heavy[::-1]


def write_half(graph: Path, path: Path) -> None:
    """The copy of a graph as a file. Raises ModelError where onnx does not take the graph apart."""
    path.parent.mkdir(exist_ok=True)
    try:
        copy = to_half(onnx.load(graph))
        onnx.checker.check_model(copy, full_check=True)
    except Exception as error:  # onnx has no common base for its own
        raise ModelError(f"{graph}: no float16 copy can be made of it: {' '.join(str(error).split())[:200]}") from error
    part = path.with_suffix(".part")
    onnx.save(copy, part)
    part.replace(path)


def margin_db(wanted: np.ndarray, found: np.ndarray, *, sample_rate: int) -> float:
    """By how many dB what two sounds (channels, n) differ by is below what the first one masks; the least of all bands.

    Noise in a critical band is not heard beside a tone there that is 14.5 dB and its number of Bark louder (Johnston,
    Transform coding of audio signals using perceptual noise criteria, 1988): the stricter of his two cases.
    """
    if not np.isfinite(found).all():
        return -np.inf
    power, noise = (_in_bands(x, sample_rate=sample_rate) for x in (wanted, wanted - found))
    heard = noise > 10.0 ** (QUIET_DB / 10.0)
    needed = 14.5 + np.arange(len(power))
    margins = 10.0 * np.log10(np.maximum(power, 1e-12) / np.maximum(noise, 1e-12)) - needed
    return float(margins[heard].min()) if heard.any() else np.inf


def consider(folder: Path, manifest: Manifest, session: Session, report: Report, *, provider: str) -> Report:
    """Make the float16 copy of a model that runs in this session, and keep it if it may be played and is faster.

    report: of the model itself. Returns what will be played then, and says what came of the copy.
    """
    path = half_path(folder, provider)
    try:
        write_half(folder / manifest.model, path)
        copy = open_session(path, provider=provider)
    except ModelError as error:
        forget(folder, provider)
        return replace(report, note=f"float16: {error}")
    margin = margin_db(*sounds(manifest, session, copy), sample_rate=manifest.sample_rate or 0)
    found = measure(manifest, copy, feed_of(manifest, copy), name=report.name)
    trouble = _against(margin, found.p50_ms, report.p50_ms)
    if trouble:
        forget(folder, provider)
        return replace(report, note=f"float16: {trouble}, so float32")
    digests = {"of": manifest.files[manifest.model], "graph": sha256_of(path)}
    times = {"p50_ms": found.p50_ms, "float32_p50_ms": report.p50_ms}
    HalfRecord(**digests, margin_db=round(margin, 1), **times).save(path)
    note = f"float16, {margin:.1f} dB below what is heard; float32 takes {report.p50_ms:.3f} ms"
    return replace(found, parity=report.parity, parity_rms=report.parity_rms, whole=report.whole, note=note)


def forget(folder: Path, provider: str) -> None:
    """What there was of a copy: the graph itself is played."""
    path = half_path(folder, provider)
    for one in (record_of(path), path):
        one.unlink(missing_ok=True)


def _against(margin: float, p50_ms: float, float32_p50_ms: float) -> str:
    """What speaks against a copy; empty where nothing does."""
    if not margin >= 0.0:
        return f"differs by {-margin:.1f} dB more than is masked"
    return "" if p50_ms < float32_p50_ms else f"no faster ({p50_ms:.3f} ms, float32 {float32_p50_ms:.3f})"


def sounds(manifest: Manifest, *sessions: Session) -> list[np.ndarray]:
    """What each makes of the same stream, with states of its own, float32 (channels, n)."""
    found = []
    for session in sessions:
        states, pieces = start(manifest), []
        for inputs in stream(manifest, n_steps=N_STEPS):
            audio, states = run(manifest, session, inputs, states)
            pieces.append(audio)
        found.append(np.concatenate(pieces, axis=-1))
    return found


def _in_bands(sound: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """Power of full scale in critical bands, one Bark each, of all channels (n_bands,): Zwicker & Terhardt 1980."""
    frames = sound[:, : sound.shape[1] // _N_FFT * _N_FFT].reshape(-1, _N_FFT)
    window = np.hanning(_N_FFT)
    spectrum = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    power = 2.0 * spectrum.mean(axis=0) / (_N_FFT * np.square(window).sum())
    hz = np.fft.rfftfreq(_N_FFT, 1.0 / sample_rate)
    bark = 13.0 * np.arctan(0.00076 * hz) + 3.5 * np.arctan((hz / 7500.0) ** 2)
    return np.bincount(bark.astype(int), weights=power)
