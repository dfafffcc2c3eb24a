import numpy as np
import pytest

from liveseq.corpus import index as module
from liveseq.corpus.index import DEFAULT_WEIGHTS, Scaling, UnitIndex
from liveseq.corpus.synthetic import synthetic_units
from liveseq.corpus.units import FEATURE_NAMES


@pytest.fixture(scope="module")
def units():
    return synthetic_units(6_000, sample_rate=48_000, seed=1)


@pytest.fixture(scope="module")
def scaled(units):
    return Scaling.of(units.features).apply(units.features)


def nearest(scaled, queries, among, k):
    """Brute force in float64: distances (n, k) and units (n, k)."""
    distances = np.linalg.norm(scaled[among].astype(np.float64)[None] - queries.astype(np.float64)[:, None], axis=2)
    order = np.argsort(distances, axis=1)[:, :k]
    return np.take_along_axis(distances, order, axis=1), among[order]


@pytest.mark.parametrize("n_queries", [1, 16, 40])  # faiss computes few and many queries in different ways
@pytest.mark.parametrize("tags", [["tag 03"], ["tag 01", "tag 07"], None])
def test_search_equals_brute_force(units, scaled, rng, n_queries, tags):
    index = UnitIndex(scaled, tag_units=units.tag_units)
    queries = scaled[rng.integers(0, units.n_units, n_queries)] + rng.standard_normal((n_queries, 34)).astype(
        np.float32
    )
    among = np.arange(units.n_units) if tags is None else np.concatenate([units.tag_units[tag] for tag in tags])
    distances, found = index.search(queries, k=32, tags=tags)
    expected_distances, expected = nearest(scaled, queries, among, 32)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(distances, expected_distances, rtol=1e-4)
    assert (distances.dtype, found.dtype) == (np.float32, np.int64)


def test_a_unit_of_two_tags_is_found_once_and_untagged_ones_only_without_a_tag(rng):
    vectors = rng.standard_normal((10, 34)).astype(np.float32)
    index = UnitIndex(vectors, tag_units={"a": np.array([0, 1, 2]), "b": np.array([1, 2, 3, 4])})
    distances, found = index.search(vectors[:1], k=8, tags=["a", "b", "a"])
    assert sorted(found[0][:5]) == [0, 1, 2, 3, 4]
    assert found[0][0] == 0
    assert distances[0][0] == 0.0
    np.testing.assert_array_equal(found[0][5:], -1)
    np.testing.assert_array_equal(distances[0][5:], np.inf)
    assert sorted(index.search(vectors[:1], k=10, tags=None)[1][0]) == list(range(10))


def test_fewer_than_k_are_padded(rng):
    vectors = rng.standard_normal((3, 34)).astype(np.float32)
    index = UnitIndex(vectors, tag_units={"a": np.array([0, 2])})
    distances, found = index.search(vectors[:2], k=5, tags=["a"])
    np.testing.assert_array_equal(found[0], [0, 2, -1, -1, -1])
    assert np.isinf(distances[:, 2:]).all()
    for tags in (["unknown"], []):
        distances, found = index.search(vectors[:2], k=5, tags=tags)
        assert (found == -1).all()
        assert np.isinf(distances).all()


def test_an_empty_corpus_finds_nothing():
    index = UnitIndex(np.empty((0, 34), dtype=np.float32), tag_units={})
    assert (index.search(np.zeros((1, 34), dtype=np.float32), k=3, tags=None)[1] == -1).all()


def test_inverted_lists_find_nearly_all(units, scaled, rng, monkeypatch):
    monkeypatch.setattr(module, "FLAT_LIMIT", 500)  # what happens beyond 5e4 units; at 1e6 see benchmarks/search.py
    monkeypatch.setattr(module, "N_LISTS", 16)
    monkeypatch.setattr(module, "N_PROBES", 8)
    index = UnitIndex(scaled, tag_units=units.tag_units)
    queries = scaled[units.tag_units["tag 03"][::7]]
    _, found = index.search(queries, k=32, tags=["tag 03"])
    _, expected = nearest(scaled, queries, units.tag_units["tag 03"], 32)
    recall = np.mean([len(set(a) & set(b)) / 32 for a, b in zip(found, expected, strict=True)])
    assert 0.97 <= recall <= 1.0
    assert set(found.ravel()) <= set(units.tag_units["tag 03"])
    np.testing.assert_array_equal(found[:, 0], units.tag_units["tag 03"][::7])


def test_two_indices_of_the_same_units_agree(units, scaled, monkeypatch):
    monkeypatch.setattr(module, "FLAT_LIMIT", 500)
    monkeypatch.setattr(module, "N_LISTS", 16)
    one, two = (UnitIndex(scaled, tag_units=units.tag_units).search(scaled[:50], k=8, tags=None) for _ in range(2))
    np.testing.assert_array_equal(one[1], two[1])


def test_scaling_gives_weighted_standard_scores(units):
    scaled = Scaling.of(units.features).apply(units.features)
    np.testing.assert_allclose(scaled.mean(axis=0), 0.0, atol=1e-3)
    np.testing.assert_allclose(scaled.std(axis=0), DEFAULT_WEIGHTS, rtol=1e-3)
    weight = dict(zip(FEATURE_NAMES, DEFAULT_WEIGHTS, strict=True))
    assert weight["loudness_db_mean"] > weight["mfcc3_mean"] > weight["log_f0_mean"]
    assert weight["mfcc3_std"] == 0.5 * weight["mfcc3_mean"]


def test_a_feature_that_never_moves_stays_finite():
    features = np.full((5, 34), -100.0, dtype=np.float32)
    np.testing.assert_array_equal(Scaling.of(features).apply(features), 0.0)
    assert np.isfinite(Scaling.of(features[:0]).apply(features)).all()


def test_synthetic_units_are_consistent(units):
    assert units.n_units == 6_000
    follows = units.successor >= 0
    np.testing.assert_array_equal(units.position[units.successor[follows]], (units.position + units.length)[follows])
    np.testing.assert_array_equal(units.source[units.successor[follows]], units.source[follows])
    assert ((units.source_start <= units.position) & (units.position + units.length <= units.source_end)).all()
    np.testing.assert_array_equal(np.sort(np.concatenate(list(units.tag_units.values()))), np.arange(6_000))
    again = synthetic_units(6_000, sample_rate=48_000, seed=1)
    np.testing.assert_array_equal(again.features, units.features)
