"""Clocks and tempi of beats."""

import pytest
import torch

from liveseq.train.sound.beats import Tempi, clock_features, followed


def test_clock_comes_round_and_is_silent_without_a_beat():
    position = torch.tensor([0.0, 16.0, 4.0])
    features = clock_features(position, torch.tensor([1.0, 1.0, 0.0]))
    torch.testing.assert_close(features[0], features[1], atol=1e-5, rtol=0)
    assert features[2].abs().max() == 0


def test_a_learned_tag_is_itself_however_near_another_one_is():
    net = Tempi(n_tags=3, tag_size=4)
    flute, choir = torch.eye(4)[0], torch.eye(4)[1]
    oboe = torch.nn.functional.normalize(flute + 0.2 * torch.eye(4)[2], dim=0)
    assert float(flute @ oboe) > 0.98
    net.teach(torch.stack((flute, oboe, choir)))
    torch.testing.assert_close(net.near(torch.stack((flute, oboe, choir))), torch.eye(3), atol=1e-3, rtol=0)
    torch.testing.assert_close(net.near(0.5 * (oboe + choir)), torch.tensor([0.0, 0.5, 0.5]), atol=1e-3, rtol=0)
    torch.testing.assert_close(net.near(torch.zeros(4)), torch.full((3,), 1 / 3))


def test_tempo_is_the_tags_own_and_drawn_by_its_shares():
    net = Tempi(n_tags=2, tag_size=2)
    net.teach(torch.eye(2))
    net.beats_per_step[:2] = torch.tensor([0.5, 0.25])
    net.shares.zero_()
    net.shares[0, :2] = 0.5  # the first tag has both tempi, the second has none
    net.shares[1, -1] = 1.0
    first, second = torch.eye(2)
    assert float(net(first, torch.tensor(-1.0))[0]) == 0.5
    assert float(net(first, torch.tensor(1.0))[0]) == 0.25
    assert [float(x) for x in net(second, torch.tensor(0.3))] == [0.0, 0.0]


def test_a_tempo_that_is_asked_for_is_a_beat():
    own = {"rate": torch.tensor(0.3), "beating": torch.tensor(0.0)}
    place = {"samples_per_step": 8192, "sample_rate": 48_000}
    rate, beating = followed(torch.tensor([120.0]), **own, **place)
    assert float(rate) == pytest.approx(2.0 * 8192 / 48_000)
    assert float(beating) == 1.0
    assert [float(x) for x in followed(torch.zeros(1), **own, **place)] == [pytest.approx(0.3), 0.0]
