"""Distances of sets of points, against answers that are known."""

import numpy as np
import pytest

from liveseq.train.sound.judge.copies import copies, likeness
from liveseq.train.sound.judge.distances import density_coverage, different_bins, frechet, mmd

N = 400


@pytest.fixture(scope="module")
def real():
    return np.random.default_rng(0).normal(size=(N, 8))


@pytest.fixture(scope="module")
def other():
    return np.random.default_rng(1).normal(size=(N, 8))


def test_mmd_of_two_draws_of_one_distribution_is_about_nothing(real, other):
    assert abs(mmd(real, other)) < 1e-3


def test_mmd_grows_with_a_shift(real, other):
    near, far = mmd(real, other + 0.2), mmd(real, other + 1.0)
    assert 2e-3 < near < far


def test_mmd_sees_what_has_collapsed_around_the_right_mean(real, other):
    assert mmd(real, 0.3 * other) > 0.02


def test_frechet_distance_of_gaussians_is_the_formula(real):
    # The same points moved by 2 in one dimension: means differ by 2, covariances not at all.
    moved = real + np.eye(8)[0] * 2.0
    assert frechet(real, moved) == pytest.approx(4.0, rel=1e-6)


def test_frechet_distance_of_a_stretched_set(real):
    expected = np.trace(np.cov(real, rowvar=False)) * (1.0 - 2.0) ** 2
    centred = real - real.mean(axis=0)
    assert frechet(centred, 2.0 * centred) == pytest.approx(expected, rel=1e-6)


def test_density_and_coverage_of_the_real_thing_and_of_one_mode(real, other):
    density, coverage = density_coverage(real, other)
    assert density == pytest.approx(1.0, abs=0.15)
    assert coverage > 0.9
    one = real[:1] + 0.01 * other
    assert density_coverage(real, one)[1] < 0.1


def test_bins_of_the_same_distribution_differ_by_chance_only(real, other):
    assert different_bins(real, other) < 0.15
    assert different_bins(real, other[:1].repeat(N, axis=0)) > 0.7


def test_a_copied_training_set_is_found_out(real, other):
    held_out = np.random.default_rng(2).normal(size=(N, 8))
    honest = copies(real, held_out, other)
    by_heart = copies(real, held_out, real + 0.01)
    assert honest["copied"] < 0.2
    assert by_heart["copied"] == 1.0
    assert by_heart["nearest_made"] < 0.1 * by_heart["nearest_held_out"]


def test_a_shifted_copy_is_as_like_as_can_be():
    rng = np.random.default_rng(0)
    train = rng.normal(size=(6, 10, 40)).astype(np.float32)
    made = np.concatenate([np.roll(train[2], 7, axis=1)[None], rng.normal(size=(1, 10, 40)).astype(np.float32)])
    near = np.zeros((2, 6))
    near[:, 2] = -1.0
    alike = likeness(train, made, near)
    assert alike[0] == pytest.approx(1.0, abs=1e-3)
    assert alike[1] < 0.4
