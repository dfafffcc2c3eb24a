"""A subscriber that remembers what a server tells of itself while a set is played."""

import threading
import time

from benchmarks.rigs.controller import Controller
from liveseq.osc.packets import Message

PARTS = ("corpus", "log", "segment")
RENEWED = 10.0
"""Seconds; a subscription lasts 30 s."""


class Hearing:
    """A thread that listens while the context lasts."""

    def __init__(self, port: int, *, renewed: float = RENEWED) -> None:
        """renewed: seconds between two subscriptions. A conductor that is replaced knows none of before."""
        self.grown: dict[str, int] = {}
        """Units of each recording that came into the corpus, by its name."""
        self.played: list[str] = []
        """Recordings that layer 1 went through, a name for every unit."""
        self.warnings: list[str] = []
        """Warnings and errors."""
        self._port, self._renewed = port, renewed
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> "Hearing":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _listen(self) -> None:
        with Controller(self._port) as controller:
            renewed = -self._renewed
            while not self._ended.is_set():
                if time.monotonic() > renewed + self._renewed:
                    renewed = time.monotonic()
                    for name in PARTS:
                        controller.send("/liveseq/subscribe", f"/liveseq/{name}")
                for message in controller.receive(seconds=0.5):
                    self._take(message)

    def _take(self, message: Message) -> None:
        address, values = message.address, message.arguments
        if address == "/liveseq/corpus/grown":
            self.grown[str(values[0])] = int(values[1] or 0)
        elif address == "/liveseq/segment" and values[0] == 1:
            self.played.append(str(values[2]))
        elif address == "/liveseq/log" and values[0] in ("warning", "error"):
            self.warnings.append(str(values[1]))
