"""Variables of a TensorFlow checkpoint, read without TensorFlow.

A checkpoint is a pair: `.index`, a sorted string table (LevelDB's format, uncompressed) from names to small protobuf
messages (BundleEntryProto: 1 dtype, 2 shape, 4 offset, 5 size), and `.data-00000-of-00001`, the bytes.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from liveseq.errors import ModelError

MAGIC = 0xDB4775248B80FB57
FLOAT = 1
"""DataType DT_FLOAT."""


def read_variables(folder: Path) -> dict[str, np.ndarray]:
    """Float variables by name, float32 of their own shapes. folder: holds `.index` and `.data-00000-of-00001`.

    Raises ModelError where it is no checkpoint.
    """
    try:
        table = (folder / ".index").read_bytes()
        data = (folder / ".data-00000-of-00001").read_bytes()
    except OSError as error:
        raise ModelError(f"{folder}: expected a TensorFlow checkpoint: {error.strerror}: {error.filename}") from None
    if len(table) < 48 or struct.unpack("<Q", table[-8:])[0] != MAGIC:
        raise ModelError(f"{folder}: .index: expected a sorted string table of TensorFlow, found something else")
    variables = {}
    for name, entry in _rows(table):
        fields = dict(_fields(entry))
        if name and fields.get(1) == FLOAT:
            offset, size = int(fields.get(4, 0)), int(fields.get(5, 0))
            variables[name.decode()] = np.frombuffer(data[offset : offset + size], "<f4").reshape(
                _shape(fields.get(2, b""))
            )
    return variables


def _rows(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    _, at = _handle(table, len(table) - 48)
    (offset, size), _ = _handle(table, at)
    for _, handle in _block(table[offset : offset + size]):
        (offset, size), _ = _handle(handle, 0)
        yield from _block(table[offset : offset + size])


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    offset, at = _varint(data, at)
    size, at = _varint(data, at)
    return (offset, size), at


def _block(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Rows of a block: each key without what it shares with the one before it."""
    end = len(block) - 4 * (struct.unpack("<I", block[-4:])[0] + 1)
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        n_value, at = _varint(block, at)
        key = key[:shared] + block[at : at + own]
        yield key, block[at + own : at + own + n_value]
        at += own + n_value


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Fields of a protobuf message by number."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield tag >> 3, value
        elif kind == 2:
            size, at = _varint(message, at)
            yield tag >> 3, message[at : at + size]
            at += size
        else:
            at += 4 if kind == 5 else 8


def _shape(message: bytes) -> tuple[int, ...]:
    """TensorShapeProto: field 2 is a dimension, whose field 1 is its size."""
    return tuple(int(dict(_fields(bytes(part))).get(1, 0)) for number, part in _fields(message) if number == 2)  # type: ignore[arg-type]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
