"""Sequences of unit features to learn from: whole recordings, cut at random, never spliced.

A step is eight hops; its features are the mean and spread of the 17 base descriptors over the frames whose centres it
holds, as for the units of a corpus. Recordings are kept as frames, so that a training crop may begin at any hop: eight
times the material. Validation and test are on *other files*, and only training files say what is normal.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from liveseq.corpus.store import Corpus
from liveseq.corpus.units import FEATURE_NAMES
from liveseq.dsp.descriptors import BASE_NAMES, HOP_LENGTH, base, describe
from liveseq.dsp.files import AUDIO_SUFFIXES, load_audio
from liveseq.errors import LiveseqError, TrainingError

HOPS_PER_STEP = 8
N_FEATURES = len(FEATURE_NAMES)
MIN_STEPS = 2
"""A recording of one step has nothing to predict."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One file, or one source of a corpus."""

    name: str
    group: str
    """Its tag; held-out files are drawn from every group that can spare one."""
    frames: np.ndarray
    """float32 (n_frames, 17): base descriptors, one row per hop."""

    @property
    def n_steps(self) -> int:
        return len(self.frames) // HOPS_PER_STEP


@dataclass(frozen=True, kw_only=True)
class Material:
    """What was read."""

    recordings: tuple[Recording, ...]
    sample_rate: int
    hop_length: int
    description: str
    """One line for the manifest."""
    notes: tuple[str, ...] = ()
    """What was left out, and why: one line each."""

    @property
    def fingerprint(self) -> str:
        """Changes with every name and every number."""
        digest = hashlib.sha256()
        for recording in self.recordings:
            digest.update(f"{recording.name}\0{recording.group}\0{len(recording.frames)}\0".encode())
            digest.update(np.ascontiguousarray(recording.frames).data)
        return digest.hexdigest()

    @property
    def seconds_per_step(self) -> float:
        return HOPS_PER_STEP * self.hop_length / self.sample_rate


@dataclass(frozen=True, kw_only=True)
class Split:
    """By file. `test` is `valid` where only one file could be held out."""

    train: tuple[Recording, ...]
    valid: tuple[Recording, ...]
    test: tuple[Recording, ...]


def read_material(paths: Sequence[Path], *, sample_rate: int | None = None) -> Material:
    """Corpora and folders of audio, together. sample_rate in Hz is for folders; corpora have their own.

    Raises TrainingError where nothing usable is there, rates differ, or a descriptor is not finite.
    """
    corpora = [path for path in paths if (path / "corpus.db").is_file()]
    folders = [path for path in paths if path not in corpora]
    recordings: list[Recording] = []
    rates: dict[tuple[int, int], Path] = {}
    for path in corpora:
        with Corpus.open(path) as corpus:
            rates[(corpus.sample_rate, corpus.hop_length)] = path
            recordings += _from_corpus(corpus)
    if folders and not rates:
        rates[(sample_rate or 48_000, HOP_LENGTH)] = folders[0]
    if len(rates) > 1:
        told = ", ".join(f"{path.name}: {rate} Hz, hop {hop}" for (rate, hop), path in rates.items())
        raise TrainingError(f"the corpora differ in rate or hop ({told}); convert them to one rate first")
    if not rates:
        raise TrainingError("nothing to learn from: give at least one --corpus")
    rate, hop_length = next(iter(rates))
    if sample_rate not in (None, rate):
        raise TrainingError(f"--sample-rate {sample_rate}, but {rates[(rate, hop_length)]} has {rate} Hz")
    notes: list[str] = []
    for folder in folders:
        recordings += _from_folder(folder, sample_rate=rate, hop_length=hop_length, notes=notes)
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


def split_by_file(material: Material, *, seed: int, fraction: float, window: int) -> Split:
    """Hold out about `fraction` of the files of each group: half to stop on, half for the table at the end.

    Raises TrainingError with one file only, or where what is left is shorter than four windows (in steps).
    """
    if len(material.recordings) < 2:
        raise TrainingError(
            f"{len(material.recordings)} usable recording(s): expected 2 or more, one to validate on; add files"
        )
    rng = np.random.default_rng(seed)
    groups: dict[str, list[Recording]] = {}
    for recording in material.recordings:
        groups.setdefault(recording.group, []).append(recording)
    train: list[Recording] = []
    held: list[Recording] = []
    for _, members in sorted(groups.items()):
        order = [members[i] for i in rng.permutation(len(members))]
        n_held = min(round(fraction * len(order)), len(order) - 1)
        held += order[:n_held]
        train += order[n_held:]
    if not held:
        held.append(train.pop(int(rng.integers(len(train)))))
    needed, found = 4 * window, sum(r.n_steps for r in train)
    if found < needed:
        step = material.seconds_per_step
        raise TrainingError(
            f"too little to learn from: a window of {window} steps needs {needed * step:.0f} s in training files, "
            f"found {found * step:.0f} s; add recordings or use --window {max(2, found // 4)} or less"
        )
    valid, test = tuple(held[0::2]), tuple(held[1::2])
    return Split(train=tuple(train), valid=valid, test=test or valid)


