"""Additions to a corpus, through worker processes.

Workers are spawned, so that none inherits threads or locks; they read, resample, describe and cut. This process alone
writes, in the order of the additions, so that the same ones give the same unit numbers. At most a few are under way at
once: memory does not grow with their number. Stopped or killed, the corpus keeps what was added.
"""

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from liveseq.corpus.analyse import Addition, Analysed, Refused, analyse, start_worker
from liveseq.corpus.append import reason
from liveseq.corpus.describing import CorpusSettings, new_source
from liveseq.corpus.source import NewSource
from liveseq.corpus.store import Corpus
from liveseq.errors import CorpusError
from liveseq.processes import uninterrupted

_SCRATCH = "incoming-"
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_UNDER_WAY = 8  # additions per worker: enough to keep it busy while this process waits for the disk
Done = Callable[[Addition, Analysed | Refused], None]
Pending = deque[tuple[Addition, "Future[Analysed | Refused]"]]


def add_all(corpus: Corpus, additions: Iterable[Addition], *, n_workers: int, done: Done) -> None:
    """Analyse and add every source; `done` is called after each, in their order. One worker means: in this process."""
    settings = CorpusSettings(
        sample_rate=corpus.sample_rate, hop_length=corpus.hop_length, segmentation=corpus.segmentation
    )
    with _scratch_folder(corpus.path) as scratch, _executor(n_workers) as executor:
        pending: Pending = deque()
        for number, addition in enumerate(additions):
            pending.append((addition, executor.submit(analyse, addition, settings, scratch / f"{number}.f32")))
            if len(pending) > _UNDER_WAY * n_workers:
                _take(corpus, pending, done=done)
        while pending:
            _take(corpus, pending, done=done)


def _take(corpus: Corpus, pending: Pending, *, done: Done) -> None:
    """Wait for the first addition, then add it and those behind it that are ready too, in one go."""
    ready = [_result(corpus, *pending.popleft())]
    while pending and pending[0][1].done():
        ready.append(_result(corpus, *pending.popleft()))
    corpus.add_many(
        [(_new_source(addition, found), addition.replaces) for addition, found in ready if isinstance(found, Analysed)]
    )
    for addition, found in ready:
        if isinstance(found, Analysed):
            found.audio.unlink()
        done(addition, found)


def _result(
    corpus: Corpus, addition: Addition, future: "Future[Analysed | Refused]"
) -> tuple[Addition, Analysed | Refused]:
    try:
        return addition, future.result()
    except BrokenProcessPool as error:
        kept = "what was added is kept: run it again, with --jobs 1 if memory is short"
        raise CorpusError(f"{addition.name}: a worker process died at this recording or near it; {kept}") from error
    except OSError as error:
        raise _unwritable(corpus.path, error) from error


def _unwritable(corpus: Path, error: OSError) -> CorpusError:
    kept = "what was added is kept; make room and run it again"
    return CorpusError(f"{corpus}: cannot be written ({reason(error)}); {kept}")


def _new_source(addition: Addition, found: Analysed) -> NewSource:
    audio = np.memmap(found.audio, dtype="<f4", mode="r", shape=(found.n_samples, 2))
    return new_source(audio, found.description, name=addition.name, tags=addition.tags, provenance=addition.provenance)


class _Here(Executor):
    """Executor that runs each call when it is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # as a pool does: the caller of result() gets it
            future.set_exception(error)
        return future


class _Pool(ProcessPoolExecutor):
    """Pool whose workers are started without a signal in between."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        with uninterrupted():  # the first call starts the workers
            return super().submit(fn, *args, **kwargs)


@contextmanager
def _executor(n_workers: int) -> Iterator[Executor]:
    if n_workers == 1:
        yield _Here()
        return
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    others = active_children()
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))  # one thread per worker: there is a worker per core
    pool = _Pool(n_workers, mp_context=get_context("spawn"), initializer=start_worker)
    try:
        yield pool
    except KeyboardInterrupt:  # what they are at would take seconds, and is not wanted any more
        for worker in active_children():
            if worker not in others:
                worker.kill()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextmanager
def _scratch_folder(corpus: Path) -> Iterator[Path]:
    """A folder of this process inside the corpus; those of processes that died go."""
    for left in corpus.glob(f"{_SCRATCH}*"):
        owner = left.name.removeprefix(_SCRATCH)
        if owner.isdigit() and (int(owner) == os.getpid() or not psutil.pid_exists(int(owner))):
            shutil.rmtree(left, ignore_errors=True)
    scratch = corpus / f"{_SCRATCH}{os.getpid()}"
    try:
        scratch.mkdir()
    except OSError as error:
        raise _unwritable(corpus, error) from error
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
