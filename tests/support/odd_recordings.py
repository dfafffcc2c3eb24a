"""Recordings as recorders, pipes, crashes and downloads leave them: bytes, and what is to become of each."""

import io
import struct
from dataclasses import dataclass
from functools import cache

import numpy as np
import soundfile

RATE = 44_100
SECONDS = 1.5
ID3 = b"ID3\x03\0\0"
TAG = b"TAG" + b"title".ljust(125)


@dataclass(frozen=True)
class Odd:
    """One of them."""

    content: bytes
    sound: np.ndarray | None = None
    """Samples that it holds, mono at RATE; None: it is refused."""
    said: str = ""
    """Part of the line about it; empty: it is read without a word."""


def chirp(seconds: float = SECONDS, *, seed: int = 0, rate: int = RATE) -> np.ndarray:
    """Sound that is like itself in one place only; louder noise in its second half lets a bit rate vary."""
    t = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(seed).normal(0.0, 0.004, len(t)) * (1 + 4 * (t > seconds / 2))
    return 0.3 * np.sin(2 * np.pi * (200.0 + 40.0 * seed) * t * (1.0 + t)) + noise


def encoded(y: np.ndarray, kind: str, *, rate: int = RATE, n_channels: int = 2, **how: object) -> bytes:
    """A signal (n_samples,) as a file."""
    file = io.BytesIO()
    soundfile.write(file, np.repeat(y[:, None], n_channels, axis=1), rate, format=kind, **how)
    return file.getvalue()


def wav_stating(size: int, y: np.ndarray) -> bytes:
    """A wav whose header has these bytes of samples."""
    return _with(encoded(y, "WAV", subtype="PCM_16"), b"data", 4, struct.pack("<I", size))


def aiff_stating(size: int, n_samples: int, y: np.ndarray) -> bytes:
    """An aiff whose header has these bytes, and these samples."""
    content = _with(encoded(y, "AIFF", subtype="PCM_16"), b"SSND", 4, struct.pack(">I", size))
    return _with(content, b"COMM", 10, struct.pack(">I", n_samples))


def flac_stating(n_samples: int, y: np.ndarray) -> bytes:
    """A flac whose header has these samples; 0: not known."""
    content = encoded(y, "FLAC")
    (head,) = struct.unpack_from(">Q", content, 18)
    return _with(content, b"fLaC", 18, struct.pack(">Q", head >> 36 << 36 | n_samples))


def mp3_stating(n_frames: float, y: np.ndarray) -> bytes:
    """An mp3 whose Xing frame has this many times its frames."""
    content = encoded(y, "MP3")
    kind = b"Xing" if b"Xing" in content[:100] else b"Info"
    n = len(mp3_frames(content)) - 1
    return _with(content, kind, 8, struct.pack(">I", round(n * n_frames) if n_frames < 4 else int(n_frames)))


def mp3_frames(content: bytes) -> list[bytes]:
    """Frames of an mp3 of 44.1 kHz that begins with one; the first is Xing's."""
    kbps = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
    frames, at = [], 0
    while at + 4 < len(content):
        assert content[at] == 0xFF
        size = 144_000 * kbps[content[at + 2] >> 4] // RATE + (content[at + 2] >> 1 & 1)
        frames.append(content[at : at + size])
        at += size
    return frames


def damaged_mp3(*, seed: int, n_frames: int) -> bytes:
    """An mp3 of chirp(seed=7) in which n_frames hold random bytes where they should describe themselves."""
    frames, rng = mp3_frames(encoded(chirp(seed=7), "MP3")), np.random.default_rng(seed)
    damaged = [frame[:4] + rng.bytes(26) + frame[30:] for frame in frames[10 : 10 + n_frames]]
    return b"".join([*frames[:10], *damaged, *frames[10 + n_frames :]])


def adts(*, n_frames: int = 200) -> bytes:
    """AAC as a radio sends it, its content noise."""
    rng, size = np.random.default_rng(1), 180
    head = bytes([0xFF, 0xF1, 0x50, 0x80 | size >> 11, size >> 3 & 255, (size & 7) << 5 | 31, 0xFC])
    return b"".join(head + rng.bytes(size - 7) for _ in range(n_frames))


