"""Nearest units under a tag and a filter, by distances whose weights come with the query: the one door to faiss.

Each unit is stored once, as [z, z*z]: a weighted Euclidean distance is then an inner product with [2 w^2 q, -w^2], so
that any weights are exact and none is built in. Tags and filters choose what is searched, never what is left of the
result: a set of up to FLAT_LIMIT units is searched whole, a larger one by inverted lists (IVF-Flat, whose lists are
chosen by the weighted distance of their centres). Everything runs in the thread that calls; building takes seconds per
million units and belongs outside the event loop. An index never changes: a longer corpus gets a new one, which shares
what it can.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from weakref import WeakKeyDictionary

import faiss
import numpy as np

from liveseq.corpus.units import FEATURE_NAMES, UnitFilter
from liveseq.dsp.descriptors import BASE_NAMES

FLAT_LIMIT = 20_000
"""Units under a tag and filter that are searched whole: 10 us per 10^3 and query, and a plan asks six times at once.
More are searched by lists, for what 12,000 cost: at 10^5 they find 998 of 1,000 (benchmarks/choice/search.py), and a
plan that went through all of them would take twice the 5 ms it has."""
N_LISTS = 1024
"""Inverted lists of a corpus that has them, at most."""
LEAST_SCANNED = 8_000
"""Units at least that a query of lists compares with; a thirty-second of the set where that is more."""
_TRAINING = 32
"""Vectors per list that k-means sees."""
_LEAST_PER_LIST = 100  # so that a query has few lists to look into, also where the corpus is just past the limit
_AT_ONCE = 65_536  # vectors that are put into lists: memory stays flat

MFCC_WEIGHT, LOUDNESS_WEIGHT, CENTROID_WEIGHT, FLATNESS_WEIGHT, F0_WEIGHT = 1.0, 1.5, 1.5, 1.2, 0.5
"""Weights of descriptors: the ear notices first what weighs most. 13 MFCC count as many columns; f0 is right only where
there is a pitch."""
SPREAD_WEIGHT = 0.5
"""Weight of a descriptor's spread inside the unit, against its mean."""
_WEIGHTS = {
    "loudness_db": LOUDNESS_WEIGHT,
    "log_centroid": CENTROID_WEIGHT,
    "flatness_db": FLATNESS_WEIGHT,
    "log_f0": F0_WEIGHT,
}
_BASE_WEIGHTS = np.array([_WEIGHTS.get(name, MFCC_WEIGHT) for name in BASE_NAMES], dtype=np.float32)
DEFAULT_WEIGHTS: np.ndarray = np.concatenate([_BASE_WEIGHTS, SPREAD_WEIGHT * _BASE_WEIGHTS])
"""Weights of a search, float32 (n_features,), columns FEATURE_NAMES."""
_LEAST_STD = 1e-4
"""Least standard deviation: a feature that never moves carries nothing, and is only centred."""


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """Scaling of raw features to standard scores."""

    mean: np.ndarray
    """float32 (n_features,)"""
    std: np.ndarray
    """float32 (n_features,), all above 0."""

    @classmethod
    def of(cls, features: np.ndarray) -> Self:
        """The scaling of a corpus.

        features: float32 (n_units, n_features), raw. An empty corpus gives mean 0 and std 1.
        """
        if len(features) == 0:
            features = np.zeros((1, len(FEATURE_NAMES)), dtype=np.float32)
        mean = features.mean(axis=0, dtype=np.float64)
        std = features.std(axis=0, dtype=np.float64)
        std[std < _LEAST_STD] = 1.0
        return cls(mean=mean.astype(np.float32), std=std.astype(np.float32))

    def apply(self, features: np.ndarray) -> np.ndarray:
        """Standard scores of raw features: float32 (..., n_features) -> float32 (..., n_features)."""
        return np.asarray((features - self.mean) / self.std, dtype=np.float32)


