"""Generators brought to another sample rate, step by step.

Each step of the model becomes a step of a whole number of samples: the ratio of the rates is rounded to that, by less
than a cent where a step has 900 samples or more (8192 at 44.1 kHz for 48 kHz: 0.09 cent). So a step needs nothing but
the end of the one before it, and can be taken back as the model's own. The sound is CONTEXT samples of the model late
(2.9 ms at 44.1 kHz): the resampler looks as far ahead.
"""

import math

import numpy as np

from liveseq.dsp.files import resample
from liveseq.runtime.generator import Generator, States
from liveseq.runtime.latent import START, Place

CONTEXT = 128
"""Samples of the lower rate around a place that the resampler hears: seams are then below 1e-6 of full scale."""


class Resampled:
    """A generator at another rate. It has one state more: the end of the step before."""

    def __init__(self, generator: Generator, *, sample_rate: int) -> None:
        """sample_rate: the one that is wanted, in Hz."""
        self.generator = generator
        self.sample_rate = sample_rate
        self.samples_per_step = max(1, round(generator.samples_per_step * sample_rate / generator.sample_rate))
        self.tags = generator.tags
        self.tag_size = generator.tag_size
        n_in, n_out = generator.samples_per_step, self.samples_per_step
        context = math.ceil(CONTEXT * max(1.0, n_in / n_out))
        period = n_in // math.gcd(n_in, n_out)  # after which the places of both rates meet again
        self._n_before = -(-2 * context // period) * period
        self._begin = self._n_before * n_out // n_in - math.ceil(context * n_out / n_in)

    def start(self, seed: int) -> States:
        """States of a new stream, before which is silence: the generator's own, and float32 (n_before, 2)."""
        return (*self.generator.start(seed), np.zeros((self._n_before, 2), dtype=np.float32))

    def step(
        self,
        number: int,
        *,
        seed: int,
        tag: np.ndarray | None,
        states: States,
        tempo: float = 0.0,
        place: Place = START,
    ) -> tuple[np.ndarray, States]:
        """Sound of one step, float32 (samples_per_step, 2), and the states after it; see `Generator.step`."""
        *inner, before = states
        audio, after = self.generator.step(number, seed=seed, tag=tag, states=tuple(inner), tempo=tempo, place=place)
        context = np.concatenate([before, audio])
        rates = {"sample_rate": self.generator.samples_per_step, "to_rate": self.samples_per_step}
        sound = resample(context, **rates)[self._begin : self._begin + self.samples_per_step]
        return np.ascontiguousarray(sound), (*after, context[len(context) - self._n_before :])


def at_rate(generator: Generator, sample_rate: int) -> Generator:
    """The generator itself, or brought to the sample rate, in Hz."""
    return generator if generator.sample_rate == sample_rate else Resampled(generator, sample_rate=sample_rate)
