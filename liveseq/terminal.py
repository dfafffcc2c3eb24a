"""Lines for whoever has started the server. Where nobody reads them any more (`| head -1`), it plays on; where they are
held up (Ctrl-S, a full pipe), so it does: a thread of their own writes them, and what finds no room is counted.
"""

import atexit
import io
import os
import queue
import sys
import threading
import time
from typing import TextIO

MOST_LINES = 256
"""Lines that wait for a terminal that takes none; what is said beyond them is dropped."""
FULL_SECONDS = 0.05
"""Pause where the terminal takes nothing and does not let wait."""
FAREWELL_SECONDS = 0.5
"""Longest that a process waits at its end for its last lines to be taken."""


def take_any_text(stream: TextIO) -> None:
    """Let a stream write letters that it does not have as escapes: paths are any bytes, and terminals know few."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def silence(stream: TextIO) -> None:
    """Let what is still buffered, and all that follows, go nowhere: it must not complain at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def too_long(error: OSError) -> str:
    """The sentence of a path that is longer than systems have them, by name: its first letters."""
    path = os.fsdecode(error.filename or "path")
    return f"{path[:64]}...: a path of {len(path)} characters is too long; name a shorter one"


def say(text: str, stream: TextIO) -> None:
    """Print a line, at once. Where its reader has gone, this one and all that follow go nowhere."""
    try:
        print(text, file=stream, flush=True)
    except OSError:
        silence(stream)


def never_wait() -> None:
    """Let this process wait for its terminal no more, to its end. Before anything keeps hold of its streams."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, UnwaitingStream):
            unwaiting = UnwaitingStream(stream.fileno(), encoding=stream.encoding)
            setattr(sys, name, unwaiting)
            atexit.register(unwaiting.finish)


def finish() -> None:
    """Have the last lines written, as far as they are taken: before an end that asks nobody (os._exit)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, UnwaitingStream):
            stream.finish()


class UnwaitingStream(io.TextIOBase):
    """A text stream whose writer never waits: whole lines go through a bounded queue to a thread."""

    def __init__(self, number: int, *, encoding: str) -> None:
        """number: of the file that is written to."""
        super().__init__()
        self.n_dropped = 0
        """Lines that found no room, and were not told of yet."""
        self._number = number
        self._encoding = encoding
        self._begun = ""  # of a line
        self._lock = threading.Lock()  # of the two lines above, between threads that write: never held while one waits
        self._lines: queue.Queue[str] = queue.Queue(MOST_LINES)
        self._gone = False  # nobody will ever read
        threading.Thread(target=self._run, name="terminal", daemon=True).start()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Encoding of what is written."""
        return self._encoding

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return os.isatty(self._number)

    def write(self, text: str) -> int:
        with self._lock:
            *lines, self._begun = (self._begun + text).split("\n")
            for line in lines:
                try:
                    self._lines.put_nowait(line)
                except queue.Full:
                    self.n_dropped += 1
        return len(text)

    def flush(self) -> None:
        """Nothing: the thread writes as soon as it can."""

    def finish(self) -> None:
        """Have what was written taken, for as long as a process may wait at its end."""
        if self._begun:
            self.write("\n")
        end = time.monotonic() + FAREWELL_SECONDS
        while self._lines.unfinished_tasks and not self._gone and time.monotonic() < end:
            time.sleep(0.005)

    def _run(self) -> None:
        while True:
            self._put(self._lines.get())
            with self._lock:
                n_dropped = self.n_dropped if self._lines.empty() else 0
                self.n_dropped -= n_dropped
            if n_dropped:
                self._put(f"liveseq: {n_dropped} lines are missing here: the terminal took none")
            self._lines.task_done()

    def _put(self, line: str) -> None:
        """Write a line, however long that takes. Not through a buffered stream: who ends would wait for its lock."""
        left = f"{line}\n".encode(self._encoding, "backslashreplace")
        try:
            while left and not self._gone:
                try:
                    left = left[os.write(self._number, left) :]
                except BlockingIOError:  # somebody else has left it so
                    time.sleep(FULL_SECONDS)
        except OSError:
            self._gone = True
