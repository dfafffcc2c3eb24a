import numpy as np
import pytest

from liveseq.corpus.describing import CorpusSettings, describe_source, unit_onsets
from liveseq.corpus.segmentation import fixed

PERIOD = 22_050


def kit(n_beats: int, *, first: int = 0) -> np.ndarray:
    """A hit on every beat, float32 (n_samples, 2), 48 kHz."""
    rng = np.random.default_rng(0)
    y = np.zeros((n_beats * PERIOD, 2))
    for start in range(first, len(y), PERIOD):
        n = min(5_000, len(y) - start)
        y[start : start + n] += 0.3 * rng.standard_normal((n, 1)) * np.exp(-np.arange(n) / 1_000)[:, None]
    return y.astype(np.float32)


def settings(segmentation: str) -> CorpusSettings:
    return CorpusSettings(sample_rate=48_000, hop_length=1024, segmentation=segmentation)


def test_beat_units_begin_on_the_hits():
    described = describe_source(kit(16, first=3_000), settings("beats"))
    assert described.beats is not None
    hits = 3_000 + PERIOD * np.arange(1, 15)
    assert max(np.abs(described.bounds - hit).min() for hit in hits) < 500
    assert ((described.onsets >= 0) & (described.onsets < 600)).sum() >= 13  # the attack is where the unit begins


def test_what_has_no_beat_is_cut_at_fixed_hops():
    y = (0.1 * np.random.default_rng(0).standard_normal((200_000, 2))).astype(np.float32)
    described = describe_source(y, settings("beats"))
    assert described.beats is None
    np.testing.assert_array_equal(described.bounds, fixed(200_000, hop_length=1024))


def test_the_onset_of_a_unit_is_its_strongest_attack():
    y = np.zeros(5 * 8_192, dtype=np.float32)
    for place, level in ((2_000, 0.1), (6_000, 0.5), (8_192 + 4_000, 0.3), (3 * 8_192, 0.4)):
        y[place : place + 1_500] = level * np.hanning(3_000)[1_500:] * np.sin(np.arange(1_500))
    found = unit_onsets(y, fixed(len(y), hop_length=1024), sample_rate=48_000)
    np.testing.assert_allclose(found, [6_000, 4_000, -1, 0, -1], atol=128)
    assert found.dtype == np.int32


@pytest.mark.parametrize("n_samples", [1, 100, 1_000, 9_000])
def test_the_shortest_sources_are_described(n_samples):
    for method in ("fixed", "beats", "onsets"):
        described = describe_source(np.ones((n_samples, 2), dtype=np.float32), settings(method))
        assert len(described.onsets) == len(described.bounds) - 1
        assert described.bounds[-1] == n_samples
