"""Seeds: a sound file, or the sound of an input, as the arguments of /liveseq/prime that a plan continues."""

import difflib
import itertools
from pathlib import Path

import numpy as np

from liveseq.corpus.names import as_spelt, composed
from liveseq.corpus.units import FEATURE_NAMES
from liveseq.dsp.descriptors import DESCRIPTOR_NAMES, base_descriptors, describe
from liveseq.dsp.files import AUDIO_SUFFIXES, load_audio
from liveseq.errors import AudioFileError, OscError
from liveseq.performance.priming import HOPS_PER_STEP, pooled

FILE_SECONDS = 30.0
"""Seconds at the end of a seed file that are heard."""
SILENT_DB = -60.0
"""Frames below this are silence (dBFS)."""
MAX_STEPS = 64
"""Steps of a seed that a predictor hears (11 s): live in the event loop, at about 0.2 ms each."""
MIN_STEPS = 4
"""Steps that must sound, to learn a range from."""
_MOST_LISTED = 2000
_LOUDNESS = DESCRIPTOR_NAMES.index("loudness_db")
_MEAN_LOUDNESS = FEATURE_NAMES.index("loudness_db_mean")


def read_seed(
    folder: Path, name: str, *, sample_rate: int, hop_length: int, notes: list[str] | None = None
) -> np.ndarray:
    """Descriptor frames of the end of a sound file, float32 (n_frames, 43). Takes a while.

    name: a path below `folder`; nothing outside it is ever opened, whatever links say. notes: as in `load_audio`.
    Raises OscError.
    """
    path = _below(folder, name)
    said: list[str] = []
    try:
        y = load_audio(path, sample_rate=sample_rate, n_channels=1, last_seconds=FILE_SECONDS, notes=said)
    except AudioFileError as error:
        raise OscError("io_error", f"{name[:200]}: {error.reason}") from None
    if notes is not None:
        notes += [f"{name[:200]}{note.removeprefix(str(path))}" for note in said]
    return until_silence(describe(y[:, 0], sample_rate=sample_rate, hop_length=hop_length), origin=name[:200])


def until_silence(frames: np.ndarray, *, origin: str) -> np.ndarray:
    """Frames without the silence at the end: a plan would stay there. Raises OscError where all is silent.

    frames: float32 (n_frames, 43); so are those that it returns. origin: where they come from, for the error.
    """
    sounding = np.flatnonzero(frames[:, _LOUDNESS] > SILENT_DB)
    if not len(sounding):
        raise OscError("not_ready", f"{origin}: nothing but silence (below {SILENT_DB:g} dBFS)")
    end = int(sounding[-1]) + 1
    if end < HOPS_PER_STEP:
        raise OscError("not_ready", f"{origin}: expected at least {HOPS_PER_STEP} frames of sound, found {end}")
    return frames[:end]


def prime_arguments(frames: np.ndarray) -> tuple[int, bytes]:
    """Arguments of /liveseq/prime: the last MAX_STEPS steps of the frames, float32 (n_frames, 43)."""
    return len(DESCRIPTOR_NAMES), frames[-MAX_STEPS * HOPS_PER_STEP :].astype(">f4").tobytes()


def learned_range(frames: np.ndarray) -> bytes:
    """Range for /liveseq/query/calibration: mean and spread of the steps that sound, (2, 34) float32 big-endian.

    frames: float32 (n_frames, 43). Raises OscError where too little sounds.
    """
    steps = pooled(base_descriptors(frames))
    sounding = steps[steps[:, _MEAN_LOUDNESS] > SILENT_DB]
    if len(sounding) < MIN_STEPS:
        raise OscError(
            "not_ready",
            f"calibrate: expected at least {MIN_STEPS} steps of sound (170 ms each), found {len(sounding)}; "
            "play while it listens",
        )
    return np.stack([sounding.mean(axis=0), sounding.std(axis=0)]).astype(">f4").tobytes()


def _below(folder: Path, name: str) -> Path:
    """A file below a folder. Raises OscError: denied outside, not_found where it does not exist."""
    root = folder.resolve()
    try:
        path = (root / name).resolve()
        if path.is_relative_to(root):
            path = as_spelt(path).resolve()
        is_file = path.is_file()
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, a circle of links
        raise OscError("bad_args", f"path: expected the name of a file, found {name[:64]!r}") from None
    if not path.is_relative_to(root):
        raise OscError("denied", f"{name[:200]}: outside the folder of seeds ({folder}); put the file there")
    if not is_file:
        files = (one for one in itertools.islice(root.rglob("*"), _MOST_LISTED) if one.suffix.lower() in AUDIO_SUFFIXES)
        names = sorted(composed(str(one.relative_to(root))) for one in files)
        near = difflib.get_close_matches(composed(name[:200]), names, n=3, cutoff=0.4) or names[:5]
        hint = f"there are {', '.join(near)}" if near else "there is none"
        raise OscError("not_found", f"{name[:200]}: no such file in the folder of seeds ({folder}); {hint}")
    return path
