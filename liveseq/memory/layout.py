"""Layouts: where the fields of a dataclass lie in shared memory, each in a fixed number of bytes."""

import os
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar

import numpy as np

from liveseq.errors import ModelError

MAX_TAG_SIZE = 1024
"""Most numbers that a tag's vector has."""
Fields = TypeVar("Fields")


def clip(text: str, size: int) -> bytes:
    """UTF-8 in at most `size` bytes, cut between characters; what is no letter (paths are any bytes) as an escape."""
    return text.encode("utf-8", "backslashreplace")[:size].decode("utf-8", "ignore").encode()


def text(data: bytes) -> str:
    """The text of the bytes that `clip` has made, padded with zeros since."""
    return data.rstrip(b"\0").decode("utf-8", "replace")


def name(data: bytes) -> str:
    """The name or path of these bytes, padded with zeros since: any bytes."""
    return os.fsdecode(data.rstrip(b"\0"))


@dataclass(frozen=True)
class Packed:
    """A field that is no number, in `size` bytes."""

    size: int
    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes], Any]

    @property
    def codes(self) -> str:
        """The field as `struct` has it."""
        return f"{self.size}s"

    @property
    def n(self) -> int:
        """Values that `struct` has for it."""
        return 1

    def lay(self, value: Any, *, name: str) -> Sequence[Any]:
        """The values that `struct` is to pack. Raises ModelError where there is no room."""
        body = self.pack(value)
        if len(body) > self.size:  # `struct` would cut it
            raise ModelError(f"{name}: expected at most {self.size} bytes, found {len(body)}; choose a shorter one")
        return (body,)

    def read(self, values: Sequence[Any]) -> Any:
        """The field, from the values that `struct` has unpacked."""
        return self.unpack(values[0])


@dataclass(frozen=True)
class Numbers:
    """A field that is a list of `n` numbers, all with one code of `struct`."""

    n: int
    code: str
    none: int | None = None
    """The number that lies in place of None, where some of them may be None."""

    @property
    def codes(self) -> str:
        """The field as `struct` has it."""
        return f"{self.n}{self.code}"

    def lay(self, values: Sequence[Any], *, name: str) -> Sequence[Any]:
        """The values that `struct` is to pack."""
        return values if self.none is None else [self.none if value is None else value for value in values]

    def read(self, values: Sequence[Any]) -> list[Any]:
        """The field, from the values that `struct` has unpacked."""
        return list(values) if self.none is None else [None if value == self.none else value for value in values]


def text_field(size: int) -> Packed:
    """A text, of which so many bytes are kept."""
    return Packed(size, lambda value: clip(value, size), text)


def name_field(size: int) -> Packed:
    """A text that is wrong where it is not whole: of at most so many bytes."""
    return Packed(size, os.fsencode, name)


def tag_bytes(vector: np.ndarray) -> bytes:
    """The bytes of a tag's vector, float32 (n,). Raises ModelError where there is no room for so many numbers."""
    if len(vector) > MAX_TAG_SIZE:
        n = len(vector)
        raise ModelError(f"a tag of {n} numbers: expected at most {MAX_TAG_SIZE}; choose a smaller text encoder")
    return vector.astype("<f4").tobytes()


class Layout(Generic[Fields]):
    """The fields of a dataclass, one behind the other.

    The audio thread packs some in every block: that makes a few small objects, and waits for nothing.
    """

    def __init__(self, kind: type[Fields], fields: Mapping[str, str | Numbers | Packed]) -> None:
        """kind: every field has a default. fields: by name, two or more; a number by its code in `struct`."""
        self._kind = kind
        self._names = tuple(fields)
        self._values_of = attrgetter(*fields)
        self._special = [
            (place, f"{kind.__name__}: {name}", one)
            for place, (name, one) in enumerate(fields.items())
            if not isinstance(one, str)
        ]
        codes = (one if isinstance(one, str) else one.codes for one in fields.values())
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
        values = list(self._values_of(fields))
        for place, name, field in reversed(self._special):  # a list of numbers moves those that come after it
            values[place : place + 1] = field.lay(values[place], name=name)
        return self._struct.pack(*values)

    def unpack(self, body: bytes) -> Fields:
        """The fields that these bytes are of."""
        values = list(self._struct.unpack(body))
        for place, _, field in self._special:
            values[place : place + field.n] = [field.read(values[place : place + field.n])]
        return self._kind(**dict(zip(self._names, values, strict=True)))
