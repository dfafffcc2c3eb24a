"""Crops with holds: what is held is not learned, what comes after it is, and the clock runs on evenly."""

import pytest
import torch

from liveseq.train.sound.frames import holds
from liveseq.train.sound.frames.holds import SHORTEST, with_holds

N, RATE = 160, 0.17


@pytest.fixture(autouse=True)
def _always(monkeypatch):
    monkeypatch.setattr(holds, "HELD", 1.0)


def _crops(n, *, rate=RATE):
    """Latents and tags that tell their places, and a clock."""
    torch.manual_seed(3)
    latent = torch.arange(N).float().repeat(n, 1)[..., None]
    clock = torch.stack((rate * latent[..., 0], torch.full((n, N), float(rate > 0))), dim=-1)
    return latent, -latent, clock


@pytest.mark.parametrize("rate", [0.0, RATE])
def test_a_hold_goes_back_and_forth_and_the_crop_goes_on_behind_it(rate):
    latent, tag, clock, real = with_holds(*_crops(64, rate=rate), longest=95)
    assert torch.equal(tag, -latent)
    lengths = set()
    for row, learned in zip(latent[..., 0], real, strict=True):
        held = torch.nonzero(~learned)[:, 0]
        if not len(held):
            continue  # no whole beats fitted
        lengths.add(len(held))
        first, end = int(held[0]), int(held[-1]) + 1
        assert row[:first].tolist() == list(range(first))
        assert row[end:].tolist() == list(range(first, first + N - end)), "what comes after a hold is what came next"
        assert first - 1 - row[first:end].min() < holds.MOST_TURNED
        assert row[first:end].max() == first - 1
        assert (row[first:end].diff().abs() <= 1).all(), "it goes back and forth without a jump"
    assert min(lengths) < 2 * SHORTEST
    assert max(lengths) > 4 * SHORTEST
    assert max(lengths) <= 95
    assert torch.allclose(clock[..., 0].diff(dim=1), torch.tensor(rate), atol=1e-4)


def test_with_a_beat_a_hold_lasts_whole_ones():
    *_, real = with_holds(*_crops(64), longest=95)
    beats = RATE * (~real).sum(dim=1)
    assert (beats - beats.round()).abs().max() <= RATE / 2


def test_where_the_piece_changes_nothing_is_held():
    latent, tag, clock = _crops(64)
    clock[:, 1::2, 0] += 7.0
    held, *_, real = with_holds(latent, tag, clock, longest=95)
    assert torch.equal(held, latent)
    assert real.all()


def test_a_crop_of_a_few_latents_is_left_as_it_is():
    latent, tag, clock = (x[:, :12] for x in _crops(8))
    assert torch.equal(with_holds(latent, tag, clock, longest=8)[0], latent)


def test_a_third_of_the_crops_has_one(monkeypatch):
    monkeypatch.undo()
    *_, real = with_holds(*_crops(400, rate=0.0), longest=95)
    assert 0.22 < float((~real).any(dim=1).float().mean()) < 0.38
