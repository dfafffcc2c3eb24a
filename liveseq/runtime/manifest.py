"""Manifests of models: `model.yaml`, read, checked against the files of its folder, and written.

A folder `models/<name>/` holds the manifest and the files that it lists, each with its SHA-256. Everything that a
server must know before it trusts a graph stands here: role, rate, hop, features, every tensor.
"""

import contextlib
import dataclasses
import difflib
import hashlib
import re
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from liveseq.errors import ModelError
from liveseq.files import replace_file

MANIFEST_NAME = "model.yaml"
FORMAT_VERSION = 1
STARTS = ("zeros", "normal")
ROLES = ("predictor", "text-encoder", "generator", "vocoder")
_MAX_BYTES = 1 << 20  # a manifest is a page of text; more is not one


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """One input or output of the graph. An axis given as text is free (only encoders of text have one)."""

    name: str
    shape: tuple[int | str, ...]
    dtype: str
    """numpy's name: float32, int64 ..."""

    def __str__(self) -> str:
        return f"{self.name} {self.dtype}[{', '.join(str(n) for n in self.shape)}]"


@dataclass(frozen=True, kw_only=True)
class StateTensor:
    """Memory from one step to the next: after the start each step's `output` is the next step's `input`."""

    input: str
    output: str
    shape: tuple[int, ...]
    dtype: str
    start: str = "zeros"
    """zeros, or normal: standard normal numbers, drawn from the seed of a stream."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """Origin of the weights."""

    data: str
    licence: str
    command: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """model.yaml. Counts are samples at `sample_rate`."""

    role: str
    """predictor, text-encoder, generator or vocoder."""
    family: str
    """Kind of network: lstm, static ..."""
    model: str
    """File name of the graph that is run."""
    inputs: tuple[Tensor, ...]
    """Without the states."""
    outputs: tuple[Tensor, ...]
    """Without the states."""
    states: tuple[StateTensor, ...] = ()
    sample_rate: int | None = None
    """Hz; None where the model knows no audio."""
    hop_length: int | None = None
    """Samples from one frame to the next, where it knows frames."""
    samples_per_step: int | None = None
    """Samples that one run of the graph stands for."""
    latency_samples: int = 0
    """Samples by which the audio of a step comes late."""
    channels: int | None = None
    """Channels of the audio that a generator makes."""
    features: tuple[str, ...] = ()
    """Names of the features that go in and come out, in order."""
    tags: tuple[str, ...] = ()
    """Tags that the model was taught."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings that only this family knows: hidden units, thresholds ..."""
    training: Training
    metrics: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    """Versions of torch, onnx, onnxruntime at export."""
    files: dict[str, str]
    """SHA-256 of each file of the folder, by name."""
    format: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", {name: digest.lower() for name, digest in self.files.items()})

    @staticmethod
    def load(folder: Path, *, role: str | None = None) -> "Manifest":
        """Read the manifest of a folder and check that it is true: all files are there and the ones listed.

        role: the one that is wanted, or None. Raises ModelError that names the file and the key.
        """
        path = folder / MANIFEST_NAME
        if not folder.is_dir():
            raise missing_folder(folder, role=role)
        manifest: Manifest = _build(Manifest, _read_yaml(path), path=path, where="")
        manifest._check_values(path)
        if role is not None and manifest.role != role:
            raise ModelError(f"{path}: role is {manifest.role}, but a {role} is needed; choose another model")
        for name, digest in manifest.files.items():
            _check_file(folder, name, digest)
        return manifest

    def save(self, folder: Path) -> Path:
        """Write model.yaml into the folder, at once or not at all. Returns its path. Raises ModelError, OSError."""
        path = folder / MANIFEST_NAME
        self._check_values(path)
        text = yaml.safe_dump(_plain(dataclasses.asdict(self)), sort_keys=False, width=120, allow_unicode=True)
        replace_file(path, text.encode())
        return path

    def graph_inputs(self) -> tuple[Tensor, ...]:
        """Tensors that the graph must take, states included."""
        return self.inputs + tuple(Tensor(name=s.input, shape=s.shape, dtype=s.dtype) for s in self.states)

    def graph_outputs(self) -> tuple[Tensor, ...]:
        """Tensors that the graph must give, states included."""
        return self.outputs + tuple(Tensor(name=s.output, shape=s.shape, dtype=s.dtype) for s in self.states)

    def _check_values(self, path: Path) -> None:
        if self.format != FORMAT_VERSION:
            raise ModelError(f"{path}: format {self.format}, but this liveseq reads {FORMAT_VERSION}; export it again")
        if self.role not in ROLES:
            raise ModelError(f"{path}: role must be one of {', '.join(ROLES)}, found {self.role!r}")
        if self.model not in self.files:
            raise ModelError(f"{path}: model is {self.model}, which is not among its files: {', '.join(self.files)}")
        if self.role != "text-encoder" and not self.sample_rate:
            raise ModelError(f"{path}: a {self.role} needs a sample_rate in Hz")
        if self.role == "predictor" and not (self.hop_length and self.samples_per_step and self.features):
            raise ModelError(f"{path}: a predictor needs hop_length, samples_per_step and features")
        if self.role in ("generator", "vocoder") and not self.samples_per_step:
            raise ModelError(f"{path}: a {self.role} needs samples_per_step, the samples that one run makes")
        for state in self.states:
            if state.start not in STARTS:
                raise ModelError(
                    f"{path}: state {state.input}: start must be {' or '.join(STARTS)}, found {state.start!r}"
                )
        for key in ("sample_rate", "hop_length", "samples_per_step", "channels"):
            value = getattr(self, key)
            if value is not None and value < 1:
                raise ModelError(f"{path}: {key} must be at least 1, found {value}")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def missing_folder(folder: Path, *, role: str | None = None) -> ModelError:
    """The error for a model that is not there: it names those of the role that are, and the remedy."""
    parent = folder.parent
    if not parent.is_dir():
        return ModelError(
            f"{folder}: no such model folder, nor is there {parent}; models come with a clone of liveseq's repository "
            "and not with an installed wheel: install it from a clone (pip install -e .), or name a model by its path"
        )
    names = names_of(parent, role=role) if role else sorted(path.name for path in parent.glob("[!._]*/"))
    there = f"there are: {', '.join(names)}" if names else f"there is no {role or 'model'} in {parent}"
    remedy = "restore a shipped one with git, or train and export your own"
    return ModelError(f"{folder}: no such model folder; {there}; {remedy}")


