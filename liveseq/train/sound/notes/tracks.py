"""Tracks of notes, kept on disk beside the run: their frames take minutes to compute, and more memory than there is."""

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from tqdm import tqdm

from liveseq.errors import TrainingError
from liveseq.train.sound.frames.tracks import Track, beats_of, make_tracks
from liveseq.train.sound.material.reading import Recording
from liveseq.train.sound.notes.codec import N_GROUPS, StereoFraming


def kept_tracks(
    recordings: Sequence[Recording],
    folder: Path,
    *,
    mark: str,
    tags: Sequence[str],
    framing: StereoFraming,
    n_frames: int,
    seed: int,
) -> tuple[Track, ...]:
    """Tracks of recordings, their frames mapped from a file of the folder; made where they are not there yet.

    mark: text that is another one for other recordings; others: see `make_tracks`. Raises TrainingError where the disk
    refuses.
    """
    front_end = framing.front_end
    about = [mark, front_end.as_dict(), framing.per_step, N_GROUPS, n_frames, seed, list(tags)]
    key = hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]
    frames, index = folder / f"{key}.f16", folder / f"{key}.npz"
    n_bands = front_end.n_mels + N_GROUPS
    if not _whole(frames, index, n_bands):
        tracks = make_tracks(recordings, tags=tags, framing=framing, n_frames=n_frames, seed=seed)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write(frames, index, tqdm(tracks, desc="frames", unit="track", leave=False, disable=None))
        except OSError as error:
            raise TrainingError(
                f"{folder}: frames cannot be kept there ({error.strerror}); make room, or choose another --out"
            ) from error
    with np.load(index) as saved:
        columns = {name: saved[name] for name in saved.files}
    mel = np.memmap(frames, dtype=np.float16, mode="r").reshape(-1, n_bands).view(np.ndarray)
    return tuple(_track(mel, columns, row) for row in range(len(columns["tag"])))


def _whole(frames: Path, index: Path, n_bands: int) -> bool:
    """Whether both files are there, and the frames are as many as the index says."""
    if not frames.is_file() or not index.is_file():
        return False
    with np.load(index) as saved:
        end = saved["end"]
    return frames.stat().st_size == (int(end[-1]) if len(end) else 0) * n_bands * 2


def _write(frames: Path, index: Path, tracks: "tqdm[Track]") -> None:
    """Write the frames first, and the list of the tracks once they are whole."""
    parts = [path.with_name(f".{path.name}.{os.getpid()}.part") for path in (frames, index)]
    rows, positions, beatings = [], [], []
    try:
        with parts[0].open("wb") as out:
            for track in tracks:
                out.write(np.ascontiguousarray(track.mel).data)
                rows.append((track.tag, len(track.mel), track.seconds, json.dumps(list(track.rates.items()))))
                positions.append(track.position)
                beatings.append(track.beating)
        tag, n, seconds, rates = zip(*rows, strict=True) if rows else ((), (), (), ())
        empty = np.zeros(0, dtype=np.float32)
        columns = {
            "tag": np.array(tag, dtype=np.int64),
            "seconds": np.array(seconds),
            "rates": np.array(rates, dtype=str),
        }
        columns |= {"end": np.cumsum(np.array(n, dtype=np.int64))}
        columns |= {"position": np.concatenate((empty, *positions)), "beating": np.concatenate((empty > 0, *beatings))}
        with parts[1].open("wb") as out:
            np.savez(out, **columns)
        os.replace(parts[0], frames)
        os.replace(parts[1], index)
    finally:
        for part in parts:
            with suppress(OSError):
                part.unlink()


def _track(mel: np.ndarray, columns: dict[str, np.ndarray], row: int) -> Track:
    """Track number `row` of the columns. mel: frames of all of them (n, n_bands)."""
    end = columns["end"]
    place = slice(int(end[row - 1]) if row else 0, int(end[row]))
    position, beating = columns["position"][place], columns["beating"][place]
    return Track(
        tag=int(columns["tag"][row]),
        mel=mel[place],
        position=position,
        beating=beating,
        beats=beats_of(position, beating),
        rates={float(rate): float(n) for rate, n in json.loads(str(columns["rates"][row]))},
        seconds=float(columns["seconds"][row]),
    )
