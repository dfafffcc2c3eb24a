"""Loudness of a corpus (ITU-R BS.1770-4), and a new sound brought to it.

The sequencer evens out recordings by up to 12 dB while it plays (`sequencer.loudness`); what a generator makes can be
further off than that, and a descriptor search takes a soft unit for another sound than a loud one.
"""

import numpy as np

from liveseq.corpus.store import Corpus
from liveseq.dsp.loudness import SILENCE_LUFS, integrated_loudness

USUAL_LUFS = -20.0
"""Loudness of a corpus that holds nothing yet: that of the demo pieces."""
PEAK = 10.0 ** (-1.0 / 20.0)
"""Linear amplitude (-1 dBFS) that nothing is raised above."""
MOST_DB = 30.0
"""Largest gain in dB: a sound that would need more is noise."""
_N_MEASURED = 16  # recordings, spread over the corpus
_SECONDS = 10.0  # of each


def corpus_level(corpus: Corpus) -> float:
    """Median loudness of the recordings of a corpus in LUFS; of those that were not generated, where there are such."""
    sources = corpus.sources()
    sources = [source for source in sources if source.provenance.kind != "generator"] or sources
    measured = [sources[i] for i in np.linspace(0, len(sources) - 1, min(len(sources), _N_MEASURED)).astype(int)]
    longest = int(_SECONDS * corpus.sample_rate)
    levels = []
    for source in measured:
        audio = corpus.audio(source.id)
        begin = max(0, (len(audio) - longest) // 2)
        level = integrated_loudness(audio[begin : begin + longest], sample_rate=corpus.sample_rate)
        if level > SILENCE_LUFS:
            levels.append(level)
    return float(np.median(levels)) if levels else USUAL_LUFS


def normalised(y: np.ndarray, lufs: float, *, sample_rate: int) -> np.ndarray:
    """A sound at this loudness, or as near to it as its peak and MOST_DB allow.

    y: float32 (n_samples, 2); sample_rate in Hz. Returns float32 (n_samples, 2).
    """
    change = min(lufs - integrated_loudness(y, sample_rate=sample_rate), MOST_DB)
    peak = float(np.abs(y).max(initial=0.0))
    gain = min(10.0 ** (change / 20.0), PEAK / peak if peak > 0.0 else 1.0)
    return np.asarray(y * np.float32(gain), dtype=np.float32)
