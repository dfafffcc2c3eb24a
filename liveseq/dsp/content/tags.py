"""Tags around the sound: titles and pictures in ID3, APE and Lyrics3, and zeros that fill a block."""

import re

_ID3V1, _ID3V1_EXTENDED, _APE = 128, 227, 32  # bytes
_LYRICS = 1 << 20  # bytes at most: version 2 states six digits of them
_SOMETHING = re.compile(rb"[^\0]")


def behind_tags(data: bytes, at: int) -> int:
    """Place behind the tags and zeros at a place; the place itself where there are none."""
    while True:
        behind = _behind_one(data, at)
        if behind == at or behind >= len(data):
            return min(behind, len(data))
        at = behind


def _behind_one(data: bytes, at: int) -> int:
    head = data[at : at + _APE]
    if head[:3] == b"ID3" and len(head) >= 10:  # its size is in four groups of seven bits
        size = sum((byte & 127) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        return at + 10 + size + (10 if head[5] & 16 else 0)  # a footer
    if head[:4] == b"TAG+":
        return at + _ID3V1_EXTENDED
    if head[:3] == b"TAG":
        return at + _ID3V1
    if head[:8] == b"APETAGEX" and len(head) == _APE:
        has_head = head[23] & 0x20  # its size counts the footer, not the head
        return at + int.from_bytes(head[12:16], "little") + (_APE if has_head else 0)
    if head[:11] == b"LYRICSBEGIN":
        ends = [data.find(end, at, at + _LYRICS) for end in (b"LYRICS200", b"LYRICSEND")]
        return min((end for end in ends if end >= 0), default=at - 9) + 9
    if head[:1] == b"\0":
        found = _SOMETHING.search(data, at)
        return found.start() if found else len(data)
    return at
