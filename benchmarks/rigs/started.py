"""Processes that a benchmark starts: none of them outlives it, however it ends.

At its end, after a mistake, and by Ctrl-C or SIGTERM it ends them and waits for them, so that what they wrote can be
removed. Where it is killed, Linux tells them; it does so when the thread ends that started them, which is the main one.
"""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing.process import BaseProcess
from typing import Any

from liveseq.processes import uninterrupted

PATIENCE = 30.0
"""Seconds that a program may take to end, once it is asked to."""
_PR_SET_PDEATHSIG = 1


def start(command: Sequence[object], **options: Any) -> subprocess.Popen[Any]:
    """Starts a program; the caller ends it. options: those of Popen."""
    end_in_order()
    libc = _libc()  # nothing is loaded between fork and exec
    follow = partial(_follow, os.getpid(), signal.SIGTERM, libc) if libc else None
    with uninterrupted():
        return subprocess.Popen([str(part) for part in command], preexec_fn=follow, **options)


@contextmanager
def started(command: Sequence[object], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """A program that is ended by SIGTERM when the context is left. options: those of Popen."""
    process = start(command, **options)
    try:
        yield process
    finally:
        _end(process)


def run(command: Sequence[object], **options: Any) -> int:
    """Runs a program to its end. Returns its exit status."""
    with started(command, **options) as process:
        return process.wait()


def spawned(body: Callable[..., object], *args: object) -> BaseProcess:
    """A process that goes through `body`; the caller kills it."""
    end_in_order()
    process = multiprocessing.get_context("spawn").Process(target=_body, args=(os.getpid(), body, args), daemon=True)
    with uninterrupted():
        process.start()
    return process


def _body(parent: int, body: Callable[..., object], args: tuple[object, ...]) -> None:
    if libc := _libc():
        _follow(parent, signal.SIGKILL, libc)
    body(*args)


def end_in_order() -> None:
    """Makes SIGTERM act as Ctrl-C: what is open is closed. Main thread.

    Benchmarks call it themselves that start nothing, but leave something behind: Ctrl-C does not reach what was started
    here, it is sent SIGTERM.
    """
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def _end(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    try:
        process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _libc() -> ctypes.CDLL | None:
    """The C library; None where a process cannot ask to follow another one."""
    return ctypes.CDLL(None) if sys.platform == "linux" else None


def _follow(parent: int, number: int, libc: ctypes.CDLL) -> None:
    """Asks for this signal when the process that started this one ends."""
    libc.prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it has ended already
        os._exit(1)
