"""Draws by normal numbers: each as often as it should come, and none that a rounding error changes."""

import pytest
import torch

from liveseq.train.sound.recurrent.chance import chosen, gumbel, logistic, uniform


def test_shares_are_even_and_logistic_numbers_are_logistic():
    normal = torch.randn(200_000, generator=torch.Generator().manual_seed(0))
    share = uniform(normal).sort().values
    assert float((share - torch.linspace(0, 1, len(share))).abs().max()) < 0.01
    drawn = logistic(normal)
    assert float(drawn.std()) == pytest.approx(1.814, rel=0.02)  # pi / sqrt(3)
    assert torch.isfinite(logistic(torch.tensor([-30.0, 30.0]))).all()


def test_a_choice_comes_as_often_as_its_likelihood():
    logits = torch.tensor([0.5, 0.3, 0.2]).log()
    weights = chosen(logits, gumbel(torch.randn(50_000, 3, generator=torch.Generator().manual_seed(0))))
    torch.testing.assert_close(weights.mean(dim=0), logits.exp(), atol=0.01, rtol=0)
    assert float((weights.amax(dim=1) > 0.95).float().mean()) > 0.93


def test_between_two_choices_a_rounding_error_stays_one():
    logits = torch.tensor([[0.0, 0.0], [0.0, 1e-6]])
    first, second = chosen(logits, torch.zeros(2))
    assert float((first - second).abs().max()) < 1e-4
