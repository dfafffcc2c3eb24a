"""Baselines against known answers."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from liveseq.train.predictors.baselines.analogue import Analogue
from liveseq.train.predictors.baselines.autoregression import Var, WithErrors
from liveseq.train.predictors.baselines.baseline import HORIZONS, MAX_LAGS, examples, lags
from liveseq.train.predictors.baselines.chain import Chain
from liveseq.train.predictors.baselines.fitting import fit_all
from liveseq.train.predictors.scores import joint_nll, squared_error


def var_process(rng, *, n, noise=0.1):
    """A VAR(1) of three dimensions."""
    a = np.array([[0.9, 0.1, 0.0], [0.0, 0.5, 0.2], [0.0, 0.0, -0.7]])
    x = np.zeros((n, 3))
    for i in range(1, n):
        x[i] = x[i - 1] @ a + noise * rng.standard_normal(3)
    return x, a


def test_var_is_ridge_regression(rng):
    x, _ = var_process(rng, n=400)
    x += 2.0  # the constant must be learned, and not be penalised
    for order in (1, 4):
        rows = np.stack([x[t - order : t].ravel() for t in range(order, 400)])
        model = Ridge(alpha=3.0).fit(rows, x[order:])
        # without the start, which repeats its first step, both see the same rows
        (fitted,) = Var.fit([x], order=order, ridges=[3.0])
        np.testing.assert_allclose(fitted.weights[:-1], model.coef_.T, atol=0.02 if order > 1 else 1e-6)


def test_var_recovers_the_process_and_its_errors_are_the_noise(rng):
    x, a = var_process(rng, n=20_000)
    (fitted,) = Var.fit([x], order=1, ridges=[1e-6])
    np.testing.assert_allclose(fitted.weights[:-1], a, atol=0.02)
    spread = WithErrors.fit(fitted, [x], [x[:2000]])
    for ahead in (1, 4):
        contexts, targets = examples([x], ahead=ahead)
        outlook = spread.outlook(contexts, ahead=ahead, rng=rng)
        expected = sum(0.01 * np.sum(np.linalg.matrix_power(a, i) ** 2) for i in range(ahead)) / 3
        assert squared_error(outlook, targets).mean() == pytest.approx(expected, rel=0.05)
        assert outlook.draws.shape == (len(targets), 32, 3)
    contexts, targets = examples([x], ahead=1)
    nll = joint_nll(spread.outlook(contexts, ahead=1, rng=rng), targets).mean()
    assert nll == pytest.approx(0.5 * np.log(2 * np.pi * 0.01) + 0.5, abs=0.02)


def test_examples_are_taken_exactly_so_many_steps_ahead():
    ramp = np.arange(20.0)[:, None]
    for ahead, n in ((1, 19 + 2), (4, 16), (16, 4), (40, 0)):
        contexts, targets = examples([ramp, ramp[:3]], ahead=ahead)
        assert contexts.shape == (n, MAX_LAGS, 1)
        np.testing.assert_array_equal(targets[:, 0] - contexts[:, -1, 0], ahead)
    _, targets = examples([ramp], ahead=4, every=4)
    np.testing.assert_array_equal(targets[:, 0], [4, 8, 12, 16])


def test_before_the_start_the_first_step_repeats():
    found = lags(np.arange(1.0, 4.0)[:, None], MAX_LAGS)
    assert found.shape == (2, MAX_LAGS, 1)
    np.testing.assert_array_equal(found[1, :, 0], [1.0] * 15 + [2.0])


def test_what_repeats_is_found_by_its_analogue(rng):
    bar = rng.standard_normal((16, 5))
    music = np.tile(bar, (12, 1)) + 0.01 * rng.standard_normal((192, 5))
    analogue = Analogue.fit([music] * 4, [music[:50]])
    for ahead in HORIZONS:
        contexts, targets = examples([music[48:120]], ahead=ahead)
        later = [i for i in range(len(targets)) if i >= 4]  # before, the context is not four steps of music
        outlook = analogue.outlook(contexts[later], ahead=ahead, rng=rng)
        assert outlook.draws.shape[1] == 8
        assert squared_error(outlook, targets[later]).max() < 0.01


def test_a_chain_learns_who_follows_whom(rng):
    places = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])
    path = np.arange(3000) % 3
    x = places[path] + 0.1 * rng.standard_normal((3000, 2))
    chain = Chain.fit([x], n_states=3, seed=1)
    contexts, targets = examples([x], ahead=4)
    outlook = chain.outlook(contexts, ahead=4, rng=rng)
    assert squared_error(outlook, targets).mean() == pytest.approx(0.01, rel=0.3)
    draws = np.linalg.norm(outlook.draws - targets[:, None], axis=-1)
    assert np.mean(draws < 1.0) > 0.98
    np.testing.assert_allclose(chain.chances.sum(axis=1), 1.0)


def test_every_baseline_tells_every_horizon(rng):
    x, _ = var_process(rng, n=600)
    fitted = fit_all([x[:400], x[200:500]], [x[500:]], seed=1)
    names = ["mean", "persistence", "VAR(1)", "VAR(4)", "VAR(16)", "analogue", "Markov chain"]
    assert list(fitted) == names
    for ahead in HORIZONS:
        contexts, targets = examples([x[:100]], ahead=ahead)
        for baseline in fitted.values():
            outlook = baseline.outlook(contexts, ahead=ahead, rng=rng)
            assert np.isfinite(joint_nll(outlook, targets)).all()
