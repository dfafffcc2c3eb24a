"""Scores against known answers."""

import numpy as np
import pytest

from liveseq.train.predictors.scores import Outlook, draw_from, energy_score, joint_nll, marginal_nll, squared_error


def gaussian(rng, *, n, mean, scale, basis=None, n_draws=8):
    """n times the same Gaussian of two features."""
    deviations = rng.standard_normal((n, n_draws, 2)) * scale
    return Outlook(
        logits=np.zeros((n, 1)),
        means=np.full((n, 1, 2), mean),
        scales=np.broadcast_to(np.asarray(scale), (1, 1, 2)),
        draws=mean + (deviations if basis is None else deviations @ basis),
        basis=basis,
    )


def test_likelihoods_of_a_gaussian(rng):
    outlook = gaussian(rng, n=3, mean=2.0, scale=0.5)
    target = np.full((3, 2), 2.5)
    expected = 0.5 * np.log(2 * np.pi * 0.25) + 0.5
    np.testing.assert_allclose(joint_nll(outlook, target), expected)
    np.testing.assert_allclose(marginal_nll(outlook, target), expected)


def test_a_basis_is_a_full_covariance(rng):
    turn = np.array([[0.6, 0.8], [-0.8, 0.6]])
    outlook = gaussian(rng, n=200, mean=0.0, scale=np.array([2.0, 0.1]), basis=turn)
    target = rng.standard_normal((200, 2))
    covariance = turn.T @ np.diag([4.0, 0.01]) @ turn
    each = np.einsum("nd,de,ne->n", target, np.linalg.inv(covariance), target)
    expected = 0.5 * (each + np.log(np.linalg.det(covariance)) + 2 * np.log(2 * np.pi)) / 2
    np.testing.assert_allclose(joint_nll(outlook, target), expected)
    variances = np.diag(covariance)
    alone = 0.5 * (target**2 / variances + np.log(2 * np.pi * variances)).mean(axis=1)
    np.testing.assert_allclose(marginal_nll(outlook, target), alone)


def test_a_mixture_of_two_is_as_likely_as_its_parts(rng):
    logits = np.log([[0.25, 0.75]]) + 3.0  # only differences matter
    means, scales = np.array([[[0.0], [4.0]]]), np.array([[[1.0], [2.0]]])
    draws = draw_from(logits, means, scales, n_draws=20_000, rng=rng)
    outlook = Outlook(logits=logits, means=means, scales=scales, draws=draws)
    density = 0.25 * np.exp(-0.5) / np.sqrt(2 * np.pi) + 0.75 * np.exp(-0.5 * 1.5**2) / (2 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(joint_nll(outlook, np.array([[1.0]])), -np.log(density))
    assert draws.mean() == pytest.approx(3.0, abs=0.05)
    assert draws.var() == pytest.approx(0.25 + 3.0 + 3.0, rel=0.03)
    np.testing.assert_allclose(squared_error(outlook, np.array([[1.0]])), 4.0)


def test_the_energy_score_of_a_gaussian_is_its_own_and_the_truth_scores_best(rng):
    target = rng.standard_normal((4000, 2))
    scores = {s: energy_score(s * rng.standard_normal((4000, 16, 2)), target).mean() for s in (0.5, 1.0, 2.0)}
    # the mean distance of two draws is sqrt(pi) in two dimensions, half of it is left
    assert scores[1.0] == pytest.approx(0.5 * np.sqrt(np.pi) / np.sqrt(2), rel=0.02)
    assert scores[1.0] < min(scores[0.5], scores[2.0])


def test_few_draws_score_as_many_do(rng):
    target = rng.standard_normal((6000, 3))
    few, many = (rng.standard_normal((6000, n, 3)) for n in (2, 64))
    assert energy_score(few, target).mean() == pytest.approx(energy_score(many, target).mean(), rel=0.03)
    for rollouts in (few, many):
        outlook = Outlook(
            logits=np.zeros((6000, 1)),
            means=rollouts[:, :1],
            scales=np.ones((1, 1, 3)),
            draws=rollouts,
            rollouts=rollouts,
        )
        assert squared_error(outlook, target).mean() == pytest.approx(1.0, rel=0.04)
