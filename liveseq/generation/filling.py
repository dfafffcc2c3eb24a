"""A corpus filled by a generator before a gig: what the generator process does live, as fast as the machine goes."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from liveseq.corpus.build import DEFAULT_RATE
from liveseq.corpus.schema import DATABASE
from liveseq.corpus.source import Source
from liveseq.corpus.store import Corpus
from liveseq.errors import ModelError
from liveseq.generation.limits import PIECE_SECONDS
from liveseq.generation.making import Committer, Job, Making
from liveseq.generation.meaning import Meaning
from liveseq.runtime.generator import OnnxGenerator


@dataclass(kw_only=True)
class FillReport:
    """What came of it."""

    added: list[Source] = field(default_factory=list)
    n_known: int = 0
    """Pieces that were there already: same generator, seed and words."""
    refused: list[str] = field(default_factory=list)
    """One sentence per piece that is no sound."""


def fill(
    corpus: Path,
    generator: OnnxGenerator,
    meanings: Sequence[Meaning],
    *,
    seconds: float,
    seed: int,
    done: Callable[[float], None] = lambda _: None,
) -> FillReport:
    """Make so many seconds of each meaning, in pieces with a seed of their own (seed, seed + 1 ...).

    corpus: made where it is not there; what it has of it already is not made again, so that what was stopped goes on.
    The tags take turns: whatever ends it, each has some. done: told of the seconds that are finished. Raises
    ModelError, and CorpusError where the disk refuses; a piece that is silent or NaN is a line of the report.
    """
    if not (corpus / DATABASE).is_file():
        Corpus.create(corpus, sample_rate=DEFAULT_RATE).close()
    report = FillReport()
    known = _known(corpus, generator)
    n_pieces = max(1, round(seconds / PIECE_SECONDS))
    committer = Committer(corpus)
    waiting: Future[Source] | None = None
    with ThreadPoolExecutor(max_workers=1) as writer:  # the disk and the descriptors, beside the next piece
        for number in range(n_pieces):
            for meaning in meanings:
                job = Job(
                    folder=generator.folder,
                    text=meaning.text,
                    tags=meaning.tags,
                    vector=meaning.vector,
                    seconds=seconds / n_pieces,
                    seed=seed + number,
                )
                if (job.text, job.seed) in known:
                    report.n_known += 1
                else:
                    piece = _make(generator, job, report)
                    _take(waiting, report)
                    waiting = writer.submit(committer.commit, piece, job, generator) if piece is not None else None
                done(job.seconds)
        _take(waiting, report)
    return report


def _known(corpus: Path, generator: OnnxGenerator) -> set[tuple[str, int]]:
    """Words and seeds that this very generator has made of this corpus."""
    digest = generator.manifest.files[generator.manifest.model]
    with Corpus.open(corpus) as opened:
        made = [one for one in opened.sources() if one.provenance.model_sha256 == digest]
    end = f" {generator.folder.name} "
    return {(one.name.rpartition(end)[0], one.provenance.seed) for one in made if one.provenance.seed is not None}


def _make(generator: OnnxGenerator, job: Job, report: FillReport) -> np.ndarray | None:
    making = Making(generator, job)
    try:
        while (piece := making.step()) is None:
            pass
    except ModelError as error:
        report.refused.append(f"{job.name}: {error}")
        return None
    return piece


def _take(waiting: Future[Source] | None, report: FillReport) -> None:
    try:
        if waiting is not None:
            report.added.append(waiting.result())
    except ModelError as error:
        report.refused.append(str(error))
