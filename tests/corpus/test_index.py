import threading

import faiss
import numpy as np
import pytest

from liveseq.corpus import index as module
from liveseq.corpus.index import DEFAULT_WEIGHTS, Scaling, UnitIndex
from liveseq.corpus.synthetic import synthetic_units
from liveseq.corpus.units import ANY, FEATURE_NAMES, UnitFilter

D = len(FEATURE_NAMES)
EVEN = np.ones(D, dtype=np.float32)


@pytest.fixture(scope="module")
def units():
    return synthetic_units(6_000, sample_rate=48_000, seed=1)


@pytest.fixture(scope="module")
def scaled(units):
    return Scaling.of(units.features).apply(units.features)


@pytest.fixture
def by_lists(monkeypatch):
    """What happens beyond 2e4 units happens beyond 500; at 1e6 see benchmarks/choice/search.py."""
    monkeypatch.setattr(module, "FLAT_LIMIT", 500)
    monkeypatch.setattr(module, "N_LISTS", 16)
    monkeypatch.setattr(module, "LEAST_SCANNED", 2_500)


def nearest(scaled, queries, among, k, weights=EVEN):
    """Brute force in float64: distances (n, k) and units (n, k)."""
    apart = (scaled[among].astype(np.float64)[None] - queries.astype(np.float64)[:, None]) * weights
    distances = np.linalg.norm(apart, axis=2)
    order = np.argsort(distances, axis=1)[:, :k]
    return np.take_along_axis(distances, order, axis=1), among[order]


def near(scaled, rng, n):
    """Queries beside n units of the corpus."""
    moved = scaled[rng.integers(0, len(scaled), n)] + 0.5 * rng.standard_normal((n, D))
    return moved.astype(np.float32)


def any_weights(rng):
    weights = rng.uniform(0.0, 3.0, D).astype(np.float32)
    weights[rng.integers(0, D, 5)] = 0.0
    return weights


@pytest.mark.parametrize("n_queries", [1, 16, 40])
@pytest.mark.parametrize("tags", [["tag 03"], ["tag 01", "tag 07"], [ANY]])
def test_search_equals_brute_force_for_any_weights(units, scaled, rng, n_queries, tags):
    index = UnitIndex(scaled, tag_units=units.tag_units)
    queries, weights = near(scaled, rng, n_queries), any_weights(rng)
    among = np.concatenate([units.tag_units[tag] for tag in tags])
    distances, found = index.search(queries, weights=weights, k=32, tags=tags)
    expected_distances, expected = nearest(scaled, queries, among, 32, weights)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(distances, expected_distances, rtol=1e-5)
    assert (distances.dtype, found.dtype) == (np.float32, np.int64)


def test_search_equals_faiss_over_vectors_that_carry_the_weights(units, scaled, rng):
    index, queries, weights = UnitIndex(scaled, tag_units=units.tag_units), near(scaled, rng, 25), any_weights(rng)
    flat = faiss.IndexFlatL2(D)
    flat.add(scaled * weights)
    squared, expected = flat.search(queries * weights, 20)
    distances, found = index.search(queries, weights=weights, k=20, tags=[ANY])
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(distances**2, squared, rtol=1e-3, atol=1e-3)


def test_a_filter_acts_inside_the_search(units, scaled, rng):
    index, queries = UnitIndex(scaled, tag_units=units.tag_units), near(scaled, rng, 8)
    for share, tags in ((0.1, ["tag 02"]), (0.01, [ANY]), (0.5, ["tag 01", "tag 07"])):
        allowed = UnitFilter(rng.random(units.n_units) < share)
        among = np.concatenate([units.tag_units[tag] for tag in tags])
        among = among[allowed.mask[among]]
        for _ in range(2):  # the second search uses what the first one found out about the filter
            _, found = index.search(queries, weights=EVEN, k=16, tags=tags, allowed=allowed)
            np.testing.assert_array_equal(found[:, : len(among)], nearest(scaled, queries, among, 16)[1])


