"""Processes that keep every core busy beside what is measured."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from benchmarks.rigs.started import spawned

PER_CORE = 2


def spin() -> None:
    """Works without end, and without memory."""
    while True:
        pass


def sweep() -> None:
    """Works without end on 8 MB, more than the cache near the core holds."""
    values = np.linspace(0.0, 1.0, 1_000_000)
    while True:
        np.tanh(values, out=values)
        values += 0.5


@contextmanager
def busy_processes(work: Callable[[], None] = spin) -> Iterator[None]:
    """Two processes per core at normal priority."""
    workers = [spawned(work) for _ in range(n_busy())]
    time.sleep(1.0)
    try:
        yield
    finally:
        for worker in workers:
            worker.kill()
            worker.join()


def n_busy() -> int:
    return PER_CORE * (os.cpu_count() or 1)
