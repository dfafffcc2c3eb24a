"""Processes that others are started by: none outlives its parent, and work beside the music comes last."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import parent_process, resource_tracker

import psutil

NICENESS = 19
"""The lowest priority there is, for work beside the music."""


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Start processes in this. SIGINT and SIGTERM act when it is left: half a start could neither be used nor undone.

    What is spawned never hears of Ctrl-C, which a terminal sends to all: its parent ends it in another way. Ignoring it
    in the child is too late: until its imports are done, it would be a traceback (as it is on Windows). Main thread.
    """
    masks = hasattr(signal, "pthread_sigmask")
    if masks:
        resource_tracker.ensure_running()  # multiprocessing's own: begun with the first process, it would undo the mask
    came: list[int] = []
    before = {number: signal.signal(number, lambda n, _: came.append(n)) for number in (signal.SIGINT, signal.SIGTERM)}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if masks else set()
    try:
        yield
    finally:
        if masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def when_orphaned(do: Callable[[], object]) -> None:
    """Call this, in a thread, when the process that started this one has ended, however it did."""
    threading.Thread(target=_wait, args=(do,), name="orphan", daemon=True).start()


def _wait(do: Callable[[], object]) -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    do()


def lower_priority() -> None:
    """Let others have the processor first: threads and processes that are started from now on, too."""
    with suppress(OSError, psutil.Error):
        if sys.platform == "win32":
            psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS)
        else:
            os.setpriority(os.PRIO_PROCESS, 0, NICENESS)


class Lifetime:
    """The life of a child process: until it is told to end, or the process that started it is gone."""

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._ending = False

    @classmethod
    def begin(cls, name: str) -> "Lifetime":
        """Begin a child process, in its main thread, first of all. name: as its warnings begin."""
        logging.basicConfig(level=logging.WARNING, format=f"liveseq {name}: %(message)s")
        lifetime = cls()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's business: it ends us by SIGTERM
        signal.signal(signal.SIGTERM, lambda *_: lifetime.end())
        return lifetime

    def end(self) -> None:
        """End it soon. Any thread; a signal handler too."""
        self._ending = True

    def goes_on(self) -> bool:
        """Whether it does: to be asked again and again."""
        return not self._ending and os.getppid() == self._parent
