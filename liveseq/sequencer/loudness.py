"""Recordings brought to one loudness, so that a jump between two is no jump in level. Pure."""

import numpy as np

from liveseq.corpus.units import UnitTable

RANGE_DB = 12.0
"""A recording is brought to the corpus's typical loudness, by at most this much."""
GATE_DB = 10.0
"""Units so far below the mean of their recording do not count for its loudness."""


def matching_gain(units: UnitTable) -> np.ndarray:
    """Linear gain per source that brings it to the median loudness of the corpus, float32 (n_sources,).

    One gain per source, not per unit: the dynamics inside a recording are part of its music.
    """
    power = np.power(10.0, units.loudness_db / 10.0)
    n_sources = len(units.source_names)
    level = _mean_db(units, power, np.ones(units.n_units), n_sources)
    # A recording is as loud as its loud parts: the gate of BS.1770, or hits would be judged by their silence.
    loud = units.loudness_db >= level[units.source] - GATE_DB
    loudness = _mean_db(units, power, loud.astype(float), n_sources)  # (n_sources,) dBFS
    change = np.clip(np.median(loudness) - loudness, -RANGE_DB, RANGE_DB)
    gain: np.ndarray = np.power(10.0, change / 20.0).astype(np.float32)
    return gain


def _mean_db(units: UnitTable, power: np.ndarray, weight: np.ndarray, n_sources: int) -> np.ndarray:
    """Mean power per source, dBFS, of the units that have weight."""
    samples = np.bincount(units.source, weights=weight * units.length, minlength=n_sources)
    energy = np.bincount(units.source, weights=weight * power * units.length, minlength=n_sources)
    level: np.ndarray = 10.0 * np.log10(np.maximum(energy / np.maximum(samples, 1.0), 1e-9))
    return level
