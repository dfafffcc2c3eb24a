"""Opens generators beside the streams that sound: one after the other, in a thread of its own.

Opening a model takes a second or so, and lets the interpreter go most of the time (onnxruntime 1.24 and later): the
longest that it keeps another thread waiting is a tenth of what streams are ahead.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from liveseq.engine.realtime import step_back
from liveseq.runtime.generator import Generator


class Opener:
    """Called from one thread."""

    def __init__(self, open_generator: Callable[[str], Generator]) -> None:
        """open_generator: by name; called from the thread, which has no real-time priority."""
        self._open = open_generator
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="opener", initializer=step_back)
        self._opening: dict[str, Future[Generator]] = {}

    def __call__(self, name: str) -> Generator | None:
        """The generator; None while it is being opened: ask again. Raises, once, what opening it has raised."""
        if name not in self._opening:
            self._opening[name] = self._thread.submit(self._open, name)
        if not self._opening[name].done():
            return None
        return self._opening.pop(name).result()