def test_a_filter_that_leaves_nothing_finds_nothing(units, scaled):
    index = UnitIndex(scaled, tag_units=units.tag_units)
    allowed = UnitFilter(np.zeros(units.n_units, dtype=bool))
    distances, found = index.search(scaled[:3], weights=EVEN, k=4, tags=[ANY], allowed=allowed)
    assert found.shape == (3, 4)
    assert (found == -1).all()
    assert np.isinf(distances).all()


def test_filters_are_forgotten_with_their_last_user(units, scaled):
    index = UnitIndex(scaled, tag_units=units.tag_units)
    for _ in range(3):
        allowed = UnitFilter(np.ones(units.n_units, dtype=bool))
        index.search(scaled[:1], weights=EVEN, k=1, tags=[ANY], allowed=allowed)
    assert len(index._filtered) == 1


def test_a_unit_of_two_tags_is_found_once(rng):
    vectors = rng.standard_normal((10, D)).astype(np.float32)
    index = UnitIndex(vectors, tag_units={"a": np.array([0, 1, 2]), "b": np.array([1, 2, 3, 4])})
    distances, found = index.search(vectors[:1], weights=EVEN, k=8, tags=["a", "b", "a"])
    assert sorted(found[0][:5]) == [0, 1, 2, 3, 4]
    assert found[0][0] == 0
    assert distances[0][0] == 0.0
    np.testing.assert_array_equal(found[0][5:], -1)
    np.testing.assert_array_equal(distances[0][5:], np.inf)


def test_fewer_than_k_are_padded(rng):
    vectors = rng.standard_normal((3, D)).astype(np.float32)
    index = UnitIndex(vectors, tag_units={"a": np.array([0, 2])})
    distances, found = index.search(vectors[:2], weights=EVEN, k=5, tags=["a"])
    np.testing.assert_array_equal(found[0], [0, 2, -1, -1, -1])
    assert np.isinf(distances[:, 2:]).all()
    for tags in (["unknown"], []):
        distances, found = index.search(vectors[:2], weights=EVEN, k=5, tags=tags)
        assert (found == -1).all()
        assert np.isinf(distances).all()


def test_an_empty_corpus_finds_nothing():
    index = UnitIndex(np.empty((0, D), dtype=np.float32), tag_units={ANY: np.empty(0, dtype=np.int64)})
    queries = np.zeros((1, D), dtype=np.float32)
    assert (index.search(queries, weights=EVEN, k=3, tags=[ANY])[1] == -1).all()


def test_near_units_keep_their_distance_also_far_from_the_mean(rng):
    vectors = (1e3 + 1e-2 * rng.standard_normal((4, D))).astype(np.float32)  # where inner products lose it
    index = UnitIndex(vectors, tag_units={ANY: np.arange(4)})
    distances, found = index.search(vectors[:1], weights=EVEN, k=4, tags=[ANY])
    np.testing.assert_allclose(distances, nearest(vectors, vectors[:1], np.arange(4), 4)[0], rtol=1e-5)
    assert found[0][0] == 0


@pytest.mark.parametrize("weights", [EVEN, DEFAULT_WEIGHTS])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_lists_find_nearly_all(units, scaled, rng, by_lists, weights, share):
    index = UnitIndex(scaled, tag_units=units.tag_units)
    allowed = UnitFilter(rng.random(units.n_units) < share)
    among = np.flatnonzero(allowed.mask)
    queries = scaled[among[::17]]
    _, found = index.search(queries, weights=weights, k=32, tags=[ANY], allowed=allowed)
    _, expected = nearest(scaled, queries, among, 32, weights)
    recall = np.mean([len(set(a) & set(b)) / 32 for a, b in zip(found, expected, strict=True)])
    assert 0.95 <= recall <= 1.0
    assert set(found.ravel()) <= set(among)
    assert np.mean(found[:, 0] == among[::17]) > 0.98


