"""Layouts: where the fields of a dataclass lie in shared memory, each in a fixed number of bytes."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from liveseq.errors import ModelError

MAX_TAG_SIZE = 1024
"""Numbers of a tag's vector."""
Fields = TypeVar("Fields")


def clip(text: str, size: int) -> bytes:
    """UTF-8 in at most `size` bytes, cut between characters."""
    return text.encode()[:size].decode("utf-8", "ignore").encode()


def text(data: bytes) -> str:
    """The text of the bytes that `clip` has made, padded with zeros since."""
    return data.rstrip(b"\0").decode("utf-8", "replace")


@dataclass(frozen=True)
class Packed:
    """A field that is no number, in `size` bytes."""

    size: int
    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes], Any]


def text_field(size: int) -> Packed:
    """A text, of which so many bytes are kept."""
    return Packed(size, lambda value: clip(value, size), text)


def name_field(size: int) -> Packed:
    """A text that is wrong where it is not whole: of at most so many bytes."""
    return Packed(size, lambda value: str(value).encode(), text)


def tag_bytes(vector: np.ndarray) -> bytes:
    """The bytes of a tag's vector, float32 (n,). Raises ModelError where there is no room for so many numbers."""
    if len(vector) > MAX_TAG_SIZE:
        n = len(vector)
        raise ModelError(f"a tag of {n} numbers: expected at most {MAX_TAG_SIZE}; choose a smaller text encoder")
    return vector.astype("<f4").tobytes()


class Layout(Generic[Fields]):
    """The fields of a dataclass, one behind the other."""

    def __init__(self, kind: type[Fields], fields: Mapping[str, str | Packed]) -> None:
        """kind: every field has a default. fields: by name; a number by its code in `struct`."""
        self._kind = kind
        self._fields = dict(fields)
        codes = (f"{field.size}s" if isinstance(field, Packed) else field for field in fields.values())
        self._struct = struct.Struct("<" + "".join(codes))

    @property
    def size(self) -> int:
        """Bytes of all fields."""
        return self._struct.size

    def empty(self) -> Fields:
        """The fields with their defaults."""
        return self._kind()

    def pack(self, fields: Fields) -> bytes:
        """The bytes of the fields. Raises ModelError where a model's name or tag is longer than its place."""
        return self._struct.pack(*(self._packed(name, getattr(fields, name)) for name in self._fields))

    def unpack(self, body: bytes) -> Fields:
        """The fields that these bytes are of."""
        named = zip(self._fields.items(), self._struct.unpack(body), strict=True)
        values = {name: field.unpack(one) if isinstance(field, Packed) else one for (name, field), one in named}
        return self._kind(**values)

    def _packed(self, name: str, value: Any) -> Any:
        field = self._fields[name]
        if not isinstance(field, Packed):
            return value
        body = field.pack(value)
        if len(body) > field.size:  # `struct` would cut it
            found = f"expected at most {field.size} bytes, found {len(body)}"
            raise ModelError(f"{self._kind.__name__}: {name}: {found}; choose a shorter one")
        return body
