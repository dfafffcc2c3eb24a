"""A made-up UnitTable of any size, for benchmarks and tests of search and selection. No audio, no disk."""

import numpy as np

from liveseq.corpus.units import FEATURE_NAMES, UnitTable
from liveseq.dsp.descriptors import BASE_NAMES

_UNITS_PER_SOURCE = 200
_UNITS_PER_SHARD = 4_000


def synthetic_units(
    n_units: int, *, sample_rate: int, seed: int, n_tags: int = 10, hop_length: int = 1024, hops: int = 8
) -> UnitTable:
    """Units like those of a real corpus: clusters in descriptor space, neighbours in time alike, one tag per source."""
    rng = np.random.default_rng(seed)
    n_base, length = len(BASE_NAMES), hops * hop_length
    unit = np.arange(n_units)
    source = unit // _UNITS_PER_SOURCE
    n_sources = -(-n_units // _UNITS_PER_SOURCE)
    start = unit // _UNITS_PER_SHARD * _UNITS_PER_SHARD
    position = (unit - start) * length
    source_start = position - unit % _UNITS_PER_SOURCE * length
    source_units = np.minimum(_UNITS_PER_SOURCE, n_units - source * _UNITS_PER_SOURCE)
    clusters = rng.standard_normal((n_sources, 4, n_base), dtype=np.float32) * 2.0
    mean = clusters[source, unit % _UNITS_PER_SOURCE // (_UNITS_PER_SOURCE // 4)]
    mean += rng.standard_normal(mean.shape, dtype=np.float32)
    spread = np.abs(rng.standard_normal((n_units, len(FEATURE_NAMES) - n_base), dtype=np.float32))
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
        features=np.concatenate([mean, spread], axis=1),
        first=mean + np.float32(0.3) * rng.standard_normal(mean.shape, dtype=np.float32),
        last=mean + np.float32(0.3) * rng.standard_normal(mean.shape, dtype=np.float32),
        loudness_db=rng.uniform(-30.0, -12.0, n_units).astype(np.float32),
        tags=tuple(tag_units),
        tag_units=tag_units,
        source_names=tuple(f"source {i:05d}" for i in range(n_sources)),
    )
