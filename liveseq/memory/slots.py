"""Bytes in shared memory: written by one process, read by any, waited for by none.

Two slots are written in turn, each with a sequence number and a checksum; a reader takes the newest whole one. So
neither a torn read nor a writer killed in mid-write can do harm, on any processor.
"""

import struct
import zlib
from typing import Final

ATTEMPTS = 100
"""Times that a body is read again before it counts as damaged."""
_HEAD: Final = struct.Struct("<QI")  # sequence number, checksum of number and body
_NUMBER: Final = struct.Struct("<Q")


def slot_size(size: int) -> int:
    """Bytes that a slot for a body of `size` bytes takes."""
    return -(-(_HEAD.size + size) // 64) * 64


def write_slot(buffer: memoryview, begin: int, number: int, body: bytes) -> None:
    """Write body number `number` into the slot at `begin`."""
    buffer[begin : begin + _HEAD.size + len(body)] = _HEAD.pack(number, _check(number, body)) + body


def read_slot(buffer: memoryview, begin: int, size: int) -> tuple[int, bytes]:
    """Sequence number and body of the slot at `begin`; number 0 where it holds nothing whole."""
    data = bytes(buffer[begin : begin + _HEAD.size + size])
    number, check = _HEAD.unpack_from(data)
    body = data[_HEAD.size :]
    return (number, body) if _check(number, body) == check else (0, b"")


class Slots:
    """One body of bytes, in two slots."""

    def __init__(self, buffer: memoryview, begin: int, *, size: int) -> None:
        """size: bytes of the body."""
        self._buffer = buffer
        self._size = size
        self._places = (begin, begin + slot_size(size))
        self._number = self._newest()[0]

    def take_over(self) -> None:
        """Write from now on, after another process, which may have written since this object was made."""
        self._number = self._newest()[0]

    def write(self, body: bytes) -> None:
        """Write another body. One process at a time."""
        self._number += 1
        write_slot(self._buffer, self._places[self._number % 2], self._number, body)

    def read(self) -> bytes | None:
        """The newest whole body; None before the first."""
        number, body = self.numbered()
        return body if number else None

    def changed(self, number: int) -> bool:
        """Whether another body than this one may be there; looked up without reading it."""
        return bool(max(_NUMBER.unpack_from(self._buffer, place)[0] for place in self._places) != number)

    def numbered(self) -> tuple[int, bytes]:
        """Number and body of the newest whole one; number 0 before the first.

        A writer may be so quick that both slots change while they are read: it is tried again.
        """
        number, body = self._newest()
        for _ in range(ATTEMPTS):
            if number or not self.changed(0):
                break
            number, body = self._newest()
        return number, body

    def _newest(self) -> tuple[int, bytes]:
        return max(read_slot(self._buffer, place, self._size) for place in self._places)


def _check(number: int, body: bytes) -> int:
    return zlib.crc32(body, zlib.crc32(_NUMBER.pack(number)))
