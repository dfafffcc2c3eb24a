"""Reading between samples: against the exact answer, against soxr, and the same whatever is read together."""

import numpy as np
import pytest
import soxr

from liveseq.dsp.interpolation import Excerpt, interpolate, kernel
from liveseq.errors import SignalError

SAMPLE_RATE = 48_000
RATIOS = (0.25, 0.5, 0.9, 2.0 ** (1 / 12), 1.5, 2.0, 3.0, 4.0)


def read(audio: np.ndarray, *, ratio: float, n: int, start: float = 200.25) -> np.ndarray:
    """n samples of a mono signal (n_samples,) from `start` on."""
    excerpt = Excerpt(audio[:, np.newaxis].astype(np.float32), 0, len(audio), kernel(ratio))
    offsets = start % 1.0 + np.arange(n) * ratio
    return interpolate([excerpt], origins=[int(start)], offsets=offsets[np.newaxis])[0, :, 0]


def error_db(y: np.ndarray, exact: np.ndarray) -> float:
    return float(10 * np.log10(np.mean((y - exact) ** 2) / np.mean(exact**2)))


@pytest.mark.parametrize("ratio", RATIOS)
def test_sines_up_to_15_khz_are_exact_to_80_db(ratio):
    places = 200.25 + np.arange(4_000) * ratio
    n_source = int(places[-1]) + 200
    for hz in (50.0, 1_000.0, 5_000.0, 10_000.0, 15_000.0):
        source_hz = min(hz / ratio, 15_000.0)
        source = np.sin(2 * np.pi * source_hz / SAMPLE_RATE * np.arange(n_source))
        exact = np.sin(2 * np.pi * source_hz / SAMPLE_RATE * places)
        assert error_db(read(source, ratio=ratio, n=4_000), exact) < -85.0


def test_not_far_from_the_best_of_soxr(rng):
    """Noise up to 15 kHz, a fifth up: both against the exact answer, a sum of sines."""
    hz = rng.uniform(20.0, 10_000.0, 200)
    phases = rng.uniform(0.0, 2 * np.pi, 200)

    def signal(places: np.ndarray) -> np.ndarray:
        return np.sin(2 * np.pi * np.outer(places, hz) / SAMPLE_RATE + phases).sum(axis=1) / 200

    exact = signal(1_000 + np.arange(8_000) * 1.5)
    ours = read(signal(np.arange(16_000.0)), ratio=1.5, n=8_000, start=1_000.0)
    theirs = soxr.resample(signal(np.arange(16_000.0)), 48_000, 32_000, quality="VHQ")
    place = round(1_000 / 1.5)  # theirs begins at 0; 1000 / 1.5 is no whole sample
    exact_theirs = signal((place + np.arange(8_000)) * 1.5)
    assert error_db(theirs[place : place + 8_000], exact_theirs) < -100.0
    assert error_db(ours, exact) < -90.0


@pytest.mark.parametrize("ratio", [1.5, 2.0, 4.0])
def test_what_is_too_high_for_the_output_is_filtered(ratio):
    """An octave above what the output can hold, nothing is left; without the filter it would be mirrored."""
    hz = 24_000.0 / ratio * 1.8
    if hz > 23_000.0:
        hz = 23_000.0
    source = np.sin(2 * np.pi * hz / SAMPLE_RATE * np.arange(20_000))
    assert np.abs(read(source, ratio=ratio, n=4_000)).max() < 2e-4


@pytest.mark.parametrize("ratio", RATIOS)
def test_constant_stays_constant(ratio):
    np.testing.assert_allclose(read(np.ones(30_000), ratio=ratio, n=4_000), 1.0, atol=1e-6)


@pytest.mark.parametrize("ratio", [0.3, 1.01, 3.3])
def test_same_bits_whatever_is_read_together(rng, ratio):
    audio = rng.standard_normal((30_000, 2)).astype(np.float32)
    excerpts = [Excerpt(audio, 100 * n, 20_000 + n, kernel(ratio)) for n in range(7)]
    origins = [2_000 * n for n in range(7)]
    offsets = np.arange(1_500) * ratio + np.linspace(0.0, 0.9, 7)[:, np.newaxis]
    whole = interpolate(excerpts, origins=origins, offsets=offsets)
    for n, excerpt in enumerate(excerpts):
        for block in (1, 64, 65, 1_500):
            pieces = [
                interpolate([excerpt], origins=origins[n : n + 1], offsets=offsets[n : n + 1, begin : begin + block])
                for begin in range(0, 1_500, block)
            ]
            np.testing.assert_array_equal(np.concatenate(pieces, axis=1)[0], whole[n])


def test_precision_does_not_suffer_after_hours():
    tone = np.sin(2 * np.pi * 1_000.0 / SAMPLE_RATE * np.arange(4_000)).astype(np.float32)[:, np.newaxis]
    excerpt = Excerpt(tone, 0, 4_000, kernel(1.01))
    offsets = np.arange(1_000)[np.newaxis] * 1.01 + 0.3
    near = interpolate([excerpt], origins=[1_000], offsets=offsets)
    far = interpolate([excerpt], origins=[1_000 - 2**30], offsets=offsets + 2.0**30)
    np.testing.assert_allclose(far, near, atol=1e-6)


def test_silence_lies_around_the_source():
    audio = np.ones((1_000, 1), dtype=np.float32)
    excerpt = Excerpt(audio, 400, 600, kernel(0.5))
    y = interpolate([excerpt], origins=[0], offsets=np.arange(0.0, 1_000.0, 0.5)[np.newaxis])[0, :, 0]
    np.testing.assert_array_equal(y[: 2 * 384], 0.0)
    np.testing.assert_allclose(y[2 * 420 : 2 * 580], 1.0, atol=1e-4)
    np.testing.assert_array_equal(y[2 * 616 :], 0.0)


@pytest.mark.parametrize("ratio", [0.2, 4.1, np.nan, 0.0, -1.0])
def test_ratio_out_of_range_is_refused(ratio):
    with pytest.raises(SignalError, match=r"ratio: expected 0\.25 to 4, found"):
        kernel(ratio)
