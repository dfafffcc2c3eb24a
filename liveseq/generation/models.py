"""Opens generators, and keeps them open."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from liveseq.runtime.generator import OnnxGenerator
from liveseq.runtime.manifest import MANIFEST_NAME
from liveseq.runtime.session import PROVIDERS

KEPT = 3
"""Models that stay open: those that were used last."""

log = logging.getLogger(__name__)


class Models:
    """Generators by their folders, each opened once; twice where two threads ask for it at a time. From any thread."""

    def __init__(
        self, provider: str = "cpu", *, opening: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> None:
        """provider: cpu, cuda or tensorrt; where it is not there the CPU runs them, and a warning says so. opening: is
        entered while one is opened.
        """
        self._provider = provider
        self._opening = opening
        self._open: OrderedDict[tuple[Path, int], OnnxGenerator] = OrderedDict()
        self._lock = threading.Lock()  # never held while a model is opened: that may last for ever

    def get(self, folder: Path) -> OnnxGenerator:
        """The generator of this folder, warm; opened anew where it was exported again. Raises ModelError."""
        manifest = folder / MANIFEST_NAME
        key = (folder, manifest.stat().st_mtime_ns if manifest.is_file() else 0)
        with self._lock:
            generator = self._open.get(key)
        generator = generator or self._opened(folder)
        with self._lock:
            self._open[key] = generator
            self._open.move_to_end(key)
            while len(self._open) > KEPT:
                self._open.popitem(last=False)
        return generator

    def _opened(self, folder: Path) -> OnnxGenerator:
        with self._opening():
            generator = OnnxGenerator(folder, provider=self._provider, allow_cpu=True)
        if generator.session.provider != PROVIDERS[self._provider]:
            remedy = "install what it needs (docs/models.md, On a GPU), or leave it out"
            found = generator.session.provider.removesuffix("ExecutionProvider")
            log.warning("%s runs on %s: provider %s is not there; %s", folder.name, found, self._provider, remedy)
        return generator
