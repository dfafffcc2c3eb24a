import numpy as np
import pytest

from liveseq.dsp.crossfade import fade_angle, fade_in, fade_out


def test_unlike_sounds_keep_their_power(rng):
    n = 48_000
    angle = fade_angle(np.arange(n) / n)
    mixed = np.sin(angle) * rng.standard_normal(n) + np.cos(angle) * rng.standard_normal(n)
    power = np.square(mixed).reshape(10, -1).mean(axis=1)
    np.testing.assert_allclose(power, 1.0, rtol=0.1)


def test_goes_all_the_way_and_never_back():
    angle = fade_angle(np.linspace(0.0, 1.0, 1001))
    np.testing.assert_allclose(angle[[0, 500, 1000]], [0.0, np.pi / 4, np.pi / 2], atol=1e-12)
    assert np.all(np.diff(angle) > 0.0)


def test_ends_have_no_corner():
    """A fade of 960 samples under a constant: its sharpest bend is far below that of a quarter wave's corner."""
    done = np.concatenate([np.zeros(100), np.arange(960) / 960, np.ones(100)])
    corner = np.pi / 2 / 960  # slope with which sin(pi / 2 * done) begins
    assert np.abs(np.diff(np.sin(fade_angle(done)), n=2)).max() < corner / 100
    assert np.abs(np.diff(np.cos(fade_angle(done)), n=2)).max() < corner / 100


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.7, 1.0])
def test_sounds_that_are_alike_keep_their_power(rng, correlation):
    n = 48_000
    done = np.arange(n) / n
    first, other = rng.standard_normal((2, n))
    second = correlation * first + np.sqrt(1.0 - correlation**2) * other
    mixed = fade_in(done, correlation=correlation) * second + fade_out(done, correlation=correlation) * first
    power = np.square(mixed).reshape(10, -1).mean(axis=1)
    np.testing.assert_allclose(power, 1.0, rtol=0.1)


def test_the_same_sound_is_not_changed_at_all():
    done = np.linspace(0.0, 1.0, 1001)
    np.testing.assert_allclose(fade_in(done, correlation=1.0) + fade_out(done, correlation=1.0), 1.0, atol=1e-12)


def test_fades_of_unlike_sounds_are_those_of_the_angle():
    done = np.linspace(0.0, 1.0, 1001)
    np.testing.assert_array_equal(fade_in(done), np.sin(fade_angle(done)))
    np.testing.assert_array_equal(fade_out(done), np.cos(fade_angle(done)))
