"""Sound files in: the door to soundfile and soxr.

Whatever a performer's folder holds comes out as float32 (n_samples, n_channels) at the rate asked for, or is refused
with one sentence that names the file and the reason. What a file holds is found out by `content`, from its bytes; here
it is read, mixed and resampled piece by piece: memory is the result and little more. Not for the audio thread.
"""

import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from liveseq.dsp.content.examining import examine
from liveseq.dsp.content.parts import UNREADABLE, Content, Part, PartFile, RefusedError
from liveseq.dsp.content.words import kept_words
from liveseq.errors import AudioFileError

AUDIO_SUFFIXES: frozenset[str] = frozenset({
    ".wav", ".wave", ".bwf", ".rf64", ".w64", ".amb", ".flac", ".mp3", ".mp2", ".ogg", ".oga", ".opus", ".aif",
    ".aiff", ".aifc", ".caf", ".au", ".snd", ".voc", ".iff", ".8svx", ".sph", ".nist",
})  # fmt: skip
"""Suffixes that are looked for in folders, in lower case; the content decides how a file is read."""

_PIECE = 1 << 17  # samples read at once
_RATES = (1000, 1_536_000)  # Hz
_SILENCE = 2.0**-15  # one step of 16 bits: nothing but dither
_ABSURD = 100.0  # +40 dBFS: integers stored as float, not audio in [-1, 1]
_ABSURD_MPEG = 4.0  # +12 dBFS: noise of what is no frame; a loud master goes over by 3 dB
_ABSURD_DAMAGED = 1.5  # +4 dBFS, where the decoder complains as well


def load_audio(
    path: Path,
    *,
    sample_rate: int,
    n_channels: int = 2,
    last_seconds: float | None = None,
    notes: list[str] | None = None,
) -> np.ndarray:
    """Read a sound file at a sample rate; with last_seconds, no more than its end.

    sample_rate in Hz (resampled by soxr, very high quality); n_channels 1 or 2. Mono is doubled; many channels become
    one as their mean. For two of more than two, channels 1 and 2 stay left and right and every further one (centre,
    surround, a second pair) goes to both sides at the same weight, scaled so that nothing can clip. Recordings that
    were joined in one file come one behind the other, each by its own rate and channels.
    notes: gets a sentence for each thing that the file says wrongly of itself, or that is left out of it.
    Returns float32, shape (n_samples, n_channels). Raises AudioFileError for a missing, foreign, truncated, empty or
    silent file, and for one with NaN, infinity or absurd levels.
    """
    _check_path(path)
    try:
        with path.open("rb") as file:
            content = examine(file)
            with _decoding(content) as words:
                reader = _Reader(path, file, content, sample_rate=sample_rate, n_channels=n_channels)
                y = reader.read(last_seconds)
            reader.check_level(words)
            content.notes += [f"is damaged ({word}); what can be decoded of it is read" for word in words[:1]]
    except RefusedError as error:
        raise AudioFileError(path, str(error)) from error
    except (IndexError, RecursionError, ValueError, struct.error) as error:  # sizes that cannot be
        raise AudioFileError(path, UNREADABLE.format("its parts contradict each other")) from error
    except OSError as error:
        raise AudioFileError(path, f"cannot be read ({error.strerror}); check the disk, or copy it again") from error
    except soundfile.LibsndfileError as error:
        raise AudioFileError(path, UNREADABLE.format(error.error_string.strip().rstrip("."))) from error
    if notes is not None:
        notes += [f"{path}: {note}" for note in content.notes]
    return y


def rate_of(path: Path) -> int:
    """Sample rate in Hz of a sound file that has been read; of joined ones, that of the first."""
    with path.open("rb") as file:
        content = examine(file)
        with _decoding(content), soundfile.SoundFile(PartFile(file, content.parts[0])) as sound:
            return int(sound.samplerate)


def _decoding(content: Content) -> AbstractContextManager[list[str]]:
    return kept_words() if content.is_mpeg else nullcontext([])


def resample(y: np.ndarray, *, sample_rate: int, to_rate: int) -> np.ndarray:
    """A signal brought from one rate (Hz) to another by soxr, at very high quality. float32 (n_samples, n_channels)."""
    if sample_rate == to_rate:
        return y
    return np.asarray(soxr.resample(y, sample_rate, to_rate, quality="VHQ"), dtype=np.float32)