def steps(frames: np.ndarray) -> np.ndarray:
    """Features of consecutive steps: float32 (..., n_frames, 17) -> (..., n_frames // 8, 34)."""
    n_steps = frames.shape[-2] // HOPS_PER_STEP
    shape = (*frames.shape[:-2], n_steps, HOPS_PER_STEP, frames.shape[-1])
    windows = frames[..., : n_steps * HOPS_PER_STEP, :].reshape(shape)
    return np.concatenate((windows.mean(axis=-2), windows.std(axis=-2)), axis=-1).astype(np.float32)


def statistics(recordings: Sequence[Recording]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the steps, float32 (34,) each; what never moves has deviation 1."""
    values = np.concatenate([steps(r.frames) for r in recordings]).astype(np.float64)
    deviation = values.std(axis=0)
    return values.mean(axis=0).astype(np.float32), np.where(deviation > 1e-6, deviation, 1.0).astype(np.float32)


class Crops:
    """Random stretches of training recordings, long ones more often. The same (epoch, batch) is always the same crop:

    the generator is made from both, so neither workers nor a resume can repeat or shift what is drawn.
    """

    def __init__(self, recordings: Sequence[Recording], *, window: int, batch_size: int, seed: int) -> None:
        self._frames = [r.frames for r in recordings]
        self._n_frames = np.array([len(f) for f in self._frames])
        n_steps = np.array([r.n_steps for r in recordings], dtype=np.float64)
        self._chances = n_steps / n_steps.sum()
        self._window = window
        self._batch_size = batch_size
        self._seed = seed
        # An epoch hears every step about four times, each time at another hop.
        self.n_batches = max(1, round(4 * n_steps.sum() / (window * batch_size)))

    def batch(self, *, epoch: int, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Steps, float32 (batch, window + 1, 34), and which of them are real, bool (batch, window + 1).

        A recording shorter than the window stands at the front, zeros behind it.
        """
        rng = np.random.default_rng((self._seed, epoch, number))
        n_steps = self._window + 1
        length = n_steps * HOPS_PER_STEP
        frames = np.zeros((self._batch_size, length, len(BASE_NAMES)), dtype=np.float32)
        mask = np.zeros((self._batch_size, n_steps), dtype=bool)
        for row, chosen in enumerate(rng.choice(len(self._frames), size=self._batch_size, p=self._chances)):
            n_frames = self._n_frames[chosen]
            slack = n_frames - length if n_frames >= length else n_frames % HOPS_PER_STEP
            start = int(rng.integers(slack + 1))
            crop = self._frames[chosen][start : start + length]
            frames[row, : len(crop)] = crop
            mask[row, : len(crop) // HOPS_PER_STEP] = True
        return steps(frames) * mask[..., None], mask


def pad(sequences: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Sequences (n_steps, D) of different lengths as one array (n, longest, D) and its mask (n, longest)."""
    longest = max(len(s) for s in sequences)
    values = np.zeros((len(sequences), longest, sequences[0].shape[1]), dtype=np.float32)
    mask = np.zeros((len(sequences), longest), dtype=bool)
    for row, sequence in enumerate(sequences):
        values[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = True
    return values, mask


def _from_corpus(corpus: Corpus) -> list[Recording]:
    return [
        Recording(name=s.name, group=s.tags[0] if s.tags else "", frames=base(corpus.frames(s.id)))
        for s in corpus.sources()
    ]


def _from_folder(folder: Path, *, sample_rate: int, hop_length: int, notes: list[str]) -> list[Recording]:
    """Every sound file below the folder; what cannot be read gets one line and the rest goes on."""
    if not folder.is_dir():
        raise TrainingError(f"{folder}: expected a corpus or a folder of audio, found nothing there")
    recordings = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES):
        try:
            mono = load_audio(path, sample_rate=sample_rate).mean(axis=1)
            frames = base(describe(mono, sample_rate=sample_rate, hop_length=hop_length))
        except LiveseqError as error:
            notes.append(f"left out: {error}")
            continue
        group = path.parent.name if path.parent != folder else path.stem.split("_")[0]
        recordings.append(Recording(name=str(path.relative_to(folder)), group=group, frames=frames))
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
