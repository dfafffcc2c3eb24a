"""Voice leading as `liveseq.demo.harmony.lead` has it, all choices at once: five and six voices in a millisecond."""

from collections.abc import Sequence

import numpy as np

from liveseq.demo.harmony import near


def lead(previous: Sequence[int], degrees: Sequence[int], *, low: int, high: int) -> tuple[int, ...]:
    """The voicing of a chord that is reached from `previous` with the least movement; the same costs and choices.

    previous: steps, low to high. Three steps at most, where there are many voices, instead of four.
    """
    reach = 4 if len(previous) < 5 else 3
    choices = [[s for s in range(max(low, p - reach), min(high, p + reach) + 1) if s % 7 in degrees] for p in previous]
    options = [c or [near(degrees[0], p)] for c, p in zip(choices, previous, strict=True)]
    grid = np.meshgrid(*options, indexing="ij")
    voicings = np.stack([one.ravel() for one in grid], axis=1)  # (n_choices, n_voices), in lexicographic order
    best = int(np.argmin(_costs(np.asarray(previous), voicings, degrees)))
    return tuple(int(step) for step in voicings[best])


def _costs(previous: np.ndarray, voicings: np.ndarray, degrees: Sequence[int]) -> np.ndarray:
    keys = voicings % 7
    movement = np.abs(voicings - previous).sum(axis=1)
    missing = sum((~(keys == degree).any(axis=1)).astype(int) for degree in set(degrees[:4]))
    gaps = np.diff(voicings, axis=1)
    costs = movement + 6.0 * missing + 20.0 * (gaps <= 0).sum(axis=1) + 1.5 * (gaps == 1).sum(axis=1)
    for i in range(voicings.shape[1] - 1):
        for j in range(i + 1, voicings.shape[1]):
            interval = (voicings[:, j] - voicings[:, i]) % 7
            perfect = (interval == 0) | (interval == 4)
            same = int(previous[j] - previous[i]) % 7 == interval
            costs = costs + 2.0 * (perfect & same & (voicings[:, i] != previous[i]))
    return np.asarray(costs)
