"""Stalls of the machine itself: threads that only have to wake up, one on each core, and are woken late.

What happens to audio while the machine stalls is nobody's fault: a test that counts xruns asks here before it blames
liveseq. Real-time priority, as the engine has it, where it is granted.
"""

import multiprocessing
import os
import threading
import time

from benchmarks.rigs.started import spawned
from liveseq.engine.realtime import prefer_audio

PERIOD = 0.002
LATE = 0.001
"""Seconds by which a thread is woken late that makes it a stall: a fifth of a block of 256 samples."""


class Metronome:
    """A process with these threads, until it is closed."""

    def __init__(self):
        self._stalls, writer = multiprocessing.get_context("spawn").Pipe(duplex=False)
        self._process = spawned(_beat, writer)
        self._stalls.recv()
        self._found = []

    def stalls(self):
        """All so far: monotonic ns at which a thread was to wake up, and at which it did."""
        while self._stalls.poll():
            self._found.append(self._stalls.recv())
        return self._found

    def longest(self):
        """Of the stalls so far, in seconds."""
        return max(((woken - due) * 1e-9 for due, woken in self.stalls()), default=0.0)

    def unexplained(self, moments, *, before=50_000_000, after=10_000_000):
        """Those moments, in monotonic ns, up to `before` ns before which, or `after` behind, nothing stalled."""
        stalls = self.stalls()
        return [at for at in moments if not any(begin - after <= at <= end + before for begin, end in stalls)]

    def close(self):
        self._process.kill()
        self._process.join()
        self._stalls.close()


def _beat(writer):
    """Body of the process, for ever."""
    lock = threading.Lock()
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [None]
    writer.send("ready")
    for core in cores:
        threading.Thread(target=_watch, args=(core, writer, lock), daemon=True).start()
    threading.Event().wait()


def _watch(core, writer, lock):
    if core is not None:
        os.sched_setaffinity(0, {core})
    prefer_audio()
    due = time.monotonic() + PERIOD
    while True:
        time.sleep(max(0.0, due - time.monotonic()))
        woken = time.monotonic()
        if woken - due > LATE:
            with lock:
                writer.send((int(1e9 * due), int(1e9 * woken)))
        due = woken + PERIOD
