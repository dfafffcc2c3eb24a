"""A made-up UnitTable of any size, for benchmarks and tests of search and selection. No audio, no disk."""

import numpy as np

from liveseq.corpus.units import ANY, FEATURE_NAMES, UnitTable
from liveseq.dsp.descriptors import BASE_NAMES

_UNITS_PER_SOURCE = 200
_UNITS_PER_SHARD = 4_000
_N_LATENT = 10
"""Degrees of freedom. The features of 195 real recordings (9,259 units of 2 hops) have an intrinsic dimension of 7.0
(Levina and Bickel, 10 neighbours) and 8.0 dimensions' worth of variance (participation ratio); these have 7.7 and 9.8.
"""


def synthetic_units(
    n_units: int, *, sample_rate: int, seed: int, n_tags: int = 10, hop_length: int = 1024, hops: int = 8
) -> UnitTable:
    """Units like those of a real corpus: clusters in descriptor space, neighbours in time alike, one tag per source."""
    rng = np.random.default_rng(seed)
    length = hops * hop_length
    unit = np.arange(n_units)
    source = unit // _UNITS_PER_SOURCE
    n_sources = -(-n_units // _UNITS_PER_SOURCE)
    start = unit // _UNITS_PER_SHARD * _UNITS_PER_SHARD
    position = (unit - start) * length
    source_start = position - unit % _UNITS_PER_SOURCE * length
    source_units = np.minimum(_UNITS_PER_SOURCE, n_units - source * _UNITS_PER_SOURCE)
    features, drift = _features(source, unit % _UNITS_PER_SOURCE, rng=rng)
    mean = features[:, : len(BASE_NAMES)]
    tag_of_source = np.arange(n_sources) % n_tags
    tag_units = {f"tag {i:02d}": np.flatnonzero(tag_of_source[source] == i) for i in range(min(n_tags, n_sources))}
    return UnitTable(
        sample_rate=sample_rate,
        hop_length=hop_length,
        source=source.astype(np.int32),
        shard=(unit // _UNITS_PER_SHARD).astype(np.int32),
        position=position,
        length=np.full(n_units, length),
        source_start=source_start,
        source_end=source_start + source_units * length,
        successor=np.where(unit % _UNITS_PER_SOURCE + 1 < source_units, unit + 1, -1),
        features=features,
        first=mean - drift,
        last=mean + drift,
        loudness_db=rng.uniform(-30.0, -12.0, n_units).astype(np.float32),
        onset=np.full(n_units, -1, dtype=np.int32),
        beat_period=np.zeros(n_units, dtype=np.float32),
        beat=np.zeros(n_units),
        tags=tuple(tag_units),
        tag_units={**tag_units, ANY: unit},
        source_names=tuple(f"source {i:05d}" for i in range(n_sources)),
    )


def _features(source: np.ndarray, step: np.ndarray, *, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Features (n_units, 34), and half of what the base descriptors move inside a unit (n_units, 17)."""
    # Each source visits four places of a latent space and varies around them.
    places = rng.standard_normal((int(source[-1]) + 1, 4, _N_LATENT), dtype=np.float32)
    latent = places[source, step * 4 // _UNITS_PER_SOURCE]
    latent += np.float32(0.5) * rng.standard_normal(latent.shape, dtype=np.float32)
    mix = rng.standard_normal((_N_LATENT, len(FEATURE_NAMES)), dtype=np.float32)
    features = latent @ mix
    features += np.float32(0.1) * rng.standard_normal(features.shape, dtype=np.float32)
    n_base = len(BASE_NAMES)
    features[:, n_base:] = np.abs(features[:, n_base:])
    drift = np.float32(0.3) * features[:, n_base:] * rng.standard_normal((len(features), 1), dtype=np.float32)
    return features, drift
