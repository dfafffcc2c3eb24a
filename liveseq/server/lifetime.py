"""What the processes beside the music have in common: how they begin, and when they end."""

import logging
import os
import signal


class Lifetime:
    """Of a child process of the supervisor: until it is told to end, or the supervisor is gone."""

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._ending = False

    @classmethod
    def begin(cls, name: str) -> "Lifetime":
        """First of all, in the main thread of a process. name: as its warnings begin."""
        logging.basicConfig(level=logging.WARNING, format=f"liveseq {name}: %(message)s")
        lifetime = cls()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's business: it ends us by SIGTERM
        signal.signal(signal.SIGTERM, lambda *_: lifetime.end())
        return lifetime

    def end(self) -> None:
        """Soon. Any thread; a signal handler too."""
        self._ending = True

    def goes_on(self) -> bool:
        """To be asked again and again."""
        return not self._ending and os.getppid() == self._parent
