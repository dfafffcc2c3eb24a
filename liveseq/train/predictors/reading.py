"""Recordings to learn from, out of corpora, folders of audio and Demiurge's JSON."""

import hashlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from liveseq.corpus.demiurge_json import SAMPLE_RATE
from liveseq.corpus.store import Corpus
from liveseq.dsp.beats import Beats, find_beats
from liveseq.dsp.descriptors import BASE_NAMES, HOP_LENGTH, base_descriptors, describe
from liveseq.dsp.files import AUDIO_SUFFIXES, load_audio
from liveseq.errors import LiveseqError, TrainingError
from liveseq.train.predictors import demiurge
from liveseq.train.predictors.data import HOPS_PER_STEP, MIN_STEPS, Material, Recording


def read_material(paths: Sequence[Path], *, sample_rate: int | None = None) -> Material:
    """Corpora, folders of audio and Demiurge's JSON, together.

    sample_rate in Hz is for folders (48,000 where no corpus says another) and for what `_sample` counts in (44,100);
    corpora have their own. Raises LiveseqError where nothing usable is there, rates differ, or a descriptor is not
    finite.
    """
    if not paths:
        raise TrainingError("nothing to learn from: give at least one --corpus")
    corpora = [path for path in paths if (path / "corpus.db").is_file()]
    others = [path for path in paths if path not in corpora]
    databases = [path for path in others if demiurge.json_files(path) and not _audio_files(path)]
    folders = [path for path in others if path not in databases]
    recordings: list[Recording] = []
    notes: list[str] = []
    rates: dict[tuple[int, int], Path] = {}
    for path in corpora:
        with Corpus.open(path) as corpus:
            rates[(corpus.sample_rate, corpus.hop_length)] = path
            recordings += _from_corpus(corpus)
    for path in databases:
        json_rate = sample_rate or SAMPLE_RATE
        rates[(json_rate, HOP_LENGTH)] = path
        recordings += _from_demiurge(path, sample_rate=json_rate, notes=notes)
    if folders and not rates:
        rates[(sample_rate or 48_000, HOP_LENGTH)] = folders[0]
    rate, hop_length = _one_rate(rates, sample_rate)
    for path in folders:
        recordings += _from_folder(path, sample_rate=rate, hop_length=hop_length, notes=notes)
    kept = _usable(recordings, notes, shortest=MIN_STEPS * HOPS_PER_STEP * hop_length / rate)
    n_steps = sum(r.n_steps for r in kept)
    minutes = n_steps * HOPS_PER_STEP * hop_length / rate / 60
    names = ", ".join(path.name for path in paths)
    return Material(
        recordings=kept,
        sample_rate=rate,
        hop_length=hop_length,
        description=f"{names}: {len(kept)} recordings, {minutes:.1f} minutes, {n_steps} steps",
        notes=tuple(notes),
    )


def _one_rate(rates: dict[tuple[int, int], Path], sample_rate: int | None) -> tuple[int, int]:
    """Rate in Hz and hop in samples of everything."""
    if len(rates) > 1:
        told = ", ".join(f"{path.name}: {rate} Hz, hop {hop}" for (rate, hop), path in rates.items())
        raise TrainingError(f"the corpora differ in rate or hop ({told}); convert them to one rate first")
    (rate, hop_length), path = next(iter(rates.items()))
    if sample_rate not in (None, rate):
        raise TrainingError(f"--sample-rate {sample_rate}, but {path} has {rate} Hz")
    return rate, hop_length


def _from_corpus(corpus: Corpus) -> list[Recording]:
    return [
        Recording(
            name=source.name,
            group=source.tags[0] if source.tags else "",
            frames=base_descriptors(corpus.frames(source.id)),
            **_in_hops(source.beats, corpus.hop_length),
        )
        for source in corpus.sources()
    ]


def _in_hops(beats: Beats | None, hop_length: int) -> dict[str, float]:
    """What a Recording knows of its beat."""
    if beats is None:
        return {}
    return {"beat_period": beats.period / hop_length, "beat_origin": beats.origin / hop_length}


def _from_demiurge(path: Path, *, sample_rate: int, notes: list[str]) -> list[Recording]:
    """Groups are the folders of the sound files, as far as `_id` names any."""
    recordings = []
    for file in demiurge.json_files(path):
        for name, frames in demiurge.read_frames(file, sample_rate=sample_rate).items():
            group = PurePosixPath(name.replace("\\", "/")).parent.name
            recordings.append(Recording(name=name, group=group, frames=frames))
    notes.append(demiurge.NOTE.format(name=path.name))
    return recordings


def _audio_files(folder: Path) -> list[Path]:
    """Sorted, however deep; none where it is no folder."""
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES) if folder.is_dir() else []


def _from_folder(folder: Path, *, sample_rate: int, hop_length: int, notes: list[str]) -> list[Recording]:
    """Every sound file below the folder; what cannot be read gets one line and the rest goes on."""
    if not folder.is_dir():
        raise TrainingError(f"{folder}: expected a corpus, a folder of audio or Demiurge's JSON, found nothing there")
    recordings = []
    for path in _audio_files(folder):
        try:
            mono = load_audio(path, sample_rate=sample_rate).mean(axis=1)
            frames = base_descriptors(describe(mono, sample_rate=sample_rate, hop_length=hop_length))
            beats = find_beats(mono, sample_rate=sample_rate)
        except LiveseqError as error:
            notes.append(f"left out: {error}")
            continue
        group = path.parent.name if path.parent != folder else path.stem.split("_")[0]
        name = str(path.relative_to(folder))
        recordings.append(Recording(name=name, group=group, frames=frames, **_in_hops(beats, hop_length)))
    return recordings


def _usable(recordings: Sequence[Recording], notes: list[str], *, shortest: float) -> tuple[Recording, ...]:
    """Long enough, finite, and each only once: a copy of a training file among the held-out ones would flatter us.

    shortest: seconds that MIN_STEPS last.
    """
    seen: dict[bytes, str] = {}
    kept = []
    n_short = 0
    for recording in recordings:
        _check_finite(recording)
        if recording.n_steps < MIN_STEPS:
            n_short += 1
            continue
        digest = hashlib.sha256(np.ascontiguousarray(recording.frames).data).digest()
        if digest in seen:
            notes.append(f"left out: {recording.name} is a copy of {seen[digest]}")
            continue
        seen[digest] = recording.name
        kept.append(recording)
    if n_short:
        notes.append(f"left out: {n_short} recording{'s' * (n_short > 1)} shorter than {shortest:.2f} s")
    return tuple(kept)


def _check_finite(recording: Recording) -> None:
    bad = np.argwhere(~np.isfinite(recording.frames))
    if len(bad):
        frame, column = bad[0]
        raise TrainingError(
            f"{recording.name}: descriptor {BASE_NAMES[column]} of frame {frame} is {recording.frames[frame, column]}, "
            "expected a finite number; build the corpus again"
        )