def names_of(folder: Path, *, role: str) -> list[str]:
    """Names of the models of a role in a folder, without reading whole manifests: that would take a while."""
    pattern = re.compile(rf"""^role:\s*['"]?{role}['"]?\s*$""", re.MULTILINE)
    found = []
    for manifest in sorted(folder.glob(f"*/{MANIFEST_NAME}")):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if pattern.search(manifest.read_text(encoding="utf-8")):
                found.append(manifest.parent.name)
    return found


def _read_yaml(path: Path) -> Any:
    if not path.is_file():
        raise ModelError(f"{path}: no such file; run export_onnx.py {path.parent.name}, or restore it with git")
    if path.stat().st_size > _MAX_BYTES:
        raise ModelError(f"{path}: {path.stat().st_size} bytes are too many for a manifest")
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        why = "too deep" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise ModelError(f"{path}: not YAML: {why}") from error


def _check_file(folder: Path, name: str, digest: str) -> None:
    """Raises ModelError for a file that lies outside the folder, or is not the one that was hashed."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ModelError(f"{folder / MANIFEST_NAME}: file {name!r} leaves the model's folder; move it there")
    if not path.is_file():
        raise ModelError(
            f"{path}: listed in {MANIFEST_NAME}, but not there; copy the whole folder, or restore it with git"
        )
    found = sha256_of(path)
    if found != digest:
        raise ModelError(
            f"{path}: expected SHA-256 {digest[:12]}..., found {found[:12]}...: "
            "damaged or changed since its export; export it again, or restore it with git"
        )


def _build(cls: Any, data: Any, *, path: Path, where: str) -> Any:
    """A dataclass from a mapping: unknown and missing keys and wrong types are refused by name."""
    if not isinstance(data, dict):
        raise ModelError(f"{path}: {where or 'the manifest'} must be a mapping, found {_describe(data)}")
    fields = {f.name: f for f in dataclasses.fields(cls)}
    for key in data:
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known keys: {', '.join(fields)}"
            raise ModelError(f"{path}: unknown key {where + str(key)!r}{hint}")
    hints = typing.get_type_hints(cls)
    values = {k: _convert(hints[k], v, path=path, where=where + k) for k, v in data.items()}
    for key, f in fields.items():
        no_default = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        if no_default and key not in values:
            raise ModelError(f"{path}: key {where + key!r} is missing")
    return cls(**values)


def _convert(hint: Any, value: Any, *, path: Path, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return _build(hint, value, path=path, where=where + ".")
    if origin is tuple and isinstance(value, list):
        return tuple(_convert(args[0], v, path=path, where=f"{where}[{i}]") for i, v in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {str(k): _convert(args[1], v, path=path, where=f"{where}.{k}") for k, v in value.items()}
    allowed = args if origin is types.UnionType else (hint,)
    # bool is an int to Python, but `channels: true` is a mistake
    if hint is Any or (origin not in (tuple, dict) and type(value) in allowed):
        return value
    wanted = "list" if origin is tuple else "mapping" if origin is dict else " or ".join(t.__name__ for t in allowed)
    raise ModelError(f"{path}: {where} must be {wanted}, found {_describe(value)}")


def _describe(value: Any) -> str:
    return f"{type(value).__name__} {str(value)[:40]!r}"


def _plain(value: Any) -> Any:
    """Tuples as lists, so that YAML stays plain."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
