"""FLAC files: the length that they state, held against the last frame that is whole (RFC 9639)."""

import struct
from dataclasses import dataclass

from liveseq.dsp.content.parts import TRUNCATED, Content, Part, RefusedError, seconds

MAGIC = b"fLaC"
_BEGINS = (b"fLaC\x00\x00\x00\x22", b"fLaC\x80\x00\x00\x22")  # the first block is STREAMINFO, of 34 bytes
_LENGTH_AT = 18  # bytes from the beginning to rate, channels, depth and length, in 64 bits
_TRIES = 48  # places that look like a frame, from the end on
_BLOCK_SIZES = {1: 192, **{n: 576 << (n - 2) for n in range(2, 6)}, **{n: 256 << (n - 8) for n in range(8, 16)}}


def flac(data: bytes, start: int) -> Content:
    """Sound of a FLAC file from a place on, and of those that were joined to it. Raises RefusedError."""
    begins = [start]
    while at := min((n for n in (data.find(begin, begins[-1] + 4) for begin in _BEGINS) if n >= 0), default=0):
        begins.append(at)
    content = Content()
    for begin, end in zip(begins, [*begins[1:], len(data)], strict=True):
        content.add(_one(data[begin:end]))
    return content


def _one(data: bytes) -> Content:
    head = struct.unpack_from(">Q", data, _LENGTH_AT)[0] if len(data) >= _LENGTH_AT + 8 else 0
    stated, rate = head & (1 << 36) - 1, head >> 44
    first = _first_frame(data)
    end = len(data) - 128 if data[-128:-125] == b"TAG" else len(data)  # ID3v1
    last = _last_frame(data, first, end)
    if last is None or last.end == stated:
        if stated == 0:
            raise RefusedError("holds no samples; export it again or remove it")
        return Content(parts=[Part(head=data)])
    if stated > last.end and not last.is_whole:
        raise RefusedError(TRUNCATED)
    found = seconds(last.end, rate)
    cut = "" if last.is_whole else "; what its last frame had is lost"
    if stated == 0:
        note = f"does not state its length (a recording that broke off, or a pipe); {found} are read{cut}"
    else:
        note = f"states {seconds(stated, rate)}, but holds {found}; all of it is read{cut}"
    mended = data[:_LENGTH_AT] + struct.pack(">Q", head - stated + last.end) + data[_LENGTH_AT + 8 : last.stop]
    return Content(parts=[Part(head=mended)], notes=[note])


def _first_frame(data: bytes) -> int:
    """Place behind the blocks of metadata."""
    at, is_last = 4, False
    while not is_last and at + 4 <= len(data):
        is_last = bool(data[at] & 128)
        at += 4 + int.from_bytes(data[at + 1 : at + 4], "big")
    return at


@dataclass(frozen=True)
class _Last:
    end: int
    """Samples up to its end."""
    stop: int
    """Byte behind it."""
    is_whole: bool
    """Whether nothing of another frame follows."""


def _last_frame(data: bytes, first: int, end: int) -> _Last | None:
    """The last frame that is whole, or None."""
    sync = data[first : first + 2]
    usual = _header(data, first)
    if usual is None:
        return None
    ends = [end]
    at = end
    for _ in range(_TRIES):
        at = data.rfind(sync, first, at + 1)
        if at < 0:
            return None
        header = _header(data, at)
        if header is not None:
            for stop in ends:
                if not _crc(data[at:stop], 0x8005, 16):
                    number, size = header
                    begin = number if sync[1] & 1 else number * usual[1]  # of the sample, or of the frame
                    return _Last(begin + size, stop, stop == end)
            ends.append(at)
    return None


def _header(data: bytes, at: int) -> tuple[int, int] | None:
    """Number and samples of the frame that begins at a place; None where none does."""
    raw = data[at : at + 16]
    if len(raw) < 6 or raw[0] != 0xFF or raw[1] & 0xFE != 0xF8 or raw[3] & 1:
        return None
    n_more = 0 if raw[4] < 0x80 else f"{raw[4]:08b}".index("0") - 1 if raw[4] != 0xFF else -1
    if n_more < 0 or (raw[4] >= 0x80 and n_more == 0):
        return None
    number = raw[4] & (0x7F if not n_more else (1 << 6 - n_more) - 1 if n_more < 6 else 0)
    for byte in raw[5 : 5 + n_more]:
        number = number << 6 | byte & 63
    place, kind = 5 + n_more, raw[2] >> 4
    n_size = {6: 1, 7: 2}.get(kind, 0)
    size = int.from_bytes(raw[place : place + n_size], "big") + 1 if n_size else _BLOCK_SIZES.get(kind, 0)
    place += n_size + {12: 1, 13: 2, 14: 2}.get(raw[2] & 15, 0)
    return (number, size) if size and place < len(raw) and not _crc(raw[: place + 1], 0x07, 8) else None


def _crc(data: bytes, polynomial: int, n_bits: int) -> int:
    """Remainder of bytes with their own at the end: 0 where they are whole."""
    table = _TABLES[polynomial]
    value, mask = 0, (1 << n_bits) - 1
    for byte in data:
        value = (value << 8 & mask) ^ table[value >> n_bits - 8 ^ byte]
    return value


def _table(polynomial: int, n_bits: int) -> list[int]:
    table = []
    for value in range(256):
        value <<= n_bits - 8
        for _ in range(8):
            value = value << 1 ^ (polynomial if value >> n_bits - 1 else 0)
            value &= (1 << n_bits) - 1
        table.append(value)
    return table


_TABLES = {0x07: _table(0x07, 8), 0x8005: _table(0x8005, 16)}
