"""Requests of a process to the system, so that its audio thread is on time. Nothing here is required for sound."""

import contextlib
import ctypes
import gc
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

AUDIO_PRIORITY = 40
MAIN_PRIORITY = 2
CALM_PRIORITY = 1
CALM_NICENESS = 5
_MCL_CURRENT = 1
Result = TypeVar("Result")


def prepare_process() -> str:
    """Call from the main thread before others start. Returns what was granted, in words."""
    return f"{prefer_main()}, {lock_memory()}"


def prefer_main() -> str:
    """Give the main thread of an audio process its priority. Returns what was granted, in words."""
    sys.setswitchinterval(1e-4)  # how long the audio thread waits, at most, for a thread that computes
    return "real-time priority" if prefer_audio(MAIN_PRIORITY) else "no real-time priority"


def freeze_garbage() -> None:
    """After loading: what exists now is never looked at again, and no collection starts inside a block."""
    gc.collect()
    gc.freeze()
    gc.disable()  # the engine makes no reference cycles; a test holds its memory flat


def prefer_audio(priority: int = AUDIO_PRIORITY) -> bool:
    """Give the calling thread real-time priority; threads that it starts inherit it. A higher one is kept."""
    if not hasattr(os, "sched_setscheduler"):
        return False  # macOS and Windows raise the device's own thread
    try:
        if os.sched_getscheduler(0) == os.SCHED_FIFO and os.sched_getparam(0).sched_priority >= priority:
            return True
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except OSError:
        return False
    return True


def prefer_threads() -> None:
    """Give the least real-time priority to threads of libraries that have none: those of a process that dies have to
    have their turn before it is dead, and another one takes over.
    """
    with contextlib.suppress(OSError):  # no right to it, or no Linux
        for thread in map(int, os.listdir("/proc/self/task")):
            if os.sched_getscheduler(thread) == os.SCHED_OTHER:
                os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(MAIN_PRIORITY))


def calmly(do: Callable[[], Result]) -> Result:
    """Do something after all that sounds, and wait for it: in a thread of the least real-time priority, which has its
    turn also where strangers want every core; where none is granted, of a lower priority than theirs. On Linux:
    elsewhere priorities are not a thread's own business."""
    if sys.platform != "linux":
        return do()
    with ThreadPoolExecutor(1, initializer=_be_calm) as thread:
        return thread.submit(do).result()


def _be_calm() -> None:
    if not prefer_audio(CALM_PRIORITY):
        os.setpriority(os.PRIO_PROCESS, 0, CALM_NICENESS)


@contextlib.contextmanager
def urgently() -> Iterator[None]:
    """Start processes in this that nothing sounds without: they have real-time priority from their first instruction,
    where that is granted."""
    prefer_audio(MAIN_PRIORITY)
    try:
        yield
    finally:
        leave_realtime()


def leave_realtime() -> None:
    """Run the calling thread as any other of the machine, whatever real-time priority it has inherited."""
    if hasattr(os, "sched_setscheduler") and os.sched_getscheduler(0) == os.SCHED_FIFO:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def lock_memory() -> str:
    """Keep in memory what is mapped now, before the corpus, which may be larger. Returns what was granted, in words."""
    locked = sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).mlockall(_MCL_CURRENT) == 0
    return "memory locked" if locked else "memory not locked"
