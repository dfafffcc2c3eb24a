"""Segmentation: where units begin and end in a source.

Bounds are int64 (n_units + 1,), in samples, increasing, from 0 to n_samples, so that every sample belongs to exactly
one unit. Those of fixed units and onsets are multiples of the hop, but for the last. Pure; librosa is imported only
where onsets are looked for.
"""

import numpy as np

from liveseq.dsp.beats import Beats

METHODS = ("fixed", "onsets", "beats")
"""Names of the ways to cut a source."""
HOPS = 8
"""Hops in a unit of the fixed segmentation: 171 ms at 48 kHz."""
MIN_ONSET_HOPS = 3
"""Least hops between two onsets that begin units: 64 ms at 48 kHz."""
LONGEST_BEAT = 0.6
"""Longest beat in seconds that is one unit: a slower one (below 100 bpm) is cut in half, so that units of all tempos
last 0.3 to 0.6 s."""
MAX_ONSET_HOPS = 32
"""Most hops without an onset: a longer stretch is cut into equal parts. 683 ms at 48 kHz."""


def fixed(n_samples: int, *, hop_length: int, hops: int = HOPS) -> np.ndarray:
    """Bounds of units of `hops` hops, int64 (n_units + 1,).

    What is left over at the end is merged into the last unit, so that none is shorter than the rest (but for a source
    shorter than one unit, which is one unit).

    >>> fixed(5_000, hop_length=1024, hops=2).tolist()
    [0, 2048, 5000]
    """
    length = hops * hop_length
    bounds = np.arange(0, max(n_samples // length, 1) + 1, dtype=np.int64) * length
    bounds[-1] = n_samples
    return bounds


def onsets(y: np.ndarray, *, sample_rate: int, hop_length: int) -> np.ndarray:
    """Bounds of units that begin where notes and hits do, int64 (n_units + 1,).

    By librosa's onset strength, peaks traced back to the dip before them. y: float32 mono, shape (n_samples,);
    sample_rate in Hz, hop_length in samples. Units last MIN_ONSET_HOPS to MAX_ONSET_HOPS hops; what is left over at the
    end is merged into the last unit if it is shorter than that.
    """
    n_hops = len(y) // hop_length
    if n_hops < 2 * MIN_ONSET_HOPS:
        return np.array([0, len(y)], dtype=np.int64)
    from librosa.onset import onset_detect

    found = onset_detect(y=y, sr=sample_rate, hop_length=hop_length, backtrack=True)  # frames
    starts = [0]
    for onset in found.tolist():
        if starts[-1] + MIN_ONSET_HOPS <= onset <= n_hops - MIN_ONSET_HOPS:
            starts.append(onset)
    hops = [hop for a, b in zip(starts, [*starts[1:], n_hops], strict=True) for hop in _parts(a, b)]
    return np.array([*(hop * hop_length for hop in hops), len(y)], dtype=np.int64)


def beats(n_samples: int, *, grid: Beats, sample_rate: int) -> np.ndarray:
    """Bounds of units from beat to beat, int64 (n_units + 1,); half beats where one is longer than LONGEST_BEAT.

    What is left over before the first beat and after the last is a unit of its own where it is at least half as long
    as the others; else it joins its neighbour. sample_rate in Hz.
    """
    step = grid.period if grid.period <= LONGEST_BEAT * sample_rate else grid.period / 2
    first = grid.origin % step
    starts = np.rint(np.arange(first, n_samples, step)).astype(np.int64)
    inside = starts[(starts >= step / 2) & (starts <= n_samples - step / 2)]
    return np.concatenate([[0], inside, [n_samples]]).astype(np.int64)


def _parts(start: int, end: int) -> list[int]:
    """Starts of equal parts of start..end, none longer than MAX_ONSET_HOPS."""
    n_parts = max(1, -(-(end - start) // MAX_ONSET_HOPS))
    return [start + (end - start) * i // n_parts for i in range(n_parts)]
