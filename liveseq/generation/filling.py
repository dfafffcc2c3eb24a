"""Fills a corpus by a generator before a gig, as the generator process does live, but on every core.

Goes the way of a corpus build: worker processes generate and describe, this one writes, in the order of the jobs.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from liveseq.corpus import pipeline
from liveseq.corpus.analyse import Addition, Analysed, Refused
from liveseq.corpus.build import open_or_create
from liveseq.corpus.level import corpus_level
from liveseq.corpus.store import Corpus
from liveseq.generation.job import Job, JobRun, fitted_piece, provenance_of
from liveseq.generation.meaning import Meaning, Vocabulary
from liveseq.generation.models import Models
from liveseq.runtime import limits


@dataclass(frozen=True)
class FromGenerator:
    """Sound of a generator, made where it is described."""

    job: Job
    lufs: float
    """Loudness that it is brought to."""
    provider: str

    def load(self, *, sample_rate: int, notes: list[str]) -> np.ndarray:
        """Samples at a rate in Hz: float32 (n_samples, 2). Raises ModelError."""
        generator = _models(self.provider).get(self.job.folder)
        run = JobRun(generator, self.job)
        while (piece := run.step()) is None:
            pass
        return fitted_piece(piece, self.job, sample_rate=generator.sample_rate, to_rate=sample_rate, lufs=self.lufs)


@dataclass(kw_only=True)
class FillReport:
    """Result of a filling."""

    added: list[str] = field(default_factory=list)
    """Names of the sources that were added."""
    seconds: float = 0.0
    """Length of the sound that was added."""
    n_known: int = 0
    """Pieces that were there already: of the same model, seed and words."""
    refused: list[str] = field(default_factory=list)
    """One sentence for each piece that is no sound."""


def fill(
    corpus: Path,
    words: Vocabulary,
    meanings: Sequence[Meaning],
    *,
    seconds: float,
    seed: int,
    jobs: int,
    tempo: float = 0.0,
    provider: str = "cpu",
    sample_rate: int | None = None,
    done: Callable[[float], object] = lambda _: None,
) -> FillReport:
    """Make so many seconds of each meaning, in pieces with a seed of their own (seed, seed + 1 ...).

    corpus: made where it is not there; pieces that it has already are not made again, so that a stopped filling goes
    on. The tags take turns: whatever ends it, each has some. jobs: processes. tempo: beats per minute, 0: the model's
    own. provider: what runs the model, see `Models`. sample_rate: of a corpus that is not there yet, in Hz; None: the
    usual one. done: called with the seconds of each piece, once the corpus has it. Raises CorpusError where the disk
    refuses; a piece that is silent or NaN is a line of the report.
    """
    report = FillReport()
    n_pieces = limits.n_pieces(seconds)
    with open_or_create(corpus, sample_rate=sample_rate) as opened:
        known, lufs, additions = _known(opened, words), corpus_level(opened), []
        for number in range(n_pieces):
            for meaning in meanings:
                job = Job(
                    folder=words.folder,
                    text=meaning.text,
                    tags=meaning.tags,
                    vector=meaning.vector,
                    seconds=seconds / n_pieces,
                    seed=seed + number,
                    tempo=tempo,
                )
                if (job.wish, job.seed) in known:
                    report.n_known += 1
                    done(min(job.seconds, known[job.wish, job.seed]))
                else:
                    origin = FromGenerator(job, lufs, provider)
                    provenance = provenance_of(words.manifest, job)
                    additions.append(Addition(origin=origin, name=job.name, tags=job.tags, provenance=provenance))

        def note(addition: Addition, found: Analysed | Refused) -> None:
            if isinstance(found, Refused):
                report.refused.append(f"{addition.name}: {found.reason}")
                return
            n_seconds = found.n_samples / opened.sample_rate
            report.added.append(addition.name)
            report.seconds += n_seconds
            done(n_seconds)

        pipeline.add_all(opened, additions, n_workers=jobs, done=note)
    return report


def _known(corpus: Corpus, words: Vocabulary) -> dict[tuple[str, int], float]:
    """Seconds of sound in this corpus that this very model has made, by words and seed."""
    digest = words.manifest.files[words.manifest.model]
    sources = [source for source in corpus.sources() if source.provenance.model_sha256 == digest]
    end = f" {words.folder.name} "
    known: dict[tuple[str, int], float] = defaultdict(float)
    for source in sources:
        if source.provenance.seed is not None:  # several sources may have it, where it was made live
            known[source.name.rpartition(end)[0], source.provenance.seed] += source.n_samples / corpus.sample_rate
    return known


@cache
def _models(provider: str) -> Models:
    """Open generators of this worker process."""
    return Models(provider)
