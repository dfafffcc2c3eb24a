"""Examination of a sound file: its kind by its bytes, whatever its name is, and the parts that are to be read."""

import os
from typing import BinaryIO

from liveseq.dsp.content import aiff, flac, mpeg, ogg, riff
from liveseq.dsp.content.foreign import foreign
from liveseq.dsp.content.parts import UNREADABLE, Content, Part, RefusedError, read_at
from liveseq.dsp.content.tags import behind_tags

_NOTHING = UNREADABLE.format("none of these is in it")
_BEGINNING = 1 << 16
_OTHERS = (b"caff", b".snd", b"riff", b"FORM", b"NIST", b"Crea")  # CAF, AU, W64 ...: as libsndfile reads them


def examine(file: BinaryIO) -> Content:
    """Content of a file. Plain samples stay on the disk; what is packed is read whole.

    Raises RefusedError for what is foreign or truncated; OSError.
    """
    end = file.seek(0, os.SEEK_END)
    whole = Content(parts=[Part(stop=end)])
    data = read_at(file, 0, _BEGINNING)
    if data[:4] in riff.MAGIC and data[8:12] == b"WAVE":
        return riff.wave(file, 0, end)
    if data[:4] == aiff.MAGIC and data[8:12] in (b"AIFF", b"AIFC"):
        return aiff.aiff(file, 0, end) or whole
    at = behind_tags(data, 0)
    if at >= len(data) - 64:  # a picture is larger than that
        data = read_at(file, 0, end)
        at = behind_tags(data, 0)
    if kind := foreign(data, 0) or foreign(data, at):
        raise RefusedError(f"is {kind}, whatever its name says; expected wav, flac, mp3, ogg or aiff: convert it")
    magic = data[at : at + 4]
    is_packed = magic in (flac.MAGIC, ogg.MAGIC)
    if magic in _OTHERS:
        return whole
    if not is_packed and not mpeg.begins(data, at):
        raise RefusedError(_NOTHING)
    if len(data) < end:
        data = read_at(file, 0, end)
    if is_packed:
        return flac.flac(data, at) if magic == flac.MAGIC else ogg.ogg(data, at)
    content = mpeg.streams(data, at)
    if content is None:
        raise RefusedError(_NOTHING)
    return content
