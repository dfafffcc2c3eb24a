"""Jobs of a generator: its sound step by step, and into a corpus piece by piece.

A long job is committed in pieces while it is made: what is there can be played seconds later, memory stays flat, and
whatever ends the job takes no more than the piece it was at.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from liveseq.corpus.level import corpus_level, normalised
from liveseq.corpus.source import Provenance, Source
from liveseq.corpus.store import Corpus
from liveseq.corpus.take import QUIETEST, add_sound
from liveseq.dsp.files import resample
from liveseq.errors import ModelError
from liveseq.runtime import limits
from liveseq.runtime.generator import OnnxGenerator, States, Stream
from liveseq.runtime.manifest import Manifest


@dataclass(frozen=True, kw_only=True)
class Job:
    """Sound that is ordered from a generator."""

    folder: Path
    """Folder of the model."""
    text: str
    """The performer's word."""
    tags: tuple[str, ...]
    """Tags of the sources that it becomes."""
    vector: np.ndarray = field(repr=False)
    """Meaning of the word, float32 (tag_size,); (0,) where the generator takes no tag."""
    seconds: float
    seed: int
    tempo: float = 0.0
    """Beats per minute, 0: the model's own."""

    @property
    def wish(self) -> str:
        """The performer's word, and the tempo where one is asked for."""
        return f"{self.text} at {self.tempo:g} bpm" if self.tempo else self.text

    @property
    def name(self) -> str:
        """Name of its source, or the beginning of theirs."""
        return f"{self.wish} {self.folder.name} {self.seed}"

    @property
    def n_pieces(self) -> int:
        """Number of the pieces that it is cut into."""
        return limits.n_pieces(self.seconds)


class JobRun:
    """A job under way: a stream of its own, cut into pieces."""

    def __init__(self, generator: OnnxGenerator, job: Job, *, states: States | None = None) -> None:
        """states: that its stream begins with, see `Stream`."""
        self.job = job
        self.generator = generator
        self._stream = Stream(generator, seed=job.seed, states=states)
        self._vector = job.vector if len(job.vector) else None
        total = round(job.seconds * generator.sample_rate)
        self._ends = [total * (i + 1) // job.n_pieces for i in range(job.n_pieces)]  # of the pieces, in samples
        late = generator.manifest.latency_samples  # a step of it is the wait for it, which who goes on has not
        self._late = late if states is None else max(0, late - generator.samples_per_step)  # still to be left out
        self._parts: list[np.ndarray] = []
        self._n_made = 0
        """Samples that have been made, those of complete pieces included."""

    @property
    def done(self) -> bool:
        """Whether all pieces have been returned."""
        return not self._ends

    @property
    def progress(self) -> float:
        """Share of the job that is made, 0 to 1."""
        return min(1.0, self._n_made / (self._ends[-1])) if self._ends else 1.0

    def step(self) -> np.ndarray | None:
        """Make one step more. Returns a piece where one is complete, float32 (n, 2) at the generator's rate.

        Raises ModelError where it makes NaN or fails.
        """
        y = self._stream.next(self._vector, self.job.tempo)[self._late :]
        self._late -= self.generator.samples_per_step - len(y)
        self._parts.append(y)
        self._n_made += len(y)
        if self._n_made < self._ends[0]:
            return None
        left = self._n_made - self._ends.pop(0)
        whole = np.concatenate(self._parts)
        piece, rest = whole[: len(whole) - left], whole[len(whole) - left :]
        self._parts = [rest]
        return piece


def fitted_piece(piece: np.ndarray, job: Job, *, sample_rate: int, to_rate: int, lufs: float) -> np.ndarray:
    """A piece at the rate and the loudness of a corpus.

    piece: float32 (n, 2) at sample_rate; to_rate: the corpus's; both in Hz. Returns float32 (m, 2). Raises ModelError
    for silence.
    """
    if float(np.abs(piece).max(initial=0.0)) < QUIETEST:
        raise ModelError(f"{job.folder.name} makes nothing but silence of {job.text!r}, seed {job.seed}; not added")
    y = resample(piece, sample_rate=sample_rate, to_rate=to_rate)
    return np.ascontiguousarray(normalised(y, lufs, sample_rate=to_rate))


def provenance_of(manifest: Manifest, job: Job, *, sha256: str | None = None) -> Provenance:
    """Provenance of the sound of a job. sha256: of its samples."""
    return Provenance(
        kind="generator",
        sha256=sha256,
        seed=job.seed,
        model=job.folder.name,
        model_sha256=manifest.files[manifest.model],
    )


class Committer:
    """Puts pieces into one corpus, at its rate and its loudness. From one thread at a time."""

    def __init__(self, corpus: Path) -> None:
        self._path = corpus
        self._level: float | None = None

    def commit(self, piece: np.ndarray, job: Job, generator: OnnxGenerator, *, number: int = 1) -> Source:
        """Append piece `number` (from 1), float32 (n, 2) at the generator's rate; when this returns, it is on the disk.

        Raises ModelError for silence, CorpusError where the disk refuses; then nothing has changed.
        """
        name = job.name if job.n_pieces == 1 else f"{job.name} ({number} of {job.n_pieces})"
        with Corpus.open(self._path, writable=True) as corpus:
            if self._level is None:
                self._level = corpus_level(corpus)
            y = fitted_piece(
                piece, job, sample_rate=generator.sample_rate, to_rate=corpus.sample_rate, lufs=self._level
            )
            provenance = provenance_of(generator.manifest, job, sha256=hashlib.sha256(y.data.cast("B")).hexdigest())
            return add_sound(corpus, y, name=name, tags=job.tags, provenance=provenance)
