"""Sound files out: each of the format that its name says, whole or not at all. Not for the audio thread."""

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile

from liveseq.errors import AudioFileError

_FORMATS: dict[str, dict[str, Any]] = {
    ".wav": {"format": "WAV", "subtype": "FLOAT"},
    ".flac": {"format": "FLAC", "subtype": "PCM_24"},
    ".mp3": {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT", "compression_level": 0.0},
    ".ogg": {"format": "OGG", "subtype": "VORBIS", "compression_level": 0.2},
    ".aif": {"format": "AIFF", "subtype": "PCM_24"},
    ".aiff": {"format": "AIFF", "subtype": "PCM_24"},
}
_PIECE = 1 << 13  # samples written at once: libsndfile's Vorbis has them all on its stack
_FULL = 1 << 20  # free bytes of a disk on which the next piece has no room
_LARGEST = 2**32 - 2**16  # bytes of samples in a wav or aiff
_LARGEST_RATE = {".mp3": 48_000, ".flac": 655_350, ".ogg": 200_000}
_MP3_RATES = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


def save_audio(path: Path, y: np.ndarray, *, sample_rate: int, subtype: str | None = None) -> None:
    """Write a sound file of the format that its name says; it appears whole or not at all.

    y: float32, shape (n_samples,) or (n_samples, n_channels). wav has all of it, in 32 bits of float (or what subtype
    says, PCM_24); flac and aiff have 24 bits, mp3 320 kbps; values beyond [-1, 1] clip there. The same samples give
    the same bytes, but for ogg. Raises AudioFileError as `check_output`, and where y holds NaN or infinity.
    """
    n_channels = 1 if y.ndim == 1 else y.shape[1]
    save_blocks(path, [y], n_samples=len(y), n_channels=n_channels, sample_rate=sample_rate, subtype=subtype)


def save_blocks(
    path: Path,
    blocks: Iterable[np.ndarray],
    *,
    n_samples: int,
    n_channels: int,
    sample_rate: int,
    subtype: str | None = None,
) -> None:
    """Write a sound file as `save_audio`, of a signal that comes block by block and need not fit into memory.

    blocks: float32 (n, n_channels), or (n,) where n_channels is 1; n_samples in all. Beyond 4 GB a wav is an RF64, as
    those that read such long files know it. Raises AudioFileError as `save_audio`, before the first block if it can.
    """
    check_output(path, sample_rate=sample_rate)
    kind = _FORMATS[path.suffix.lower()] | ({"subtype": subtype} if subtype else {})
    if n_samples * n_channels * 4 >= _LARGEST and kind["format"] == "AIFF":
        raise AudioFileError(path, "not written: an aiff holds no more than 4 GB; name a .wav or a .flac")
    if n_samples * n_channels * 4 >= _LARGEST and kind["format"] == "WAV":
        kind["format"] = "RF64"
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with soundfile.SoundFile(_place(part), "w", sample_rate, n_channels, **kind) as out:
            for block in blocks:
                if not np.isfinite(block).all():
                    raise AudioFileError(path, "not written: the samples hold NaN or infinity")
                for start in range(0, len(block), _PIECE):
                    out.write(block[start : start + _PIECE])
        with open(part, "r+b") as file:
            _clear_peak_time(file)
            os.fsync(file.fileno())
        os.replace(part, path)
    except (OSError, soundfile.LibsndfileError) as error:
        raise AudioFileError(path, f"not written: {_reason(error, part)}; name another file") from error
    finally:
        with contextlib.suppress(OSError):  # a disk that can no longer be written
            part.unlink(missing_ok=True)


def check_output(path: Path, *, sample_rate: int | None = None, suffixes: Iterable[str] = _FORMATS) -> None:
    """Raises AudioFileError where a sound file cannot be written because of its name, its place or its rate in Hz.

    suffixes: those that can be written there. To be known before the work is done.
    """
    check_folder(path)
    suffix = path.suffix.lower()
    if suffix not in suffixes:
        found = f"a name in {suffix!r}" if suffix else "a name without a format"
        raise AudioFileError(path, f"not written: expected a name in {', '.join(suffixes)}, found {found}")
    if sample_rate and (
        (suffix == ".mp3" and sample_rate not in _MP3_RATES) or (sample_rate > _LARGEST_RATE.get(suffix, sample_rate))
    ):
        raise AudioFileError(path, f"not written: {suffix[1:]} cannot have {sample_rate} Hz; name a .wav")


def check_folder(path: Path) -> None:
    """Raises AudioFileError where a file cannot be written because of its place: to know it before the work is done."""
    if not path.parent.is_dir():
        raise AudioFileError(path, f"not written: there is no folder {path.parent}; create it first")
    if path.is_dir():
        raise AudioFileError(path, "not written: that is a folder; name a file in it")


def _clear_peak_time(file: BinaryIO) -> None:
    """Zero the time of day that libsndfile puts into a float wav, so that equal takes are equal files."""
    head = file.read(256).partition(b"data")[0]
    if (peak := head.find(b"PEAK")) >= 0:
        file.seek(peak + 12)  # after name, size and version
        file.write(b"\0\0\0\0")


def _reason(error: Exception, part: Path) -> str | None:
    """Words for what went wrong. libsndfile does not say that a disk is full."""
    if isinstance(error, OSError):
        return error.strerror
    if not part.exists():
        return f"no file can be made in {part.parent}"
    return "the disk is full" if shutil.disk_usage(part.parent).free < _FULL else str(error)


def _place(path: Path) -> Path | bytes:
    """A path as libsndfile takes it: its bytes where a name is any bytes."""
    return os.fsencode(path) if os.name == "posix" else path
