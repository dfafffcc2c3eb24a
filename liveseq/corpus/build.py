"""Builds a corpus from a folder of recordings, from the demo pieces, or from another corpus.

A second build adds only what is new. Not for the live path: it uses every core, and librosa where onsets are wanted.
"""

import os
import shutil
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tqdm import tqdm

from liveseq import __version__
from liveseq.corpus.analyse import Addition, Analysed, FromCorpus, FromDemo, Refused
from liveseq.corpus.append import reason
from liveseq.corpus.own_words.sheet import NAME
from liveseq.corpus.own_words.writing import copy_words
from liveseq.corpus.pipeline import add_all
from liveseq.corpus.recordings.folder import Comparison, Folder
from liveseq.corpus.recordings.tagging import TagsFrom
from liveseq.corpus.schema import DATABASE
from liveseq.corpus.source import Provenance, Source
from liveseq.corpus.store import Corpus
from liveseq.errors import CorpusError

DEFAULT_RATE = 48_000


@dataclass(kw_only=True)
class BuildReport:
    """Result of a build."""

    added: list[str] = field(default_factory=list)
    """Names of sources that were not there."""
    changed: list[str] = field(default_factory=list)
    """Sources whose recording had changed: the new version took their place."""
    seconds: float = 0.0
    """Length of the audio that was added (without what was replaced)."""
    n_known: int = 0
    """Recordings that were there already."""
    retagged: list[str] = field(default_factory=list)
    """Sources among them that have other tags now."""
    lost: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Tags that some of them had from a build with --tags-from, by source, where this one is given none."""
    missing: list[str] = field(default_factory=list)
    """Sources whose file is no longer in the folder; the corpus keeps them."""
    refused: list[str] = field(default_factory=list)
    """One sentence for each thing that was left out."""
    notes: list[str] = field(default_factory=list)
    """One sentence for each thing that was wrong with a recording and could be helped."""
    untagged: list[str] = field(default_factory=list)
    """Sources that no tag finds."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Count of what was passed over, since it is no sound file that can be read, by kind."""
    tags_origin: str = ""
    """Place that the tags were taken from, in words, where nobody said which; empty where somebody did."""
    tags: list[str] = field(default_factory=list)
    """Tags that the recordings of the folder have, without those of none but what was left out."""


def build(
    folder: Path,
    out: Path,
    *,
    tags_from: TagsFrom | None = None,
    segmentation: str | None = None,
    sample_rate: int | None = None,
    jobs: int | None = None,
    progress: bool = False,
) -> BuildReport:
    """Make a corpus of a folder's recordings, or add to it what is new in the folder.

    folder may also be a corpus: then its sources are converted. tags_from: see `tagging.tags_of`. segmentation (fixed
    or onsets) and sample_rate (Hz) are the corpus's; None: what it has, or fixed and 48 kHz. jobs: processes; None: one
    per core; 1: this one. progress: a bar with the time left. Raises CorpusError where nothing can be built at all; a
    recording that cannot be used is a line of the report.
    """
    if (folder / DATABASE).is_file():
        if tags_from is not None:
            raise CorpusError(f"{folder}: is a corpus and has its tags already; leave out --tags-from")
        return _convert(folder, out, segmentation=segmentation, sample_rate=sample_rate, jobs=jobs, progress=progress)
    files = Folder(folder, tags_from=tags_from)
    with open_or_create(out, segmentation=segmentation, sample_rate=sample_rate) as corpus:
        comparison = Comparison(files, corpus)
        with _Bar(total=files.n_bytes, unit="B", watched=progress) as bar:
            report = _add(corpus, comparison.additions(skip=bar.skip), jobs=jobs, bar=bar)
        report.n_known = comparison.n_known
        report.refused = files.complaints + report.refused
        report.skipped = files.skipped
        report.tags_origin = files.tags_origin if tags_from is None else ""
        report.missing, report.retagged = comparison.finish()
        given = dict.fromkeys(tag for tags in files.tags.values() for tag in tags)
        there = corpus.tags()
        report.tags = [tag for tag in given if tag in there]
        report.lost = comparison.lost if tags_from is None else {}
        report.untagged = [source.name for source in corpus.sources() if not source.tags]
    return report


def build_demo(
    out: Path, *, seed: int, sample_rate: int | None = None, jobs: int | None = None, progress: bool = False
) -> BuildReport:
    """Compose the demo pieces into a corpus; the same seed (0 or more) gives the same corpus.

    sample_rate (Hz), jobs and progress as in `build`. Raises CorpusError.
    """
    if seed < 0:
        raise CorpusError(f"seed {seed}: expected 0 or more")
    from liveseq.demo.pieces import RECIPES

    provenance = Provenance(kind="demo", seed=seed, model=f"liveseq.demo {__version__}")
    wanted = [
        Addition(origin=FromDemo(tag, piece, seed), name=f"{tag}/{piece}", tags=(tag,), provenance=provenance)
        for tag, names in RECIPES.items()
        for piece in names
    ]
    return build_composed(out, wanted, sample_rate=sample_rate, jobs=jobs, progress=progress)


