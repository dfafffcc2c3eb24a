"""WAV files, RF64 and BW64 among them: chunks, and where the samples really end."""

import struct
from dataclasses import dataclass
from typing import BinaryIO

from liveseq.dsp.content import mpeg
from liveseq.dsp.content.extent import is_name, measure
from liveseq.dsp.content.parts import UNREADABLE, Content, Part, RefusedError, read_at, seconds

MAGIC = (b"RIFF", b"RIFX", b"RF64", b"BW64")
_LONGER = 0xFFFE  # the kind stands further on
_PLAIN = (1, 3, 6, 7)  # PCM, float, A-law and µ-law
_MPEG = (0x50, 0x55)
_CODED = {b"\xfe\x7f\x01\x80": "DTS", b"\x72\xf8\x1f\x4e": "AC-3 or DTS"}
_LOOKED_AT = 1 << 16
_LARGEST = 2**32 - 2**16
_UNKNOWN = 0xFFFFFFFF


@dataclass(frozen=True)
class Format:
    """Content of the chunk `fmt `."""

    content: bytes
    order: str
    """Byte order, as struct writes it."""

    @property
    def kind(self) -> int:
        kind = self._at("H", 0)
        return self._at("H", 24) if kind == _LONGER and len(self.content) >= 40 else kind

    @property
    def sample_rate(self) -> int:
        return self._at("I", 4)

    @property
    def block_size(self) -> int:
        """Bytes of one sample of all channels."""
        return max(1, self._at("H", 12))

    @property
    def n_bytes(self) -> int:
        """Bytes of one sample of one channel; 0 where samples are packed."""
        return self.block_size // max(1, self._at("H", 2)) if self.kind in _PLAIN else 0

    def seconds(self, n_bytes: int) -> str:
        """Length of so many bytes, in words."""
        if self.kind in _MPEG:
            return "all its frames"
        return seconds(n_bytes, self.block_size * self.sample_rate if self.n_bytes else self._at("I", 8))

    def _at(self, kind: str, offset: int) -> int:
        return int(struct.unpack_from(self.order + kind, self.content, offset)[0])


def wave(file: BinaryIO, start: int, end: int) -> Content:
    """Sound of a WAV file between two places, and of what was joined to it.

    Raises RefusedError where it is truncated, holds something else, or nothing.
    """
    content, at = _first(file, start, end)
    while at is not None:
        joined, at = _first(file, at, end)
        content.add(joined)
    return content


def _first(file: BinaryIO, start: int, end: int) -> tuple[Content, int | None]:
    """Sound of the WAV file that begins at `start`, and where the next one begins."""
    order = ">" if read_at(file, start, 4) == b"RIFX" else "<"
    form, stated_64, is_right = None, 0, start == 0
    at = start + 12
    while at + 8 <= end:
        name, size = struct.unpack(order + "4sI", read_at(file, at, 8))
        body = at + 8
        if name == b"data":
            stated = stated_64 if stated_64 and size == _UNKNOWN else size
            if form is None:
                break
            return _samples(file, body, end, form, stated, is_right=is_right)
        if name == b"fmt " and size >= 16:
            form = Format(read_at(file, body, min(size, 4096)), order)
        elif name == b"ds64":
            stated_64 = struct.unpack_from("<Q", read_at(file, body + 8, 8).ljust(8, b"\0"))[0]
            is_right &= stated_64 > 0
        at = body + size + size % 2
        if size % 2 and not is_name(read_at(file, at, 4)) and is_name(read_at(file, at - 1, 4)):
            at, is_right = at - 1, False  # the byte that makes a chunk even was forgotten
    raise RefusedError(UNREADABLE.format("a wav without a description, or without samples"))


def _samples(
    file: BinaryIO, body: int, end: int, form: Format, stated: int, *, is_right: bool
) -> tuple[Content, int | None]:
    """Samples that begin at `body`, and where what was joined to them begins.

    is_right: whether all is well with the header before them.
    """
    if coded := _CODED.get(read_at(file, body, _LOOKED_AT).lstrip(b"\0")[:4]):
        raise RefusedError(f"is {coded} that poses as samples; expected sound: decode it to wav or flac")
    extent = measure(
        file,
        body,
        end,
        stated=stated,
        order=form.order,
        n_bytes=form.n_bytes,
        is_big=form.order == ">",
        seconds=form.seconds,
    )
    content = Content(notes=list(extent.notes))
    if form.kind in _MPEG:
        frames = mpeg.streams(read_at(file, body, extent.size))
        if frames is None:
            raise RefusedError(UNREADABLE.format("no frames of MPEG audio in it"))
        content.add(frames)
    elif is_right and extent.size == stated and extent.joined is None:
        content.parts.append(Part(stop=end))
    else:
        content.parts.append(Part(head=_header(form, extent.size), start=body, stop=body + extent.size))
    is_wave = extent.joined is not None and read_at(file, extent.joined + 8, 4) == b"WAVE"
    return content, extent.joined if is_wave else None


def _header(form: Format, size: int) -> bytes:
    """Header of a WAV file of so many bytes of samples."""
    is_long = size > _LARGEST
    fmt = struct.pack(form.order + "4sI", b"fmt ", len(form.content)) + form.content + b"\0" * (len(form.content) % 2)
    ds64 = struct.pack("<4sIQQQI", b"ds64", 28, size + 8 + len(fmt) + 40, size, 0, 0) if is_long else b""
    chunks = ds64 + fmt + struct.pack(form.order + "4sI", b"data", _UNKNOWN if is_long else size)
    magic = b"RF64" if is_long else b"RIFX" if form.order == ">" else b"RIFF"
    whole = _UNKNOWN if is_long else 4 + len(chunks) + size
    return struct.pack(form.order + "4sI4s", magic, whole, b"WAVE") + chunks
