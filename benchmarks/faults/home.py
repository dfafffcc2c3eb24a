"""A home for servers that are to be hurt: a copy of the project with models, a corpus and a clock of its own."""

import mmap
import shutil
import struct
import subprocess
import sys
from pathlib import Path

from benchmarks.faults.predictors import make_predictors
from benchmarks.paths import ROOT
from benchmarks.rigs.noise_corpus import UNIT, make_noise_corpus
from benchmarks.rigs.stand_in import make_stand_in
from liveseq.runtime.folders import MODELS, TEXT_ENCODER

GENERATOR = "stand-in"
LOAD = 0.05
"""Share of a core that the generator takes."""
SECONDS = 12.0
"""Length of a recording of the corpus; there are eight, of four tags."""
SAMPLE_RATE = 48_000
_SET_CLOCK = """
import mmap, struct, time
from pathlib import Path
with Path(__file__).with_name("offset").open("rb") as file:
    offset = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)
def wall(now=time.time, read=struct.Struct("d").unpack_from):
    return now() + read(offset)[0]
time.time = wall
"""
"""Python reads this first in every process of a server."""


class Clock:
    """The wall clock of the servers of a home, and of nobody else on this machine."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(_SET_CLOCK)
        (folder / "offset").write_bytes(bytes(8))
        with (folder / "offset").open("r+b") as file:
            self._offset = mmap.mmap(file.fileno(), 8)
        self.environment = {"PYTHONPATH": str(folder)}

    @property
    def offset(self) -> float:
        """Seconds by which it is ahead of the machine's."""
        return float(struct.unpack_from("d", self._offset)[0])

    def set(self, seconds: float) -> None:
        """Put it so far ahead of the machine's."""
        struct.pack_into("d", self._offset, 0, seconds)

    def close(self) -> None:
        self._offset.close()


class Home:
    """A folder with all that servers need."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = (folder / "run_server.py",)
        self.corpus = folder / "noise.corpus"
        shutil.copytree(ROOT / "liveseq", folder / "liveseq")
        shutil.copy2(ROOT / "run_server.py", folder)
        models = folder / "models"
        models.mkdir()
        for name in ("predictor", TEXT_ENCODER):
            (models / name).symlink_to(MODELS / name)
        make_predictors(models)
        make_stand_in(models / GENERATOR, load=LOAD)
        make_noise_corpus(self.corpus, n_sources=8, units_per_source=round(SECONDS * SAMPLE_RATE / UNIT))
        self.clock = Clock(folder / "clock")
        listed = subprocess.run([sys.executable, *self.program, "--help"], capture_output=True, text=True)
        self.resumes = "--resume" in listed.stdout
        """Whether a server can take up where the last one was."""

    def close(self) -> None:
        self.clock.close()