class UnitIndex:
    """Nearest units of a corpus. Searched by one thread at a time; `grown` may run in another meanwhile."""

    def __init__(self, features_z: np.ndarray, *, tag_units: dict[str, np.ndarray]) -> None:
        """features_z: float32 (n_units, d), what Scaling.apply gives. tag_units: sorted unit indices per tag."""
        faiss.omp_set_num_threads(1)  # a pool of threads would compete with the engine for its core
        n_units = len(features_z)
        lists = _Lists.of(features_z) if n_units > FLAT_LIMIT else None
        order = np.arange(n_units) if lists is None else np.argsort(lists.of_row, kind="stable")
        self._lists = lists and _Lists(lists.centres, lists.of_row[order], n_units)  # a list is read in one go
        self._rows = _Rows.of(features_z[order])
        self._unit = order.astype(np.int32)
        self._use(tag_units)

    @property
    def n_bytes(self) -> int:
        """Memory of the index, but for the features and tags that it was made of."""
        sets = sum(members.rows.nbytes for members in self._sets.values())
        lists = 0 if self._lists is None else self._lists.of_row.nbytes + self._lists.centres.nbytes
        return 2 * self._rows.z.size * self._rows.z.itemsize + self._unit.nbytes + self._row.nbytes + sets + lists

    def grown(self, features_z: np.ndarray, *, tag_units: dict[str, np.ndarray]) -> "UnitIndex":
        """An index of a longer corpus, whose first units are those of this one, with the same features.

        features_z: float32 (n_units, d), all of them, by the scaling of this one. Only what is new is added, and put
        into the lists there are; they are made again once the corpus has doubled.
        """
        n_before = self._rows.n
        if self._lists is None or len(features_z) > 2 * self._lists.n_trained:
            return UnitIndex(features_z, tag_units=tag_units)
        longer = object.__new__(UnitIndex)
        longer._rows = self._rows.extended(features_z[n_before:])
        longer._lists = self._lists.extended(features_z[n_before:])
        longer._unit = np.concatenate([self._unit, np.arange(n_before, len(features_z), dtype=np.int32)])
        longer._use(tag_units)
        return longer

    def search(
        self,
        queries_z: np.ndarray,
        *,
        weights: np.ndarray,
        k: int,
        tags: Sequence[str],
        allowed: UnitFilter | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest units that have at least one of the tags and are allowed.

        queries_z: float32 (n, d). weights: float32 (d,), at least 0: a distance is sqrt(sum((weights * (x - q))^2)).
        tags: [ANY] for all units that sound; a tag that the corpus does not have has no units. allowed: None for all.
        Returns distances float32 (n, k), ascending, and units int64 (n, k); where there are fewer than k, distance inf
        and unit -1. The first search with a filter takes longer than the next.
        """
        queries_z = np.ascontiguousarray(queries_z, dtype=np.float32)
        chosen = self._set(tuple(tags), allowed)
        if not len(chosen.rows):
            nothing = (len(queries_z), k)
            return np.full(nothing, np.inf, dtype=np.float32), np.full(nothing, -1, dtype=np.int64)
        squared = np.square(weights, dtype=np.float32)  # (d,)
        products = np.concatenate([2.0 * squared * queries_z, np.broadcast_to(-squared, queries_z.shape)], axis=1)
        if self._lists is None or not chosen.by_list:
            rows = self._rows.nearest(products, chosen.rows, k=k)
        else:
            nearness = self._lists.nearness(queries_z, squared)  # (n, n_lists)
            near = [chosen.near(order) for order in np.argsort(nearness, axis=1)]
            one_by_one = zip(products, near, strict=True)
            rows = np.concatenate([self._rows.nearest(product[None], some, k=k) for product, some in one_by_one])
        return self._sorted(rows, queries_z, weights)

    def _sorted(self, rows: np.ndarray, queries_z: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distances and units of rows, the nearest first. By differences: the inner products lose what is small."""
        apart = (self._rows.z[np.maximum(rows, 0)] - queries_z[:, None]) * weights  # (n, k, d)
        distances = np.sqrt(np.einsum("nkd,nkd->nk", apart, apart), dtype=np.float32)
        distances[rows < 0] = np.inf
        order = np.argsort(distances, axis=1, kind="stable")
        rows = np.take_along_axis(rows, order, axis=1)
        units = np.where(rows < 0, -1, self._unit[rows]).astype(np.int64)
        return np.take_along_axis(distances, order, axis=1), units

    def _use(self, tag_units: dict[str, np.ndarray]) -> None:
        self._row = np.empty_like(self._unit)
        self._row[self._unit] = np.arange(len(self._unit), dtype=np.int32)
        self._tag_units = tag_units
        self._sets: dict[tuple[str, ...], _Set] = {}
        for tag in tag_units:
            self._set((tag,), None)
        self._filtered: WeakKeyDictionary[UnitFilter, dict[tuple[str, ...], _Set]] = WeakKeyDictionary()

    def _set(self, tags: tuple[str, ...], allowed: UnitFilter | None) -> "_Set":
        """Units of any of the tags, among the allowed; remembered."""
        known = self._sets if allowed is None else self._filtered.setdefault(allowed, {})
        if tags not in known:
            found = [self._tag_units[tag] for tag in dict.fromkeys(tags) if tag in self._tag_units]
            units = np.unique(np.concatenate(found)) if len(found) > 1 else [*found, np.empty(0, dtype=np.int64)][0]
            rows = np.sort(self._row[units if allowed is None else units[allowed.mask[units]]])
            known[tags] = _Set(rows, self._lists)
        return known[tags]


class _Rows:
    """Vectors [z, z*z] of the units, float32 (n, 2d), in a buffer with room behind it that a longer index may fill."""

    def __init__(self, buffer: np.ndarray, n: int) -> None:
        self._buffer, self.n = buffer, n
        self.z = buffer[:n, : buffer.shape[1] // 2]
        self._extended = False

    @classmethod
    def of(cls, z: np.ndarray) -> "_Rows":
        empty = cls(np.empty((len(z) + len(z) // 4 + 4_096, 2 * z.shape[1]), dtype=np.float32), 0)
        return empty.extended(z)

    def extended(self, z: np.ndarray) -> "_Rows":
        """These and more units behind them. The room behind is given away once; who comes later copies."""
        n, end, d = self.n, self.n + len(z), z.shape[1]
        buffer = self._buffer
        if self._extended or end > len(buffer):  # what is not yet written takes no memory
            buffer = np.empty((end + end // 4 + 4_096, 2 * d), dtype=np.float32)
            buffer[:n] = self._buffer[:n]
        else:
            self._extended = True
        buffer[n:end, :d] = z
        np.square(z, out=buffer[n:end, d:])
        return _Rows(buffer, end)

    def nearest(self, products: np.ndarray, some: np.ndarray, *, k: int) -> np.ndarray:
        """The k of `some` rows (int64) with the greatest inner products: int64 (n, k), -1 beyond."""
        products = np.ascontiguousarray(products)
        found = np.full((len(products), k), -1, dtype=np.int64)
        values = np.empty((len(products), k), dtype=np.float32)
        pointer = faiss.swig_ptr
        faiss.knn_inner_products_by_idx(  # type: ignore[attr-defined]  # missing in the stubs
            pointer(products), pointer(self._buffer), pointer(some), products.shape[1], len(products), self.n,
            len(some), k, pointer(values), pointer(found), 0,
        )  # fmt: skip
        return found


@dataclass(frozen=True)
class _Lists:
    """Inverted lists: their centres, and the list of each row."""

    centres: np.ndarray
    """float32 (n_lists, d), in standard scores."""
    of_row: np.ndarray
    """int16 (n,)"""
    n_trained: int

    @classmethod
    def of(cls, z: np.ndarray) -> "_Lists":
        """Lists of units by k-means under the default weights. z: float32 (n, d)."""
        rng = np.random.default_rng(1)
        some = z[rng.permutation(len(z))[: _TRAINING * N_LISTS]]
        n_lists = min(N_LISTS, len(z) // _LEAST_PER_LIST)
        kmeans = faiss.Kmeans(z.shape[1], n_lists, niter=10, min_points_per_centroid=1, seed=1)
        kmeans.train(some * DEFAULT_WEIGHTS)
        empty = cls(kmeans.centroids / DEFAULT_WEIGHTS, np.empty(0, dtype=np.int16), len(z))
        return empty.extended(z)

    def extended(self, z: np.ndarray) -> "_Lists":
        """The same lists with more units, each in the nearest. z: float32 (n, d)."""
        centres = self.centres * DEFAULT_WEIGHTS
        of_row = [self.of_row]
        for start in range(0, len(z), _AT_ONCE):
            _, nearest = faiss.knn(z[start : start + _AT_ONCE] * DEFAULT_WEIGHTS, centres, 1)
            of_row.append(nearest[:, 0].astype(np.int16))
        return _Lists(self.centres, np.concatenate(of_row), self.n_trained)

    def nearness(self, queries_z: np.ndarray, squared: np.ndarray) -> np.ndarray:
        """Squared distance of each list to each query but for a constant: (n, n_lists), for ordering them."""
        return np.asarray((self.centres**2) @ squared - 2.0 * (queries_z * squared) @ self.centres.T)


class _Set:
    """Rows to search among, list by list where they are many."""

    def __init__(self, rows: np.ndarray, lists: _Lists | None) -> None:
        """rows: sorted."""
        self.rows = rows.astype(np.int64)
        self.by_list = lists is not None and len(rows) > FLAT_LIMIT
        if lists is not None and self.by_list:
            of_row = lists.of_row[rows]
            self.rows = self.rows[np.argsort(of_row, kind="stable")]
            self._sizes = np.bincount(of_row, minlength=len(lists.centres))
            self._ends = np.cumsum(self._sizes)
            self._least = max(LEAST_SCANNED, len(rows) // 32)

    def near(self, order: np.ndarray) -> np.ndarray:
        """Rows of the first lists of `order` (n_lists,), as many as a query compares with."""
        n_lists = 1 + int(np.searchsorted(np.cumsum(self._sizes[order]), self._least))
        ends = self._ends[order[:n_lists]]
        starts = ends - self._sizes[order[:n_lists]]
        parts = [self.rows[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        return np.concatenate(parts)
