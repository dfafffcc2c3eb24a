"""Sessions of onnxruntime for live use.

One thread, no spinning, denormals as zero, fixed memory, and never a silent fall to another provider. Opening a session
holds the interpreter lock for long: open it before the sound depends on this process, never in the engine's.
"""

import contextlib
import io
import logging
import math
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from liveseq.errors import ModelError, ModelSignatureError
from liveseq.runtime.graph import check_graph
from liveseq.runtime.half import ENGINES, playable_half
from liveseq.runtime.manifest import Manifest, Tensor, sha256_of
from liveseq.runtime.watch import RUN_SECONDS, Watch

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
ONNXRUNTIME_VERSION: str = ort.__version__
WARM_UP_RUNS = 20
"""Runs before a session is warm: the first allocate, and on a GPU load kernels, and no sound may depend on them."""

_VERSION_REMEDY = "newer than this onnxruntime knows; export it again with {} or below, or update onnxruntime"

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
}

log = logging.getLogger(__name__)


class Session:
    """A loaded graph. `run` may be called from one thread at a time."""

    def __init__(self, path: Path, session: Any) -> None:
        self.path = path
        self.inputs = tuple(_tensor(node) for node in session.get_inputs())
        self.outputs = tuple(_tensor(node) for node in session.get_outputs())
        self.provider: str = session.get_providers()[0]
        """Provider that really runs it, by onnxruntime's name."""
        self._output_names = [t.name for t in self.outputs]
        # The wrapper around this spends as long on looking for missing inputs as a small graph takes to run;
        # our callers' inputs are checked against the graph once, when the model is opened.
        self._run = session._sess.run
        self._session = session
        self._watch: Watch | None = None
        self._name = ""
        self._options = ort.RunOptions()

    def look_after(self, watch: Watch, name: str) -> None:
        """Let a watch end runs that last too long, from now on. name: of the model."""
        self._watch, self._name = watch, name

    def run(self, feed: Mapping[str, np.ndarray], names: Sequence[str] | None = None) -> list[np.ndarray]:
        """Run the graph once.

        feed: every input by name, with the dtype and shape (...) of `inputs`; names: outputs that are wanted, None: all
        in the graph's order. Returns new arrays, as in `outputs`. Raises ModelError where onnxruntime does, and where a
        watch has ended it.
        """
        self._options.terminate = False
        try:
            with self._watch.running(self._name, self._end) if self._watch is not None else nullcontext():
                outputs: list[np.ndarray] = self._run(names or self._output_names, feed, self._options)
        except Exception as error:  # onnxruntime has no common base for its own
            if self._options.terminate:
                raise ModelError(f"{self.path}: not done after {RUN_SECONDS:g} s") from error
            raise ModelError(f"{self.path}: {_one_line(error)}") from error
        return outputs

    def warm_up(self, feed: Mapping[str, np.ndarray], *, n_runs: int = WARM_UP_RUNS) -> float:
        """Run until nothing is done for the first time any more. feed: arrays (...) as for `run`. Returns the seconds
        that the quickest run took. Raises ModelError.
        """
        quickest = math.inf
        for _ in range(n_runs):
            began = time.perf_counter()
            self.run(feed)
            quickest = min(quickest, time.perf_counter() - began)
        return quickest

    def _end(self) -> None:
        """Ask the run under way to end, between two operations of the graph. Any thread."""
        self._options.terminate = True


def open_session(path: Path, *, provider: str = "cpu", allow_cpu: bool = False) -> Session:
    """Load a graph for live use.

    provider: cpu, cuda or tensorrt. Raises ModelError for a file that cannot be loaded, and where another provider
    would run it, unless allow_cpu.
    """
    if provider not in PROVIDERS:
        raise ModelError(f"provider must be one of {', '.join(PROVIDERS)}, found {provider!r}")
    if not path.is_file():
        raise ModelError(f"{path}: no such file; run export_onnx.py again")
    if provider != "cpu":
        _load_libraries()
    ort.set_default_logger_severity(4)  # a refused provider is said once, by us, in one line
    try:
        session = _create(path, _providers(provider, path))
    except Exception as error:  # onnxruntime has no common base for its own
        raise ModelError(f"{path}: cannot be loaded: {_why(str(error))}") from error
    session.disable_fallback()
    opened = Session(path, session)
    if opened.provider != PROVIDERS[provider] and not allow_cpu:
        raise ModelError(
            f"{path}: expected {PROVIDERS[provider]}, found {opened.provider}; "
            f"install what {provider} needs (docs/models.md, On a GPU), or allow the CPU"
        )
    return opened


