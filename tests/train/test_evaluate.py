"""Baselines and measures against known answers."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from liveseq.train import mixture
from liveseq.train.evaluate import MAX_LAGS, Var, evaluate, forecast_errors, format_table, free_run
from liveseq.train.families.lstm import Lstm, LstmConfig


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
        fitted = Var.fit([x], order=order, ridge=3.0)
        np.testing.assert_allclose(fitted.weights[:-1], model.coef_.T, atol=0.02 if order > 1 else 1e-6)


def test_var_recovers_the_process_and_its_errors_are_the_noise(rng):
    x, a = var_process(rng, n=20_000)
    fitted = Var.fit([x], order=1, ridge=1e-6)
    np.testing.assert_allclose(fitted.weights[:-1], a, atol=0.02)
    errors = forecast_errors(fitted, [x])
    assert errors[1].mean() == pytest.approx(0.01, rel=0.03)
    four = sum(0.01 * np.sum(np.linalg.matrix_power(a, i) ** 2) for i in range(4)) / 3
    assert errors[4].mean() == pytest.approx(four, rel=0.05)


def test_errors_are_taken_exactly_so_many_steps_ahead():
    ramp = np.arange(20.0)[:, None]

    def persistence(lags):
        return np.repeat(lags[:, -1:], 16, axis=1)

    errors = forecast_errors(persistence, [ramp, ramp[:3]])
    assert {h: e.mean() for h, e in errors.items()} == {1: 1.0, 4: 16.0, 16: 256.0}
    assert {h: len(e) for h, e in errors.items()} == {1: 21, 4: 16, 16: 4}


def test_before_the_start_the_first_step_repeats():
    seen = []

    def spy(lags):
        seen.append(lags)
        return np.zeros((len(lags), 16, 1))

    forecast_errors(spy, [np.arange(1.0, 4.0)[:, None]])
    assert seen[0].shape == (2, MAX_LAGS, 1)
    np.testing.assert_array_equal(seen[0][1, :, 0], [1.0] * 15 + [2.0])


def test_mixture_likelihood_and_samples_are_those_of_a_gaussian(rng):
    parameters = (
        torch.zeros(5000, 2),
        torch.full((5000, 2, 3), 2.0),
        torch.full((5000, 2, 3), float(np.log(0.5))),
    )
    target = torch.full((5000, 3), 2.5)
    expected = 0.5 * np.log(2 * np.pi * 0.25) + 0.5
    assert mixture.nll(parameters, target)[0].item() == pytest.approx(expected, rel=1e-5)
    drawn = mixture.draw(parameters, torch.Generator().manual_seed(1))
    assert drawn.shape == (5000, 3)
    assert drawn.mean().item() == pytest.approx(2.0, abs=0.02)
    assert drawn.std().item() == pytest.approx(0.5, rel=0.03)


def tiny_lstm(**changes):
    torch.manual_seed(1)
    config = LstmConfig(**({"n_features": 34, "hidden": 8, "layers": 1, "mixtures": 2} | changes))
    return Lstm(config, mean=np.zeros(34), deviation=np.ones(34)).eval()


def test_a_flat_and_a_wild_model_are_told_from_a_lively_one(rng):
    real = [rng.standard_normal((200, 34)) for _ in range(8)]
    ratios = []
    for scale in (0.05, 1.0, 2.0):
        model = tiny_lstm()
        with torch.no_grad():  # white noise of one scale, whatever is heard
            for p in (model.head.weight, model.head.bias, model.linear.weight, model.linear.bias):
                p.zero_()
            fraction = (scale - 0.05) / (4.0 - 0.05)
            model.head.bias[-2 * 34 :] = 1.5 + float(np.log(max(fraction, 1e-9) / (1 - fraction)))
        ratios.append(free_run(model, real, temperature=1.0, seed=1)["variance_ratio"])
    assert ratios[0] < 0.05
    assert ratios[1] == pytest.approx(1.0, abs=0.05)
    assert ratios[2] == pytest.approx(4.0, abs=0.2)


def test_the_table_has_every_model_and_plain_numbers(make_material):
    r = make_material().recordings
    metrics = evaluate(tiny_lstm(), train=r[:4], valid=r[4:6], test=r[6:], seed=1)
    assert list(metrics["table"]) == ["mean", "persistence", "VAR(1)", "VAR(4)", "VAR(16)", "lstm"]
    assert all(isinstance(v, float) for row in metrics["table"].values() for v in row.values())
    assert set(metrics["table"]["lstm"]) == {"mse_1", "mse_4", "mse_16", "nll"}
    text = format_table(metrics)
    assert "VAR(16)" in text
    assert "free run at temperature 0.7: variance" in text


def test_a_sentence_says_what_the_table_means():
    table = {
        name: {"mse_1": e, "nll": 1.0} for name, e in (("mean", 1.0), ("VAR(1)", 0.4), ("VAR(4)", 0.5), ("lstm", 0.3))
    }
    run = {"temperature": 0.7, "variance_ratio": 0.9, "local_ratio": 1.0, "drift_ratio": 1.0, "largest_z": 3.0}
    metrics = {"held_out_files": 1, "held_out_steps": 9, "table": table, "free_run": [run]}
    verdict = format_table(metrics).splitlines()[-1]
    assert "always guessing the mean: yes, by 70%; better than the best simple model (VAR(1)): yes, by 25%" in verdict
    assert verdict.endswith("left to itself it stays as lively as they are")
    table["lstm"]["mse_1"], run["variance_ratio"] = 0.5, 0.1
    verdict = format_table(metrics).splitlines()[-1]
    assert "(VAR(1)): no, 25% worse; left to itself it goes flat" in verdict


def test_recordings_of_two_steps_have_no_long_horizon(make_material):
    r = make_material(n_files=4, n_steps=2).recordings
    metrics = evaluate(tiny_lstm(), train=r[:2], valid=r[2:3], test=r[3:], seed=1)
    assert "mse_16" not in metrics["table"]["lstm"]
    assert "-" in format_table(metrics)


def test_later_steps_never_change_earlier_outputs_and_pieces_equal_the_whole(rng):
    model = tiny_lstm(layers=2)
    z = torch.from_numpy(rng.standard_normal((1, 20, 34)).astype(np.float32))
    with torch.no_grad():
        whole, _ = model(z)
        first, hidden = model(z[:, :7])
        rest, _ = model(z[:, 7:], hidden)
    for a, b, c in zip(whole, first, rest, strict=True):
        np.testing.assert_allclose(a, torch.cat((b, c), dim=1), atol=1e-6)
