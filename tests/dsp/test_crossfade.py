"""Crossfades keep the level."""

import numpy as np
import pytest

from liveseq.dsp.crossfade import correlation, equal_power


@pytest.mark.parametrize("n", [1, 2, 64, 1001])
def test_power_adds_up_to_one_at_every_sample(n):
    fade_in, fade_out = equal_power(n)
    assert fade_in.shape == fade_out.shape == (n,)
    assert fade_in.dtype == fade_out.dtype == np.float32
    np.testing.assert_allclose(fade_in**2 + fade_out**2, 1.0, rtol=1e-6)
    np.testing.assert_allclose(fade_in, fade_out[::-1], rtol=1e-5)
    assert (np.diff(fade_in) > 0).all()


def test_no_samples_no_fade():
    assert [len(fade) for fade in equal_power(0)] == [0, 0]


def test_like_sounds_keep_their_amplitude():
    fade_in, fade_out = equal_power(500, correlation=1.0)
    np.testing.assert_allclose(fade_in + fade_out, 1.0, rtol=1e-6)


@pytest.mark.parametrize("mixed", [0.0, 0.3, 0.8])
def test_measured_correlation_gives_constant_power(rng, mixed):
    a, other = rng.normal(0, 1, (2, 400_000))
    b = mixed * a + (1 - mixed**2) ** 0.5 * other
    measured = correlation(a, b)
    assert measured == pytest.approx(mixed, abs=0.01)
    fade_in, fade_out = equal_power(len(a), correlation=measured)
    power = ((fade_out * a + fade_in * b) ** 2).reshape(10, -1).mean(axis=1)
    np.testing.assert_allclose(power, 1.0, atol=0.03)


def test_opposite_sounds_are_not_lifted():
    np.testing.assert_array_equal(equal_power(64, correlation=-1.0), equal_power(64))


def test_correlation_of_known_pairs(rng):
    y = rng.normal(0, 1, (1000, 2)).astype(np.float32)
    assert correlation(y, 0.25 * y) == pytest.approx(1.0)
    assert correlation(y, -y) == pytest.approx(-1.0)
    assert correlation(y, np.zeros_like(y)) == 0.0
