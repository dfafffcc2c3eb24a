"""Sound files in and out: the one door to soundfile and soxr.

Whatever a performer's folder holds comes out as float32 (n_samples, n_channels) at the rate asked for, or is refused
with one sentence that names the file and the reason. Files are read, mixed and resampled piece by piece: memory is the
result and little more. Not for the audio thread.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from liveseq.errors import AudioFileError

AUDIO_SUFFIXES: frozenset[str] = frozenset({".wav", ".flac", ".mp3", ".ogg", ".aif", ".aiff"})
"""Suffixes that are looked for in folders, in lower case; the content decides how a file is read."""

_PIECE = 1 << 17  # samples read at once
_SILENCE = 2.0**-15  # one step of 16 bits: nothing but dither
_ABSURD = 100.0  # +40 dBFS: integers stored as float, not audio in [-1, 1]
_LARGEST_WAV = 2**32 - 2**16  # bytes of samples
_OPEN_ENDED = (0, 0x7FFFFFFF, 0xFFFFFFFF)  # sizes that recorders write when they do not know the length yet


def load_audio(path: Path, *, sample_rate: int, n_channels: int = 2, last_seconds: float | None = None) -> np.ndarray:
    """Read a sound file at a sample rate; with last_seconds, no more than its end.

    sample_rate in Hz (resampled by soxr, very high quality); n_channels 1 or 2. Mono is doubled; many channels become
    one as their mean. For two of more than two, channels 1 and 2 stay left and right and every further one (centre,
    surround, a second pair) goes to both sides at the same weight, scaled so that nothing can clip.
    Returns float32, shape (n_samples, n_channels). Raises AudioFileError for a missing, foreign, truncated, empty or
    silent file, and for one with NaN, infinity or absurd levels. An mp3 that does not state its length is read
    as far as libsndfile guesses: to its end if its bit rate is constant.
    """
    _check_path(path)
    try:
        # As bytes, where a file name may be no text; elsewhere libsndfile wants characters.
        with soundfile.SoundFile(_place(path)) as file:
            _check_complete(path, file)
            if last_seconds is not None:
                file.seek(max(0, file.frames - int(last_seconds * file.samplerate)))
            y = _read(path, file, sample_rate=sample_rate, n_channels=n_channels)
    except soundfile.LibsndfileError as error:
        reason = error.error_string.strip().rstrip(".")
        raise AudioFileError(
            path, f"is not a sound file that can be read ({reason}); expected wav, flac, mp3, ogg or aiff"
        ) from error
    return y


def save_wav(path: Path, y: np.ndarray, *, sample_rate: int, subtype: str = "FLOAT") -> None:
    """Write a wav file that appears whole or not at all, the same bytes for the same samples.

    y: float32, shape (n_samples,) or (n_samples, n_channels); subtype FLOAT or PCM_24 (values beyond [-1, 1] clip).
    Raises AudioFileError if the folder is missing, cannot be written, or y holds NaN or infinity.
    """
    n_channels = 1 if y.ndim == 1 else y.shape[1]
    save_wav_blocks(path, [y], n_samples=len(y), n_channels=n_channels, sample_rate=sample_rate, subtype=subtype)


def save_wav_blocks(
    path: Path,
    blocks: Iterable[np.ndarray],
    *,
    n_samples: int,
    n_channels: int,
    sample_rate: int,
    subtype: str = "FLOAT",
) -> None:
    """Write a wav file as `save_wav`, of a signal that comes block by block and need not fit into memory.

    blocks: float32 (n, n_channels), or (n,) where n_channels is 1; n_samples in all. Beyond 4 GB it is an RF64, which
    those that read such long files know. Raises AudioFileError as `save_wav`.
    """
    check_folder(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    kind = "WAV" if n_samples * n_channels * 4 < _LARGEST_WAV else "RF64"
    try:
        with soundfile.SoundFile(_place(part), "w", sample_rate, n_channels, subtype=subtype, format=kind) as out:
            for block in blocks:
                if not np.isfinite(block).all():
                    raise AudioFileError(path, "not written: the samples hold NaN or infinity")
                out.write(block)
        with open(part, "r+b") as file:
            _clear_peak_time(file)
            os.fsync(file.fileno())
        os.replace(part, path)
    except (OSError, soundfile.LibsndfileError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"no file can be made in {path.parent}"
        raise AudioFileError(path, f"not written: {reason}; name another file") from error
    finally:
        part.unlink(missing_ok=True)


def check_folder(path: Path) -> None:
    """Raises AudioFileError where a file cannot be written because of its place: to know it before the work is done."""
    if not path.parent.is_dir():
        raise AudioFileError(path, f"not written: there is no folder {path.parent}; create it first")
    if path.is_dir():
        raise AudioFileError(path, "not written: that is a folder; name a file in it")


def resample(y: np.ndarray, *, sample_rate: int, to_rate: int) -> np.ndarray:
    """A signal brought from one rate (Hz) to another by soxr, at very high quality. float32 (n_samples, n_channels)."""
    if sample_rate == to_rate:
        return y
    return np.asarray(soxr.resample(y, sample_rate, to_rate, quality="VHQ"), dtype=np.float32)


def resample_by(y: np.ndarray, ratio: float) -> np.ndarray:
    """A signal of which `ratio` samples become one: above 1, faster and higher. float32 (n_samples, n_channels)."""
    return np.asarray(soxr.resample(y, ratio, 1.0, quality="HQ"), dtype=np.float32)


def _place(path: Path) -> Path | bytes:
    """A path as libsndfile takes it: its bytes where a name is any bytes."""
    return os.fsencode(path) if os.name == "posix" else path


def _check_path(path: Path) -> None:
    if path.suffix.lower() not in AUDIO_SUFFIXES:
        known = ", ".join(sorted(AUDIO_SUFFIXES))
        raise AudioFileError(path, f"has the unknown suffix {path.suffix!r}; expected one of {known}")
    if not path.exists():
        raise AudioFileError(path, "does not exist; check the name")
    if not path.is_file():
        raise AudioFileError(path, "is a folder or a device, not a sound file")
    if path.stat().st_size == 0:
        raise AudioFileError(path, "is empty (0 bytes); copy or export it again")


def _check_complete(path: Path, file: soundfile.SoundFile) -> None:
    """Refuse what libsndfile would silently shorten; its log tells (a cut flac shows only while it is read)."""
    log = file.extra_info
    size = re.search(r"^\s*(?:data|SSND)\s*:\s*(\d+) \(should be (\d+)\)", log, re.MULTILINE)
    cut = size and int(size[1]) > int(size[2]) and int(size[1]) not in _OPEN_ENDED
    if cut or "lacks an end-of-stream bit" in log:
        raise AudioFileError(path, "is truncated: it ends before its last sample; copy or export it again")
    if file.frames == 0:
        raise AudioFileError(path, "holds no samples; export it again or remove it")


def _read(path: Path, file: soundfile.SoundFile, *, sample_rate: int, n_channels: int) -> np.ndarray:
    peak = 0.0
    pieces = []
    n_mixed = min(n_channels, file.channels)  # mono is doubled at the end, not resampled twice
    resampler = soxr.ResampleStream(file.samplerate, sample_rate, n_mixed, dtype="float32", quality="VHQ")
    for piece in _pieces(path, file):
        peak = max(peak, _peak(path, piece))
        mixed = _mix(piece, n_channels=n_mixed)
        pieces.append(mixed if file.samplerate == sample_rate else resampler.resample_chunk(mixed))
    if file.samplerate != sample_rate:
        pieces.append(resampler.resample_chunk(np.empty((0, n_mixed), dtype=np.float32), last=True))
    if peak <= _SILENCE:
        raise AudioFileError(path, "is silent from start to end; remove it, or record it louder")
    if peak > _ABSURD:
        level_db = 20 * np.log10(peak)
        raise AudioFileError(path, f"peaks at {level_db:+.0f} dBFS; expected samples in [-1, 1]; export it again")
    return np.repeat(np.concatenate(pieces), n_channels // n_mixed, axis=1)


def _pieces(path: Path, file: soundfile.SoundFile) -> Iterator[np.ndarray]:
    """The file in pieces of float32 (n, file.channels)."""
    n_read = file.tell()
    try:
        while len(piece := file.read(_PIECE, dtype="float32", always_2d=True)):
            n_read += len(piece)
            yield piece
    except soundfile.LibsndfileError as error:
        raise _truncated(path, file) from error
    if n_read < file.frames and (file.format != "MP3" or _states_length(path)):
        raise _truncated(path, file)


def _truncated(path: Path, file: soundfile.SoundFile) -> AudioFileError:
    seconds = file.frames / file.samplerate
    return AudioFileError(path, f"is truncated or damaged: not all of its {seconds:.2f} s can be read; copy it again")


def _states_length(path: Path) -> bool:
    """Whether an mp3 says in its first frame how long it is; without, libsndfile guesses."""
    with open(path, "rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3":  # its size is in four groups of seven bits
            file.seek(sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)) + 10)
        else:
            file.seek(0)
        first = file.read(64)
    return b"Xing" in first or b"Info" in first


def _peak(path: Path, piece: np.ndarray) -> float:
    peak = float(np.abs(piece).max())
    if not np.isfinite(peak):
        raise AudioFileError(path, "holds NaN or infinite samples; export it again")
    return peak


def _mix(piece: np.ndarray, *, n_channels: int) -> np.ndarray:
    """(n, any) -> (n, n_channels), no more than there are; see load_audio for the rule."""
    n_found = piece.shape[1]
    if n_found == n_channels:
        return piece
    if n_channels == 1:
        return np.asarray(piece.mean(axis=1, keepdims=True))
    shared = piece[:, 2:].sum(axis=1, keepdims=True)
    return np.asarray((piece[:, :2] + shared) / np.float32(n_found - 1))


def _clear_peak_time(file: BinaryIO) -> None:
    """Zero the time of day that libsndfile puts into a float wav, so that equal takes are equal files."""
    head = file.read(256).partition(b"data")[0]
    if (peak := head.find(b"PEAK")) >= 0:
        file.seek(peak + 12)  # after name, size and version
        file.write(b"\0\0\0\0")
