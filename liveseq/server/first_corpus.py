"""The corpus of a server that is given none: made on first use, by the generators that are good enough, or composed."""

import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from liveseq.config import DEMO_CORPUS, FIRST_CORPUS
from liveseq.errors import CorpusError
from liveseq.processes import uninterrupted
from liveseq.runtime.folders import FIRST_VOICES, model_folder
from liveseq.server.corpus_builder import compose_demo, generate_first
from liveseq.terminal import say


@contextmanager
def first_corpus(sample_rate: int | None, *, wanted: str | None) -> Iterator[Path]:
    """The folder of the first corpus, made where it is not there; the rest of it is made up to the end of the `with`.

    Without generators that are good enough it is the demo corpus. sample_rate: of a new one, in Hz; None: the usual
    one. wanted: words that are to be played at once. Raises CorpusError where it cannot be made, and KeyboardInterrupt
    where that was stopped: then nothing is left.
    """
    from liveseq.generation.first import is_unfinished

    corpus = FIRST_CORPUS if FIRST_VOICES else DEMO_CORPUS
    _put_away_another_format(corpus)
    builder = None
    if not corpus.is_dir() or is_unfinished(corpus):
        if not corpus.is_dir():
            say(f"liveseq: no --corpus given; {_announcement(corpus)}", sys.stderr)
        if FIRST_VOICES:
            voices = tuple(model_folder(name) for name in FIRST_VOICES)
            builder = _start(generate_first, (corpus, voices, wanted, sample_rate), until=corpus)
        else:
            builder = _start(compose_demo, (corpus, sample_rate), until=corpus)
    try:
        yield corpus
    finally:
        if builder is not None:
            builder.terminate()
            builder.join()


def _announcement(corpus: Path) -> str:
    if not FIRST_VOICES:
        return f"composing the demo corpus in {corpus}, once"
    names = " and ".join(FIRST_VOICES)
    return f"making the first corpus in {corpus} with {names}, once: some now, the rest while it plays"


def _start(target: Callable[..., None], arguments: tuple[Any, ...], *, until: Path) -> SpawnProcess:
    """Start a process, and wait until this folder is there."""
    builder = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C, until the supervisor takes both over
    try:
        with uninterrupted():
            builder.start()
        while builder.is_alive() and not until.is_dir():
            builder.join(0.05)
    except KeyboardInterrupt:
        builder.terminate()
        builder.join()
        raise
    if not until.is_dir():
        raise CorpusError(f"{until}: could not be made; see above, or give --corpus FOLDER")
    return builder


def _put_away_another_format(corpus: Path) -> None:
    from liveseq.corpus.schema import is_other_format

    if is_other_format(corpus):
        old = corpus.with_name(time.strftime(f"{corpus.stem}-%Y%m%d-%H%M%S.corpus"))
        corpus.rename(old)  # takes may have been recorded into it
        say(f"liveseq: {corpus} is of another version and now lies in {old}", sys.stderr)
