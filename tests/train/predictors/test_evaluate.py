"""What is said of a network, against known answers."""

import numpy as np
import pytest
import torch

from liveseq.train.predictors import liveliness
from liveseq.train.predictors.baselines.baseline import examples
from liveseq.train.predictors.evaluate import evaluate, format_table, shortcomings
from liveseq.train.predictors.families import FAMILIES
from liveseq.train.predictors.families.lstm import Lstm, LstmConfig
from liveseq.train.predictors.liveliness import compared, distinct, modulation_distance, nearest, over_time
from liveseq.train.predictors.material import DescribedRecording
from liveseq.train.predictors.rollouts import Piece, free_runs, later_steps, next_steps
from liveseq.train.predictors.scores import joint_nll, marginal_nll, squared_error


def tiny_lstm(**changes):
    torch.manual_seed(1)
    config = LstmConfig(**({"n_features": 34, "hidden": 8, "layers": 1, "mixtures": 2} | changes))
    return Lstm(config, mean=np.zeros(34), deviation=np.ones(34)).eval()


def white(scale=1.0, **changes):
    """A network that expects noise of one scale, whatever it hears."""
    model = tiny_lstm(**changes)
    with torch.no_grad():
        for p in (model.head.weight, model.head.bias, model.linear.weight, model.linear.bias):
            p.zero_()
        fraction = (scale - 0.05) / (4.0 - 0.05)
        model.head.bias[-model.head.sizes[-1] :] = 1.5 + float(np.log(fraction / (1 - fraction)))
    return model


def piece(z, **changes):
    frames = np.zeros((8 * len(z), 17), dtype=np.float32)
    return Piece(
        DescribedRecording(name="made up", group="", frames=frames, **changes), np.asarray(z, dtype=np.float32)
    )


@pytest.fixture
def noise(rng):
    return [piece(rng.standard_normal((n, 34))) for n in (60, 90, 45)]


@pytest.mark.parametrize("forecast", [1, 3, 8])
def test_forecasts_of_white_noise_are_judged_as_white_noise(noise, forecast):
    model = white(forecast=forecast)
    found = {1: next_steps(model, noise, tags={}, seed=1)} | later_steps(model, noise, tags={}, every=4, seed=1)
    assert list(found) == [1, 4, 16, 40]
    for ahead, outlook in found.items():
        _, targets = examples([p.z for p in noise], ahead=ahead, every=1 if ahead == 1 else 4)
        expected = float((targets**2).mean())
        assert outlook.draws.shape == (len(targets), 32, 34)
        assert outlook.draws.std() == pytest.approx(1.0, abs=0.03)
        assert squared_error(outlook, targets).mean() == pytest.approx(expected, rel=1e-3)
        assert marginal_nll(outlook, targets).mean() == pytest.approx(
            0.5 * np.log(2 * np.pi) + 0.5 * expected, rel=1e-3
        )


def test_likelihood_one_step_ahead_is_the_mixtures_own(noise):
    from liveseq.train import mixture

    model = tiny_lstm(forecast=2)
    outlook = next_steps(model, noise, tags={}, seed=1)
    _, targets = examples([p.z for p in noise], ahead=1)
    expected = []
    for p in noise:
        z = torch.from_numpy(p.z)[None]
        with torch.no_grad():
            (logits, means, log_scales), _ = model(z[:, :-1])
        expected.append(mixture.nll((logits, means[:, :, :1], log_scales[:, :, :1]), z[:, 1:, None])[0].numpy())
    np.testing.assert_allclose(joint_nll(outlook, targets), np.concatenate(expected), rtol=1e-4)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_forecast_hears_the_past_and_not_the_future(noise, family):
    network = FAMILIES[family]()
    torch.manual_seed(1)
    model = network(network.config_type(n_features=34), mean=np.zeros(34), deviation=np.ones(34)).eval()
    z = noise[0].z[:44]
    changed = np.concatenate((z[:33], z[33:] + 1.0))
    outlooks = [later_steps(model, [piece(p)], tags={}, every=4, seed=1)[4] for p in (z, changed)]
    means = [(o.rollouts[:9], o.rollouts[9:]) for o in outlooks]  # origins 0, 4 ... 32, then 36 ...
    np.testing.assert_allclose(means[0][0], means[1][0], atol=1e-5)
    assert np.abs(means[0][1] - means[1][1]).max() > 1e-3


def test_a_network_is_told_the_beat_that_goes_on():
    heard = []
    model = tiny_lstm(tag_size=2)
    with_condition = model.with_condition
    model.with_condition = lambda z, condition: heard.append(condition[0]) or with_condition(z, condition)
    started = [piece(np.zeros((20, 34)), beat_period=32.0, beat_origin=8.0)]
    free_runs(model, started, tags={"": np.ones(2, dtype=np.float32)}, n_steps=8, temperature=1.0, seed=1)
    told = torch.cat(heard).numpy()
    assert len(told) >= 16 + 7
    np.testing.assert_array_equal(told[:, :2], 1.0)
    steps = np.arange(len(told))
    np.testing.assert_allclose(told[:, 2], np.sin(2 * np.pi * (8 * steps - 8) / 32), atol=1e-5)


