"""Ogg files: pages, the recordings that are chained one behind the other, and whether the last page is there."""

from liveseq.dsp.content.parts import TRUNCATED, Content, Part, RefusedError

MAGIC = b"OggS"
_HEAD = 27  # bytes of a page before its table
_FIRST, _LAST = 2, 4


def ogg(data: bytes, start: int) -> Content:
    """Sound of an Ogg file from a place on. Raises RefusedError where it is truncated."""
    begins, skipped, kind = [start], 0, _FIRST
    at = start
    while at + _HEAD < len(data):
        n_segments = data[at + 26]
        behind = at + _HEAD + n_segments + sum(data[at + _HEAD : at + _HEAD + n_segments])
        if behind > len(data):
            raise RefusedError(TRUNCATED)
        if data[at + 5] & _FIRST and not kind & _FIRST:
            begins.append(at)
        kind = data[at + 5]
        at = data.find(MAGIC, behind)
        if at < 0:
            break
        skipped += at - behind
    content = Content()
    ends = [*begins[1:], len(data)]
    content.parts = [Part(head=data[begin:end]) for begin, end in zip(begins, ends, strict=True)]
    if not kind & _LAST:
        content.notes.append("has no end (a recording that broke off, or a stream); what is there is read")
    if skipped:
        content.notes.append(f"has gaps: {skipped} bytes between its pages are no sound; they are not read")
    return content
