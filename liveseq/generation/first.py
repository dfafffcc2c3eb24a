"""Makes the first corpus by generators: a little of many tags, which can be played, then the rest beside the music.

A corpus that began with one tag would measure all others by that one's spread, and refuse their names meanwhile; one
that began with ninety would be waited for.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from liveseq.errors import CorpusError, TagError
from liveseq.generation.filling import FillReport, fill
from liveseq.generation.meaning import Meaning, Vocabulary
from liveseq.generation.progress import progress
from liveseq.runtime.folders import TEXT_ENCODER, model_folder
from liveseq.runtime.text import TextEncoder

BEGIN_WITHIN = 10.0
"""Seconds before it is played. Tags for which that is too short come afterwards: not the one that is asked for, nor
those that are furthest from it in meaning."""
LEAST_TAGS = 8
"""Tags before it is played, however slow the voice is."""
USUAL_FACTOR = 0.1
"""Real-time factor of a voice whose manifest does not tell it."""
BEGIN_SECONDS = 6.0
"""Seconds of each tag before there is more of any."""
SECONDS = 1200.0
"""Seconds of the whole corpus: the rest is made while it is played, shared by the tags and then by the voices."""
SEED = 1
UNFINISHED = "unfinished"
"""File in the corpus's folder while something is still to come."""


def begin(corpus: Path, voices: Sequence[Path], *, wanted: str | None = None, sample_rate: int | None) -> FillReport:
    """Make a new corpus with some of the first voice's tags. sample_rate in Hz; None: the usual one.

    voices: model folders; wanted: words that are to be played at once. Raises ModelError for a voice that cannot be
    used, CorpusError where it makes no sound.
    """
    encoder = TextEncoder(model_folder(TEXT_ENCODER))
    words, *_ = [Vocabulary(voice, encoder) for voice in voices]  # all of them: now, not when nobody looks
    jobs = os.cpu_count() or 1
    factor = float(words.manifest.metrics.get("real_time_factor", USUAL_FACTOR))
    n_tags = max(LEAST_TAGS, int(BEGIN_WITHIN * jobs / (factor * BEGIN_SECONDS)))
    meanings = _apart(_meanings(words), _nearest(words, wanted))[:n_tags]
    with progress(BEGIN_SECONDS * len(meanings), title="corpus") as done:
        report = fill(
            corpus,
            words,
            meanings,
            seconds=BEGIN_SECONDS,
            seed=SEED,
            jobs=jobs,
            sample_rate=sample_rate,
            done=done,
        )
    if not report.added:
        raise CorpusError(f"{corpus}: {words.folder.name} has made no sound of any tag: {'; '.join(report.refused)}")
    (corpus / UNFINISHED).touch()
    return report


def go_on(corpus: Path, voices: Sequence[Path]) -> list[FillReport]:
    """Make the rest of the corpus, as far as it is not there: stopped at any place, it goes on when called again.

    voices: model folders. Raises ModelError, CorpusError.
    """
    encoder = TextEncoder(model_folder(TEXT_ENCODER))
    reports = []
    jobs = max(1, (os.cpu_count() or 1) // 2)  # music plays meanwhile
    words = Vocabulary(voices[0], encoder)
    reports.append(fill(corpus, words, _meanings(words), seconds=BEGIN_SECONDS, seed=SEED, jobs=jobs))
    for voice in voices:
        words = Vocabulary(voice, encoder)
        meanings = _meanings(words)
        seconds = max(BEGIN_SECONDS, SECONDS / len(meanings) - BEGIN_SECONDS) / len(voices)
        reports.append(fill(corpus, words, meanings, seconds=seconds, seed=SEED + 1, jobs=jobs))
    (corpus / UNFINISHED).unlink(missing_ok=True)
    return reports


def is_unfinished(corpus: Path) -> bool:
    """Whether `go_on` has something to do."""
    return (corpus / UNFINISHED).is_file()


def _nearest(words: Vocabulary, wanted: str | None) -> str:
    """Tag of a vocabulary that somebody's words mean most; its first one where it does not know them."""
    try:
        return words.tags[0] if wanted is None else next(iter(words.meaning(wanted).weights))
    except TagError:
        return words.tags[0]


def _apart(meanings: Sequence[Meaning], first: str) -> list[Meaning]:
    """The same meanings: that of the first tag, and then always the one that is furthest from all before it."""
    vectors = np.stack([meaning.vector for meaning in meanings])  # (n, tag_size), of length 1
    likeness = vectors @ vectors.T
    order = [[meaning.text for meaning in meanings].index(first)]
    while len(order) < len(meanings):
        nearest = likeness[:, order].max(axis=1)
        nearest[order] = np.inf
        order.append(int(nearest.argmin()))
    return [meanings[row] for row in order]


def _meanings(words: Vocabulary) -> list[Meaning]:
    if not words.tags:
        raise CorpusError(f"{words.folder.name}: was taught no tags, so that it makes no corpus; choose another voice")
    return [words.meaning(tag) for tag in words.tags]
