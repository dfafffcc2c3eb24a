"""The generator process: heavy models at the lowest priority, sound ahead of time, live streams first.

It shares memory with the conductor and nothing else; what it makes reaches the music through the corpus. Nothing that
the next 100 ms of sound depend on is here: it may die at any moment, and a new one goes on. Models and their runtime
are imported with the first order: a server that generates nothing carries neither.
"""

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from liveseq.runtime.folders import model_folder
from liveseq.server.generator_state import GeneratorState
from liveseq.server.stream_ring import StreamRings

if TYPE_CHECKING:
    from liveseq.server.jobs import Jobs
    from liveseq.server.live_streams import LiveStreams

POLL_SECONDS = 0.02
BACKGROUND_NICENESS = 19
LIVE_NICENESS = 3
"""While a layer plays a stream: behind what sounds, before whatever can wait."""


@dataclass(frozen=True, kw_only=True)
class GeneratorArguments:
    """All that a generator process is told at start."""

    state: str
    """Name of the shared memory: `GeneratorState.name`."""
    corpus: Path
    """What is made goes there."""
    sample_rate: int
    """Hz, the corpus's."""
    rings: str | None = None
    """Name of the memory that streams are played from (StreamRings); None: no layer plays a generator directly."""
    engine: str = ""
    """Name of the engine's shared memory: its clock says what is needed when."""
    n_layers: int = 0
    block_size: int = 0


def run_generator(arguments: GeneratorArguments) -> None:
    """Body of the process, a target for `multiprocessing` with the spawn method."""
    logging.basicConfig(level=logging.WARNING, format="liveseq generator: %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's business: it ends us by SIGTERM
    process = GeneratorProcess(arguments)
    signal.signal(signal.SIGTERM, lambda *_: process.end())
    process.run()


class GeneratorProcess:
    """One generator process from start to end. The main thread only waits for the one that works."""

    def __init__(self, arguments: GeneratorArguments) -> None:
        self._arguments = arguments
        self._parent = os.getppid()
        self._state = GeneratorState.attach(arguments.state)
        self._rings = (
            StreamRings.attach(arguments.rings, n_layers=arguments.n_layers, sample_rate=arguments.sample_rate)
            if arguments.rings
            else None
        )
        self._streams: LiveStreams | None = None
        self._ending = False
        self._fault: BaseException | None = None
        # What was ordered from the one before has died with it: the conductor tells whoever waits.
        number = self._state.read_order().number
        before = self._state.read_status()
        self._status = replace(
            before,
            generation=before.generation + 1,
            pid=os.getpid(),
            monotonic_ns=time.monotonic_ns(),
            order=number,
            done=number,
            progress=0.0,
            name="",
            code="",
            error="",
        )
        self._state.write_status(self._status)

    def end(self) -> None:
        """Give up what is being made, keep what is being committed, and quit."""
        self._ending = True

    def run(self) -> None:
        """Until told to quit, or the supervisor is gone."""
        self._wait_for_an_order()
        if not self._wanted():
            return
        from liveseq.generation.models import Models
        from liveseq.server.jobs import Jobs
        from liveseq.server.live_streams import LiveStreams

        arguments = self._arguments
        models = Models()
        jobs = Jobs(self._state, models, corpus=arguments.corpus, sample_rate=arguments.sample_rate)
        if arguments.rings is not None:
            self._streams = LiveStreams.attach(
                arguments.rings,
                arguments.engine,
                lambda name: models.get(model_folder(name)),
                sample_rate=arguments.sample_rate,
                n_layers=arguments.n_layers,
                block_size=arguments.block_size,
            )
        while self._wanted():
            live = self._live()
            # A thread can be given less of the processor, but no more again without privileges: so a new one is made.
            thread = threading.Thread(target=self._work, args=(jobs, live), name="live" if live else "background")
            thread.start()
            thread.join()
            if self._fault is not None:
                raise self._fault
        jobs.finish()

    def _wait_for_an_order(self) -> None:
        """Say that we are here, until there is something to do."""
        while self._wanted() and not self._ordered():
            self._state.write_status(replace(self._status, monotonic_ns=time.monotonic_ns()))
            time.sleep(POLL_SECONDS)

    def _ordered(self) -> bool:
        streamed = self._rings is not None and self._rings.wanted
        return streamed or self._state.read_order().number != self._status.order

    def _wanted(self) -> bool:
        return not self._ending and os.getppid() == self._parent

    def _live(self) -> bool:
        return self._streams is not None and self._streams.playing

    def _work(self, jobs: "Jobs", live: bool) -> None:
        """Streams, then jobs, a step at a time; until the priority is to be another."""
        try:
            _step_back(LIVE_NICENESS if live else BACKGROUND_NICENESS)
            while self._wanted() and self._live() == live:
                if self._streams is not None and self._streams.tick():
                    continue
                if not jobs.tick():
                    time.sleep(POLL_SECONDS)
        except BaseException as error:  # the main thread ends the process by it
            self._fault = error


def _step_back(niceness: int) -> None:
    """Let others have the processor first: the calling thread on Linux, the whole process elsewhere."""
    with contextlib.suppress(OSError, psutil.Error):
        if sys.platform == "linux":
            number = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, number, max(niceness, os.getpriority(os.PRIO_PROCESS, number)))
        elif sys.platform == "win32":
            lowest = niceness == BACKGROUND_NICENESS
            psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS if lowest else psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:  # what a process gives up here never comes back
            os.setpriority(os.PRIO_PROCESS, 0, LIVE_NICENESS)