def resample_by(y: np.ndarray, ratio: float) -> np.ndarray:
    """A signal of which `ratio` samples become one: above 1, faster and higher. float32 (n_samples, n_channels)."""
    return np.asarray(soxr.resample(y, ratio, 1.0, quality="HQ"), dtype=np.float32)


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


class _Reader:
    """The parts of one file on their way to one signal."""

    def __init__(self, path: Path, file: BinaryIO, content: Content, *, sample_rate: int, n_channels: int) -> None:
        self._path = path
        self._file = file
        self._content = content
        self._rate = sample_rate
        self._n_channels = n_channels
        self._peak = 0.0

    def read(self, last_seconds: float | None) -> np.ndarray:
        """All of it, or its end. float32 (n_samples, n_channels)."""
        takes: list[np.ndarray] = []
        left = float("inf") if last_seconds is None else last_seconds
        for part in reversed(self._content.parts):
            if left > 0.0:
                takes.insert(0, self._read_part(part, left))
                left -= len(takes[0]) / self._rate
        if not sum(map(len, takes)):
            raise AudioFileError(self._path, "holds no samples; export it again or remove it")
        return takes[0] if len(takes) == 1 else np.concatenate(takes)

    def check_level(self, words: list[str]) -> None:
        """Refuse silence, and what is no audio but noise at its level. words: complaints of the decoder."""
        if self._peak <= _SILENCE:
            raise AudioFileError(self._path, "is silent from start to end; remove it, or record it louder")
        level = f"{20 * np.log10(self._peak):+.0f} dBFS"
        if self._content.is_mpeg and self._peak > (_ABSURD_DAMAGED if words else _ABSURD_MPEG):
            reason = f" ({words[0]})" if words else ""
            raise AudioFileError(self._path, f"is damaged{reason}: noise at {level} would come of it; copy it again")
        if self._peak > _ABSURD:
            raise AudioFileError(self._path, f"peaks at {level}; expected samples in [-1, 1]; export it again")

    def _read_part(self, part: Part, last_seconds: float) -> np.ndarray:
        source = PartFile(self._file, part)
        try:
            with soundfile.SoundFile(source) as sound:
                if not _RATES[0] <= sound.samplerate <= _RATES[1]:
                    found = f"states a sample rate of {sound.samplerate} Hz"
                    raise AudioFileError(self._path, f"{found}; expected {_RATES[0]} to {_RATES[1]}; export it again")
                start = max(0, sound.frames - int(min(last_seconds * sound.samplerate, sound.frames)))
                return self._resampled(sound, part, start=start)
        finally:
            if source.error is not None:
                raise source.error

    def _resampled(self, sound: soundfile.SoundFile, part: Part, *, start: int) -> np.ndarray:
        n_mixed = min(self._n_channels, sound.channels)  # mono is doubled at the end, not resampled twice
        mixed = (_mix(piece, n_channels=n_mixed) for piece in self._pieces(sound, part, start=start))
        pieces = [np.empty((0, n_mixed), dtype=np.float32)]
        if sound.samplerate == self._rate:
            pieces += mixed
        else:
            resampler = soxr.ResampleStream(sound.samplerate, self._rate, n_mixed, dtype="float32", quality="VHQ")
            pieces += (resampler.resample_chunk(piece) for piece in mixed)
            pieces.append(resampler.resample_chunk(pieces[0], last=True))
        return np.repeat(np.concatenate(pieces), self._n_channels // n_mixed, axis=1)

    def _pieces(self, sound: soundfile.SoundFile, part: Part, *, start: int) -> Iterator[np.ndarray]:
        """A part from a frame on, in pieces of float32 (n, its channels)."""
        n_read, n_passed = start, 0
        if sound.seekable():
            sound.seek(start)
        else:  # GSM 6.10, of telephones and old recorders
            n_passed = start
        whole = f"its {sound.frames / sound.samplerate:.2f} s"
        truncated = AudioFileError(
            self._path, f"is truncated or damaged: not all of {whole} can be read; copy it again"
        )
        try:
            while n_passed:
                n_passed -= len(sound.read(min(n_passed, _PIECE))) or n_passed
            while len(piece := sound.read(_PIECE, dtype="float32", always_2d=True)):
                n_read += len(piece)
                self._peak = max(self._peak, _peak(self._path, piece))
                yield piece
        except soundfile.LibsndfileError as error:
            raise truncated from error
        if n_read < sound.frames and not part.is_guessed:
            raise truncated


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
