"""Opens generators beside the streams that sound, each in a thread of its own.

Opening a model takes a second or so, and lets the interpreter go most of the time (onnxruntime 1.24 and later): the
longest that it keeps another thread waiting is a tenth of what streams are ahead. A foreign model may never be open:
its thread is left behind, and no other model waits for it, or is refused for it.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future

from liveseq.engine.realtime import leave_realtime
from liveseq.errors import ModelError
from liveseq.runtime.generator import Generator

MOST_LEFT = 4
"""Threads that may be left behind by one model: each may keep a core at work, and the model's memory."""

log = logging.getLogger(__name__)


class Opener:
    """Called from one thread, in rounds: who waits for a model asks for it once in each."""

    def __init__(self, open_generator: Callable[[str], Generator]) -> None:
        """open_generator: by name; called from threads, several at a time, which have no real-time priority."""
        self._open = open_generator
        self._opening: dict[str, Future[Generator]] = {}
        self._asked: set[str] = set()  # in this round
        self._left: dict[str, list[Future[Generator]]] = defaultdict(list)
        """Those that nobody waits for any more, and that are still under way."""

    def __call__(self, name: str) -> Generator | None:
        """The generator; None while it is being opened: ask again.

        Raises, once, what opening it has raised; ModelError where it was given up too often.
        """
        self._asked.add(name)
        if name not in self._opening:
            self._opening[name] = self._begin(name)
        if not self._opening[name].done():
            return None
        return self._opening.pop(name).result()

    def end_round(self) -> None:
        """Withdraw what nobody has asked for since the last round: whatever comes of it is nobody's."""
        for name in self._opening.keys() - self._asked:
            opening = self._opening.pop(name)
            if not opening.done():
                log.warning("%s is not open yet, and nobody waits for it any more", name)
                self._left[name].append(opening)
        self._asked.clear()

    def _begin(self, name: str) -> "Future[Generator]":
        left = self._left[name] = [opening for opening in self._left[name] if not opening.done()]
        if len(left) >= MOST_LEFT:
            raise ModelError(
                f"{name}: is being opened {len(left)} times already, and nobody waited for the end; wait for it, or "
                f"remove what hangs and restart the server"
            )
        future: Future[Generator] = Future()

        def work() -> None:
            try:
                leave_realtime()
                future.set_result(self._open(name))
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=work, name=f"opener of {name}", daemon=True).start()
        return future
