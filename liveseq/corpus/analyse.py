"""Analysis of one sound, from wherever it is to samples, frames and unit bounds: the work of a build's processes."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from liveseq.corpus.append import append
from liveseq.corpus.describing import CorpusSettings, Description, describe_source
from liveseq.corpus.source import Provenance
from liveseq.corpus.store import Corpus
from liveseq.dsp.files import load_audio, resample
from liveseq.errors import LiveseqError
from liveseq.processes import when_orphaned


class Origin(Protocol):
    """Origin of a sound that is to be added. Small: it travels to another process."""

    def load(self, *, sample_rate: int, notes: list[str]) -> np.ndarray:
        """Samples at a rate in Hz: float32 (n_samples, 2), finite. Raises LiveseqError where it cannot be had.

        notes: gets a sentence for each thing that is wrong with it and could be helped.
        """


@dataclass(frozen=True)
class FromFile:
    """A sound file."""

    path: Path

    def load(self, *, sample_rate: int, notes: list[str]) -> np.ndarray:
        """Samples at a rate in Hz: float32 (n_samples, 2). Raises AudioFileError."""
        return load_audio(self.path, sample_rate=sample_rate, notes=notes)


@dataclass(frozen=True)
class FromDemo:
    """A piece of the demo corpus, composed where it is described."""

    tag: str
    piece: str
    seed: int

    def load(self, *, sample_rate: int, notes: list[str]) -> np.ndarray:
        """Samples at a rate in Hz: float32 (n_samples, 2)."""
        from liveseq.demo.pieces import compose_piece  # scipy.signal: half a second that no other origin needs

        return compose_piece(self.tag, self.piece, sample_rate=sample_rate, seed=self.seed).audio


@dataclass(frozen=True)
class FromCorpus:
    """A source of another corpus."""

    path: Path
    source_id: int

    def load(self, *, sample_rate: int, notes: list[str]) -> np.ndarray:
        """Samples at a rate in Hz: float32 (n_samples, 2). Raises CorpusError."""
        with Corpus.open(self.path) as corpus:
            audio = corpus.audio(self.source_id)
            return resample(audio, sample_rate=corpus.sample_rate, to_rate=sample_rate)


@dataclass(frozen=True, kw_only=True)
class Addition:
    """A source that is to be added."""

    origin: Origin
    name: str
    tags: tuple[str, ...]
    provenance: Provenance
    replaces: int | None = None
    """Id of the source that this is a newer version of."""
    size: int = 1
    """Share of the progress bar, in whatever it counts."""


@dataclass(frozen=True)
class Analysed:
    """Answer of a worker; the samples lie in a scratch file, so that they go through no pipe."""

    audio: Path
    """File of float32, stereo."""
    n_samples: int
    description: Description
    notes: tuple[str, ...]
    """Sentences on what was wrong with it and could be helped."""


@dataclass(frozen=True)
class Refused:
    """Answer of a worker about a sound that cannot be used."""

    reason: str
    """One sentence that names the sound."""


def analyse(addition: Addition, settings: CorpusSettings, scratch: Path) -> Analysed | Refused:
    """Load and describe a sound, in a worker. Whatever is wrong with it is an answer, never the end of the build.

    scratch: file that the samples are written to.
    """
    notes: list[str] = []
    try:
        audio = addition.origin.load(sample_rate=settings.sample_rate, notes=notes)
        description = describe_source(audio, settings)
    except LiveseqError as error:
        return Refused(str(error))
    except (OSError, MemoryError) as error:
        return Refused(f"{addition.name}: cannot be read ({str(error) or 'not enough memory'})")
    append(scratch, np.ascontiguousarray(audio, dtype="<f4"), offset=0)  # music may play beside it
    return Analysed(scratch, len(audio), description, tuple(notes))


def start_worker() -> None:
    """Initialiser of a worker process: leaves Ctrl-C to the parent, and never outlives it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    when_orphaned(lambda: os._exit(1))  # the pool's queue would keep an orphan waiting for ever
