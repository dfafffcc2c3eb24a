"""Conditions of a network beside the features: the meaning of the recording's tag, and the place of a step in the beat.

A row is E numbers of the text encoder's vector, then sine and cosine of the beat and 1; zeros where there is no tag, or
no beat. The sequencer gives the same while it plays (runtime.predictor.Condition).
"""

from collections.abc import Mapping

import numpy as np

from liveseq.runtime.predictor import N_PHASE

TagVectors = Mapping[str, np.ndarray]
"""Unit vectors of tags, float32 (E,), by the group of a recording; a group that is missing counts as no tag."""


def tag_size(tags: TagVectors) -> int:
    """Numbers of a tag's vector, E; 0 where no tag has one."""
    return next((len(vector) for vector in tags.values()), 0)


def condition(hops: np.ndarray, *, group: str, beat_period: float, beat_origin: float, tags: TagVectors) -> np.ndarray:
    """Conditions of steps, float32 (n, E + 3). hops: the beginning of each, in hops from the recording's start (n,)."""
    size = tag_size(tags)
    rows = np.zeros((len(hops), size + N_PHASE), dtype=np.float32)
    if group in tags:
        rows[:, :size] = tags[group]
    rows[:, size:] = phase(hops, period=beat_period, origin=beat_origin)
    return rows


def phase(hops: np.ndarray, *, period: float, origin: float) -> np.ndarray:
    """Sine and cosine of the place in the beat, and 1: float32 (n, 3).

    hops: (n,); period and origin in hops; period 0 is no beat, and gives zeros.
    """
    if period <= 0.0:
        return np.zeros((len(hops), N_PHASE), dtype=np.float32)
    angle = 2.0 * np.pi * (np.asarray(hops, dtype=np.float64) - origin) / period
    return np.stack((np.sin(angle), np.cos(angle), np.ones(len(angle))), axis=1).astype(np.float32)
