"""Nearest units under a tag: the one door to faiss.

One sub-index per tag, so that the tag is a choice of what is searched, never a filter on what was found. Exact up to
FLAT_LIMIT units under a tag, inverted lists (IVF-Flat) beyond. Everything runs in the thread that calls; building takes
seconds per million units and belongs outside the event loop. An index is never changed: a longer corpus gets a new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import faiss
import numpy as np

from liveseq.corpus.units import FEATURE_NAMES
from liveseq.dsp.descriptors import BASE_NAMES

FLAT_LIMIT = 50_000
"""Units under a tag that are searched exactly. A plan asks six times at once: 2 ms here, but 4 ms at 10^5, where the
whole plan may take 5. Lists take 0.5 ms there and find 99 % of the same units (benchmarks/search.py)."""
N_LISTS = 512
"""Twice as many from half a million units on."""
N_PROBES = 32
"""Lists that a query looks into."""
_TRAINING = 64
"""Vectors per list that k-means sees."""

MFCC_WEIGHT, LOUDNESS_WEIGHT, CENTROID_WEIGHT, FLATNESS_WEIGHT, F0_WEIGHT = 1.0, 1.5, 1.5, 1.2, 0.5
"""What the ear notices first weighs most. 13 MFCC count as many columns; f0 is right only where there is a pitch."""
SPREAD_WEIGHT = 0.5
"""Of a descriptor's spread inside the unit, against its mean."""
_WEIGHTS = {
    "loudness_db": LOUDNESS_WEIGHT,
    "log_centroid": CENTROID_WEIGHT,
    "flatness_db": FLATNESS_WEIGHT,
    "log_f0": F0_WEIGHT,
}
_BASE_WEIGHTS = np.array([_WEIGHTS.get(name, MFCC_WEIGHT) for name in BASE_NAMES], dtype=np.float32)
DEFAULT_WEIGHTS: np.ndarray = np.concatenate([_BASE_WEIGHTS, SPREAD_WEIGHT * _BASE_WEIGHTS])
"""float32, one per FEATURE_NAMES."""
_LEAST_STD = 1e-4
"""A feature that never moves carries nothing: it is only centred."""


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """From raw features to weighted standard scores, in which a distance of 1 is about one step for the ear."""

    mean: np.ndarray
    """float32 (n_features,)"""
    std: np.ndarray
    """float32 (n_features,), all above 0."""
    weights: np.ndarray
    """float32 (n_features,)"""

    @classmethod
    def of(cls, features: np.ndarray, *, weights: np.ndarray = DEFAULT_WEIGHTS) -> "Scaling":
        """Of a corpus: features float32 (n_units, n_features), raw. An empty corpus gives mean 0 and std 1."""
        if len(features) == 0:
            features = np.zeros((1, len(FEATURE_NAMES)), dtype=np.float32)
        mean = features.mean(axis=0, dtype=np.float64)
        std = features.std(axis=0, dtype=np.float64)
        std[std < _LEAST_STD] = 1.0
        return cls(mean=mean.astype(np.float32), std=std.astype(np.float32), weights=weights.astype(np.float32))

    def apply(self, features: np.ndarray) -> np.ndarray:
        """float32 (..., n_features) -> float32 of the same shape."""
        return np.asarray((features - self.mean) * (self.weights / self.std), dtype=np.float32)


class UnitIndex:
    """Nearest units of a corpus, per tag."""

    def __init__(self, features_z: np.ndarray, *, tag_units: dict[str, np.ndarray]) -> None:
        """features_z: float32 (n_units, d), what Scaling.apply gives. tag_units: sorted unit indices per tag."""
        faiss.omp_set_num_threads(1)  # a pool of threads would compete with the engine for its core
        self._features = np.ascontiguousarray(features_z, dtype=np.float32)
        self._parts = {tag: _Part(self._features, units) for tag, units in tag_units.items()}
        tagged = np.zeros(len(features_z), dtype=bool)
        for units in tag_units.values():
            tagged[units] = True
        self._untagged = _Part(self._features, np.flatnonzero(~tagged))

    def search(self, queries: np.ndarray, *, k: int, tags: Sequence[str] | None) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest units that have at least one of the tags; of all units where tags is None.

        queries: float32 (n, d). Returns distances float32 (n, k), Euclidean, ascending, and units int64 (n, k); where
        there are fewer than k, distance inf and unit -1. A tag that the corpus does not have has no units.
        """
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        names = self._parts if tags is None else dict.fromkeys(tag for tag in tags if tag in self._parts)
        parts = [self._parts[name] for name in names]
        if tags is None:
            parts.append(self._untagged)
        found = [part.search(queries, k) for part in parts if part.n_units]
        if len(found) == 1:
            squared, units = found[0]
        else:
            squared, units = _merge(found, n_queries=len(queries), k=k)
        return np.sqrt(np.maximum(squared, 0.0)), units


class _Part:
    """The units of one tag."""

    def __init__(self, features: np.ndarray, units: np.ndarray) -> None:
        self.n_units = len(units)
        self._units = units.astype(np.int64)
        if self.n_units:
            self._index = _build(features[units])

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Squared distances (n, k) and units (n, k), ascending, padded with inf and -1."""
        squared, labels = self._index.search(queries, k)
        missing = labels < 0
        squared[missing] = np.inf
        return squared, np.where(missing, -1, self._units[labels])


def _build(vectors: np.ndarray) -> faiss.Index:
    d = vectors.shape[1]
    if len(vectors) <= FLAT_LIMIT:
        flat = faiss.IndexFlatL2(d)
        flat.add(vectors)
        return flat
    n_lists = N_LISTS if len(vectors) < 500_000 else 2 * N_LISTS
    lists = faiss.IndexIVFFlat(faiss.IndexFlatL2(d), d, n_lists)
    lists.cp.niter = 10
    lists.cp.max_points_per_centroid = _TRAINING
    lists.nprobe = N_PROBES
    lists.train(vectors)
    lists.add(vectors)
    return lists


def _merge(found: list[tuple[np.ndarray, np.ndarray]], *, n_queries: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k best of several results, each unit once."""
    squared = np.full((n_queries, k), np.inf, dtype=np.float32)
    units = np.full((n_queries, k), -1, dtype=np.int64)
    if not found:
        return squared, units
    all_squared = np.concatenate([part[0] for part in found], axis=1)
    all_units = np.concatenate([part[1] for part in found], axis=1)
    order = np.argsort(all_squared, axis=1, kind="stable")
    for i in range(n_queries):  # a unit of two tags comes twice
        candidates = all_units[i, order[i]]
        _, once = np.unique(candidates, return_index=True)
        once = np.sort(once)
        once = once[candidates[once] >= 0][:k]
        units[i, : len(once)] = candidates[once]
        squared[i, : len(once)] = all_squared[i, order[i]][once]
    return squared, units
