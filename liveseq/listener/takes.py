"""Takes: what is recorded from the input device, into the corpus. Runs in the listener process."""

import threading
import time
from pathlib import Path

import numpy as np

from liveseq.corpus.take import add_take
from liveseq.engine.realtime import leave_realtime
from liveseq.errors import LiveseqError
from liveseq.listener.heard import Order

MAX_SECONDS = 600.0
"""A take ends here by itself: 230 MB at 48 kHz."""
DEFAULT_TAG = "input"


class Taker:
    """Follows the conductor's orders; the corpus is written to by a thread of its own, one take after another."""

    def __init__(self, corpus: Path, *, sample_rate: int) -> None:
        self.order = 0
        """Number of the order that is obeyed."""
        self.done = 0
        """Number of the order whose take is in the corpus, or has failed."""
        self.name = ""
        self.error = ""
        self._corpus = corpus
        self._sample_rate = sample_rate
        self._pieces: list[np.ndarray] | None = None  # of the take that is being recorded
        self._n_samples = 0
        self._tag = ""
        self._writer: threading.Thread | None = None

    def follow(self, order: Order, y: np.ndarray) -> None:
        """Begin or end a take, and keep what has come, float32 (n_samples, 1 or 2)."""
        busy = self._busy()
        if order.number != self.order and not busy:
            self.order = order.number
            if self._pieces is not None:
                self._write()
            if order.record:
                self._pieces, self._n_samples, self._tag = [], 0, order.tag
            elif self._writer is None:
                self.done = order.number  # there was nothing to end
        if self._pieces is not None and self._n_samples < MAX_SECONDS * self._sample_rate:
            self._pieces.append(y)
            self._n_samples += len(y)

    def finish(self) -> None:
        """The listener ends: save what there is."""
        if self._pieces is not None:
            self._write()
        if self._writer is not None:
            self._writer.join()

    def _busy(self) -> bool:
        """Whether the take before is still being written."""
        if self._writer is not None and not self._writer.is_alive():
            self._writer = None
            self.done = self.order
        return self._writer is not None

    def _write(self) -> None:
        pieces, self._pieces = self._pieces or [], None
        self._writer = threading.Thread(target=self._add, args=(pieces, self._tag or DEFAULT_TAG), name="take")
        self._writer.start()

    def _add(self, pieces: list[np.ndarray], tag: str) -> None:
        leave_realtime()  # the thread has inherited the priority of the one that hears
        audio = np.concatenate(pieces or [np.zeros((0, 2), dtype=np.float32)])
        name = f"{tag} {time.strftime('%Y-%m-%d %H.%M.%S')}"
        try:
            added = add_take(self._corpus, audio, name=name, tags=(tag,), sample_rate=self._sample_rate)
            self.name, self.error = added.name, ""
        except LiveseqError as error:
            self.name, self.error = "", str(error)
