"""Every family: what it tells of a whole sequence is what it tells step by step, for ever."""

import importlib
from pkgutil import iter_modules

import numpy as np
import pytest
import torch

from liveseq.errors import TrainingError
from liveseq.runtime.predictor import N_PHASE
from liveseq.train import mixture
from liveseq.train.predictors import families, presets
from liveseq.train.predictors.families import FAMILIES
from liveseq.train.predictors.families.attention import N_POSITIONS, PositionalCode, band
from liveseq.train.predictors.families.base import Network, NetworkConfig

N_FEATURES = 34
TINY = {
    "lstm": {"hidden": 8, "layers": 2},
    "lstm-seq2seq": {"hidden": 8, "layers": 2, "positional": 6, "forecast": 3},
    "transformer-encoder": {"layers": 2, "positional": 6, "feed_forward": 16, "context": 7},
    "transformer": {"layers": 2, "positional": 6, "feed_forward": 16, "context": 7, "forecast": 3},
    "best": {"hidden": 8, "tag_size": 4},
}


def tiny(family: str, **changes):
    torch.manual_seed(1)
    network = FAMILIES[family]()
    config = network.config_type(**({"n_features": N_FEATURES, "mixtures": 2, "memory": 4} | TINY[family] | changes))
    model = network(config, mean=np.zeros(N_FEATURES), deviation=np.ones(N_FEATURES))
    with torch.no_grad():  # nothing may be hidden by a weight that starts at zero
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model.eval()


def heard(model, *, n=2, n_steps=20):
    generator = torch.Generator().manual_seed(2)
    z = torch.randn((n, n_steps, N_FEATURES), generator=generator)
    if not model.conditions:
        return z, None
    return z, torch.randn((n, n_steps, model.config.tag_size + N_PHASE), generator=generator)


def part(condition, where):
    return None if condition is None else condition[:, where]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_gives_what_a_network_asks_of_it(family):
    network = FAMILIES[family]()
    missing = [name for name in ("own_state_shapes", "courses") if getattr(network, name) is getattr(Network, name)]
    assert not missing, f"{family} has no {', '.join(missing)}"
    assert issubclass(network.config_type, NetworkConfig)


