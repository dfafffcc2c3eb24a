"""What a network begins from, against known answers."""

import numpy as np
import pytest
import torch

from liveseq.train.predictors import linear
from liveseq.train.predictors.families import FAMILIES


def process(rng, *, n):
    """A VAR(2) of two dimensions whose errors go together."""
    one, two = np.array([[0.5, 0.2], [0.0, 0.3]]), np.array([[0.1, 0.0], [0.2, -0.4]])
    mixed = rng.standard_normal((n, 2)) * (1.0, 0.1) @ np.array([[0.6, 0.8], [-0.8, 0.6]])
    x = np.zeros((n, 2))
    for i in range(2, n):
        x[i] = one @ x[i - 1] + two @ x[i - 2] + mixed[i]
    return x, one, two


def test_the_map_and_its_errors_axes_are_recovered(rng):
    x, one, two = process(rng, n=50_000)
    start = linear.fit([x[:20_000], x[20_000:]], memory=3, forecast=2, noise=0.0)
    assert start.weight.shape == (4, 2, 3)
    np.testing.assert_allclose(start.weight[:2, :, -1], one, atol=0.03)
    np.testing.assert_allclose(start.weight[:2, :, -2], two, atol=0.03)
    np.testing.assert_allclose(start.weight[2:, :, -1], one @ one + two, atol=0.03)
    np.testing.assert_allclose(start.axes @ start.axes.T, np.eye(2), atol=1e-6)
    np.testing.assert_allclose(np.abs(start.axes[-1]), [0.6, 0.8], atol=0.02)


def test_noise_on_the_input_is_borne_as_a_ridge(rng):
    x, _, _ = process(rng, n=5000)
    sizes = [np.abs(linear.fit([x], memory=3, forecast=1, noise=noise).weight).sum() for noise in (0.0, 0.5, 2.0)]
    assert sizes[0] > sizes[1] > sizes[2]


@pytest.mark.parametrize("family", ["lstm", "transformer"])
@torch.no_grad()
def test_a_network_begins_with_it(rng, family):
    network = FAMILIES[family]()
    config = network.config_type(n_features=34, mixtures=1, memory=2)
    model = network(config, mean=np.zeros(34), deviation=np.ones(34)).eval()
    x = 0.1 * rng.standard_normal((200, 34))
    start = linear.fit([x], memory=2, forecast=config.forecast, noise=0.1)
    model.begin_from(start)
    for name, parameter in model.named_parameters():
        if name.startswith("head"):
            parameter.zero_()
    (_, means, _), _ = model(torch.from_numpy(x[None].astype(np.float32)))
    heard = np.stack((x[40], x[41]), axis=1)  # (D, memory)
    expected = np.einsum("odm,dm->o", start.weight, heard) + start.bias
    np.testing.assert_allclose(means[0, 41, :, 0].reshape(-1), expected, atol=1e-5)
    torch.testing.assert_close(model.basis, torch.from_numpy(start.axes))
