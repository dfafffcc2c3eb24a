"""A recording as the beginning of what a generator makes: it is heard, and the generator goes on from it."""

from pathlib import Path

import numpy as np

from liveseq.corpus.level import USUAL_LUFS, normalised
from liveseq.dsp.crossfade import fade_in, fade_out
from liveseq.dsp.files import load_audio
from liveseq.errors import AudioFileError
from liveseq.generation.job import Job
from liveseq.runtime.generator import OnnxGenerator, States
from liveseq.runtime.hearing import Hearing
from liveseq.runtime.limits import HEARD_SECONDS

LEAST_SECONDS = 1.0
"""Seconds of a recording from which anybody can go on."""
QUIET = 10.0 ** (-60 / 20)
"""Linear amplitude: a recording that stays below is as good as silent."""
FADE_SECONDS = 0.02


class Beginning:
    """The first seconds of a recording, and the states of a stream that has heard them."""

    states: States
    seconds: float
    """Length that was heard."""

    def __init__(self, path: Path, generator: OnnxGenerator, job: Job) -> None:
        """Raises ModelError where the generator does not listen, AudioFileError where nothing can follow."""
        hearing, rate, step = Hearing(generator), generator.sample_rate, generator.samples_per_step
        audio = load_audio(path, sample_rate=rate)
        least = max(LEAST_SECONDS, step / rate)
        if len(audio) < least * rate:
            raise AudioFileError(
                path, f"is {len(audio) / rate:.2f} s long; to go on from it takes {least:.2f} s or more"
            )
        heard = audio[: max(1, round(HEARD_SECONDS * rate) // step) * step]
        heard = heard[: len(heard) // step * step]
        if float(np.abs(heard).max()) < QUIET:
            raise AudioFileError(
                path, f"is silent for its first {len(heard) / rate:.1f} s, which are heard; cut the silence off"
            )
        self._audio = normalised(heard, USUAL_LUFS, sample_rate=rate)
        self.seconds = len(heard) / rate
        mono = np.ascontiguousarray(self._audio.mean(axis=1, dtype=np.float32))
        tag = job.vector if len(job.vector) else None
        self.states = hearing.states(mono, seed=job.seed, tag=tag, tempo=job.tempo)
        self._rate, self._n_fade = rate, round(FADE_SECONDS * rate)

    def before(self, made: np.ndarray) -> np.ndarray:
        """The recording and what was made of it, one giving way to the other: float32 (n, 2) -> (m, 2)."""
        made = normalised(made, USUAL_LUFS, sample_rate=self._rate)
        n = min(self._n_fade, len(made))
        done = ((np.arange(n, dtype=np.float32) + 0.5) / n)[:, np.newaxis]
        both = fade_out(done) * self._audio[len(self._audio) - n :] + fade_in(done) * made[:n]
        return np.concatenate((self._audio[: len(self._audio) - n], both, made[n:]), dtype=np.float32)
