"""Generators that are open, and those that there are."""

from collections import OrderedDict
from pathlib import Path

from liveseq.runtime.generator import OnnxGenerator
from liveseq.runtime.manifest import MANIFEST_NAME

KEPT = 3
"""Open models: what was used last stays warm."""


class Models:
    """Opens each generator once. From one thread at a time."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[Path, int], OnnxGenerator] = OrderedDict()

    def get(self, folder: Path) -> OnnxGenerator:
        """The generator of this folder, warm; opened anew where it was exported again. Raises ModelError."""
        manifest = folder / MANIFEST_NAME
        key = (folder, manifest.stat().st_mtime_ns if manifest.is_file() else 0)
        if key not in self._open:
            self._open[key] = OnnxGenerator(folder)
        self._open.move_to_end(key)
        while len(self._open) > KEPT:
            self._open.popitem(last=False)
        return self._open[key]
