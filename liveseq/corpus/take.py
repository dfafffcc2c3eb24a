"""Appends a take, or a piece of a generator, to a corpus: for live processes, so without librosa.

Not for the audio thread, nor for an event loop: ten seconds of sound take a tenth of a second to describe, then the
disk. Whatever reads the corpus meanwhile goes on, and sees the take with its next `units()`.
"""

import hashlib
from pathlib import Path

import numpy as np

from liveseq.corpus.describing import CorpusSettings, describe_source, new_source
from liveseq.corpus.segmentation import HOPS
from liveseq.corpus.source import Provenance, Source
from liveseq.corpus.store import Corpus
from liveseq.errors import CorpusError

QUIETEST = 1e-3
"""Linear amplitude that a take must reach (-60 dBFS): less counts as silence."""


def add_take(path: Path, audio: np.ndarray, *, name: str, tags: tuple[str, ...], sample_rate: int) -> Source:
    """Append a take to the corpus at `path`; when this returns, it is on the disk.

    audio: float32 (n_samples, 1 or 2); sample_rate in Hz: that of the corpus. It is cut at its beats in a corpus that
    is cut so, and at fixed hops elsewhere (looking for onsets needs librosa). Raises CorpusError for a take that is too
    short, silent or not finite, for a tag that is none, and for a disk that refuses; then nothing has changed.
    """
    with Corpus.open(path, writable=True, sample_rate=sample_rate) as corpus:
        _check(audio, name=name, shortest=HOPS * corpus.hop_length, sample_rate=sample_rate)
        samples = np.repeat(audio, 2, axis=1) if audio.shape[1] == 1 else np.ascontiguousarray(audio)
        provenance = Provenance(kind="input", sha256=hashlib.sha256(samples.data.cast("B")).hexdigest())
        return add_sound(corpus, samples, name=name, tags=tags, provenance=provenance)


def add_sound(
    corpus: Corpus, samples: np.ndarray, *, name: str, tags: tuple[str, ...], provenance: Provenance
) -> Source:
    """Describe and append a sound, float32 (n_samples, 2) at the corpus's rate, finite. Raises CorpusError."""
    segmentation = "beats" if corpus.segmentation == "beats" else "fixed"
    settings = CorpusSettings(sample_rate=corpus.sample_rate, hop_length=corpus.hop_length, segmentation=segmentation)
    source = new_source(samples, describe_source(samples, settings), name=name, tags=tags, provenance=provenance)
    return corpus.source(corpus.add(source))


def _check(audio: np.ndarray, *, name: str, shortest: int, sample_rate: int) -> None:
    if audio.ndim != 2 or audio.shape[1] not in (1, 2) or audio.dtype != np.float32:
        raise CorpusError(f"{name}: expected float32 (n_samples, 1 or 2), found {audio.dtype} {audio.shape}; not added")
    if len(audio) < shortest:
        expected, found = f"{shortest / sample_rate:.2f} s or more", f"{len(audio) / sample_rate:.2f} s"
        raise CorpusError(f"{name}: expected {expected} of sound, found {found}; record longer")
    if not np.isfinite(audio).all():
        raise CorpusError(f"{name}: has samples that are no numbers (NaN or infinity); look at the input; not added")
    if np.abs(audio).max() < QUIETEST:
        raise CorpusError(f"{name}: is silent; is the right input connected, and its level up? not added")
