"""An ONNX file as far as it must be known before it is run: what draws numbers in it, and where its weights lie.

Read from its protocol buffers by hand: the package `onnx` is for training and comes with no server. Field numbers are
those of onnx.proto.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from liveseq.errors import ModelError

_RANDOM = frozenset({
    "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli", "Sampling",
})  # fmt: skip
_FIXED = {1: 8, 5: 4}  # bytes of a field by its kind
_LONGEST_FLAG = 256  # bytes of a tensor that may be one truth value, its name and all


@dataclass
class _Graph:
    """Findings in a graph and in those inside it."""

    external: set[str] = field(default_factory=set)
    """Files that hold tensors of it."""
    drawing: list[str] = field(default_factory=list)
    """Operators that draw numbers of their own."""
    dropouts: list[str] = field(default_factory=list)
    """Inputs that say whether a Dropout is in training."""
    flags: dict[str, bool] = field(default_factory=dict)
    """Whether a short tensor has anything but zeros, by name."""


def check_graph(path: Path, *, listed: Container[str]) -> None:
    """Refuse a graph that draws random numbers, and one whose weights lie in files that are not `listed`.

    Where numbers are drawn inside, the same seed does not make the same sound. Raises ModelError.
    """
    graph = _read(path)
    training = [name for name in graph.dropouts if graph.flags.get(name, True)]
    drawing = [*graph.drawing, *(["Dropout in training mode"] if training else [])]
    if drawing:
        raise ModelError(
            f"{path}: expected a graph without randomness, found {', '.join(sorted(set(drawing)))}: the same seed "
            "would not make the same sound; make the noise its input z, or a state with start: normal; export it again"
        )
    for name in sorted(graph.external):
        if PurePosixPath(name).as_posix() not in listed:
            raise ModelError(
                f"{path}: its weights lie in {name}, which model.yaml does not list with its SHA-256; list it, or "
                "export the model as one file"
            )


def _read(path: Path) -> _Graph:
    graph = _Graph()
    try:
        model = _message(memoryview(path.read_bytes()))
        for content in model.get(7, ()):
            _read_graph(content, graph)
        for function in model.get(25, ()):
            _read_nodes(_message(function).get(7, ()), graph)
    except (OSError, ValueError, LookupError, RecursionError) as error:
        raise ModelError(f"{path}: cannot be loaded: no ONNX file ({error}); export it again") from error
    return graph


def _read_graph(content: memoryview, graph: _Graph) -> None:
    parts = _message(content)
    _read_nodes(parts.get(1, ()), graph)
    for tensor in parts.get(5, ()):
        _read_tensor(tensor, graph)
    for sparse in parts.get(15, ()):
        _read_sparse(sparse, graph)


def _read_nodes(nodes: Iterable[memoryview], graph: _Graph) -> None:
    for node in map(_message, nodes):
        kind = _text(node, 4)
        if kind in _RANDOM:
            graph.drawing.append(kind)
        elif kind == "Dropout":
            graph.dropouts += [str(name, "utf-8") for name in node.get(1, ())[2:3] if name]
        for attribute in map(_message, node.get(5, ())):
            for tensor in (*attribute.get(5, ()), *attribute.get(10, ())):
                _read_tensor(tensor, graph, name=_text(node, 2) if kind == "Constant" else "")
            for sparse in (*attribute.get(22, ()), *attribute.get(23, ())):
                _read_sparse(sparse, graph)
            for inner in (*attribute.get(6, ()), *attribute.get(11, ())):
                _read_graph(inner, graph)


def _read_sparse(sparse: memoryview, graph: _Graph) -> None:
    parts = _message(sparse)
    for tensor in (*parts.get(1, ()), *parts.get(2, ())):
        _read_tensor(tensor, graph)


def _read_tensor(tensor: memoryview, graph: _Graph, *, name: str = "") -> None:
    parts = _message(tensor)
    for entry in map(_message, parts.get(13, ())):
        if _text(entry, 1) == "location":
            graph.external.add(_text(entry, 2))
    name = name or _text(parts, 8)
    if len(tensor) < _LONGEST_FLAG:
        graph.flags[name] = any(any(data) for data in (*parts.get(5, ()), *parts.get(9, ())))  # int32_data, raw_data


def _text(message: Mapping[int, Sequence[memoryview]], number: int) -> str:
    """A field as text; empty where there is none."""
    return str(next(iter(message.get(number, ())), b""), "utf-8")


def _message(content: memoryview) -> dict[int, list[memoryview]]:
    """The fields of a message by their numbers, in order; those that are one number as its bytes."""
    fields: dict[int, list[memoryview]] = {}
    at, end = 0, len(content)
    while at < end:
        key, at = _varint(content, at)
        kind = key & 7
        if kind == 2:
            length, at = _varint(content, at)
        elif kind == 0:
            length = _varint(content, at)[1] - at
        else:
            length = _FIXED[kind]
        if at + length > end:
            raise ValueError("cut short")
        fields.setdefault(key >> 3, []).append(content[at : at + length])
        at += length
    return fields


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number of as many bytes as it takes, and the place behind it."""
    value = shift = 0
    while message[at] & 0x80:
        value |= (message[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
    return value | message[at] << shift, at + 1
