"""Codes of latents: they describe, are learned at their likelihood, and are chosen at it."""

import pytest
import torch
from torch.nn import functional

from liveseq.train.sound.notes.codes import Codes, _chosen

SIZE, WIDTH = 6, 8


def _codes(n_books=2, n_codes=4):
    torch.manual_seed(0)
    return Codes(SIZE, width=WIDTH, n_books=n_books, n_codes=n_codes)


def _clusters(n=2000):
    """Rows about four places, each a little to one of two sides."""
    torch.manual_seed(1)
    kind, side = torch.randint(4, (n,)), torch.randint(2, (n,))
    rows = 10.0 * functional.one_hot(kind, SIZE) + 2.0 * (side[:, None] * 2 - 1) * torch.eye(SIZE)[5]
    return rows + 0.01 * torch.randn(n, SIZE), kind, side


def test_the_second_book_says_what_the_first_leaves_open():
    rows, kind, _ = _clusters()
    codes = _codes()
    codes.learn(rows, torch.ones(SIZE), seed=1)
    found = codes.of(rows[None])[0]
    assert found.shape == (2000, 2)
    means = sum(book[found[:, number]] for number, book in enumerate(codes.books))
    assert float((means - rows).abs().max()) < 0.3, "four kinds and two sides"
    for number in range(4):
        assert len(found[kind == number, 0].unique()) == 1


def test_what_counts_less_in_a_distance_is_told_last():
    rows, kind, _ = _clusters()
    rows[:, 5] *= 50.0
    codes = _codes(n_books=1)
    codes.learn(rows, torch.tensor([1.0] * 5 + [0.001]), seed=1)
    assert all(len(codes.of(rows)[kind == number].unique()) == 1 for number in range(4))


def test_likelihoods_are_learned_under_a_context_and_the_code_before():
    codes = _codes()
    context = torch.randn(2, WIDTH)
    target = torch.tensor([[0, 1], [2, 3]])
    before, told = codes.errors(context, target)
    torch.testing.assert_close(before, torch.full((2,), 2 * torch.tensor(4.0).log().item()))
    torch.testing.assert_close(told, context + codes.told[0][target[:, 0]] + codes.told[1][target[:, 1]])
    optimizer = torch.optim.Adam(codes.parameters(), lr=0.05)
    for _ in range(100):
        optimizer.zero_grad()
        nats, _ = codes.errors(context, target)
        nats.sum().backward()
        optimizer.step()
    assert float(nats.detach().max()) < 0.2
    chosen = codes.choose(context, torch.randn(2, 2))
    torch.testing.assert_close(chosen, codes.errors(context, target)[1])


@pytest.mark.parametrize("likely", [(0.7, 0.2, 0.1), (0.1, 0.2, 0.7)])
def test_codes_come_as_often_as_they_are_likely(likely):
    n = 10_000
    share = ((torch.arange(n) + 0.5) / n)[:, None]
    found = _chosen(torch.tensor(likely).expand(n, 3), share)
    torch.testing.assert_close(functional.one_hot(found, 3).float().mean(0), torch.tensor(likely), atol=1e-3, rtol=0)


def test_the_least_likely_never_come():
    likely = torch.tensor([[0.004, 0.5, 0.492, 0.004]]).expand(1000, 4)
    found = _chosen(likely, torch.linspace(0, 1, 1000)[:, None])
    assert set(found.tolist()) == {1, 2}


def test_guidance_makes_the_tags_own_more_likely():
    codes = _codes(n_books=1, n_codes=2)
    with torch.no_grad():
        codes.heads[0].weight[:] = torch.eye(2, WIDTH)
        context = torch.randn(1, WIDTH)
        context[0, :2] = torch.tensor([1.0, -1.0])
        both = torch.cat((context, context.flip(1)))
    told = codes.told[0][0]
    n = sum(
        torch.allclose(codes.choose(both, torch.tensor([[x]]), guidance=3.0)[0] - context[0], told, atol=1e-5)
        for x in (-2.0, -1.0, 0.0, 1.0, 1.5)
    )
    assert n >= 4