def open_model(folder: Path, *, role: str, provider: str = "cpu", allow_cpu: bool = False) -> tuple[Manifest, Session]:
    """Open a model folder and verify it: manifest, hashes, operators, and the graph's tensors against the manifest's.

    Where a prebuild has left a float16 copy for this provider that is played instead (`runtime.half`). Raises
    ModelError.
    """
    manifest = Manifest.load(folder, role=role)
    check_graph(folder / manifest.model, listed=manifest.files)
    session = _open_half(folder, manifest, provider)
    if session is None:
        session = open_session(folder / manifest.model, provider=provider, allow_cpu=allow_cpu)
    _check_tensors(session.path, "inputs", expected=manifest.graph_inputs(), found=session.inputs)
    _check_tensors(session.path, "outputs", expected=manifest.graph_outputs(), found=session.outputs)
    return manifest, session


def _open_half(folder: Path, manifest: Manifest, provider: str) -> Session | None:
    """The float16 copy; None where there is none, or where it cannot be run: the graph itself says why, or plays."""
    path = playable_half(folder, manifest, provider, onnxruntime=ONNXRUNTIME_VERSION)
    if path is None:
        return None
    try:
        return open_session(path, provider=provider)
    except ModelError as error:
        log.warning("%s; float32 is tried", error)
        return None


@cache
def _load_libraries() -> None:
    """Load the libraries of a GPU, where they came with pip (the extra `gpu`); who needs a missing one names it."""
    with contextlib.redirect_stdout(io.StringIO()):
        ort.preload_dlls()


def _create(path: Path, providers: list[Any]) -> ort.InferenceSession:
    """A session of the first provider that can be had. onnxruntime's own fall to the next prints a page about it."""
    try:
        return ort.InferenceSession(str(path), sess_options=_options(), providers=providers, enable_fallback=0)
    except Exception:  # onnxruntime has no common base for its own
        if len(providers) == 1:
            raise
        return _create(path, providers[1:])


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4
    options.enable_cpu_mem_arena = False  # fixed small shapes: the arena only makes the process larger
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    return options


def _providers(provider: str, path: Path) -> list[Any]:
    if provider == "cpu":
        return [PROVIDERS["cpu"]]
    # TF32 would drift by 1e-3 a step, and a predictor lives on what it said before. An exhaustive search takes what was
    # fastest by chance: two processes would differ, and a seed would not repeat.
    cuda = (PROVIDERS["cuda"], {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"})
    first = [cuda] if provider == "cuda" else [(PROVIDERS["tensorrt"], _engine_cache(path)), cuda]
    return [*first, PROVIDERS["cpu"]]


def _engine_cache(path: Path) -> dict[str, str]:
    """Options that keep what TensorRT builds for minutes, in a folder whose name is the key.

    Its own key knows neither the weights nor every version.
    """
    is_half = path.parent.name == ENGINES
    engines = path.parent if is_half else path.parent / ENGINES
    folder = str(engines / f"{sha256_of(path)[:16]}-{ONNXRUNTIME_VERSION}")
    switches = {"trt_engine_cache_enable": "1", "trt_timing_cache_enable": "1"}
    if is_half:
        switches |= {"trt_fp16_enable": "1", "trt_layer_norm_fp32_fallback": "1"}
    return switches | {"trt_engine_cache_path": folder, "trt_timing_cache_path": folder}


def _tensor(node: Any) -> Tensor:
    shape = tuple(n if isinstance(n, int) else str(n or "free") for n in node.shape)
    return Tensor(name=node.name, shape=shape, dtype=_DTYPES.get(node.type, node.type))


def _check_tensors(path: Path, kind: str, *, expected: Sequence[Tensor], found: Sequence[Tensor]) -> None:
    by_name = {t.name: t for t in found}
    for tensor in expected:
        other = by_name.pop(tensor.name, None)
        if other is None:
            raise ModelSignatureError(path, expected=f"{kind[:-1]} {tensor}", found=f"only {_names(found)}")
        if other.dtype != tensor.dtype or not _fits(tensor.shape, other.shape):
            raise ModelSignatureError(path, expected=f"{kind[:-1]} {tensor}", found=str(other))
    if by_name:
        raise ModelSignatureError(path, expected=f"no {kind} but {_names(expected)}", found=", ".join(by_name))


def _fits(expected: tuple[int | str, ...], found: tuple[int | str, ...]) -> bool:
    if len(expected) != len(found):
        return False
    return all(a == b or (isinstance(a, str) and isinstance(b, str)) for a, b in zip(expected, found, strict=True))


def _names(tensors: Sequence[Tensor]) -> str:
    return ", ".join(t.name for t in tensors) or "nothing"


def _why(message: str) -> str:
    """Reason in a performer's words where it is a matter of versions, else in onnxruntime's."""
    opset = re.search(r"Opset (\d+) is under development.* till opset (\d+)", message, re.DOTALL)
    if opset:
        return f"it has opset {opset[1]}, {_VERSION_REMEDY.format(f'opset {opset[2]}')}"
    form = re.search(r"Unsupported model IR version: (\d+), max supported IR version: (\d+)", message)
    if form:
        return f"it has IR version {form[1]}, {_VERSION_REMEDY.format(f'IR version {form[2]}')}"
    return " ".join(message.split())[:300]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