def test_every_network_is_in_the_registry():
    modules = [
        importlib.import_module(f"{families.__name__}.{module.name}") for module in iter_modules(families.__path__)
    ]
    networks = {
        each
        for module in modules
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Network) and hasattr(each, "config_type")
    }
    assert networks == {load() for load in FAMILIES.values()}


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_teacher_forced_is_streamed(family):
    model = tiny(family)
    z, condition = heard(model, n_steps=30)
    whole, after = model(z, condition)
    f, k = model.forecast, model.config.mixtures
    n_courses = whole[0].shape[-1]
    assert n_courses % k == 0
    assert [tuple(t.shape[2:]) for t in whole] == [(n_courses,), *[(f, n_courses, N_FEATURES)] * 2]
    told, hidden = [], None
    for time in range(30):
        parameters, hidden = model(z[:, time : time + 1], part(condition, slice(time, time + 1)), hidden)
        told.append(parameters)
    for i in range(3):
        torch.testing.assert_close(torch.cat([t[i] for t in told], dim=1), whole[i], rtol=0, atol=2e-6)
    for one, other in zip(after, hidden, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=2e-6)


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_a_pieces_answers_are_the_wholes_and_the_future_changes_nothing(family):
    model = tiny(family)
    z, condition = heard(model)
    whole, _ = model(z, condition)
    changed = z.clone()
    changed[:, 13:] += 1.0
    first, hidden = model(changed[:, :13], part(condition, slice(13)))
    rest, _ = model(z[:, 13:], part(condition, slice(13, None)), hidden)
    for a, b, c in zip(whole, first, rest, strict=True):
        torch.testing.assert_close(a, torch.cat((b, c), dim=1), rtol=0, atol=2e-6)


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_some_times_can_be_asked_for(family):
    model = tiny(family)
    z, condition = heard(model)
    whole, after = model(z, condition)
    at = torch.tensor([2, 3, 11])
    some, also = model(z, condition, at=at)
    for a, b in zip(whole, some, strict=True):
        torch.testing.assert_close(a[:, at], b, rtol=0, atol=2e-6)
    for one, other in zip(after, also, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=2e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_all_that_can_learn_learns(family):
    model = tiny(family).train()
    z, condition = heard(model)
    parameters, _ = model(z, condition)
    target = torch.randn((*z.shape[:2], model.forecast, N_FEATURES))
    mixture.nll(parameters, target, basis=model.basis).mean().backward()
    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # in a softmax over keys, what is added to all of them cancels
    assert [name for name in idle if not name.endswith("key.bias")] == []


@pytest.mark.parametrize("family", ["transformer-encoder", "transformer", "lstm-seq2seq"])
@torch.no_grad()
def test_positions_begin_again_without_a_jump(family):
    model = tiny(family)
    z, _ = heard(model, n=1)
    clock, *rest = model.start(1)
    clock[0, 0] = N_POSITIONS - 10.0
    (_, _, _), (after, *_) = model(z, None, (clock, *rest))
    assert after[0, 0] == 10.0
    code = PositionalCode(26)
    near, far = code(torch.tensor([0.0, N_POSITIONS])), code(torch.tensor([N_POSITIONS - 1.0]))
    torch.testing.assert_close(near[0], near[1], rtol=0, atol=0)
    assert (near[0] - far[0]).abs().max() < 1.0


def test_the_code_is_the_published_one():
    code = PositionalCode(26)(torch.arange(0.0, 500.0))
    rate = 10_000.0 ** (-np.arange(0, 26, 2) / 26)
    angle = np.arange(500)[:, None] * rate
    np.testing.assert_allclose(code[:, :13], np.sin(angle), atol=0.03)
    np.testing.assert_allclose(code[:, 13:], np.cos(angle), atol=0.03)


def test_a_band_hears_itself_and_what_is_remembered():
    allowed = band(torch.tensor([1.0]), n_steps=3, n_before=2)[0, 0]
    np.testing.assert_array_equal(
        allowed, [[False, True, True, False, False], [False, True, True, True, False], [False, False, True, True, True]]
    )


@pytest.mark.parametrize(
    ("family", "changes", "message"),
    [
        ("transformer", {"positional": 8}, "34 features and 8 of position make 42, which 5 heads do not divide"),
        ("transformer-encoder", {"positional": 7}, "--positional must be even and at least 2, got 7"),
        ("lstm-seq2seq", {"positional": 5}, "--positional must be even"),
        ("lstm-seq2seq", {"tag_size": 4}, "lstm-seq2seq takes neither tag nor beat"),
    ],
)
def test_settings_that_do_not_fit_each_other(family, changes, message):
    with pytest.raises(TrainingError, match=message):
        tiny(family, **changes)


@pytest.mark.parametrize(
    ("family", "settings", "message"),
    [
        ("lstm", {"heads": 5}, "--heads means nothing to lstm; it is for transformer-encoder, transformer"),
        ("lstm", {"forecast": 8}, "--forecast 8: lstm tells one step at a time; .* choose lstm-seq2seq, transformer"),
        ("transformer-encoder", {"hidden": 8}, "--hidden means nothing to transformer-encoder"),
    ],
)
def test_flags_that_contradict_the_model(family, settings, message):
    with pytest.raises(TrainingError, match=message):
        presets.network_config(family, settings, n_features=34)


def test_presets_are_demiurges_numbers():
    for family in ("lstm", "lstm-seq2seq", "transformer-encoder", "transformer"):
        found = presets.settings_of(family, "demiurge")
        config = presets.network_config(family, found["model"], n_features=34)
        assert config.layers == 3
        assert found["train"]["window"] == 62
        assert getattr(config, "hidden", 200) == 200
        assert (getattr(config, "heads", 5), getattr(config, "feed_forward", 128)) == (5, 128)
    with pytest.raises(TrainingError, match="--preset mozart: no such preset; there are: demiurge"):
        presets.settings_of("lstm", "mozart")
    with pytest.raises(TrainingError, match="--preset demiurge has no best"):
        presets.settings_of("best", "demiurge")
