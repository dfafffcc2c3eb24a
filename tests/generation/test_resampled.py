"""A generator of another rate sounds as it does at its own."""

import numpy as np
import pytest

from liveseq.generation.resampled import Resampled, at_rate
from liveseq.runtime.generator import Stream
from liveseq.runtime.latent import START
from tests.support.stream_stage import LOW, Chance, Tone


def tone(*, sample_rate, size):
    """220 Hz at a rate of its own."""

    class Own(Tone):
        samples_per_step = size

        def step(self, number, *, seed, tag, states, tempo=0.0, place=START):
            angle = states[0] + 2 * np.pi * 220.0 / sample_rate * np.arange(1, size + 1)
            return np.repeat(0.2 * np.sin(angle)[:, None], 2, axis=1).astype(np.float32), (angle[-1:] % (2 * np.pi),)

    own = Own()
    own.sample_rate = sample_rate
    return own


def play(generator, n_steps, *, seed=1):
    stream = Stream(generator, seed=seed)
    return np.concatenate([stream.next(LOW) for _ in range(n_steps)])


@pytest.mark.parametrize(
    ("rate", "size"), [(44_100, 8192), (44_100, 1000), (22_050, 4096), (96_000, 8192), (8000, 100)]
)
def test_a_tone_is_the_same_tone_without_a_seam(rate, size):
    resampled = Resampled(tone(sample_rate=rate, size=size), sample_rate=48_000)
    assert resampled.samples_per_step == round(size * 48_000 / rate)
    heard = play(resampled, 12)[:, 0]
    quiet = int(2 * 128 * max(1.0, 48_000 / rate))  # what comes before is silence, and a beginning is an edge
    turn = 2 * np.pi * 220.0 / rate * size / resampled.samples_per_step
    place = np.arange(len(heard))[quiet:]
    basis = np.stack([np.sin(turn * place), np.cos(turn * place)], axis=1)
    fitted, *_ = np.linalg.lstsq(basis, heard[quiet:], rcond=None)
    assert np.hypot(*fitted) == pytest.approx(0.2, rel=1e-4)
    assert np.abs(heard[quiet:] - basis @ fitted).max() < 1e-5


def test_it_is_as_late_as_it_says():
    resampled = Resampled(tone(sample_rate=44_100, size=8192), sample_rate=48_000)
    heard = play(resampled, 2)[:, 0]
    begin = int(np.argmax(np.abs(heard) > 0.005)) / 48_000
    assert begin == pytest.approx(128 / 44_100, abs=5e-4)


def test_a_stream_can_be_taken_back_and_is_the_same_again():
    own = Chance()
    own.sample_rate = 44_100
    stream = Stream(Resampled(own, sample_rate=48_000), seed=3)
    first = [stream.next(LOW) for _ in range(6)]
    assert stream.back_to(2) == 2
    assert (np.stack([stream.next(LOW) for _ in range(4)]) == np.stack(first[2:])).all()


def test_a_generator_of_the_rate_that_is_played_is_left_as_it_is():
    generator = Tone()
    assert at_rate(generator, 48_000) is generator
