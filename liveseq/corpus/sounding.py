"""Units that are worth playing: recordings end in silence, and a sequence that follows them there ends too.

Pure. A tag of single hits (drums, plucks) is mostly decay. Unless the decays are left out, prediction and nearest
neighbour keep each other in them: a minute of it is one hit and fifty-nine seconds of its tail.
"""

import dataclasses

import numpy as np

from liveseq.corpus.units import ANY, UnitTable

SILENT_DB = 28.0
"""Decibels below a tag's loud units at which a unit is silent: never chosen, nor followed into."""
LIVELY_DB = 12.0
"""Decibels below a tag's loud units up to which a unit can open a phrase."""
_LOUD = 95.0
"""Percentile that counts as loud."""


def without_silence(units: UnitTable) -> UnitTable:
    """A table of the same units, of which only those that sound are under their tags, under ANY, and follow others.

    Where a natural successor is silent, the recording counts as ended. A tag of nothing but silence keeps its units.
    """
    tagged = np.zeros(units.n_units, dtype=bool)
    sounds = np.zeros(units.n_units, dtype=bool)
    tag_units = {}
    for tag in units.tags:
        members = units.tag_units[tag]
        tag_units[tag] = _within(units, members, SILENT_DB)
        tagged[members] = True
        sounds[tag_units[tag]] = True  # what sounds under one of its tags, sounds
    any_units = units.tag_units[ANY]
    untagged = any_units[~tagged[any_units]]
    sounds[_within(units, untagged, SILENT_DB)] = True
    tag_units[ANY] = np.flatnonzero(sounds)
    ends = (units.successor < 0) | ~sounds[np.maximum(units.successor, 0)]
    return dataclasses.replace(units, tag_units=tag_units, successor=np.where(ends, -1, units.successor))


def lively(units: UnitTable) -> dict[str, np.ndarray]:
    """Units with which a phrase may begin, per tag: int64 (n,), sorted indices."""
    return {tag: _within(units, members, LIVELY_DB) for tag, members in units.tag_units.items()}


def _within(units: UnitTable, members: np.ndarray, range_db: float) -> np.ndarray:
    loudness = units.loudness_db[members]
    return members[loudness >= np.percentile(loudness, _LOUD) - range_db] if len(members) else members
