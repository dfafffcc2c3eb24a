"""Sequences of unit features to learn from: whole recordings, cut at random, never spliced.

A step is eight hops; its features are the mean and spread of the 17 base descriptors over the frames whose centres it
holds, as for the units of a corpus. Recordings are kept as frames, so that a training crop may begin at any hop: eight
times the material. Validation and test are on *other files*, and only training files say what is normal. Outliers stay
where they are, so that no time is spliced; they are only not learned from.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from liveseq.corpus.units import FEATURE_NAMES
from liveseq.errors import TrainingError
from liveseq.train.predictors.conditions import TagVectors, condition

HOPS_PER_STEP = 8
N_FEATURES = len(FEATURE_NAMES)
MIN_STEPS = 2
"""A recording of one step has nothing to predict."""
OUTLIER = 5.0
"""Standard deviations of a recording's own steps; a step so far out is not learned from (Demiurge cuts such frames)."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One file, or one source of a corpus."""

    name: str
    group: str
    """Its tag; held-out files are drawn from every group that can spare one."""
    frames: np.ndarray
    """float32 (n_frames, 17): base descriptors, one row per hop."""
    beat_period: float = 0.0
    """Hops per beat; 0 where there is no steady beat."""
    beat_origin: float = 0.0
    """Hops from the start to a beat."""

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
            beat = f"{recording.beat_period!r}\0{recording.beat_origin!r}"
            digest.update(f"{recording.name}\0{recording.group}\0{beat}\0{len(recording.frames)}\0".encode())
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


def _normal(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of its own steps, begun at any hop: an even beat looks still from one of them."""
    frames = recording.frames
    values = np.concatenate([steps(frames[offset:]) for offset in range(HOPS_PER_STEP)])
    return values.mean(axis=0), values.std(axis=0)


def condition_of(recording: Recording, *, tags: TagVectors, start: int = 0, n_steps: int | None = None) -> np.ndarray:
    """What a network is told with each step, float32 (n_steps, E + 3). start: hop of the first; None: to the end."""
    n = (len(recording.frames) - start) // HOPS_PER_STEP if n_steps is None else n_steps
    hops = start + HOPS_PER_STEP * np.arange(n)
    beat = {"beat_period": recording.beat_period, "beat_origin": recording.beat_origin}
    return condition(hops, group=recording.group, tags=tags, **beat)


class Batch(NamedTuple):
    """Crops of one length, a row each."""

    values: np.ndarray
    """float32 (batch, window + 1, 34): raw features; zeros where there is nothing."""
    learned: np.ndarray
    """bool (batch, window + 1): a step that is there and no outlier, so that its likelihood counts."""
    condition: np.ndarray
    """float32 (batch, window + 1, E + 3): what is known while a step is heard."""


class Crops:
    """Random stretches of training recordings, long ones more often. The same (epoch, batch) is always the same crop:

    the generator is made from both, so neither workers nor a resume can repeat or shift what is drawn.
    """

    def __init__(
        self, recordings: Sequence[Recording], *, window: int, batch_size: int, seed: int, tags: TagVectors
    ) -> None:
        self._recordings = recordings
        self._tags = tags
        self._normal = [_normal(r) for r in recordings]
        n_steps = np.array([r.n_steps for r in recordings], dtype=np.float64)
        self._chances = n_steps / n_steps.sum()
        self._window = window
        self._batch_size = batch_size
        self._seed = seed
        # An epoch hears every step about four times, each time at another hop.
        self.n_batches = max(1, round(4 * n_steps.sum() / (window * batch_size)))

    def batch(self, *, epoch: int, number: int) -> Batch:
        """A recording shorter than the window stands at the front, zeros behind it."""
        rng = np.random.default_rng((self._seed, epoch, number))
        n_steps = self._window + 1
        length = n_steps * HOPS_PER_STEP
        values = np.zeros((self._batch_size, n_steps, N_FEATURES), dtype=np.float32)
        learned = np.zeros((self._batch_size, n_steps), dtype=bool)
        conditions = []
        for row, chosen in enumerate(rng.choice(len(self._recordings), size=self._batch_size, p=self._chances)):
            recording, (mean, deviation) = self._recordings[chosen], self._normal[chosen]
            n_frames = len(recording.frames)
            slack = n_frames - length if n_frames >= length else n_frames % HOPS_PER_STEP
            start = int(rng.integers(slack + 1))
            crop = steps(recording.frames[start : start + length])
            values[row, : len(crop)] = crop
            learned[row, : len(crop)] = (np.abs(crop - mean) <= OUTLIER * deviation).all(axis=1)
            conditions.append(condition_of(recording, tags=self._tags, start=start, n_steps=n_steps))
        return Batch(values, learned, np.stack(conditions))


def pad(sequences: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Sequences (n_steps, D) of different lengths as one array (n, longest, D) and its mask (n, longest)."""
    longest = max(len(s) for s in sequences)
    values = np.zeros((len(sequences), longest, sequences[0].shape[1]), dtype=np.float32)
    mask = np.zeros((len(sequences), longest), dtype=bool)
    for row, sequence in enumerate(sequences):
        values[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = True
    return values, mask
