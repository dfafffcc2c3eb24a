"""The generator process: heavy models at the lowest priority, sound ahead of time.

It shares memory with the conductor and nothing else; what it makes reaches the music through the corpus. Nothing that
sounds soon depends on it (that is the streamer's): it may die at any moment, and a new one goes on. Models and their
runtime are imported with the first order: a server that generates nothing carries neither.

A model of another's making may hang in the middle of a step: orders are obeyed in a thread, and the main thread ends
the process where that does not come back, at once where somebody has given the order up.
"""

import logging
import os
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from liveseq.generation.arguments import GeneratorArguments
from liveseq.generation.orders import GeneratorState
from liveseq.memory.heartbeat import Heart
from liveseq.processes import Lifetime, lower_priority
from liveseq.terminal import finish

if TYPE_CHECKING:
    from liveseq.generation.work import OrderHandler

EXIT_HANGS = 70
"""A model hangs: a new process obeys what is ordered next."""
POLL_SECONDS = 0.02
STEP_SECONDS = {"cpu": 60.0}
"""Longest that a model may take to be opened, or for one step, by provider."""
GPU_SECONDS = 900.0
"""The same elsewhere: what a prebuild has not made is made when a model is opened."""
GIVEN_UP_SECONDS = 1.0
"""The same where the order was given up: a piece that is made in vain is made no longer."""
SAVE_SECONDS = 10.0
"""Longest that the end waits for what is being written into the corpus."""

log = logging.getLogger(__name__)


def run_generator(arguments: GeneratorArguments, heart: Heart) -> None:
    """Body of the process, a target for `multiprocessing` with the spawn method."""
    lifetime = Lifetime.begin("generator")
    lower_priority()
    code = GeneratorProcess(arguments, lifetime, heart).run()
    finish()
    os._exit(code)  # a step under way is not waited for


class GeneratorProcess:
    """One generator process from start to end."""

    def __init__(self, arguments: GeneratorArguments, lifetime: Lifetime, heart: Heart) -> None:
        """lifetime: when it ends, the piece that is being made is given up, and one that is being committed is kept."""
        self._arguments = arguments
        self._lifetime = lifetime
        self._heart = heart
        self._handler: OrderHandler | None = None
        self._most = STEP_SECONDS.get(arguments.provider, GPU_SECONDS)
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

    def run(self) -> int:
        """Obey orders until the end. Returns the exit code."""
        self._heart.go_rounds()
        self._wait_for_an_order()
        if not self._lifetime.goes_on():
            return 0
        work = threading.Thread(target=self._work, name="work", daemon=True)
        work.start()
        hangs = self._watch(work)
        with self._heart.silent(GIVEN_UP_SECONDS + SAVE_SECONDS):
            work.join(GIVEN_UP_SECONDS)
            if self._handler is not None:
                self._handler.finish(SAVE_SECONDS)
        return EXIT_HANGS if hangs else 0

    def _work(self) -> None:
        """The thread that obeys."""
        with self._heart.silent(self._most):  # the interpreter is let go of seldom meanwhile
            from liveseq.generation.models import Models
            from liveseq.generation.work import OrderHandler

        arguments = self._arguments
        models = Models(arguments.provider, opening=lambda: self._heart.silent(self._most))
        self._handler = OrderHandler(self._state, models, corpus=arguments.corpus, sample_rate=arguments.sample_rate)
        while self._lifetime.goes_on():
            if not self._handler.tick():
                time.sleep(POLL_SECONDS)

    def _watch(self, work: threading.Thread) -> bool:
        """Go rounds until the end, or until the other thread ends or does not come back. Whether it did not."""
        n_silent = n_given_up = n_ticks = 0
        order = self._status.order
        while self._lifetime.goes_on() and work.is_alive():
            time.sleep(POLL_SECONDS)
            self._heart.beat()
            before = n_ticks
            if self._handler is not None:
                n_ticks, order = self._handler.n_ticks, self._handler.order
            n_silent = n_silent + 1 if n_ticks == before else 0
            given_up = n_silent and order < self._state.read_order().number
            n_given_up = n_given_up + 1 if given_up and self._handler is not None else 0
            if n_silent >= self._most / POLL_SECONDS or n_given_up >= GIVEN_UP_SECONDS / POLL_SECONDS:
                log.warning("a model hangs in the middle of a step; a new generator process takes over")
                return True
        return self._lifetime.goes_on()  # it has died of a fault, which stands on the terminal

    def _wait_for_an_order(self) -> None:
        """Say that we are here, until there is something to do."""
        while self._lifetime.goes_on() and self._state.read_order().number == self._status.order:
            self._heart.beat()
            self._state.write_status(replace(self._status, monotonic_ns=time.monotonic_ns()))
            time.sleep(POLL_SECONDS)