def test_two_indices_of_the_same_units_agree(units, scaled, by_lists):
    one, two = (
        UnitIndex(scaled, tag_units=units.tag_units).search(scaled[:50], weights=EVEN, k=8, tags=[ANY])[1]
        for _ in range(2)
    )
    np.testing.assert_array_equal(one, two)


def first_units(units, n):
    return {tag: members[members < n] for tag, members in units.tag_units.items()}


@pytest.mark.parametrize("lists", [False, True])
def test_a_grown_index_finds_what_is_new_and_the_old_one_goes_on(units, scaled, request, rng, lists):
    if lists:
        request.getfixturevalue("by_lists")
    start = UnitIndex(scaled[:5_000], tag_units=first_units(units, 5_000))
    before = start.search(scaled[:20], weights=EVEN, k=8, tags=[ANY])[1]
    index = start
    for n in (5_100, 5_900, 6_000):
        index = index.grown(scaled[:n], tag_units=first_units(units, n))
    another = start.grown(np.concatenate([scaled[:5_000], scaled[:7]]), tag_units={ANY: np.arange(5_007)})
    np.testing.assert_array_equal(start.search(scaled[:20], weights=EVEN, k=8, tags=[ANY])[1], before)
    new = np.arange(5_000, 6_000, 7)
    assert np.mean(index.search(scaled[new], weights=EVEN, k=1, tags=[ANY])[1][:, 0] == new) > 0.98
    np.testing.assert_allclose(another.search(scaled[:7], weights=EVEN, k=2, tags=[ANY])[0], 0.0)
    if not lists:
        queries = near(scaled, rng, 5)
        found = index.search(queries, weights=EVEN, k=16, tags=["tag 03"])[1]
        np.testing.assert_array_equal(found, nearest(scaled, queries, units.tag_units["tag 03"], 16)[1])


def test_searches_go_on_unchanged_while_another_thread_grows_the_index(units, scaled, by_lists):
    index = UnitIndex(scaled[:5_000], tag_units=first_units(units, 5_000))
    expected = index.search(scaled[:30], weights=EVEN, k=8, tags=[ANY])[1]
    grown = [index]

    def grow():
        for n in range(5_010, 6_001, 10):
            grown.append(grown[-1].grown(scaled[:n], tag_units=first_units(units, n)))

    grower = threading.Thread(target=grow)
    grower.start()
    while grower.is_alive():
        np.testing.assert_array_equal(index.search(scaled[:30], weights=EVEN, k=8, tags=[ANY])[1], expected)
    grower.join()
    assert len(grown) == 101
    found = grown[-1].search(scaled[5_900:], weights=EVEN, k=1, tags=[ANY])[1]
    assert np.mean(found[:, 0] == np.arange(5_900, 6_000)) > 0.98


def test_a_corpus_that_grows_past_the_limit_gets_lists(units, scaled, by_lists):
    index = UnitIndex(scaled[:400], tag_units=first_units(units, 400)).grown(scaled, tag_units=units.tag_units)
    found = index.search(scaled[::100], weights=EVEN, k=1, tags=[ANY])[1]
    assert np.mean(found[:, 0] == np.arange(0, 6_000, 100)) > 0.98


def test_scaling_gives_standard_scores(units, scaled):
    np.testing.assert_allclose(scaled.mean(axis=0), 0.0, atol=1e-3)
    np.testing.assert_allclose(scaled.std(axis=0), 1.0, rtol=1e-3)


def test_what_the_ear_notices_first_weighs_most():
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
    np.testing.assert_array_equal(np.sort(np.concatenate([units.tag_units[t] for t in units.tags])), np.arange(6_000))
    again = synthetic_units(6_000, sample_rate=48_000, seed=1)
    np.testing.assert_array_equal(again.features, units.features)
