"""Makes the first corpus by generators: a little of every tag, which can be played, then the rest beside the music.

A corpus that began with one tag would measure all others by that one's spread, and refuse their names meanwhile.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from liveseq.errors import CorpusError
from liveseq.generation.filling import FillReport, fill
from liveseq.generation.meaning import Meaning, Vocabulary
from liveseq.generation.progress import progress
from liveseq.runtime.folders import TEXT_ENCODER, model_folder
from liveseq.runtime.text import TextEncoder

BEGIN_SECONDS = 6.0
"""Seconds of each tag before it is played: half a minute of music before anything has to come back."""
SECONDS = 600.0
"""Seconds of the whole corpus: the rest is made while it is played, shared by the tags and then by the voices."""
SEED = 1
UNFINISHED = "unfinished"
"""File in the corpus's folder while something is still to come."""


def begin(corpus: Path, voices: Sequence[Path], *, sample_rate: int | None) -> FillReport:
    """Make a new corpus with some of every tag of the first voice. sample_rate in Hz; None: the usual one.

    voices: model folders. Raises ModelError for one that cannot be used, CorpusError where it makes no sound.
    """
    encoder = TextEncoder(model_folder(TEXT_ENCODER))
    words, *_ = [Vocabulary(voice, encoder) for voice in voices]  # all of them: now, not when nobody looks
    meanings = _meanings(words)
    with progress(BEGIN_SECONDS * len(meanings), title="corpus") as done:
        jobs = os.cpu_count() or 1
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


def _meanings(words: Vocabulary) -> list[Meaning]:
    if not words.tags:
        raise CorpusError(f"{words.folder.name}: was taught no tags, so that it makes no corpus; choose another voice")
    return [words.meaning(tag) for tag in words.tags]
