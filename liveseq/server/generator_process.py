"""The generator process: heavy models at the lowest priority, sound ahead of time.

It shares memory with the conductor and nothing else; what it makes reaches the music through the corpus. Nothing that
sounds soon depends on it (that is the streamer's): it may die at any moment, and a new one goes on. Models and their
runtime are imported with the first order: a server that generates nothing carries neither.
"""

import logging
import os
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path

from liveseq.processes import step_back
from liveseq.server.generator_state import GeneratorState

POLL_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True)
class GeneratorArguments:
    """All that a generator process is told at start."""

    state: str
    """Name of the shared memory: `GeneratorState.name`."""
    corpus: Path
    """What is made goes there."""
    sample_rate: int
    """Hz, the corpus's."""


def run_generator(arguments: GeneratorArguments) -> None:
    """Body of the process, a target for `multiprocessing` with the spawn method."""
    logging.basicConfig(level=logging.WARNING, format="liveseq generator: %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's business: it ends us by SIGTERM
    step_back()
    process = GeneratorProcess(arguments)
    signal.signal(signal.SIGTERM, lambda *_: process.end())
    process.run()


class GeneratorProcess:
    """One generator process from start to end."""

    def __init__(self, arguments: GeneratorArguments) -> None:
        self._arguments = arguments
        self._parent = os.getppid()
        self._state = GeneratorState.attach(arguments.state)
        self._ending = False
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

        arguments = self._arguments
        jobs = Jobs(self._state, Models(), corpus=arguments.corpus, sample_rate=arguments.sample_rate)
        while self._wanted():
            if not jobs.tick():
                time.sleep(POLL_SECONDS)
        jobs.finish()

    def _wait_for_an_order(self) -> None:
        """Say that we are here, until there is something to do."""
        while self._wanted() and self._state.read_order().number == self._status.order:
            self._state.write_status(replace(self._status, monotonic_ns=time.monotonic_ns()))
            time.sleep(POLL_SECONDS)

    def _wanted(self) -> bool:
        return not self._ending and os.getppid() == self._parent
