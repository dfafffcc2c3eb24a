"""A corpus that has grown is held anew in a thread of its own: its disk may hang, and the supervisor must not."""

import logging
import threading
from collections import deque
from pathlib import Path

from liveseq.corpus.held import HeldCorpus

log = logging.getLogger(__name__)


class CorpusHolder:
    """Opens a corpus again when it is asked to. One per supervisor."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wanted = threading.Event()
        self._held: deque[HeldCorpus] = deque()
        self.n_done = 0
        """How often it has been opened, or could not be."""
        threading.Thread(target=self._work, name="corpus holder", daemon=True).start()

    def ask(self) -> None:
        """Have it as it is now, soon."""
        self._wanted.set()

    def take(self) -> HeldCorpus | None:
        """The newest one that is open, once; those before it are closed. None where there is none."""
        newest = None
        while self._held:
            if newest is not None:
                newest.close()
            newest = self._held.popleft()
        return newest

    def _work(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            try:
                self._held.append(HeldCorpus.of(self._path))
            except Exception as error:  # what is held stays as it was; and whatever it is, there is a next time
                log.debug("%s: not held anew: %r", self._path, error)
            self.n_done += 1
