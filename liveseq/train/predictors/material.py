"""Material of a predictor: recordings as descriptor frames, split by file, and their steps.

A step is eight hops; its features are the mean and spread of the 17 base descriptors over the frames whose centres it
holds, as for the units of a corpus. Recordings are kept as frames, so that a training crop may begin at any hop: eight
times the material. Validation and test are on *other files*, and statistics are of the training files alone.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from liveseq.corpus.units import FEATURE_NAMES
from liveseq.errors import TrainingError
from liveseq.train.predictors.conditions import TagVectors, condition

HOPS_PER_STEP = 8
N_FEATURES = len(FEATURE_NAMES)
MIN_STEPS = 2
"""Steps of a recording, at least: one of a single step has nothing to predict."""


@dataclass(frozen=True, kw_only=True)
class DescribedRecording:
    """One file, or one source of a corpus, as descriptor frames."""

    name: str
    group: str
    """The tag; held-out files are drawn from every group that can spare one."""
    frames: np.ndarray
    """float32 (n_frames, 17): base descriptors, one row per hop."""
    beat_period: float = 0.0
    """Hops per beat; 0 where there is no steady beat."""
    beat_origin: float = 0.0
    """Hops from the start to a beat."""

    @property
    def n_steps(self) -> int:
        """Count of whole steps."""
        return len(self.frames) // HOPS_PER_STEP


@dataclass(frozen=True, kw_only=True)
class Material:
    """Recordings to learn from, all at one rate and hop."""

    recordings: tuple[DescribedRecording, ...]
    sample_rate: int
    """Hz."""
    hop_length: int
    """Samples."""
    description: str
    """One line for the manifest."""
    notes: tuple[str, ...] = ()
    """Sentences on what was left out, and why."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 that changes with every name and every number."""
        digest = hashlib.sha256()
        for recording in self.recordings:
            beat = f"{recording.beat_period!r}\0{recording.beat_origin!r}"
            digest.update(f"{recording.name}\0{recording.group}\0{beat}\0{len(recording.frames)}\0".encode())
            digest.update(np.ascontiguousarray(recording.frames).data)
        return digest.hexdigest()

    @property
    def seconds_per_step(self) -> float:
        """Duration of a step."""
        return HOPS_PER_STEP * self.hop_length / self.sample_rate


@dataclass(frozen=True, kw_only=True)
class Split:
    """Recordings to train on, to stop on and to measure on. `test` is `valid` where only one could be held out."""

    train: tuple[DescribedRecording, ...]
    valid: tuple[DescribedRecording, ...]
    test: tuple[DescribedRecording, ...]


def split_by_file(material: Material, *, seed: int, fraction: float, window: int) -> Split:
    """Hold out about `fraction` of the files of each group: half to stop on, half for the table at the end.

    Raises TrainingError with one file only, or where no training file is as long as the window (in steps), or all
    together are shorter than four.
    """
    if len(material.recordings) < 2:
        raise TrainingError(
            f"{len(material.recordings)} usable recording(s): expected 2 or more, one to validate on; add files"
        )
    rng = np.random.default_rng(seed)
    groups: dict[str, list[DescribedRecording]] = {}
    for recording in material.recordings:
        groups.setdefault(recording.group, []).append(recording)
    train: list[DescribedRecording] = []
    held: list[DescribedRecording] = []
    for _, members in sorted(groups.items()):
        order = [members[i] for i in rng.permutation(len(members))]
        n_held = min(round(fraction * len(order)), len(order) - 1)
        held += order[:n_held]
        train += order[n_held:]
    if not held:
        held.append(train.pop(int(rng.integers(len(train)))))
    step = material.seconds_per_step
    needed, found, longest = 4 * window, sum(r.n_steps for r in train), max(r.n_steps for r in train)
    if longest < window:
        raise TrainingError(
            f"a window of {window} steps ({window * step:.1f} s) is longer than every training recording (the longest: "
            f"{longest * step:.1f} s); add longer recordings or use --window {max(2, min(longest, found // 4))} or less"
        )
    if found < needed:
        raise TrainingError(
            f"too little to learn from: a window of {window} steps needs {needed * step:.0f} s in training files, "
            f"found {found * step:.0f} s; add recordings or use --window {max(2, found // 4)} or less"
        )
    valid, test = tuple(held[0::2]), tuple(held[1::2])
    return Split(train=tuple(train), valid=valid, test=test or valid)


def steps(frames: np.ndarray) -> np.ndarray:
    """Features of consecutive steps: frames float32 (..., n_frames, 17) -> (..., n_frames // 8, 34)."""
    n_steps = frames.shape[-2] // HOPS_PER_STEP
    shape = (*frames.shape[:-2], n_steps, HOPS_PER_STEP, frames.shape[-1])
    windows = frames[..., : n_steps * HOPS_PER_STEP, :].reshape(shape)
    return np.concatenate((windows.mean(axis=-2), windows.std(axis=-2)), axis=-1).astype(np.float32)


def statistics(recordings: Sequence[DescribedRecording]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the steps, float32 (34,) each; what never moves has deviation 1."""
    values = np.concatenate([steps(r.frames) for r in recordings]).astype(np.float64)
    deviation = values.std(axis=0)
    return values.mean(axis=0).astype(np.float32), np.where(deviation > 1e-6, deviation, 1.0).astype(np.float32)


def condition_of(
    recording: DescribedRecording, *, tags: TagVectors, start: int = 0, n_steps: int | None = None
) -> np.ndarray:
    """Condition of a network at each step, float32 (n_steps, E + 3).

    start: hop of the first step; n_steps: None: to the end.
    """
    n = (len(recording.frames) - start) // HOPS_PER_STEP if n_steps is None else n_steps
    hops = start + HOPS_PER_STEP * np.arange(n)
    beat = {"beat_period": recording.beat_period, "beat_origin": recording.beat_origin}
    return condition(hops, group=recording.group, tags=tags, **beat)
