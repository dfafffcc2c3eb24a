"""A sound device that can be pulled out: a JACK server with the dummy driver, and a tape that is its sound card."""

import os
import time

import numpy as np

from benchmarks.faults.gaps import first_sound_ns
from benchmarks.rigs.jack_client import raise_threads
from benchmarks.rigs.jack_server import BLOCK_SIZE, SAMPLE_RATE, JackServer
from benchmarks.rigs.jack_tape import CLIENT, Tape


class Device:
    """A context manager; while it lasts, this process and what it starts use that JACK server. Without JACK it is none:
    servers play to the clock, and nothing is heard of them."""

    def __init__(self, *, seconds: float) -> None:
        """seconds: length of the tape, which goes round."""
        self._jack = JackServer(name="faults") if JackServer.is_installed() else None
        self._n_blocks = int(seconds * SAMPLE_RATE / BLOCK_SIZE)
        self._tape: Tape | None = None

    def __enter__(self) -> "Device":
        self.plug()
        return self

    def __exit__(self, *_: object) -> None:
        self._drop_tape()
        if self._jack:
            self._jack.__exit__()

    @property
    def is_heard(self) -> bool:
        return self._jack is not None

    @property
    def flags(self) -> tuple[object, ...]:
        """Flags of a server that plays on it, and listens to it."""
        return ("--output", CLIENT, "--input", "system") if self.is_heard else ("--output", "none")

    def take(self, *, since: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Blocks on the tape, see Tape.take."""
        if self._tape is None:
            return np.empty((0, BLOCK_SIZE, 2), np.float32), np.empty(0, np.int64)
        return self._tape.take(since=since)

    def sounding_from(self, since: int, *, patience: float) -> int | None:
        """Monotonic ns of the first sound from a moment on; None where there is none within so many seconds."""
        limit = time.monotonic() + patience
        while (found := first_sound_ns(*self.take(since=since))) is None and time.monotonic() < limit:
            time.sleep(0.05)
        return found

    def unplug(self) -> None:
        """Pull it out."""
        if self._jack:
            self._jack.kill()
        self._drop_tape()

    def plug(self) -> None:
        """Put it in, again."""
        if self._jack:
            self._jack.__enter__()
            os.environ.update(self._jack.environment())
            raise_threads(self._jack.pid)
            self._tape = Tape("", n_blocks=self._n_blocks, block_size=BLOCK_SIZE)

    def _drop_tape(self) -> None:
        if self._tape:
            self._tape.close()
            self._tape = None
