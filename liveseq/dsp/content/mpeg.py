"""MPEG audio (mp3): frames, walked from the first to the last, so that none is lost whatever a file says of its length.

Each stretch of frames of one rate and one number of channels becomes a file of its own with a frame before it (Xing's,
with LAME's delay and padding where it was there) that states its true length: that is all that libsndfile goes by.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from liveseq.dsp.content.parts import TRUNCATED, Content, Part, RefusedError, seconds
from liveseq.dsp.content.tags import behind_tags

_RATES = (44_100, 48_000, 32_000)
_KBPS = {  # by whether it is version 1, and layer; number 0 is free format
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_CHAIN = 3  # frames that must follow one another before they are believed
_MOST_FREE = 8192  # bytes of a frame in free format
_LAME = 36  # bytes of LAME's tag, behind Xing's fields
_FRAMES, _BYTES, _TOC, _QUALITY = 1, 2, 4, 8


@dataclass(frozen=True)
class Header:
    """First four bytes of a frame."""

    is_first_version: bool
    version_rate: int
    """Factor by which its version divides the rates of the first."""
    layer: int
    sample_rate: int
    n_channels: int
    size: int
    """Bytes of the frame; 0 in free format."""

    @property
    def kind(self) -> tuple[int, int, int]:
        """Whatever must stay the same for a decoder to go on."""
        return self.layer, self.sample_rate, self.n_channels

    @property
    def n_samples(self) -> int:
        if self.layer == 1:
            return 384
        return 1152 if self.layer == 2 or self.is_first_version else 576

    @property
    def n_side(self) -> int:
        """Bytes of the side information of layer III."""
        return (32 if self.n_channels == 2 else 17) if self.is_first_version else (17 if self.n_channels == 2 else 9)


@lru_cache(maxsize=4096)
def _header(raw: bytes) -> Header | None:
    if len(raw) < 4 or raw[0] != 0xFF or raw[1] & 0xE0 != 0xE0:
        return None
    version, layer, rate, kbps = raw[1] >> 3 & 3, 4 - (raw[1] >> 1 & 3), raw[2] >> 2 & 3, raw[2] >> 4
    if version == 1 or layer == 4 or rate == 3 or kbps == 15:
        return None
    is_first, divisor = version == 3, {3: 1, 2: 2, 0: 4}[version]
    sample_rate = _RATES[rate] // divisor
    bits, padding = _KBPS[is_first, layer][kbps] * 1000, raw[2] >> 1 & 1
    if layer == 1:
        size = (12 * bits // sample_rate + padding) * 4
    else:
        size = (144 if layer == 2 or is_first else 72) * bits // sample_rate + padding
    return Header(is_first, divisor, layer, sample_rate, 1 if raw[3] >> 6 == 3 else 2, size if bits else 0)


@dataclass
class _Stream:
    """Frames of one kind, one behind the other."""

    header: Header
    raw: bytes
    """The four bytes of its first frame."""
    frames: list[tuple[int, int]] = field(default_factory=list)
    """Place and size of each."""
    info: bytes = b""
    """Frame before them that describes them, without its header; empty where there is none."""


def streams(data: bytes, start: int = 0) -> Content | None:
    """Sound of MPEG frames from a place on; None where they are not most of it. Raises RefusedError if truncated."""
    found: list[_Stream] = []
    skipped, at = 0, behind_tags(data, start)
    for place, size, header in _frames(data, start):
        skipped += _between(data, at, place)
        at = place + size
        info = _info(data[place:at], header)
        if info or not found or found[-1].header.kind != header.kind:
            found.append(_Stream(header, data[place : place + 4], info=info))
        if not info:
            found[-1].frames.append((place, size))
    n_bytes = sum(size for stream in found for _, size in stream.frames)
    tail = len(data) - behind_tags(data, at)
    if n_bytes <= skipped + tail:
        return None
    content = Content(is_mpeg=True)
    for stream in found:
        if stream.frames:
            content.add(_part(data, stream))
    if skipped:
        content.notes.append(f"holds {skipped} bytes between its frames that are no sound; they are not read")
    if tail > _MOST_FREE:
        content.notes.append(f"holds {tail} bytes behind its sound that are none; they are not read")
    return content


def begins(data: bytes, start: int) -> bool:
    """Whether frames of MPEG audio follow one another somewhere in the beginning of a file."""
    return next(_frames(data, start), None) is not None


def _frames(data: bytes, at: int) -> Iterator[tuple[int, int, Header]]:
    """Place, size and header of every whole frame."""
    free = 0  # bytes of a frame in free format, without padding
    kind = None  # of the last frame
    while True:
        header = _header(data[at : at + 4])
        if header is not None and not header.size and not free:
            free = _free_size(data, at)
        size = 0 if header is None else header.size or (free + (data[at + 2] >> 1 & 1) if free else 0)
        if header is not None and size and (header.kind == kind or _is_chain(data, at, free)):
            if at + size > len(data):
                return
            yield at, size, header
            at, kind = at + size, header.kind
            continue
        kind = None
        behind = behind_tags(data, at)
        at = data.find(b"\xff", behind if behind > at else at + 1)
        if at < 0:
            return


def _is_chain(data: bytes, at: int, free: int) -> bool:
    """Whether frames of one kind follow one another from a place on, or do so up to the end."""
    first = None
    for number in range(_CHAIN):
        header = _header(data[at : at + 4])
        if header is None:
            return number > 0 and behind_tags(data, at) >= len(data)
        first = first or header
        size = header.size or (free + (data[at + 2] >> 1 & 1) if free else 0)
        if header.kind != first.kind or not size:
            return False
        at += size
        if at >= len(data):
            return number > 0 or at == len(data)
    return True


def _free_size(data: bytes, at: int) -> int:
    """Bytes of a frame in free format, found by the distance of three that begin alike; 0 where none do."""
    begin, padding = data[at : at + 2], data[at + 2] >> 1 & 1
    second = at
    while 0 <= (second := data.find(begin, second + 24)) < at + _MOST_FREE:
        size = second - at - padding
        if second + 2 >= len(data):
            break
        third = second + size + (data[second + 2] >> 1 & 1)
        if data[second + 2] & 0xFC == data[at + 2] & 0xFC and data[third : third + 2] == begin:
            return size
    return 0


def _between(data: bytes, at: int, place: int) -> int:
    """Bytes between two frames that are neither tags nor zeros."""
    if at >= place:
        return 0
    return max(0, place - behind_tags(data[:place] if place - at < 1 << 20 else data, at))


def _info(frame: bytes, header: Header) -> bytes:
    """A frame's content behind its side information if it describes the others and holds no sound; else empty."""
    if header.layer != 3:
        return b""
    for at in (4 + header.n_side, 6 + header.n_side):  # two bytes more where it has a checksum
        if frame[at : at + 4] in (b"Xing", b"Info"):
            return frame[at:]
    return frame[36:] if frame[36:40] == b"VBRI" else b""


