"""Obeys the conductor's orders in the generator process: opens models, makes sound and commits it.

`tick` does one step and returns: another order is obeyed within a step. A piece that is complete goes into the corpus
in a thread of its own, while the next is made. What grows rests after every step, as long as nobody waits: a machine
whose cores are all at work delays the audio thread, whatever its priority (in the kernel, or by its host).
"""

import logging
import shutil
import threading
import time
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from liveseq.corpus.source import Source
from liveseq.errors import CorpusError, LiveseqError, ModelError
from liveseq.generation.job import Committer, Job, JobRun
from liveseq.generation.models import Models
from liveseq.generation.orders import GeneratorOrder, GeneratorState

RESERVE_BYTES = 1 << 28
"""Bytes that a job leaves free on the disk: for takes, logs and the session."""
GROWTH_SHARE = 0.125
"""Share of one core's time that this process works where something grows."""
_SAMPLE_BYTES = 8

log = logging.getLogger(__name__)


@dataclass
class _Work:
    """An order under way."""

    order: GeneratorOrder
    run: JobRun
    began: float
    """Seconds, `time.monotonic`."""
    worked: float
    """Seconds of processor time that this process had used by then, with all its threads."""
    n_pieces: int = 0
    """Pieces that are complete."""
    waiting: np.ndarray | None = None
    """A piece that is complete while the one before is still being committed."""

    @property
    def rests(self) -> bool:
        """Whether it has had its share of the processor for now."""
        if not self.order.grows or self.order.hurry:
            return False
        return time.process_time() - self.worked > GROWTH_SHARE * (time.monotonic() - self.began)


class OrderHandler:
    """Obeys the orders in the shared memory. Everything but the commit runs in the thread that calls `tick`."""

    n_ticks = 0
    """Steps that are done: any thread may look."""

    def __init__(self, state: GeneratorState, models: Models, *, corpus: Path, sample_rate: int) -> None:
        """sample_rate: the corpus's, in Hz."""
        self._state = state
        self._models = models
        self._corpus = corpus
        self._sample_rate = sample_rate
        self._committer = Committer(corpus)
        self._status = state.read_status()
        self._work: _Work | None = None
        self._commit: tuple[Future[Source], _Work] | None = None
        """The commit under way, and its order."""

    def tick(self) -> bool:
        """Do one step, and write the status. Returns whether there is more to do at once."""
        self.n_ticks += 1
        busy = self._commit is not None or self._work is not None
        try:
            self._take_commit()
            order = self._state.read_order()
            if self._work is not None and order.number == self._work.order.number:
                self._work.order = order
            if order.number != self._status.order and self._commit is None:
                busy = True
                self._begin(order)
            elif self._work is not None and not self._work.rests:
                self._go_on(self._work)
        except (LiveseqError, OSError, MemoryError) as error:
            self._fail(error)
        except Exception as error:  # whatever a foreign model does, the process stays
            log.exception("order %d", self._status.order)
            self._fail(error)
        self._status = replace(self._status, monotonic_ns=time.monotonic_ns())
        self._state.write_status(self._status)
        work = self._work
        waits = self._commit is not None and (work is None or work.waiting is not None)
        return busy and not waits and not (work is not None and work.rests)

    @property
    def order(self) -> int:
        """Number of the order that is obeyed: any thread may look."""
        return self._status.order

    def finish(self, seconds: float) -> None:
        """Wait for the commit under way, but no longer than that, before the process ends. Any thread."""
        if (commit := self._commit) is not None:
            wait([commit[0]], timeout=seconds)

    def _begin(self, order: GeneratorOrder) -> None:
        self._work = None
        self._status = replace(
            self._status,
            order=order.number,
            progress=0.0,
            n_units=0,
            name="",
            code="",
            error="",
        )
        self._state.write_status(self._status)
        if order.kind == "rest":
            self._end()
            return
        generator = self._models.get(order.folder)
        if order.kind == "load":
            self._end()
            return
        self._check_room(order)
        job = Job(
            folder=order.folder,
            text=order.text,
            tags=order.tags,
            vector=order.vector,
            seconds=order.seconds,
            seed=order.seed,
            tempo=order.tempo if generator.follows_tempo else 0.0,  # the name is to say what was made
        )
        self._status = replace(self._status, name=job.name)
        self._work = _Work(order, JobRun(generator, job), began=time.monotonic(), worked=time.process_time())

    def _go_on(self, work: _Work) -> None:
        """A step more, or the next piece to the corpus."""
        if work.waiting is None and not work.run.done:
            work.waiting = work.run.step()
            self._status = replace(self._status, progress=work.run.progress)
        if work.waiting is not None and self._commit is None:
            piece, work.waiting = work.waiting, None
            work.n_pieces += 1
            self._start_commit(piece, work)
        elif work.run.done and work.waiting is None and self._commit is None:
            self._end()

    def _start_commit(self, piece: np.ndarray, work: _Work) -> None:
        future: Future[Source] = Future()
        job, generator, number = work.run.job, work.run.generator, work.n_pieces

        def commit() -> None:
            try:
                future.set_result(self._committer.commit(piece, job, generator, number=number))
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=commit, name="commit").start()
        self._commit = future, work

    def _take_commit(self) -> None:
        """Count what has been committed. Raises what went wrong there."""
        if self._commit is None or not self._commit[0].done():
            return
        (future, work), self._commit = self._commit, None
        order = work.order
        if order.number != self._status.order and future.exception() is not None:
            return  # of an order that was given up
        source = future.result()
        if order.grows:
            grown = self._status.grown_seconds + source.n_samples / self._sample_rate
            self._status = replace(self._status, grown_seconds=grown)
        if order.number == self._status.order:
            self._status = replace(self._status, n_units=self._status.n_units + source.n_units)

    def _end(self) -> None:
        self._work = None
        self._status = replace(self._status, done=self._status.order, progress=1.0)

    def _fail(self, error: Exception) -> None:
        self._end()
        codes = {ModelError: "model_error", CorpusError: "io_error", OSError: "io_error", MemoryError: "not_ready"}
        code = next((code for kind, code in codes.items() if isinstance(error, kind)), "internal")
        text = str(error) or "not enough memory"
        if code == "internal":
            text = "a fault of the generator; the server's terminal has the details"
        self._status = replace(self._status, code=code, error=text)

    def _check_room(self, order: GeneratorOrder) -> None:
        needed = int(order.seconds * self._sample_rate) * _SAMPLE_BYTES + RESERVE_BYTES
        free = shutil.disk_usage(self._corpus).free
        if free < needed:
            raise CorpusError(
                f"{self._corpus}: {order.seconds:g} s of sound need {needed / 1e6:.0f} MB free on the disk "
                f"({RESERVE_BYTES / 1e6:.0f} of them stay free), found {free / 1e6:.0f} MB; make room"
            )
