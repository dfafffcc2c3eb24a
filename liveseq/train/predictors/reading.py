"""Reads the material of a predictor from corpora, folders of audio and Demiurge's JSON."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from liveseq.corpus.demiurge_json import SAMPLE_RATE
from liveseq.corpus.recordings.folder import Folder
from liveseq.corpus.recordings.walk import Walk, skipped_words
from liveseq.corpus.schema import DATABASE
from liveseq.corpus.store import Corpus
from liveseq.dsp.beats import Beats, find_beats
from liveseq.dsp.descriptors import BASE_NAMES, HOP_LENGTH, base_descriptors, describe
from liveseq.dsp.files import load_audio
from liveseq.errors import CorpusError, LiveseqError, TrainingError
from liveseq.train.predictors import demiurge
from liveseq.train.predictors.material import HOPS_PER_STEP, MIN_STEPS, DescribedRecording, Material
from liveseq.train.recordings import each_once


def read_material(paths: Sequence[Path], *, sample_rate: int | None = None) -> Material:
    """Read corpora, folders of audio and Demiurge's JSON together.

    sample_rate in Hz is for folders (48,000 where no corpus says another) and for the rate that `_sample` counts in
    (44,100); corpora have their own. Raises LiveseqError where nothing usable is there, rates differ, or a descriptor
    is not finite.
    """
    if not paths:
        raise TrainingError("nothing to learn from: give at least one --corpus")
    corpora = [path for path in paths if (path / DATABASE).is_file()]
    others = [path for path in paths if path not in corpora]
    databases = [path for path in others if demiurge.json_files(path) and not (path.is_dir() and Walk(path).files)]
    folders = [path for path in others if path not in databases]
    recordings: list[DescribedRecording] = []
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
    """Rate in Hz and hop in samples of everything. Raises TrainingError where there are two."""
    if len(rates) > 1:
        each = ", ".join(f"{path.name}: {rate} Hz, hop {hop}" for (rate, hop), path in rates.items())
        raise TrainingError(f"the corpora differ in rate or hop ({each}); convert them to one rate first")
    (rate, hop_length), path = next(iter(rates.items()))
    if sample_rate not in (None, rate):
        raise TrainingError(f"--sample-rate {sample_rate}, but {path} has {rate} Hz")
    return rate, hop_length


def _from_corpus(corpus: Corpus) -> list[DescribedRecording]:
    return [
        DescribedRecording(
            name=source.name,
            group=source.tags[0] if source.tags else "",
            frames=base_descriptors(corpus.frames(source.id)),
            **_in_hops(source.beats, corpus.hop_length),
        )
        for source in corpus.sources()
    ]


def _in_hops(beats: Beats | None, hop_length: int) -> dict[str, float]:
    """Fields of a recording for its beat."""
    if beats is None:
        return {}
    return {"beat_period": beats.period / hop_length, "beat_origin": beats.origin / hop_length}


def _from_demiurge(path: Path, *, sample_rate: int, notes: list[str]) -> list[DescribedRecording]:
    """Groups are the folders of the sound files, as far as `_id` names any."""
    recordings = []
    for file in demiurge.json_files(path):
        for name, frames in demiurge.read_frames(file, sample_rate=sample_rate).items():
            group = PurePosixPath(name.replace("\\", "/")).parent.name
            recordings.append(DescribedRecording(name=name, group=group, frames=frames))
    notes.append(demiurge.NOTE.format(name=path.name))
    return recordings


def _from_folder(path: Path, *, sample_rate: int, hop_length: int, notes: list[str]) -> list[DescribedRecording]:
    """Every sound file below the folder that can be read; a note for each other one."""
    if not path.exists():
        raise TrainingError(f"{path}: expected a corpus, a folder of audio or Demiurge's JSON, found nothing there")
    try:
        folder = Folder(path, tags_from=None)
    except CorpusError as error:
        raise TrainingError(str(error)) from error
    notes += [f"left out: {complaint}" for complaint in folder.complaints]
    if folder.skipped:
        notes.append(f"left out of {path.name}: {skipped_words(folder.skipped)}")
    recordings = []
    for recording in folder.recordings:
        try:
            mono = load_audio(recording.path, sample_rate=sample_rate, notes=notes).mean(axis=1)
            frames = base_descriptors(describe(mono, sample_rate=sample_rate, hop_length=hop_length))
            beats = find_beats(mono, sample_rate=sample_rate)
        except LiveseqError as error:
            notes.append(f"left out: {error}")
            continue
        name = PurePosixPath(recording.name)
        group = name.parent.name or name.stem.split("_")[0]
        recordings.append(
            DescribedRecording(name=recording.name, group=group, frames=frames, **_in_hops(beats, hop_length))
        )
    return recordings


def _usable(
    recordings: Sequence[DescribedRecording], notes: list[str], *, shortest: float
) -> tuple[DescribedRecording, ...]:
    """Recordings that are long enough and finite, each once. shortest: seconds that MIN_STEPS last."""
    for recording in recordings:
        _check_finite(recording)
    kept = each_once(
        recordings,
        contents=lambda recording: recording.frames,
        is_long_enough=lambda recording: recording.n_steps >= MIN_STEPS,
        least=f"{shortest:.2f} s",
        notes=notes,
    )
    return tuple(kept.values())


def _check_finite(recording: DescribedRecording) -> None:
    bad = np.argwhere(~np.isfinite(recording.frames))
    if len(bad):
        frame, column = bad[0]
        raise TrainingError(
            f"{recording.name}: descriptor {BASE_NAMES[column]} of frame {frame} is {recording.frames[frame, column]}, "
            "expected a finite number; build the corpus again"
        )
