"""Verifies a corpus: every committed byte is read and compared with the digest taken when it was added."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from liveseq.corpus.append import digest
from liveseq.corpus.schema import DATABASE, DatabaseError
from liveseq.corpus.source import Source
from liveseq.corpus.source_row import unit_arrays
from liveseq.corpus.store import Corpus


def verify(path: Path, *, done: Callable[[int, int], None] = lambda n, total: None) -> list[str]:
    """Damages of a corpus, a sentence each; none of a sound one.

    done: called with how many of how many sources have been read. Raises CorpusError for what is no corpus of this
    version. Bytes beyond what is committed are no damage.
    """
    with Corpus.open(path, check=False) as corpus:
        try:
            damages = list(corpus.damaged_tables())
            if not damages:
                damages = list(_damaged_sources(corpus, done))
        except (DatabaseError, OverflowError) as error:
            damages = [f"{path / DATABASE}: damaged ({error})"]
    return damages


def _damaged_sources(corpus: Corpus, done: Callable[[int, int], None]) -> Iterator[str]:
    sources = corpus.sources(retired=True)
    end = (0, 0, 0, 0)  # shard, samples in it, frames, units: where the next source has to begin
    for number, source in enumerate(sources, start=1):
        wrong = [*_wrong_counts(corpus, source, after=end)]
        yield from (f"{source.name}: {one}" for one in wrong or _wrong_bytes(corpus, source))
        end = (
            source.shard,
            source.start + source.n_samples,
            source.frame_start + source.n_frames,
            source.unit_start + source.n_units,
        )
        done(number, len(sources))


def _wrong_counts(corpus: Corpus, source: Source, *, after: tuple[int, int, int, int]) -> Iterator[str]:
    shard, n_samples, n_frames, n_units = after
    begins = (source.shard, source.start, source.frame_start, source.unit_start)
    if begins not in ((shard, n_samples, n_frames, n_units), (shard + 1, 0, n_frames, n_units)):
        yield f"begins at {begins} (shard, sample, frame, unit), expected {after}"
    expected = 1 + source.n_samples // corpus.hop_length
    if source.n_samples <= 0 or source.n_frames != expected:
        yield f"has {source.n_frames} frames, expected {expected} for {source.n_samples} samples"
    try:
        bounds, onsets = corpus.bounds(source.id), corpus.onsets(source.id)
    except ValueError:
        yield "the list of its units is cut short"
        return
    if len(bounds) != source.n_units + 1:
        yield f"has {len(bounds) - 1} units, expected {source.n_units}"
    elif bounds[0] != 0 or bounds[-1] != source.n_samples or np.any(np.diff(bounds) <= 0):
        yield "its units do not cover it from first to last sample"
    elif len(onsets) != source.n_units:
        yield f"has {len(onsets)} onsets, expected {source.n_units}"


def _wrong_bytes(corpus: Corpus, source: Source) -> Iterator[str]:
    known = unit_arrays(bounds=corpus.bounds(source.id), onsets=corpus.onsets(source.id), beats=source.beats)
    hashed_before: tuple[tuple[np.ndarray, ...], ...] = ((), (), known)
    regions = corpus.files.regions(source.place)
    for region, expected, before in zip(regions, corpus.digests(source.id), hashed_before, strict=True):
        path, end = region.path, region.end_byte
        if not path.is_file():
            yield f"{path} is missing"
        elif path.stat().st_size < end:
            yield f"{path} has {path.stat().st_size} bytes, expected {end} or more"
        elif digest(*before, region.map()) != expected:
            yield f"{path}: bytes {region.first_byte} to {end} are not what was written"
