import numpy as np
import pytest

from liveseq.corpus.segmentation import LONGEST_BEAT, MAX_ONSET_HOPS, MIN_ONSET_HOPS, beats, fixed, onsets
from liveseq.dsp.beats import Beats


@pytest.mark.parametrize("n_samples", [1, 1_023, 8_191, 8_192, 8_193, 16_383, 16_384, 100_000])
def test_fixed_units_cover_every_sample_once(n_samples):
    bounds = fixed(n_samples, hop_length=1024)
    assert (bounds[0], bounds[-1]) == (0, n_samples)
    lengths = np.diff(bounds)
    assert (lengths[:-1] == 8_192).all()
    assert lengths[-1] == n_samples or 8_192 <= lengths[-1] < 2 * 8_192  # what is left over joins the last unit
    assert bounds.dtype == np.int64


def test_fixed_units_of_other_lengths():
    np.testing.assert_array_equal(fixed(1_000, hop_length=100, hops=3), [0, 300, 600, 1_000])


def clicks(*seconds: float, length: float) -> np.ndarray:
    """Short decaying noises at these moments, mono, 48 kHz."""
    rng = np.random.default_rng(0)
    y = np.zeros(int(length * 48_000), dtype=np.float32)
    for moment in seconds:
        start = int(moment * 48_000)
        n = min(9_600, len(y) - start)
        y[start : start + n] += (rng.standard_normal(n) * np.exp(-np.arange(n) / 1_500)).astype(np.float32)
    return y


def test_onset_units_begin_where_the_hits_are():
    hits = [0.5, 1.0, 1.37, 1.9]
    bounds = onsets(clicks(*hits, length=2.4), sample_rate=48_000, hop_length=1024)
    for hit in hits:
        nearest = bounds[np.argmin(np.abs(bounds - hit * 48_000))]
        assert -3 * 1024 <= nearest - hit * 48_000 <= 1024  # at the attack or just before it, never after


@pytest.mark.parametrize(
    "y",
    [
        clicks(0.1, 0.2, 0.9, length=1.3),
        clicks(0.0, length=5.0),  # a long tail without onsets
        np.zeros(100_000, dtype=np.float32),
        clicks(0.0, length=0.001),  # shorter than a hop
        clicks(0.0, length=0.03),
        clicks(0.0, 0.02, 0.04, 0.06, 0.08, length=0.1),
        np.random.default_rng(3).standard_normal(200_000).astype(np.float32),
    ],
)
def test_onset_units_cover_every_sample_once_and_keep_to_their_lengths(y):
    bounds = onsets(y, sample_rate=48_000, hop_length=1024)
    assert (bounds[0], bounds[-1]) == (0, len(y))
    lengths = np.diff(bounds)
    assert (lengths > 0).all()
    assert (bounds[:-1] % 1024 == 0).all()
    assert (lengths < (MAX_ONSET_HOPS + 1) * 1024).all()
    if len(lengths) > 1:
        assert lengths.min() >= MIN_ONSET_HOPS * 1024


@pytest.mark.parametrize("period", [20_000.4, 28_799.9, 28_800.1, 52_000.3])
@pytest.mark.parametrize("origin", [0.0, 0.2, 900.7, 19_000.0])
@pytest.mark.parametrize("n_samples", [100, 130_000, 480_001])
def test_beat_units_lie_on_the_beats_and_cover_every_sample_once(period, origin, n_samples):
    grid = Beats(period=period, origin=origin, confidence=1.0)
    bounds = beats(n_samples, grid=grid, sample_rate=48_000)
    step = period if period <= LONGEST_BEAT * 48_000 else period / 2
    assert (bounds[0], bounds[-1]) == (0, n_samples)
    assert bounds.dtype == np.int64
    off = (bounds[1:-1] - origin + step / 2) % step - step / 2
    assert np.abs(off).max(initial=0.0) <= 0.5 + 1e-6
    lengths = np.diff(bounds)
    assert (lengths > 0).all()
    assert (lengths < 1.5 * step + 1).all()
    assert lengths.min() >= min(step / 2 - 1, n_samples)
