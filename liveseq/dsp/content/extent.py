"""Extent of plain samples in a file of chunks: the length that is stated, held against the bytes that are there.

Headers are wrong where a recorder could not go back to them (a pipe, a crash, a full card) or reckoned wrongly.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from liveseq.dsp.content.parts import TRUNCATED, RefusedError, read_at
from liveseq.dsp.content.tags import behind_tags

_OPEN = (0x7F000000, 0x7FFFFFFF, 0xFFFFFFFF)  # what is written for a length that is not known yet ...
_NEAR = 1 << 16  # ... or a little beside it, rounded or with the header taken off
_HEADER = 64  # bytes of a header that were counted as samples, at most
_ROUNDED = 16  # bytes by which a doubled size may be rounded; of a file cut in two the header is missing as well
_CRUMB = 4096  # bytes behind the samples that are too few to be a take that went on
_LOOKED_AT = 1 << 18
_JOINED = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM")


@dataclass(frozen=True)
class Extent:
    """Bytes of samples, and what follows them."""

    size: int
    joined: int | None
    """Place of another recording, behind this one."""
    notes: tuple[str, ...]


def measure(
    file: BinaryIO,
    body: int,
    end: int,
    *,
    stated: int,
    order: str,
    n_bytes: int,
    is_big: bool,
    seconds: Callable[[int], str],
) -> Extent:
    """Extent of samples that begin at `body`, in a file that ends at `end`. Raises RefusedError where it is truncated.

    stated: bytes, as the header has it. order: byte order of its chunks, as struct writes it. n_bytes of one sample; 0
    where they are packed. is_big: whether its highest byte is its first. seconds: length of so many bytes, in words.
    """
    size = believed(stated, there=end - body)
    behind = min(body + size + size % 2, end)
    rest = _behind_chunks(file, behind, end, order) if size == stated else end
    joined = rest if read_at(file, rest, 4) in _JOINED else None
    notes = []
    if rest == behind and joined is None and _goes_on(file, body + size, end, n_bytes=n_bytes, is_big=is_big):
        size = end - body
    elif rest < end and joined is None and behind_tags(tail := read_at(file, rest, _LOOKED_AT), 0) < len(tail):
        notes.append(f"holds {end - rest} bytes behind its sound that are none; they are not read")
    if size != stated:
        notes.append(length_note(stated, size, seconds))
    return Extent(size, joined, tuple(notes))


def length_note(stated: int, found: int, seconds: Callable[[int], str]) -> str:
    """Sentence on a header that is wrong."""
    if _is_open(stated):
        return f"does not state its length (a recording that broke off, or a pipe); {seconds(found)} are read"
    return f"states {seconds(stated)} ({stated} bytes), but holds {seconds(found)} ({found}); all of it is read"


def believed(stated: int, *, there: int) -> int:
    """Bytes of samples, where as many are stated and `there` are left in the file. Raises RefusedError if cut off."""
    if stated <= there:
        return stated
    if _is_open(stated) or stated - there <= _HEADER or abs(stated - 2 * there) <= _ROUNDED:
        return there
    raise RefusedError(TRUNCATED)


def _is_open(stated: int) -> bool:
    """Whether a size is no size, but stands for one that was not known when it was written."""
    return stated == 0 or stated >= 1 << 60 or any(abs(stated - size) <= _NEAR for size in _OPEN)


def is_name(name: bytes) -> bool:
    """Whether four bytes may be the name of a chunk."""
    return len(name) == 4 and all(32 <= byte < 127 for byte in name)


def _behind_chunks(file: BinaryIO, at: int, end: int, order: str) -> int:
    """Place behind the chunks that follow the samples: the end, but for what was appended, or was never counted."""
    while at + 8 <= end:
        name, size = struct.unpack(order + "4sI", read_at(file, at, 8))
        if not is_name(name) or name in _JOINED or at + 8 + size > end:
            return at
        at += 8 + size + size % 2
    return min(at, end)


def _goes_on(file: BinaryIO, start: int, end: int, *, n_bytes: int, is_big: bool) -> bool:
    """Whether bytes behind the stated end are samples too: no tag, no crumb, and nothing packed or enciphered."""
    if end - start < _CRUMB or not n_bytes:
        return False
    while start < end and not any(data := read_at(file, start, _LOOKED_AT)):
        start += max(n_bytes, len(data) - len(data) % n_bytes)
    if start >= end or (data[:1] != b"\0" and behind_tags(data, 0)):
        return False
    highest = np.frombuffer(data, dtype=np.uint8)[0 if is_big else n_bytes - 1 :: n_bytes]
    if not len(highest):
        return False
    mean = len(highest) / 256
    return bool(np.bincount(highest).max() > 1.25 * mean + 5.0 * mean**0.5)  # all are alike only in what is packed
