"""Units as arrays: a corpus as the sequencer reads it.

A UnitTable is an immutable picture of a corpus at one moment; an appended corpus gives a new, longer one in which every
earlier unit keeps its index.
"""

from dataclasses import dataclass

import numpy as np

from liveseq.dsp.descriptors import BASE_NAMES

FEATURE_NAMES: tuple[str, ...] = tuple(f"{name}_mean" for name in BASE_NAMES) + tuple(
    f"{name}_std" for name in BASE_NAMES
)
"""Search features of a unit: mean and spread of its frames, for each base descriptor, on the descriptor's own scale."""

ANY = "*"
"""Tag of every unit: not among UnitTable.tags, but a key of tag_units."""


@dataclass(frozen=True, eq=False)
class UnitFilter:
    """The units that may be chosen. Equal to itself alone.

    A search remembers what a filter leaves of each tag, so make one only when it changes.
    """

    mask: np.ndarray
    """bool (n_units,): True for a unit that may be chosen."""


@dataclass(frozen=True, kw_only=True)
class UnitTable:
    """All units of a corpus. Positions and lengths in samples at the corpus's rate."""

    sample_rate: int
    """Hz."""
    hop_length: int
    """Samples from one descriptor frame to the next."""
    source: np.ndarray
    """int32 (n_units,): index into source_names."""
    shard: np.ndarray
    """int32 (n_units,): number of the audio file that holds the unit."""
    position: np.ndarray
    """int64 (n_units,): first sample in the shard."""
    length: np.ndarray
    """int64 (n_units,): samples."""
    source_start: np.ndarray
    """int64 (n_units,): first sample of the unit's source in the shard."""
    source_end: np.ndarray
    """int64 (n_units,): one past the last sample of the unit's source in the shard."""
    successor: np.ndarray
    """int64 (n_units,): index of the unit that naturally follows; -1 at the end of a source."""
    features: np.ndarray
    """float32 (n_units, len(FEATURE_NAMES)): raw values, not z-scored."""
    first: np.ndarray
    """float32 (n_units, len(BASE_NAMES)): base descriptors of the first frame, for the join cost."""
    last: np.ndarray
    """float32 (n_units, len(BASE_NAMES)): base descriptors of the last frame."""
    loudness_db: np.ndarray
    """float32 (n_units,): mean power of the unit in dBFS."""
    onset: np.ndarray
    """int32 (n_units,): samples from the unit's start to its strongest attack; -1 where it has none."""
    beat_period: np.ndarray
    """float32 (n_units,): samples per beat of the unit's source; 0 where it has no steady beat."""
    beat: np.ndarray
    """float64 (n_units,): beats from the source's beat grid to the unit's start; a whole number is on the beat."""
    tags: tuple[str, ...]
    """Every tag of the corpus, sorted."""
    tag_units: dict[str, np.ndarray]
    """int64 (n,) sorted unit indices per tag; a unit may have several tags, or none. ANY holds all that sound."""
    source_names: tuple[str, ...]
    """Name of each source, retired ones included, in the order in which they were added."""

    @property
    def n_units(self) -> int:
        """Units of the corpus, retired ones included."""
        return int(self.source.shape[0])