def _with(content: bytes, name: bytes, offset: int, new: bytes) -> bytes:
    at = content.index(name) + offset
    return content[:at] + new + content[at + len(new) :]


def _in_riff(mp3: bytes) -> bytes:
    fmt = struct.pack("<HHIIHHHHIHHH", 0x55, 2, RATE, 16_000, 1, 0, 12, 1, 2, 417, 1, 1393)
    head = struct.pack("<4sI4s4sI", b"RIFF", len(mp3) + 50, b"WAVE", b"fmt ", len(fmt)) + fmt
    return head + struct.pack("<4sI", b"data", len(mp3)) + mp3


def _id3(n_bytes: int) -> bytes:
    """A tag with a picture of so many bytes."""
    return ID3 + bytes(n_bytes >> shift & 127 for shift in (21, 14, 7, 0)) + b"\xff\xfb" * (n_bytes // 2)


@cache
def whole() -> dict[str, Odd]:
    """Those that are read without a word."""
    a, b, half = chirp(seed=1), chirp(seed=2), chirp(seed=3, rate=22_050)
    both, resampled = np.concatenate([a, b]), np.concatenate([a, chirp(seed=3)])
    wav, vbr = encoded(a, "WAV", subtype="PCM_16"), encoded(b, "MP3", bitrate_mode="VARIABLE", compression_level=0.3)
    odd = {f"plain.{kind.lower()}": Odd(encoded(a, kind), a) for kind in ("WAV", "FLAC", "MP3", "OGG", "AIFF")}
    odd["vbr_without_xing.mp3"] = Odd(b"".join(mp3_frames(vbr)[1:]), b)
    odd["cbr_without_xing.mp3"] = Odd(
        b"".join(mp3_frames(encoded(b, "MP3", bitrate_mode="CONSTANT", compression_level=0.5))[1:]), b
    )
    odd["joined.mp3"] = Odd(encoded(a, "MP3") + TAG + _id3(200) + vbr, both)
    odd["mono_then_stereo.mp3"] = Odd(encoded(a, "MP3", n_channels=1) + vbr, both)
    for kind in ("WAV", "FLAC", "OGG", "AIFF"):
        content = encoded(a, kind) + encoded(half, kind, rate=22_050, n_channels=1)
        odd[f"joined.{kind.lower()}"] = Odd(content, resampled)
    odd["picture.mp3"] = Odd(_id3(100_000) + encoded(a, "MP3"), a)
    odd["mp3_in_riff.wav"] = Odd(_in_riff(encoded(a, "MP3")), a)
    odd["really_mp3.wav"] = Odd(encoded(chirp(seed=4), "MP3"), chirp(seed=4))
    odd["really_wav.mp3"] = Odd(encoded(b, "WAV"), b)
    odd["chunk_behind.wav"] = Odd(wav + b"LIST\x0c\0\0\0INFOISFT\0\0\0\0", a)
    odd["title_behind.wav"] = Odd(wav + TAG, a)
    odd["zeros_behind.wav"] = Odd(wav + bytes(5000), a)
    return odd


@cache
def told() -> dict[str, Odd]:
    """Those that are read with a line."""
    a = chirp(seed=5)
    n = 4 * len(a)  # bytes of samples
    unknown, wrong = "does not state its length", "; all of it is read"
    sizes = {
        "sox_pipe": (0x7FFFF000, unknown),
        "arecord_pipe": (0x80000000, unknown),
        "ffmpeg_pipe": (0xFFFFFFFF, unknown),
        "less_its_header": (0xFFFFFFDB, unknown),
        "crashed": (0, unknown),
        "one_too_long": (n + 1, wrong),
        "size_of_riff": (n + 36, wrong),
        "size_of_file": (n + 44, wrong),
        "doubled": (2 * n, "states 3.00 s"),
        "flushed_early": (n // 3, "states 0.50 s"),
    }
    odd = {f"{name}.wav": Odd(wav_stating(size, a), a, said) for name, (size, said) in sizes.items()}
    rf64 = encoded(a, "RF64", subtype="PCM_16")
    odd["zero_ds64.wav"] = Odd(_with(rf64, b"ds64", 8, bytes(24)), a, unknown)
    rng = np.random.default_rng(6)
    zipped = encoded(a, "WAV", subtype="PCM_16") + rng.bytes(50_000)
    odd["packed_behind.wav"] = Odd(zipped, a, "holds 50000 bytes behind its sound that are none")
    odd["sox_pipe.aiff"] = Odd(aiff_stating(0x7F000008, 0x7F000000 // 4, a), a, unknown)
    odd["ffmpeg_pipe.aiff"] = Odd(aiff_stating(0, 0, a), a, unknown)
    odd["flushed_early.aiff"] = Odd(aiff_stating(8 + n // 3, len(a) // 3, a), a, "states 0.50 s")
    odd["doubled.aif"] = Odd(aiff_stating(8 + n, 2 * len(a), a), a, "states 3.00 s")
    odd["pipe.flac"] = Odd(flac_stating(0, a), a, unknown)
    odd["flushed_early.flac"] = Odd(flac_stating(len(a) // 3, a), a, "states 0.50 s")
    cut = flac_stating(0, a)[:-100]
    odd["crashed.flac"] = Odd(cut, a[: len(a) // 4096 * 4096], "what its last frame had is lost")
    frames = mp3_frames(encoded(a, "MP3"))
    n_frames = len(frames) - 1
    odd["one_frame_too_many.mp3"] = Odd(mp3_stating(n_frames + 1, a), a, f"({n_frames + 1} frames)")
    odd["doubled.mp3"] = Odd(mp3_stating(2, a), a, f"({2 * n_frames} frames)")
    odd["flushed_early.mp3"] = Odd(mp3_stating(1 / 3, a), a, wrong)
    odd["junk.mp3"] = Odd(b"".join([*frames[:20], rng.bytes(3000), *frames[20:]]), a, "holds 3000 bytes between")
    ogg = encoded(chirp(3.0, seed=5), "OGG")
    damaged = damaged_mp3(seed=4, n_frames=3)
    odd["damaged.mp3"] = Odd(damaged, chirp(seed=7), "is damaged (big_values too large!); what can be decoded")
    odd["broke_off.ogg"] = Odd(ogg[: ogg.rindex(b"OggS")], chirp(3.0, seed=5), "has no end")
    return odd


@cache
def refused() -> dict[str, Odd]:
    """Those that are not read, and why."""
    a, rng = chirp(seed=7), np.random.default_rng(7)
    wav, mp3, flac, ogg = (encoded(a, kind) for kind in ("WAV", "MP3", "FLAC", "OGG"))
    odd = {
        "aac.mp3": (adts(), "is AAC (ADTS), whatever its name says"),
        "m4a.mp3": (b"\0\0\0\x20ftypM4A " + rng.bytes(9000), "is MPEG-4 (AAC or ALAC)"),
        "archive.wav": (b"PK\3\4" + rng.bytes(9000), "is a ZIP archive"),
        "page.mp3": (b"\n\n<!doctype html><title>404</title>", "is a web page"),
        "noise.mp3": (rng.bytes(200_000), "is not a sound file that can be read"),
        "coded.wav": (wav[:44] + b"\xfe\x7f\x01\x80" + rng.bytes(len(wav) - 48), "is DTS that poses as samples"),
        "half.wav": (wav[: len(wav) // 2], "is truncated"),
        "half.mp3": (mp3[: len(mp3) // 2], "is truncated"),
        "half.flac": (flac[: len(flac) // 2], "is truncated"),
        "half.ogg": (ogg[: len(ogg) // 2], "is truncated"),
        "damaged.mp3": (damaged_mp3(seed=2, n_frames=20), "is damaged (big_values too large!): noise at"),
    }
    return {name: Odd(content, said=said) for name, (content, said) in odd.items()}
