"""Sources of a corpus: recordings, and pieces that a generator made, with where they came from. Pure data."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from liveseq.dsp.beats import Beats
from liveseq.dsp.descriptors import DESCRIPTOR_NAMES
from liveseq.errors import CorpusError

KINDS = ("file", "generator", "demo", "input")
"""Origins of sources; input: recorded live."""
MAX_TAG_LENGTH = 200
"""Characters of the longest tag."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Origin of a source, so that it can be made again or not be added twice."""

    kind: str
    """One of KINDS."""
    path: str | None = None
    """Absolute path of the file when it was added. For people and for a second build; never opened by a player."""
    sha256: str | None = None
    """Digest of the file's bytes, in hex; of the samples where there was no file."""
    n_bytes: int | None = None
    """Size of the file."""
    modified_ns: int | None = None
    """Time of the file: while size and time are unchanged, a second build does not read it."""
    seed: int | None = None
    model: str | None = None
    """Name of the generator."""
    model_sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class NewSource:
    """A source that is to be added to a corpus."""

    name: str
    """Name for people; made distinct where another source has it already."""
    audio: np.ndarray
    """float32 (n_samples, 2) at the corpus's rate, finite."""
    frames: np.ndarray
    """float32 (1 + n_samples // hop_length, 43), columns DESCRIPTOR_NAMES."""
    bounds: np.ndarray
    """int64 (n_units + 1,): increasing, from 0 to n_samples; unit i is bounds[i] to bounds[i + 1]."""
    onsets: np.ndarray | None = None
    """int32 (n_units,): samples from a unit's start to its strongest attack, -1 for none. None: not looked for."""
    beats: Beats | None = None
    """Steady beat, if it has one; positions from the start of the source."""
    tags: tuple[str, ...] = ()
    provenance: Provenance = field(default_factory=lambda: Provenance(kind="file"))

    def check(self, *, hop_length: int) -> None:
        """Raises CorpusError if the parts do not fit together."""
        n_samples = len(self.audio)
        if self.audio.ndim != 2 or self.audio.shape[1] != 2 or n_samples == 0 or self.audio.dtype != np.float32:
            raise self._error("audio", "float32 (n_samples, 2)", f"{self.audio.dtype} {self.audio.shape}")
        expected = (1 + n_samples // hop_length, len(DESCRIPTOR_NAMES))
        if self.frames.shape != expected or self.frames.dtype != np.float32:
            raise self._error("frames", f"float32 {expected}", f"{self.frames.dtype} {self.frames.shape}")
        fits = len(self.bounds) >= 2 and self.bounds[0] == 0 and self.bounds[-1] == n_samples
        if not fits or np.any(np.diff(self.bounds) <= 0):
            raise self._error("unit bounds", f"increasing from 0 to {n_samples}", f"{self.bounds}")
        if self.onsets is not None:
            self._check_onsets(self.onsets)
        if self.beats is not None and not (0.0 < self.beats.period < np.inf and 0.0 <= self.beats.origin < np.inf):
            raise self._error("beats", "a period above 0 and an origin from 0 on", f"{self.beats}")
        if not np.isfinite(self.audio).all() or not np.isfinite(self.frames).all():
            raise self._error("audio and frames", "finite values", "NaN or infinity")
        if self.provenance.kind not in KINDS:
            raise self._error("kind", " or ".join(KINDS), self.provenance.kind)
        check_tags(self.tags)

    def _check_onsets(self, onsets: np.ndarray) -> None:
        lengths = np.diff(self.bounds)
        if onsets.shape != lengths.shape or onsets.dtype != np.int32:
            raise self._error("onsets", f"int32 {lengths.shape}", f"{onsets.dtype} {onsets.shape}")
        if np.any((onsets < -1) | (onsets >= lengths)):
            raise self._error("onsets", "-1, or from 0 to the unit's length", f"{onsets}")

    def _error(self, part: str, expected: str, found: str) -> CorpusError:
        return CorpusError(f"{self.name}: {part}: expected {expected}, found {found}; not added")


class Place(NamedTuple):
    """Where the arrays of a source lie in the data files, in rows. Fields as in Source."""

    shard: int
    start: int
    n_samples: int
    frame_start: int
    n_frames: int
    unit_start: int
    n_units: int


@dataclass(frozen=True, kw_only=True)
class Source:
    """A committed source. Its audio never moves."""

    id: int
    name: str
    tags: tuple[str, ...]
    shard: int
    start: int
    """First sample in the shard."""
    n_samples: int
    frame_start: int
    """First row in frames.f32."""
    n_frames: int
    unit_start: int
    """First row in descriptors.f32, and index of its first unit in a UnitTable."""
    n_units: int
    beats: Beats | None
    provenance: Provenance

    @property
    def place(self) -> Place:
        """Where its arrays lie."""
        return Place(*(getattr(self, name) for name in Place._fields))


def check_tags(tags: tuple[str, ...]) -> None:
    """Raises CorpusError for a tag that is blank or too long."""
    for tag in tags:
        if not tag.strip() or len(tag) > MAX_TAG_LENGTH:
            raise CorpusError(f"tag {tag[:40]!r}: expected 1 to {MAX_TAG_LENGTH} characters, found {len(tag)}")
