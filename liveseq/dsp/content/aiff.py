"""AIFF files, AIFC among them: chunks, and where the samples really end."""

import struct
from dataclasses import dataclass
from typing import BinaryIO

from liveseq.dsp.content.extent import believed, length_note, measure
from liveseq.dsp.content.parts import Content, Part, RefusedError, read_at, seconds

MAGIC = b"FORM"
_PLAIN = (b"NONE", b"twos", b"sowt", b"fl32", b"FL32", b"fl64", b"FL64", b"in24", b"in32", b"raw ")
_MOST = 2**32 - 2**16  # bytes of samples in an aiff
_PADDING = 1 << 16  # bytes that a block of SSND is filled up with, at most


def aiff(file: BinaryIO, start: int, end: int) -> Content | None:
    """Sound of an AIFF file between two places, and of what was joined to it; None where it has none, or packs it.

    Raises RefusedError where it is truncated.
    """
    found = _first(file, start, end)
    if found is None:
        return None
    content, at = found
    while at is not None and (found := _first(file, at, end)):
        content.add(found[0])
        at = found[1]
    return content


def _first(file: BinaryIO, start: int, end: int) -> tuple[Content, int | None] | None:
    """Sound of the AIFF file that begins at `start`, and where the next one begins; None as in `aiff`."""
    kind, common = read_at(file, start + 8, 4), b""
    at = start + 12
    while at + 8 <= end:
        name, size = struct.unpack(">4sI", read_at(file, at, 8))
        if name == b"COMM":
            common = read_at(file, at + 8, min(size, 4096))
        elif name == b"SSND":
            believed(max(0, size - 8), there=max(0, end - at - 16))
            if len(common) < 18 or (kind == b"AIFC" and common[18:22] not in _PLAIN):
                return None  # described behind its samples, or packed: libsndfile knows
            return _samples(file, at + 8, size, end, _Common(common, kind), is_right=start == 0)
        at += 8 + size + size % 2
    return None


@dataclass(frozen=True)
class _Common:
    """Content of the chunk COMM, and the kind of the file."""

    content: bytes
    kind: bytes

    @property
    def n_samples(self) -> int:
        return int(struct.unpack_from(">I", self.content, 2)[0])

    @property
    def n_bytes(self) -> int:
        """Bytes of one sample of one channel."""
        return max(1, (int(struct.unpack_from(">H", self.content, 6)[0]) + 7) // 8)

    @property
    def block_size(self) -> int:
        """Bytes of one sample of all channels."""
        return max(1, int(struct.unpack_from(">H", self.content)[0]) * self.n_bytes)

    @property
    def is_big(self) -> bool:
        return self.kind == b"AIFF" or self.content[18:22] != b"sowt"

    def seconds(self, n_bytes: int) -> str:
        """Length of so many bytes, in words."""
        exponent, mantissa = struct.unpack_from(">HQ", self.content, 8)  # 80 bits, IEEE 754 extended
        return seconds(n_bytes / self.block_size, int(mantissa) >> max(0, 16446 - int(exponent)))


def _samples(
    file: BinaryIO, at: int, size: int, end: int, common: _Common, *, is_right: bool
) -> tuple[Content, int | None]:
    """Samples of a chunk SSND whose content begins at `at`, and where what was joined to them begins.

    is_right: whether the file begins with this one.
    """
    offset = struct.unpack(">I", read_at(file, at, 4).rjust(4, b"\0"))[0]
    body = min(at + 8 + (offset if offset < _PADDING else 0), end)
    stated = max(0, size - (body - at))
    extent = measure(
        file,
        body,
        end,
        stated=stated,
        order=">",
        n_bytes=common.n_bytes,
        is_big=common.is_big,
        seconds=common.seconds,
    )
    found, notes = extent.size - extent.size % common.block_size, list(extent.notes)
    described = common.n_samples * common.block_size
    if found == stated and described != found:
        if 0 < found - described <= _PADDING and described:
            found = described  # the rest of its block is filled up
        else:
            notes.append(length_note(described, found, common.seconds))
    if is_right and found == described and found <= stated and not extent.joined:
        content = Content(parts=[Part(stop=end)], notes=notes)
    else:
        content = Content(parts=[Part(head=_header(common, found), start=body, stop=body + found)], notes=notes)
    return content, extent.joined


def _header(common: _Common, size: int) -> bytes:
    """Header of an AIFF file of so many bytes of samples."""
    if size >= _MOST:
        raise RefusedError("is an aiff of more than 4 GB; expected less: divide it, or make a wav or flac of it")
    comm = common.content[:2] + struct.pack(">I", size // common.block_size) + common.content[6:]
    comm += b"\0" * (len(comm) % 2)
    chunks = struct.pack(">4sII", b"FVER", 4, 0xA2805140) if common.kind == b"AIFC" else b""
    chunks += struct.pack(">4sI", b"COMM", len(comm)) + comm + struct.pack(">4sIII", b"SSND", size + 8, 0, 0)
    return struct.pack(">4sI4s", b"FORM", 4 + len(chunks) + size, common.kind) + chunks
