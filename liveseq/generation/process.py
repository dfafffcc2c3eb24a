"""The generator process: heavy models at the lowest priority, sound ahead of time.

It shares memory with the conductor and nothing else; what it makes reaches the music through the corpus. Nothing that
sounds soon depends on it (that is the streamer's): it may die at any moment, and a new one goes on. Models and their
runtime are imported with the first order: a server that generates nothing carries neither.
"""

import os
import time
from dataclasses import replace

from liveseq.generation.arguments import GeneratorArguments
from liveseq.generation.orders import GeneratorState
from liveseq.processes import Lifetime, lower_priority

POLL_SECONDS = 0.02


def run_generator(arguments: GeneratorArguments) -> None:
    """Body of the process, a target for `multiprocessing` with the spawn method."""
    lifetime = Lifetime.begin("generator")
    lower_priority()
    GeneratorProcess(arguments, lifetime).run()


class GeneratorProcess:
    """One generator process from start to end."""

    def __init__(self, arguments: GeneratorArguments, lifetime: Lifetime) -> None:
        """lifetime: when it ends, the piece that is being made is given up, and one that is being committed is kept."""
        self._arguments = arguments
        self._lifetime = lifetime
        self._state = GeneratorState.attach(arguments.state)
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

    def run(self) -> None:
        """Obey orders until the end."""
        self._wait_for_an_order()
        if not self._lifetime.goes_on():
            return
        from liveseq.generation.models import Models
        from liveseq.generation.work import OrderHandler

        arguments = self._arguments
        models = Models(arguments.provider)
        handler = OrderHandler(self._state, models, corpus=arguments.corpus, sample_rate=arguments.sample_rate)
        while self._lifetime.goes_on():
            if not handler.tick():
                time.sleep(POLL_SECONDS)
        handler.finish()

    def _wait_for_an_order(self) -> None:
        """Say that we are here, until there is something to do."""
        while self._lifetime.goes_on() and self._state.read_order().number == self._status.order:
            self._state.write_status(replace(self._status, monotonic_ns=time.monotonic_ns()))
            time.sleep(POLL_SECONDS)