def test_a_flat_and_a_wild_model_are_told_from_a_lively_one(noise):
    def ratio(scale):
        runs = free_runs(white(scale), noise, tags={}, n_steps=200, temperature=1.0, seed=1)
        return compared(list(runs), [p.z for p in noise])

    assert ratio(0.06)["variance_ratio"] < 0.05
    alike = ratio(1.0)
    assert alike["variance_ratio"] == pytest.approx(1.0, abs=0.05)
    assert alike["share_in_band"] > 0.8
    assert alike["modulation_db"] < 3.0
    assert ratio(2.0)["variance_ratio"] == pytest.approx(4.0, abs=0.2)
    assert ratio(2.0)["share_in_band"] == 0.0


def test_snapped_runs_are_made_of_units(noise):
    units = noise[0].z
    runs = free_runs(
        white(), noise, tags={}, n_steps=50, temperature=1.0, seed=1, snap=lambda course: nearest(units, course)[1]
    )
    known = {u.tobytes() for u in units}
    assert all(step.tobytes() in known for run in runs for step in run)
    assert 0.1 < distinct(list(runs), units) < 1.0
    assert distinct([np.repeat(units[:1], 50, axis=0)], units) == 0.02


def test_slow_and_fast_movement_have_different_spectra(rng):
    fast = [rng.standard_normal((200, 3)) for _ in range(8)]
    slow = [np.apply_along_axis(lambda x: np.convolve(x, np.ones(8) / 8, "same"), 0, s) for s in fast]
    assert modulation_distance(fast[:4], fast[4:]) < 2.0
    assert modulation_distance(fast, slow) > 8.0
    assert np.isnan(modulation_distance(fast, [s[:20] for s in fast]))


def test_a_collapse_shows_in_the_last_minute(rng):
    steady = rng.standard_normal((4, 3520, 3))
    dying = steady * np.linspace(1.0, 0.0, 3520)[:, None]
    assert over_time(steady)["last_minute_ratio"] == pytest.approx(1.0, abs=0.1)
    assert over_time(dying)["last_minute_ratio"] < 0.02


@pytest.fixture
def short_runs(monkeypatch):
    monkeypatch.setattr(liveliness, "LONG_STEPS", 80)
    monkeypatch.setattr(liveliness, "RUN_STEPS", 40)


@pytest.mark.usefixtures("short_runs")
def test_the_table_has_every_model_and_plain_numbers(make_material):
    r = make_material().recordings
    metrics = evaluate(tiny_lstm(), name="lstm", train=r[:4], valid=r[4:6], test=r[6:], tags={}, seed=1)
    names = ["mean", "persistence", "VAR(1)", "VAR(4)", "VAR(16)", "analogue", "Markov chain", "lstm"]
    assert list(metrics["table"]) == names
    scores = {f"{score}_{h}" for score in ("mse", "energy", "nll") for h in (1, 4, 16, 40)} | {"nll"}
    for row in metrics["table"].values():
        assert set(row) == scores
        assert all(isinstance(v, float) for v in row.values())
    assert metrics["gate"][0].startswith("mse_1: ")
    text = format_table(metrics)
    assert "VAR(16)" in text
    assert "in the loop, temperature 0.7: variance ratio" in text


@pytest.mark.usefixtures("short_runs")
def test_recordings_of_two_steps_have_no_long_horizon(make_material):
    r = make_material(n_files=4, n_steps=2).recordings
    metrics = evaluate(tiny_lstm(), name="lstm", train=r[:2], valid=r[2:3], test=r[3:], tags={}, seed=1)
    assert "mse_16" not in metrics["table"]["lstm"]
    assert "-" in format_table(metrics)


def test_a_model_that_is_no_better_than_a_linear_one_is_not_shipped():
    table = {"VAR(4)": {"mse_1": 0.3, "mse_4": 0.5}, "VAR(16)": {"mse_1": 0.29, "mse_4": 0.4}}
    assert shortcomings(table | {"lstm": {"mse_1": 0.29, "mse_4": 0.39}}, "lstm") == []
    found = shortcomings(table | {"lstm": {"mse_1": 0.29, "mse_4": 0.41}}, "lstm")
    assert found == ["mse_4: 0.410, not below VAR(16)'s 0.400"]
    assert shortcomings(table | {"lstm": {"mse_1": 0.29}}, "lstm") == ["mse_4: no held-out file is long enough to tell"]


def test_a_sentence_says_what_the_table_means():
    table = {
        name: {"mse_1": e, "nll": 1.0} for name, e in (("mean", 1.0), ("VAR(1)", 0.4), ("VAR(4)", 0.5), ("lstm", 0.3))
    }
    run = {"variance_ratio": 0.9}
    metrics = {"model": "lstm", "held_out_files": 1, "held_out_steps": 9, "table": table, "gate": []}
    metrics["free_run"] = {liveliness.FREE_RUN: run}
    verdict = format_table(metrics).splitlines()[-1]
    assert "always guessing the mean: yes, by 70%; better than the best simple model (VAR(1)): yes, by 25%" in verdict
    assert verdict.endswith("left to itself it stays as lively as they are; good enough to ship")
    table["lstm"]["mse_1"], run["variance_ratio"] = 0.5, 0.1
    metrics["gate"] = ["mse_1: 0.500, not below VAR(4)'s 0.500"]
    verdict = format_table(metrics).splitlines()[-1]
    assert "(VAR(1)): no, 25% worse; left to itself it goes flat; not to be shipped (mse_1: 0.500" in verdict