def build_composed(
    out: Path, pieces: Sequence[Addition], *, sample_rate: int | None, jobs: int | None, progress: bool
) -> BuildReport:
    """Make a corpus of pieces, or add to it those that are not there; one that was made otherwise is replaced."""
    with open_or_create(out, segmentation=None, sample_rate=sample_rate) as corpus:
        there = {source.name: source for source in corpus.sources() if source.provenance.kind == "demo"}
        wanted = []
        for piece in pieces:
            old = there.get(piece.name)
            if old is None or old.provenance != piece.provenance:
                wanted.append(replace(piece, replaces=old.id if old else None))
        with _Bar(total=len(wanted), unit="piece", watched=progress) as bar:
            report = _add(corpus, wanted, jobs=jobs, bar=bar)
    report.n_known = len(pieces) - len(wanted)
    return report


def _convert(
    old_path: Path,
    out: Path,
    *,
    segmentation: str | None,
    sample_rate: int | None,
    jobs: int | None,
    progress: bool,
) -> BuildReport:
    if old_path.resolve() == out.resolve():
        raise CorpusError(f"{out}: a corpus cannot be built from itself; give another --out")
    with Corpus.open(old_path) as old:
        sources = old.sources()
        segmentation = segmentation or old.segmentation
    with open_or_create(out, segmentation=segmentation, sample_rate=sample_rate) as corpus:
        there = {_identity(source) for source in corpus.sources()}
        wanted = [_copy(old_path, source) for source in sources if _identity(source) not in there]
        with _Bar(total=sum(addition.size for addition in wanted), unit="sample", watched=progress) as bar:
            report = _add(corpus, wanted, jobs=jobs, bar=bar)
    report.n_known = len(sources) - len(wanted)
    try:
        copy_words(old_path, out)
    except OSError as error:
        report.notes.append(f"{old_path / NAME}: cannot be copied ({reason(error)}); copy it into {out}")
    return report


def _copy(corpus: Path, source: Source) -> Addition:
    origin = FromCorpus(corpus, source.id)
    provenance = source.provenance
    return Addition(origin=origin, name=source.name, tags=source.tags, provenance=provenance, size=source.n_samples)


def _identity(source: Source) -> tuple[object, ...]:
    provenance = source.provenance
    return (
        (provenance.sha256,) if provenance.sha256 else (provenance.kind, source.name, provenance.seed, provenance.model)
    )


def open_or_create(out: Path, *, segmentation: str | None = None, sample_rate: int | None = None) -> Corpus:
    """The corpus at `out`, writable; where there is none, a new one: of fixed units at 48 kHz where nothing is given.

    sample_rate in Hz. Raises CorpusError where there is one of another segmentation or rate than given.
    """
    if not (out / DATABASE).is_file():
        return Corpus.create(out, sample_rate=sample_rate or DEFAULT_RATE, segmentation=segmentation or "fixed")
    corpus = Corpus.open(out, writable=True, sample_rate=sample_rate)
    if segmentation not in (None, corpus.segmentation):
        corpus.close()
        instead = "leave out --segmentation, or give another --out"
        raise CorpusError(f"{out}: is cut by {corpus.segmentation}, expected {segmentation}; {instead}")
    return corpus


def _add(corpus: Corpus, wanted: Iterable[Addition], *, jobs: int | None, bar: "_Bar") -> BuildReport:
    report = BuildReport()

    def done(addition: Addition, found: Analysed | Refused) -> None:
        bar.update(addition.size)
        if isinstance(found, Refused):
            report.refused.append(found.reason)
        else:
            report.notes += found.notes
            (report.added if addition.replaces is None else report.changed).append(addition.name)
            report.seconds += found.n_samples / corpus.sample_rate if addition.replaces is None else 0.0

    add_all(corpus, wanted, n_workers=jobs or os.cpu_count() or 1, done=done)
    return report


class _Bar(tqdm):  # type: ignore[misc]
    """Progress with the time left, on a terminal only. It ticks while nothing is ready yet: workers are starting."""

    def __init__(self, *, total: int, unit: str, watched: bool) -> None:
        self._ended = threading.Event()  # and the next, before tqdm's: whoever is stopped in that is closed, too
        self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)
        columns, lines = shutil.get_terminal_size()  # 80 x 24 where a terminal does not know
        super().__init__(
            total=total,
            unit=unit,
            unit_scale=unit != "piece",
            desc="corpus",
            leave=False,
            disable=None if watched else True,  # None: unless stderr is a file
            ncols=columns - 1,
            nrows=lines,
        )
        self._ticker.start()

    def _tick(self) -> None:
        while not self._ended.wait(0.5):
            self.refresh()

    def close(self) -> None:
        self._ended.set()
        if self._ticker.is_alive():
            self._ticker.join()
        super().close()

    def skip(self, size: int) -> None:
        """Leave out what needs no work, so that it does not make the rest look quick. size: as in `update`."""
        self.total -= size
        self.refresh()