def _part(data: bytes, stream: _Stream) -> Content:
    """A stream as a file that states its true length, and a note where it stated another one."""
    header, n_frames = stream.header, len(stream.frames)
    sound = b"".join(data[at : at + size] for at, size in stream.frames)
    if header.layer != 3:
        return Content(parts=[Part(head=sound, is_guessed=True)])
    stated, n_bytes, lame = _stated(stream.info)
    content = Content(parts=[Part(head=_info_frame(stream, n_frames, len(sound), lame) + sound)])
    if stated and stated != n_frames:
        size = len(sound) / n_frames
        is_all = n_bytes is not None and abs(n_bytes - len(sound)) <= 4 * size + len(stream.info)
        if stated - n_frames > 1 and stated != 2 * n_frames and not is_all:
            raise RefusedError(TRUNCATED)
        said, held = (seconds(n * header.n_samples, header.sample_rate) for n in (stated, n_frames))
        content.notes.append(f"states {said} ({stated} frames), but holds {held} ({n_frames}); all of it is read")
    return content


def _stated(info: bytes) -> tuple[int, int | None, bytes]:
    """Frames (0: not stated) and bytes that are stated, and LAME's tag, which may be empty."""
    if info[:4] == b"VBRI" and len(info) >= 18:
        n_bytes, n_frames = struct.unpack_from(">II", info, 10)
        return n_frames, n_bytes, b""
    if len(info) < 8:
        return 0, None, b""
    flags = int.from_bytes(info[4:8], "big")
    values, at = {}, 8
    for flag, size in ((_FRAMES, 4), (_BYTES, 4), (_TOC, 100), (_QUALITY, 4)):
        if flags & flag:
            values[flag] = int.from_bytes(info[at : at + 4], "big")
            at += size
    lame = info[at : at + _LAME]
    return values.get(_FRAMES, 0), values.get(_BYTES), lame if any(lame) and len(lame) == _LAME else b""


def _info_frame(stream: _Stream, n_frames: int, n_bytes: int, lame: bytes) -> bytes:
    """A frame of no sound, the largest of its kind, that states length and size of those behind it."""
    raw = stream.raw
    head = bytes([raw[0], raw[1] | 1, raw[2] & 0x0D | 0xE0, raw[3]])  # no checksum, 320 (or 160) kbps, no padding
    header = _header(head)
    assert header is not None, "it is that of a frame"
    fields = struct.pack(">4sIII", b"Info", _FRAMES | _BYTES, n_frames, header.size + n_bytes)
    return (head + bytes(header.n_side) + fields + lame).ljust(header.size, b"\0")
