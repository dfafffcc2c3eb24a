"""A corpus of noise of full bandwidth: any sample of it is loud, so the first one of a unit is found at a port."""

from pathlib import Path

import numpy as np

from benchmarks.rigs.jack_server import SAMPLE_RATE
from liveseq.corpus.segmentation import fixed
from liveseq.corpus.store import Corpus, NewSource
from liveseq.dsp.descriptors import describe

TAGS = ("drone", "techno", "bells", "bass")
UNIT = 8192
"""Samples."""
N_SOURCES, UNITS_PER_SOURCE = 40, 250


def make_noise_corpus(path: Path, *, n_sources: int = N_SOURCES, units_per_source: int = UNITS_PER_SOURCE) -> Path:
    """10,000 units, or as many as are asked for, of random signs under four tags, each source with a loudness of its
    own."""
    rng = np.random.default_rng(1)
    n = units_per_source * UNIT
    signs = rng.choice(np.array([-1.0, 1.0], dtype=np.float32), (n, 2))
    frames = describe(signs[:, 0].copy(), sample_rate=SAMPLE_RATE)
    bounds = fixed(n, hop_length=1024)
    with Corpus.create(path, sample_rate=SAMPLE_RATE) as corpus:
        for number in range(n_sources):
            moved = frames + rng.normal(scale=0.2, size=frames.shape).astype(np.float32)
            audio = signs * np.float32(rng.uniform(0.2, 0.4))
            tag = TAGS[number % len(TAGS)]
            corpus.add(NewSource(name=f"{tag}-{number}", audio=audio, frames=moved, bounds=bounds, tags=(tag,)))
    return path
