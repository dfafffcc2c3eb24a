"""Records of a fixed size, as they lie in shared memory: numbers, texts, and what can be said in so many bytes."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Record = TypeVar("Record")


def clip(text: str, size: int) -> bytes:
    """UTF-8 in at most `size` bytes, cut between characters."""
    return text.encode()[:size].decode("utf-8", "ignore").encode()


def text(data: bytes) -> str:
    """What `clip` has made, padded with zeros since."""
    return data.rstrip(b"\0").decode("utf-8", "replace")


@dataclass(frozen=True)
class Packed:
    """How a field that is no number lies in `size` bytes."""

    size: int
    pack: Callable[[Any], bytes]
    unpack: Callable[[bytes], Any]


def text_field(size: int) -> Packed:
    """A text of at most so many bytes."""
    return Packed(size, lambda value: clip(value, size), text)


class Layout(Generic[Record]):
    """Where the fields of a dataclass lie in a record."""

    def __init__(self, kind: Callable[..., Record], fields: Mapping[str, str | Packed]) -> None:
        """kind: every field has a default. fields: by name; a number by its code in `struct`."""
        self._kind = kind
        self._fields = dict(fields)
        codes = (f"{field.size}s" if isinstance(field, Packed) else field for field in fields.values())
        self._struct = struct.Struct("<" + "".join(codes))

    @property
    def size(self) -> int:
        """Bytes of a record."""
        return self._struct.size

    def empty(self) -> Record:
        """A record of which nothing is said."""
        return self._kind()

    def pack(self, record: Record) -> bytes:
        """The bytes of a record."""
        named = ((field, getattr(record, name)) for name, field in self._fields.items())
        return self._struct.pack(*(field.pack(value) if isinstance(field, Packed) else value for field, value in named))

    def unpack(self, body: bytes) -> Record:
        """The record that these bytes are of."""
        named = zip(self._fields.items(), self._struct.unpack(body), strict=True)
        values = {name: field.unpack(one) if isinstance(field, Packed) else one for (name, field), one in named}
        return self._kind(**values)
