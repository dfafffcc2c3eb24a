"""Streamed descriptors equal those of the whole signal, however it is cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveseq.dsp.descriptors import DESCRIPTOR_NAMES, StreamingDescriptors, describe

SAMPLE_RATE = 48_000
CENTROID = DESCRIPTOR_NAMES.index("centroid_hz")


def signal(n_samples):
    """A melody over a little noise: pitched frames, unpitched ones, jumps and a silence."""
    rng = np.random.default_rng(5)
    t = np.arange(n_samples) / SAMPLE_RATE
    hz = np.repeat([110.0, 0.0, 523.0, 1900.0], -(-n_samples // 4))[:n_samples]
    y = 0.5 * np.sin(2 * np.pi * hz * t) + rng.normal(0, 0.02, n_samples)
    y[: n_samples // 10] = 0
    return y.astype(np.float32)


def stream(y, cuts, **settings):
    streaming = StreamingDescriptors(sample_rate=SAMPLE_RATE, **settings)
    parts = [streaming.push(part) for part in np.split(y, cuts)]
    return np.concatenate([*parts, streaming.flush()])


def assert_equal(streamed, whole):
    assert streamed.shape == whole.shape
    assert streamed.dtype == np.float32
    # the same bits where the FFT does one frame like many (x86); elsewhere the last bits may differ
    np.testing.assert_allclose(streamed, whole, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(streamed[:, CENTROID:], whole[:, CENTROID:], rtol=1e-5)


@pytest.mark.parametrize("chunk", [1, 64, 1000, 1024, 4096, 10**6])
@pytest.mark.parametrize("n_samples", [1, 1023, 1024, 2048, 8191, 8192, 9 * 1024 + 5, 40_000])
def test_equal_to_the_whole(chunk, n_samples):
    if chunk == 1 and n_samples > 10_000:
        n_samples = 12_345
    y = signal(n_samples)
    assert_equal(stream(y, range(chunk, n_samples, chunk)), describe(y, sample_rate=SAMPLE_RATE))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30_000), st.lists(st.integers(0, 30_000), max_size=12), st.integers(300, 2048))
def test_equal_to_the_whole_for_any_cut_and_hop(n_samples, cuts, hop_length):
    y = signal(n_samples)
    whole = describe(y, sample_rate=SAMPLE_RATE, hop_length=hop_length)
    assert_equal(stream(y, sorted(cuts), hop_length=hop_length), whole)


def test_the_last_frames_are_there_when_flush_adds_none():
    y = signal(12 * 2048 + 1500)
    streaming = StreamingDescriptors(sample_rate=SAMPLE_RATE, hop_length=2048)
    parts = [streaming.push(part) for part in np.split(y, range(4096, len(y), 4096))]
    assert sum(map(len, parts)) == 13 - 4
    whole = describe(y, sample_rate=SAMPLE_RATE, hop_length=2048)
    assert_equal(np.concatenate([*parts, streaming.flush()]), whole)


def test_a_frame_comes_out_as_soon_as_its_lookahead_is_there():
    y = signal(48_000)
    streaming = StreamingDescriptors(sample_rate=SAMPLE_RATE)
    lookahead = 1024 + 4 * 1024  # half a frame, and the four hops that a delta looks ahead
    n_out = 0
    for end in range(64, len(y) + 1, 64):
        n_out += len(streaming.push(y[end - 64 : end]))
        # frame i is centred on sample 1024 * i; the first four wait for the fifth
        expected = 1 + (end - lookahead) // 1024
        assert n_out == (expected if expected > 4 else 0)


def test_flush_makes_it_ready_for_another_signal():
    streaming = StreamingDescriptors(sample_rate=SAMPLE_RATE)
    assert streaming.flush().shape == (0, 43)
    first = np.concatenate([streaming.push(signal(20_000)), streaming.flush()])
    second = np.concatenate([streaming.push(signal(20_000)), streaming.flush()])
    np.testing.assert_array_equal(first, second)
    assert streaming.push(np.empty(0, dtype=np.float32)).shape == (0, 43)


def test_it_does_not_grow():
    streaming = StreamingDescriptors(sample_rate=SAMPLE_RATE)
    block = signal(4800)
    sizes = set()
    for _ in range(40):
        streaming.push(block)
        sizes.add(streaming._raw.shape[0])
        assert streaming._samples.size < 2048
        assert streaming._samples.base is None or streaming._samples.base.size < 8192
    assert max(sizes) <= 9
