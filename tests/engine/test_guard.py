"""The guard: DC, NaN, the ceiling."""

import numpy as np
import pytest

from liveseq.engine.guard import CEILING, LOUDEST, DcBlock, Limiter

SAMPLE_RATE = 48_000


def limited(y: np.ndarray, *, block: int = 128) -> np.ndarray:
    limiter = Limiter(sample_rate=SAMPLE_RATE)
    out = y.astype(np.float32).copy()
    for begin in range(0, len(out), block):
        limiter.process(out[begin : begin + block])
    return out


def test_quiet_signal_passes_unchanged(rng):
    y = rng.uniform(-0.89, 0.89, (10_000, 2)).astype(np.float32)
    out = limited(y)
    np.testing.assert_array_equal(out[Limiter.latency :], y[: -Limiter.latency])


@pytest.mark.parametrize("scale", [1.0, 3.0, 1e6, 1e30])
@pytest.mark.parametrize("shape", ["noise", "clicks", "bursts"])
def test_nothing_exceeds_the_ceiling(rng, scale, shape):
    y = rng.standard_normal((20_000, 2))
    if shape == "clicks":
        y *= rng.random((20_000, 1)) < 0.001
    if shape == "bursts":
        y *= np.repeat(rng.random((200, 1)) < 0.3, 100, axis=0)
    out = limited(y * scale, block=97)
    assert np.abs(out).max() <= 10 ** (-1 / 20)
    assert np.abs(out).max() > 0.5 * CEILING or scale > 1e8


def test_gain_comes_back_to_exactly_one(rng):
    y = rng.uniform(-0.5, 0.5, (40_000, 2)).astype(np.float32)
    y[100] = 50.0
    out = limited(y)
    np.testing.assert_array_equal(out[20_000:], y[20_000 - Limiter.latency : -Limiter.latency])
    assert np.abs(out[200:400]).max() < 0.2  # it was turned down


@pytest.mark.parametrize("block", [1, 64, 65, 4096])
def test_limiter_does_not_depend_on_the_block_size(rng, block):
    y = rng.standard_normal((9_000, 2)) * (1 + np.sin(np.arange(9_000) / 700))[:, np.newaxis]
    np.testing.assert_array_equal(limited(y, block=block), limited(y, block=4_000))


def test_dc_goes_and_a_bass_stays():
    block = DcBlock(sample_rate=SAMPLE_RATE)
    t = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    bass = 0.5 * np.sin(2 * np.pi * 30 * t)
    y = np.stack([bass + 0.3, bass - 0.2], axis=1).astype(np.float32)
    block.process(y)
    settled = y[2 * SAMPLE_RATE :]
    assert np.abs(settled.mean(axis=0)).max() < 1e-3
    assert settled.std() == pytest.approx(0.5 / 2**0.5, rel=0.02)


def test_nan_and_inf_become_zero_and_are_counted():
    block = DcBlock(sample_rate=SAMPLE_RATE)
    y = np.zeros((128, 2), dtype=np.float32)
    y[5], y[6] = np.nan, -np.inf
    block.process(y)
    np.testing.assert_array_equal(y, 0.0)
    assert block.n_bad == 1


def test_what_is_too_loud_to_be_sound_leaves_no_thump_and_no_silence():
    t = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    y = np.repeat(0.5 * np.sin(2 * np.pi * 220.0 * t)[:, np.newaxis], 2, axis=1).astype(np.float32)
    expected = y.copy()
    y[SAMPLE_RATE] = 3e38
    blocks = []
    for one in (y, expected):
        block = DcBlock(sample_rate=SAMPLE_RATE)
        with np.errstate(over="ignore"):  # as the mixer has it
            for begin in range(0, len(one), 128):
                block.process(one[begin : begin + 128])
        blocks.append(block.n_bad)
    assert blocks == [1, 0]
    y, expected = limited(y), limited(expected)
    assert np.abs(y).max() <= CEILING
    after = slice(SAMPLE_RATE + SAMPLE_RATE // 3, None)  # the limiter has let go by then
    np.testing.assert_allclose(y[after], expected[after], atol=0.01)


def test_a_loud_mix_passes_as_it_is():
    block, other = DcBlock(sample_rate=SAMPLE_RATE), DcBlock(sample_rate=SAMPLE_RATE)
    y = np.random.default_rng(1).uniform(-LOUDEST, LOUDEST, (256, 2)).astype(np.float32)
    whole, pieces = y.copy(), y.copy()
    block.process(whole)
    for piece in pieces.reshape(256, 1, 2):
        other.process(piece)
    np.testing.assert_array_equal(whole, pieces)
    assert block.n_bad == other.n_bad == 0
    assert np.abs(whole[1:] - y[1:]).mean() < 1.0
