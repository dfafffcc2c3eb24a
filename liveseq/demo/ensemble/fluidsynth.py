"""MIDI to sound, by the program fluidsynth and a General MIDI soundfont. It takes no network and no sound device."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from liveseq.demo.ensemble.smf import TICKS, Track, write_midi
from liveseq.errors import ConfigError

_PLACES = (
    "/usr/share/sounds/sf2",
    "/usr/share/soundfonts",
    "/usr/local/share/soundfonts",
    "/usr/local/share/fluidsynth/sf2",
    "/opt/homebrew/share/soundfonts",
    "~/.local/share/soundfonts",
    "~/Library/Audio/Sounds/Banks",
    "C:/soundfonts",
)
_NAMES = ("FluidR3_GM.sf2", "FluidR3_GM2-2.sf2", "fluid-soundfont-gm.sf2", "default-GM.sf2", "default.sf2")
_GET_PROGRAM = {
    "darwin": "brew install fluid-synth",
    "win32": "choco install fluidsynth, or unpack https://github.com/FluidSynth/fluidsynth/releases into your PATH",
}
_GET_FONT = (
    "Debian: apt-get install fluid-soundfont-gm; elsewhere get FluidR3_GM.sf2 (MIT licence) and give --soundfont FILE"
)
LEAST_SECONDS = 120.0
"""Before a rendering is given up; longer pieces have as long as they last."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """The reverb that all parts of a piece send to. size, damp and level: 0 to 1; width: 0 to 100."""

    size: float = 0.4
    damp: float = 0.3
    width: float = 60.0
    level: float = 0.6


def find_program() -> str:
    """Raises ConfigError, with the way to get it, where there is no fluidsynth."""
    found = shutil.which("fluidsynth")
    if found is None:
        how = _GET_PROGRAM.get(sys.platform, "apt-get install fluidsynth fluid-soundfont-gm (Debian, Ubuntu)")
        raise ConfigError(f"fluidsynth: no such program; get it: {how}")
    return found


def find_soundfont(given: Path | None = None) -> Path:
    """The file that is given, or FluidR3 where systems keep it. Raises ConfigError if it is missing or no soundfont."""
    if given is None:
        folders = [Path(os.path.expanduser(place)) for place in _PLACES]
        paths = [folder / name for name in _NAMES for folder in folders]
        given = next((path for path in paths if path.is_file()), None)
        if given is None:
            raise ConfigError(f"soundfont: none found in {', '.join(_PLACES[:2])} and other usual places. {_GET_FONT}")
    try:
        with given.open("rb") as file:
            head = file.read(12)
            size = file.seek(0, os.SEEK_END)
    except OSError as error:
        raise ConfigError(f"{given}: no such soundfont ({error.strerror}). {_GET_FONT}") from error
    if head[:4] != b"RIFF" or head[8:] != b"sfbk":
        raise ConfigError(f"{given}: no SoundFont 2 file; expected RIFF sfbk at its beginning. {_GET_FONT}")
    if size < int.from_bytes(head[4:8], "little"):
        raise ConfigError(f"{given}: the soundfont is cut short ({size} bytes); get it again. {_GET_FONT}")
    return given


@cache
def soundfont_sha256(path: Path) -> str:
    """So that another soundfont is known to give other sound."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def render(midi: bytes, *, soundfont: Path, sample_rate: int, room: Room, seconds: float) -> np.ndarray:
    """The sound of a MIDI file that lasts so many seconds: float32 (n_samples, 2), not limited to -1..1.

    Raises ConfigError if fluidsynth is missing, fails, takes too long, or gives nothing or silence.
    """
    with tempfile.TemporaryDirectory(prefix="liveseq-midi-") as name:
        folder = Path(name)
        (folder / "none.cfg").touch()  # not the user's own settings
        (folder / "piece.mid").write_bytes(midi)
        _run(_command(folder, soundfont=soundfont, sample_rate=sample_rate, room=room), limit=LEAST_SECONDS + seconds)
        out = folder / "piece.raw"
        y = np.fromfile(out, dtype="<f4") if out.is_file() else np.zeros(0, dtype=np.float32)
    if y.size == 0 or y.size % 2:
        raise ConfigError(
            f"fluidsynth wrote no sound with {soundfont}; does it have float output (version 2 or newer)?"
        )
    y = y.reshape(-1, 2).astype(np.float32)
    if not np.isfinite(y).all() or np.abs(y).max() < 1e-4:
        raise ConfigError(f"{soundfont}: gives silence; it needs the General MIDI instruments. {_GET_FONT}")
    return y


def check_soundfont(soundfont: Path) -> None:
    """Play one note, so that what is wrong is said once, and not by every piece. Raises ConfigError."""
    track = Track("piano", 0)
    track.program(0)
    track.note(0, TICKS, pitch=60, velocity=100)
    midi = write_midi([track], tempi=[(0, 120.0)], metre=(4, 4), end=TICKS)
    render(midi, soundfont=soundfont, sample_rate=44_100, room=Room(), seconds=1.0)


def _command(folder: Path, *, soundfont: Path, sample_rate: int, room: Room) -> list[str]:
    settings = {
        "synth.dynamic-sample-loading": "1",  # only the instruments that play: a third of the time
        "synth.cpu-cores": "1",
        "synth.polyphony": "256",
        "synth.reverb.room-size": f"{room.size:.3f}",
        "synth.reverb.damp": f"{room.damp:.3f}",
        "synth.reverb.width": f"{room.width:.3f}",
        "synth.reverb.level": f"{room.level:.3f}",
    }
    command = [find_program(), "-n", "-i", "-q", "-f", str(folder / "none.cfg"), "-r", str(sample_rate), "-g", "0.5"]
    command += ["-T", "raw", "-O", "float", "-E", "little", "-F", str(folder / "piece.raw")]
    for key, value in settings.items():
        command += ["-o", f"{key}={value}"]
    return [*command, str(soundfont), str(folder / "piece.mid")]


def _run(command: list[str], *, limit: float) -> None:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired as error:
        raise ConfigError(f"fluidsynth was not done after {limit:.0f} s; is the machine out of memory?") from error
    except OSError as error:
        raise ConfigError(f"{command[0]}: cannot be started ({error.strerror})") from error
    complaints = done.stderr.decode(errors="replace").strip().splitlines()
    failed = [line for line in complaints if "error" in line.lower()]
    if done.returncode != 0 or failed:
        said = (failed or complaints or ["no word why"])[-1]
        raise ConfigError(f"fluidsynth failed (status {done.returncode}): {said}")
